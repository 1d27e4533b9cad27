/** What people want of runs: that there is one, that it ends, that it is done again. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { append } from './harness.ts'
import { ada, ApiWorld, codeA, codeB } from './api-world.ts'

const at = '2026-11-21T00:00:00.000Z'
const head = { v: 1 as const, at }
let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
  await api.worker('w1', { p: codeA, keyed: codeA })
  await api.pipeline('p')
})
afterAll(() => api.close())

const idOf = ({ id }: { id: string }) => id

describe('asking for a run with a key', () => {
  beforeAll(() => api.pipeline('keyed'))

  test('gives one run for ever, across activations and by whatever clock [E13]', async () => {
    const first = await api.post('/pipelines/keyed/runs', { reason: 'x' }, 'order-1')
    expect(first).toMatchObject({ status: 202, body: { duplicate: false } })
    await api.release('keyed', codeB)
    await api.activate('keyed', codeB)
    const second = await api.post('/pipelines/keyed/runs', { reason: 'x' }, 'order-1')
    expect(second).toMatchObject({ status: 202, body: { id: first.body.id, duplicate: true } })
    expect(second.headers.location).toBe(`/api/v1/runs/${first.body.id}`)
    expect(first.body.id).toMatch(/^0{10}/)
    const asked = await api.told('RunTriggered', 'keyed')
    expect(asked).toMatchObject([
      { request: first.body.id, key: expect.any(String), payload: expect.any(String) },
    ])
  })

  test('and another body is a conflict, now and later', async () => {
    const body = { code: 'idempotency_key_reused' }
    const other = { reason: 'else' }
    expect(await api.post('/pipelines/keyed/runs', other, 'order-1')).toMatchObject({
      status: 409,
      body,
    })
    // Sent before the read models know of the first one: the log tells.
    const [one, two] = await Promise.all([
      api.send('POST', '/pipelines/keyed/runs', { payload: {}, key: 'order-2' }),
      api.send('POST', '/pipelines/keyed/runs', { payload: other, key: 'order-2' }),
    ])
    expect(new Set([one.status, two.status])).toEqual(new Set([202, 409]))
  })

  test('is shown from the asking on, and listed by time when it runs', async () => {
    const { body } = await api.post('/pipelines/keyed/runs', {}, 'order-3')
    expect(await api.get(`/runs/${body.id}`)).toMatchObject({
      status: 'pending',
      waitingFor: { what: 'decision' },
      why: 'asked for by ada',
    })
    await api.run('keyed', { run: body.id, reason: 'manual', actor: ada })
    expect((await api.get('/runs?pipeline=keyed&since=10m')).map(idOf)).toEqual([body.id])
    expect(await api.get('/runs?pipeline=keyed&until=10m')).toEqual([])
  })
})

describe('asking for a run on versions of old', () => {
  test('pins what is named', async () => {
    const one = await api.version('in/p', 1)
    await api.version('in/p', 2)
    const inputs = { feed: one.version }
    const reply = await api.post('/pipelines/p/runs', { inputs, reason: 'again' })
    expect(reply.status).toBe(202)
    const [asked] = (await api.told('RunTriggered', 'p')).slice(-1)
    expect(asked).toMatchObject({ inputs: { feed: one }, actor: { name: 'ada', reason: 'again' } })
    expect(await api.get(`/runs/${reply.body.id}`)).toMatchObject({ pinned: true })
  })

  test.each([
    [{ nope: 'x' }, 'unknown_slot', 'it has feed'],
    [{ feed: 'x' }, 'unknown_version', 'in/p has no version'],
    [{ feed: '' }, 'unknown_version', 'in/p has no version'],
    [{ constructor: 'x' }, 'unknown_slot', 'it has feed'],
  ])('refuses %j', async (inputs, code, detail) => {
    const before = (await api.told('RunTriggered')).length
    const { status, body } = await api.post('/pipelines/p/runs', { inputs })
    expect([status, body.code]).toEqual([422, code])
    expect(body.detail).toContain(detail)
    expect(await api.told('RunTriggered')).toHaveLength(before)
  })

  test('refuses a version of another asset', async () => {
    await api.version('in/other', 1)
    const inputs = { feed: (await api.version('in/other', 2)).version }
    expect((await api.post('/pipelines/p/runs', { inputs })).status).toBe(422)
  })
})

describe('cancelling', () => {
  test('is wanted once and recorded with who and why', async () => {
    const run = await api.run('p')
    expect(await api.post(`/runs/${run}/cancel`, { reason: 'wrong' })).toMatchObject({
      status: 202,
      body: { id: run, status: 'accepted' },
    })
    const actor = { name: 'ada', reason: 'wrong' }
    expect((await api.told('CancelRequested')).at(-1)).toMatchObject({ run, actor })
    expect(await api.get(`/runs/${run}`)).toMatchObject({
      cancelRequestedBy: actor,
      waitingFor: { what: 'cancellation' },
    })
    expect((await api.post(`/runs/${run}/cancel`)).body.status).toBe('unchanged')
    await api.ended('RunCancelled', 'p', run, { attempt: 0 })
    expect((await api.get('/runs?status=cancelled')).map(idOf)).toContain(run)
    expect((await api.post(`/runs/${run}/cancel`)).status).toBe(200)
    expect((await api.told('CancelRequested')).filter((event) => event.run === run)).toHaveLength(1)
  })

  test('ends nothing that has ended, and nothing unknown', async () => {
    const run = await api.run('p')
    await api.ended('RunCompleted', 'p', run)
    const ended = await api.post(`/runs/${run}/cancel`)
    expect([ended.status, ended.body.code]).toEqual([409, 'run_ended'])
    expect((await api.post('/runs/nope/cancel')).body.code).toBe('unknown_run')
  })
})

test('an unknown run is 404, one that failed is 200 and says so [E34]', async () => {
  expect((await api.call('GET', '/runs/01JD8Z0000000000000000000K')).status).toBe(404)
  const run = await api.run('p')
  const error = { type: 'E', message: 'broken' }
  await api.ended('RunFailed', 'p', run, { error })
  const { status, body } = await api.call('GET', `/runs/${run}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({ id: run, status: 'failed', error })
})

describe('redriving one run', () => {
  test('is recorded with its version, who and why [E10] [E12]', async () => {
    const run = await api.dead('p')
    await api.release('p', codeB)
    const body = { reason: 'fixed', version: codeB, startOver: true }
    const reply = await api.post(`/runs/${run}/redrive`, body, 'r1')
    expect(reply).toMatchObject({ status: 202, body: { id: run, status: 'accepted' } })
    const { redrive } = reply.body
    expect((await api.told('RedriveRequested')).at(-1)).toMatchObject({
      redrive,
      runs: [run],
      pipelineVersion: codeB,
      startOver: true,
      actor: { name: 'ada', reason: 'fixed' },
    })
    expect(await api.get(`/redrives/${redrive}`)).toMatchObject({
      status: 'running',
      requested: 1,
      runs: [{ id: run, status: 'dead_lettered', epoch: null }],
    })
    await api.tell('pipeline', 'p', {
      type: 'RunRedriven',
      ...head,
      pipeline: 'p',
      run,
      epoch: 1,
      redrive,
      pipelineVersion: codeB,
      startOver: true,
      actor: ada,
    })
    // The run is open now, and the same wish is still the same wish.
    expect(await api.post(`/runs/${run}/redrive`, body, 'r1')).toMatchObject({
      status: 202,
      body: { redrive },
    })
    const other = await api.post(`/runs/${run}/redrive`, { reason: 'fixed' }, 'r1')
    expect(other.body.code).toBe('idempotency_key_reused')
    expect(await api.told('RedriveRequested')).toHaveLength(1)
    expect(await api.get(`/runs/${run}`)).toMatchObject({
      status: 'waiting_for_worker',
      epoch: 1,
      attempt: 0,
      pipelineVersion: codeB,
      redrives: 1,
      redriveHistory: [{ id: redrive, epoch: 1, actor: { name: 'ada' } }],
      errors: [{ epoch: 0, attempt: 1, outcome: 'dead_lettered', type: 'Boom' }],
    })
    expect((await api.get('/redrives?pipeline=p')).map(idOf)).toEqual([redrive])
  })

  test('is refused for what has not ended badly and for code that is not there', async () => {
    const run = await api.run('p')
    const open = await api.post(`/runs/${run}/redrive`)
    expect(open).toMatchObject({ status: 409, body: { code: 'not_redrivable', status: 'pending' } })
    await api.ended('RunCompleted', 'p', run)
    expect((await api.post(`/runs/${run}/redrive`)).body.detail).toContain('it completed')
    const failed = await api.dead('p')
    const unknown = await api.post(`/runs/${failed}/redrive`, { version: 'dddddddddddd' })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknown_release'])
    await api.release('p', 'eeeeeeeeeeee')
    const retired = { pipeline: 'p', pipelineVersion: 'eeeeeeeeeeee', actor: ada }
    await api.tell('release', 'p', { type: 'ReleaseRetired', ...head, ...retired })
    const gone = await api.post(`/runs/${failed}/redrive`, { version: 'eeeeeeeeeeee' })
    expect([gone.status, gone.body.code]).toEqual([409, 'release_retired'])
    expect((await api.post(`/runs/${failed}/redrive`, { version: 'x' })).status).toBe(400)
  })
})

describe('a run', () => {
  test('shows what it took over, what it asks, and what need not be made again', async () => {
    const ref = await api.version('in/p', 9)
    const older = await api.run('p', { triggeredBy: [ref] })
    const run = await api.run('p', { carriedOver: [ref], disabledSteps: ['second'] })
    const superseded = { type: 'RunSuperseded' as const, ...head, pipeline: 'p' }
    await api.tell('pipeline', 'p', { ...superseded, run: older, by: run })
    expect(await api.get(`/runs/${older}`)).toMatchObject({
      status: 'superseded',
      supersededBy: run,
    })
    await api.started('p', run)
    const output = { kind: 'opaque_bytes' as const, sizeBytes: 3, inline: 'eHh4' }
    const fence = api.fence('p', run)
    await api.tell(
      'run',
      'p',
      { ...fence, type: 'StepOutputRecorded', step: 'first', output },
      {
        ...fence,
        type: 'RunSuspended',
        questions: [
          {
            interaction: '01JQQQQQQQQQQQQQQQQQQQQQQQ',
            step: 'second',
            assignee: 'bob',
            timeoutMs: 60_000,
            request: {},
            response: {},
            token: false,
          },
        ],
      },
    )
    expect(await api.get('/runs?status=waiting_external')).toMatchObject([
      { id: run, waitingFor: { what: 'answer', at: expect.any(String) } },
    ])
    expect(await api.get(`/runs/${run}`)).toMatchObject({
      carriedOver: [ref],
      disabledSteps: ['second'],
      steps: [
        { id: 'first', status: 'pending' },
        { id: 'second', status: 'waiting' },
      ],
      questions: [{ step: 'second', assignee: 'bob', status: 'waiting' }],
    })
    const interactions = ['01JQQQQQQQQQQQQQQQQQQQQQQQ']
    await api.tell('pipeline', 'p', {
      type: 'RunResumed',
      ...head,
      pipeline: 'p',
      run,
      epoch: 1,
      pipelineVersion: codeA,
      interactions,
    })
    await api.started('p', run, 1, 1)
    const skipped = { type: 'StepSkipped' as const, ...api.fence('p', run, 1, 1) }
    await api.tell('run', 'p', { ...skipped, step: 'first', index: 0, reason: 'reused' })
    expect(await api.get(`/runs/${run}`)).toMatchObject({
      status: 'running',
      epoch: 1,
      steps: [
        { id: 'first', status: 'skipped', reason: 'reused', reusedFrom: { epoch: 0, attempt: 1 } },
        { id: 'second', status: 'pending' },
      ],
    })
  })

  test('is served by a worker that brings older code along', async () => {
    const run = await api.run('p', { pipelineVersion: 'cccccccccccc' })
    expect((await api.get('/runs?status=waiting_for_worker')).map(idOf)).toContain(run)
    await api.worker('w2', { p: codeA }, { alsoServes: { p: ['cccccccccccc'] } })
    expect(await api.get(`/runs/${run}`)).toMatchObject({
      status: 'pending',
      waitingFor: { what: 'turn' },
    })
    const lost = { type: 'WorkerLost' as const, ...head, worker: 'w2', pool: 'default' }
    await append(api.world.doors, { kind: 'worker', name: 'default' }, lost)
    expect((await api.get(`/runs/${run}`)).status).toBe('waiting_for_worker')
  })
})
