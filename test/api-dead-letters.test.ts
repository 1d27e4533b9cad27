/** What ended badly: one list of it, and many of it done again at once. */
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiWorld, codeA, codeB } from './api-world.ts'
import { until } from './harness.ts'

const at = '2026-11-21T00:00:00.000Z'
let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
  for (const id of ['p', 'q', 'many']) await api.pipeline(id)
})
afterAll(() => api.close())

const idOf = ({ id }: { id: string }) => id
const redrives = async (pipeline?: string) => api.told('RedriveRequested', pipeline)

describe('dead letters', () => {
  test('are runs, commands and messages in one list, newest first', async () => {
    const run = await api.dead('p', { type: 'SchemaError', message: 'row 7 of trips.txt' })
    await api.ended('RunFailed', 'p', await api.run('p'))
    const { seq } = (await api.tell('pipeline', 'p', {
      type: 'CommandRefused',
      v: 1,
      at,
      queue: 'run',
      about: 'p',
      problem: 'no such command',
      deliveries: 3,
      sample: 'eHh4',
    })) as { seq: number }
    const stranger = await connect({ servers: api.world.nats.url })
    await stranger.request('headway.default.pipeline.p', 'not msgpack')
    await stranger.close()
    const letters = await until('all three', async () => {
      const found = await api.get('/dead-letters')
      return found.length === 3 && found
    })
    expect(letters).toMatchObject([
      { kind: 'message', type: 'Unreadable', pipelineId: 'p' },
      { id: `command-${seq}-0`, kind: 'command', type: 'CommandRefused', pipelineId: 'p' },
      { id: run, kind: 'run', type: 'SchemaError', status: 'dead_lettered', attempt: 1 },
    ])
    const [message, command, one] = await Promise.all(
      letters.map(({ href }: { href: string }) => api.get(href)),
    )
    expect(message).toMatchObject({ kind: 'message', subject: 'pipeline/p' })
    expect(command).toMatchObject({ kind: 'command', queue: 'run', sample: 'eHh4', deliveries: 3 })
    expect(one).toMatchObject({ kind: 'run', run: { id: run }, errors: [{ type: 'SchemaError' }] })
    for (const id of ['command-1-0', 'message-1', 'nope', 'command-x'])
      expect((await api.call('GET', `/dead-letters/${id}`)).status, id).toBe(404)
  })

  test('are found by what they are, and paged', async () => {
    const find = async (query: string) => (await api.get(`/dead-letters?${query}`)).map(idOf)
    const [one] = await api.get('/dead-letters?kind=run')
    const alike = await api.dead('q', { type: 'SchemaError', message: 'row 12 of trips.txt' })
    expect(await find('type=SchemaError')).toEqual([alike, one.id])
    expect(await find(`fingerprint=${one.fingerprint}`)).toEqual([alike, one.id])
    expect(await find('fingerprint=ffff')).toEqual([])
    expect(await find('kind=run&pipeline=q')).toEqual([alike])
    expect(await find('pipeline=p')).toHaveLength(3)
    expect(await find('kind=command&kind=message')).toHaveLength(2)
    expect(await find('type=Unreadable')).toHaveLength(1)
    expect(await find('status=failed&status=dead_lettered')).toHaveLength(3)
    expect(await find('until=1h')).toEqual([])
    expect(await find('since=1h')).toHaveLength(4)
    const seen: string[] = []
    for (let next = '/dead-letters?limit=1'; next !== '';) {
      const { body, headers } = await api.call('GET', next)
      seen.push(...body.map(idOf))
      next = /<([^>]+)>; rel="next"/.exec(String(headers.link))?.[1] ?? ''
    }
    expect(seen).toEqual(await find('limit=50'))
    expect((await api.call('GET', '/dead-letters?colour=red')).status).toBe(400)
  })

  test('are no more when they are done again', async () => {
    const run = await api.dead('q', { type: 'Once', message: 'm' })
    const again = { runs: [run], startOver: false, actor: { name: 'ada' } }
    const redrive = '01JRRRRRRRRRRRRRRRRRRRRRRR'
    const head = { v: 1 as const, at, pipeline: 'q', redrive }
    await api.tell('pipeline', 'q', { type: 'RedriveRequested', ...head, ...again })
    const redriven = { run, epoch: 1, pipelineVersion: codeA, startOver: false }
    const actor = { name: 'ada' }
    await api.tell('pipeline', 'q', { type: 'RunRedriven', ...head, ...redriven, actor })
    expect(await api.get('/dead-letters?type=Once')).toEqual([])
    expect((await api.call('GET', `/dead-letters/${run}`)).status).toBe(404)
    await api.ended('RunDeadLettered', 'q', run, {
      epoch: 1,
      error: { type: 'Twice', message: 'm' },
    })
    expect(await api.get('/dead-letters?type=Once')).toEqual([])
    expect((await api.get('/dead-letters?type=Twice')).map(idOf)).toEqual([run])
    const { errors } = await api.get(`/dead-letters/${run}`)
    expect(errors.map(({ type }: { type: string }) => type)).toEqual(['Once', 'Twice'])
  })
})

describe('redriving many [E11]', () => {
  const dead: string[] = []
  beforeAll(async () => {
    for (let i = 0; i < 6; i++)
      dead.push(await api.dead('many', { type: i < 4 ? 'Flaky' : 'Broken', message: `row ${i}` }))
  })
  const ask = (payload: object, key?: string) => api.post('/dead-letters/redrive', payload, key)

  test('says first what it would do, and does nothing', async () => {
    const before = (await redrives()).length
    const filter = { pipeline: 'many' }
    const { status, body } = await ask({ filter, dryRun: true, cap: 5 })
    expect([status, body]).toMatchObject([
      200,
      {
        dryRun: true,
        matching: 6,
        unusable: 0,
        count: 5,
        capped: true,
        groups: [
          { pipelineId: 'many', type: 'Flaky', count: 4 },
          { pipelineId: 'many', type: 'Broken', count: 1 },
        ],
        sample: dead.slice(0, 5),
      },
    ])
    expect(await redrives()).toHaveLength(before)
  })

  test('is one wish per pipeline, oldest first, with its limits', async () => {
    const filter = { type: 'Flaky', since: '1h' }
    const other = await api.dead('p', { type: 'Flaky', message: 'm' })
    const options = { cap: 4, perMinute: 30, failuresMax: 2, reason: 'source is back' }
    const { status, body } = await ask({ filter, ...options }, 'bulk-1')
    expect([status, body]).toMatchObject([202, { count: 4, capped: true, duplicate: false }])
    expect(body.redrives).toMatchObject([{ pipelineId: 'many', count: 4 }])
    expect((await redrives('many')).at(-1)).toMatchObject({
      runs: dead.slice(0, 4),
      perMinute: 30,
      failuresMax: 2,
      startOver: false,
      actor: { name: 'ada', reason: 'source is back' },
    })
    const all = await ask({ filter: { type: 'Flaky' }, startOver: true })
    expect(all.body.redrives.map(({ pipelineId }: { pipelineId: string }) => pipelineId)).toEqual([
      'many',
      'p',
    ])
    expect((await redrives('p')).at(-1)).toMatchObject({ runs: [other], startOver: true })
  })

  test('repeated adds nothing, whoever died meanwhile', async () => {
    const filter = { type: 'Flaky', since: '1h' }
    const options = { filter, cap: 4, perMinute: 30, failuresMax: 2, reason: 'source is back' }
    const before = (await redrives()).length
    await api.dead('many', { type: 'Flaky', message: 'later' })
    await api.dead('q', { type: 'Flaky', message: 'later' })
    const again = await ask(options, 'bulk-1')
    expect(again).toMatchObject({ status: 202, body: { count: 4, duplicate: true } })
    expect(again.body.redrives).toHaveLength(1)
    expect(await redrives()).toHaveLength(before)
    // Nor when the cap has room for them.
    await ask({ filter: { type: 'Broken', pipeline: 'many' } }, 'bulk-2')
    const count = (await redrives()).length
    await api.dead('q', { type: 'Broken', message: 'later' })
    const wide = await ask({ filter: { type: 'Broken' } }, 'bulk-2')
    expect(wide.body).toMatchObject({ duplicate: true, count: 2 })
    expect(await redrives()).toHaveLength(count)
    const other = await ask({ ...options, perMinute: 31 }, 'bulk-1')
    expect([other.status, other.body.code]).toEqual([409, 'idempotency_key_reused'])
  })

  test('repeated after a half does the other half', async () => {
    const first = await api.dead('p', { type: 'Halved', message: 'm' })
    const second = await api.dead('q', { type: 'Halved', message: 'm' })
    await api.dead('q', { type: 'Halved', message: 'more than the cap' })
    const body = { filter: { type: 'Halved' }, cap: 2 }
    // The first try stopped after one pipeline: it could not write about the other one.
    const { log } = api.world.doors
    const written = log.append.bind(log)
    Object.assign(log, {
      append: (commit: Parameters<typeof written>[0]) =>
        commit.topic.name === 'q' ? Promise.reject(new Error('no')) : written(commit),
    })
    try {
      expect((await ask(body, 'half')).status).toBe(503)
    } finally {
      Object.assign(log, { append: written })
    }
    await api.dead('q', { type: 'Halved', message: 'later' })
    const { status, body: done } = await ask(body, 'half')
    expect([status, done.duplicate, done.count]).toEqual([202, true, 2])
    expect((await redrives('p')).at(-1)!.runs).toEqual([first])
    expect((await redrives('q')).at(-1)!.runs).toEqual([second])
  })

  test('onto other code names the pipeline, and leaves out what has no code', async () => {
    const version = codeB
    expect((await ask({ version })).body.code).toBe('pipeline_missing')
    const filter = { pipeline: 'many', type: 'Broken' }
    expect((await ask({ version, filter })).body.code).toBe('unknown_release')
    await api.release('many', codeB)
    const { body } = await ask({ version, filter })
    expect(body).toMatchObject({ count: 2, unusable: 0 })
    expect((await redrives('many')).at(-1)).toMatchObject({ pipelineVersion: codeB })
    const lost = await api.dead(
      'many',
      { type: 'Lost', message: 'm' },
      { pipelineVersion: 'ffffffffffff' },
    )
    const none = await ask({ filter: { type: 'Lost' }, dryRun: true })
    expect(none.body).toMatchObject({ matching: 1, unusable: 1, count: 0 })
    expect(lost).toBeTruthy()
    expect((await ask({ filter: { colour: 'red' } })).status).toBe(400)
    expect((await ask({ cap: 0 })).status).toBe(400)
  })
})
