/** Code, and who runs it: which version is active, what holds a pipeline back, workers, canaries. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiWorld, codeA, codeB } from './api-world.ts'

const at = '2026-11-21T00:00:00.000Z'
let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
  await api.worker('w1', { p: codeA })
})
afterAll(() => api.close())

const idOf = ({ id }: { id: string }) => id
const stateOf = async (pipeline: string, version: string) =>
  (await api.get(`/releases/${pipeline}/${version}`)).state

describe('a release', () => {
  beforeAll(async () => {
    await api.pipeline('p')
    await api.release('p', codeB)
  })

  test('is inactive, active, draining, drained and retired [E14]', async () => {
    expect(await stateOf('p', codeA)).toBe('active')
    expect(await stateOf('p', codeB)).toBe('inactive')
    const run = await api.run('p')
    await api.started('p', run)
    const reply = await api.post(`/releases/p/${codeB}/activate`, { reason: 'better' })
    expect(reply).toMatchObject({
      status: 202,
      body: { pipelineId: 'p', version: codeB, status: 'accepted' },
    })
    const actor = { name: 'ada', reason: 'better' }
    expect((await api.told('ReleaseActivated', 'p')).at(-1)).toMatchObject({ actor })
    const draining = await api.get(`/releases/p/${codeA}`)
    expect(draining).toMatchObject({
      state: 'draining',
      openRunCount: 1,
      workers: 1,
      active: false,
    })
    expect(draining.openRuns.map(idOf)).toEqual([run])
    const refused = await api.post(`/releases/p/${codeA}/retire`)
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'release_in_use', openRunCount: 1, state: 'draining' },
    })
    await api.ended('RunCompleted', 'p', run)
    expect(await stateOf('p', codeA)).toBe('drained')
    expect((await api.post(`/releases/p/${codeB}/retire`)).body.code).toBe('release_active')
    expect((await api.post(`/releases/p/${codeA}/retire`, { reason: 'old' })).status).toBe(202)
    expect(await api.get(`/releases/p/${codeA}`)).toMatchObject({
      state: 'retired',
      retiredBy: { name: 'ada', reason: 'old' },
    })
    expect((await api.post(`/releases/p/${codeA}/retire`)).body.status).toBe('unchanged')
    expect((await api.post(`/releases/p/${codeA}/activate`)).body.code).toBe('release_retired')
    expect((await api.post('/pipelines/p/rollback')).body.code).toBe('release_retired')
    expect((await api.post('/releases/p/cccccccccccc/activate')).status).toBe(404)
    expect((await api.call('GET', '/releases/p/cccccccccccc')).status).toBe(404)
    expect((await api.get('/releases?pipeline=p')).map((r: { state: string }) => r.state)).toEqual(
      expect.arrayContaining(['active', 'retired']),
    )
  })

  test('is rolled back once per key, however late the key comes again', async () => {
    await api.pipeline('back')
    expect((await api.post('/pipelines/back/rollback')).body.code).toBe('nothing_to_roll_back_to')
    await api.release('back', codeB)
    await api.post(`/releases/back/${codeB}/activate`, {}, 'up')
    expect((await api.post(`/releases/back/${codeB}/activate`)).body.status).toBe('unchanged')
    const first = await api.post('/pipelines/back/rollback', { reason: 'worse' }, 'down')
    expect(first).toMatchObject({ status: 202, body: { version: codeA } })
    const again = await api.post('/pipelines/back/rollback', { reason: 'worse' }, 'down')
    expect(again.body).toEqual(first.body)
    expect((await api.post(`/releases/back/${codeB}/activate`, {}, 'up')).body.seq).toBeLessThan(
      first.body.seq,
    )
    const other = await api.post(`/releases/back/${codeA}/activate`, {}, 'up')
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused'])
    expect(await stateOf('back', codeA)).toBe('active')
    expect(await api.get('/pipelines/back/activations')).toMatchObject([
      { version: codeA, actor: { name: 'ada', reason: 'worse' } },
      { version: codeB },
      { version: codeA },
    ])
    expect(await api.get('/pipelines/back')).toMatchObject({ previousVersion: codeB })
  })

  test('is decided about by one at a time [I2]', async () => {
    await api.pipeline('raced')
    const versions = ['1', '2', '3', '4'].map((digit) => digit.repeat(12))
    for (const version of versions) await api.release('raced', version)
    await api.settled()
    const replies = await Promise.all(
      versions.map((version) => api.send('POST', `/releases/raced/${version}/activate`)),
    )
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]))
    const { activeVersion } = await api.get('/pipelines/raced')
    const last = (await api.told('ReleaseActivated', 'raced')).at(-1)
    expect(last?.pipelineVersion).toBe(activeVersion)
  })

  test('is never both retired and made active, whoever asks at once [I2]', async () => {
    await api.pipeline('both')
    for (const digit of ['1', '2', '3', '4', '5', '6']) {
      const version = digit.repeat(12)
      await api.release('both', version)
      await api.settled()
      const replies = await Promise.all(
        ['retire', 'activate'].map((verb) => api.send('POST', `/releases/both/${version}/${verb}`)),
      )
      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202, 409]))
      const { active, retiredAt } = await api.get(`/releases/both/${version}`)
      expect(active).toBe(retiredAt === null)
    }
  })
})

describe('a canary', () => {
  beforeAll(async () => {
    await api.pipeline('c')
    await api.release('c', codeB)
  })
  const start = (body: object, key?: string) => api.post('/pipelines/c/canaries', body, key)

  test('is started once, shows what differs, and is stopped', async () => {
    const body = { version: codeB, runs: 2, reason: 'try' }
    const reply = await start(body, 'canary-1')
    const { id } = reply.body
    expect([reply.status, reply.headers.location]).toEqual([202, `/api/v1/canaries/${id}`])
    expect((await start(body, 'canary-1')).body.id).toBe(id)
    expect((await start({ ...body, runs: 3 }, 'canary-1')).body.code).toBe('idempotency_key_reused')
    expect((await start(body)).body.code).toBe('canary_running')
    expect(await api.told('CanaryStarted')).toHaveLength(1)

    const of = await api.run('c')
    const canary = { canary: id, of, since: 0 }
    const run = await api.run('c', { reason: 'canary', pipelineVersion: codeB, canary })
    const difference = {
      verdict: 'different' as const,
      parts: [],
      samples: [{ part: 'rows', key: '1', change: 'changed' as const }],
    }
    const compared = { type: 'ArtifactCompared' as const, ...api.fence('c', run), output: 'out' }
    await api.tell('run', 'c', { ...compared, renditions: [], difference })
    await api.ended('RunCompleted', 'c', run)
    expect(await api.get(`/canaries/${id}`)).toMatchObject({
      status: 'running',
      requested: 1,
      completed: 1,
      verdicts: { different: 1 },
      comparisons: [{ run: { id: run, canary: { id, of } }, of, outputs: [{ difference }] }],
    })
    expect((await api.get('/runs?pipeline=c&canary=true')).map(idOf)).toEqual([run])
    expect((await api.get('/runs?pipeline=c&canary=false')).map(idOf)).toEqual([of])
    expect((await api.get('/pipelines/c/canaries')).map(idOf)).toEqual([id])
    expect((await api.call('DELETE', `/canaries/${id}`)).status).toBe(202)
    expect((await api.call('DELETE', `/canaries/${id}`)).body.status).toBe('unchanged')
    expect(await api.told('CanaryStopped')).toHaveLength(1)
  })

  test('needs code that is there and is not active', async () => {
    expect((await start({ version: codeA, runs: 1 })).body.code).toBe('release_active')
    expect((await start({ version: 'dddddddddddd', runs: 1 })).status).toBe(404)
    expect((await start({ version: codeB, runs: 0 })).status).toBe(400)
    expect((await api.post('/pipelines/none/canaries', { version: codeB, runs: 1 })).status).toBe(
      404,
    )
    expect((await api.call('GET', '/canaries/none')).status).toBe(404)
    expect((await api.call('DELETE', '/canaries/none')).status).toBe(404)
  })
})

describe('a pipeline', () => {
  beforeAll(() => api.pipeline('held'))

  test('is paused and resumed, with who and why', async () => {
    expect((await api.post('/pipelines/held/resume')).body.status).toBe('unchanged')
    expect((await api.post('/pipelines/held/pause', { reason: 'storm' })).status).toBe(202)
    expect((await api.post('/pipelines/held/pause')).body.status).toBe('unchanged')
    const by = { name: 'ada', reason: 'storm' }
    expect(await api.get('/pipelines/held')).toMatchObject({ paused: { by } })
    expect(await api.get('/status')).toMatchObject({ pausedPipelines: 1 })
    const run = await api.run('held')
    await api.worker('w9', { held: codeA })
    expect((await api.get(`/runs/${run}`)).waitingFor).toMatchObject({
      what: 'pause',
      detail: 'held is paused by ada (storm)',
    })
    expect((await api.post('/pipelines/held/resume')).status).toBe(202)
    expect(await api.get('/pipelines/held')).toMatchObject({ paused: null })
    expect((await api.post('/pipelines/none/pause')).status).toBe(404)
  })

  test('has steps left out and done again', async () => {
    expect((await api.post('/pipelines/held/steps/first/enable')).body.status).toBe('unchanged')
    expect((await api.post('/pipelines/held/steps/first/disable')).status).toBe(202)
    expect(await api.get('/pipelines/held')).toMatchObject({
      disabledSteps: ['first'],
      stepWishes: { first: { disabled: true, actor: { name: 'ada' } } },
    })
    expect((await api.post('/pipelines/held/steps/first/enable')).status).toBe(202)
    expect((await api.get('/pipelines/held')).disabledSteps).toEqual([])
    const unknown = await api.post('/pipelines/held/steps/nope/disable')
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknown_step'])
    expect(unknown.body.detail).toContain('it has first, second')
  })
})

describe('a worker', () => {
  test('drains, takes runs again, and is gone [E15]', async () => {
    const drain = () => api.post('/workers/w1/drain', { reason: 'patch' })
    expect((await drain()).status).toBe(202)
    expect((await drain()).body.status).toBe('unchanged')
    expect(await api.told('WorkerDrainRequested')).toMatchObject([
      { worker: 'w1', pool: 'default', actor: { name: 'ada', reason: 'patch' } },
    ])
    expect(await api.get('/workers/w1')).toMatchObject({
      status: 'draining',
      drainRequestedBy: { name: 'ada' },
    })
    expect((await api.get('/workers?status=draining')).map(idOf)).toEqual(['w1'])
    expect((await api.post('/workers/w1/resume')).status).toBe(202)
    expect((await api.get('/workers/w1')).status).toBe('healthy')
    await drain()
    await api.worker('w1', { p: codeA })
    expect((await api.get('/workers/w1')).status).toBe('healthy')
    const gone = { v: 1 as const, at, worker: 'w1', pool: 'default' }
    await api.tell('worker', 'default', { type: 'WorkerLost', ...gone })
    expect((await api.get('/workers/w1')).status).toBe('stale')
    await api.tell('worker', 'default', { type: 'WorkerLeft', ...gone, reason: 'bye' })
    expect((await drain()).body).toMatchObject({ code: 'worker_unavailable' })
    expect((await api.get('/workers')).map(idOf)).not.toContain('w1')
    expect((await api.get('/workers?all=true')).map(idOf)).toContain('w1')
    expect((await api.post('/workers/none/drain')).body.code).toBe('unknown_worker')
  })
})

test('who wishes one thing right after the other gets both', async () => {
  await api.pipeline('hasty')
  await api.worker('hasty-worker', { hasty: codeA })
  await api.settled()
  const inTurn = async (path: string, ...verbs: readonly string[]) => {
    for (let i = 0; i < 5; i++)
      for (const verb of verbs) {
        const { body } = await api.send('POST', `${path}/${verb}`)
        expect([verb, body.status]).toEqual([verb, 'accepted'])
      }
  }
  await inTurn('/pipelines/hasty', 'pause', 'resume')
  await inTurn('/pipelines/hasty/steps/first', 'disable', 'enable')
  await inTurn('/workers/hasty-worker', 'drain', 'resume')
})
