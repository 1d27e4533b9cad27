import { connect } from '@nats-io/transport-node'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startNats } from '@headway/deploy/nats-server.ts'
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Commit, Delivery, NewCommit } from '@headway/schemas/ports.ts'
import { connectTo } from '@headway/streams/connect.ts'
import { eventsOf, history, startWorld, until, type World } from './harness.ts'

/** The doors against a real server: what the rooms rely on, and what they must not. */
let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const at = '2026-01-01T00:00:00.000Z'
const recovered = (asset: string): Event => ({ type: 'FetchRecovered', v: 1, at, asset })
const commit = (name: string, id: string, rest: Partial<NewCommit> = {}): NewCommit => ({
  tenant: 'default',
  topic: { kind: 'asset', name },
  id,
  events: [recovered(name)],
  source: 'test',
  ...rest,
})

describe('the log', () => {
  test('stores the same commit once and says so [I1]', async () => {
    const { log } = world.doors
    const first = await log.append(commit('once', 'once-1'))
    expect(await log.append(commit('once', 'once-1'))).toEqual({ ...first, outcome: 'duplicate' })
    expect(
      (await eventsOf(world.doors)).filter((e) => 'asset' in e && e.asset === 'once'),
    ).toHaveLength(1)
  })

  test('refuses a decision whose subject moved on, and lets one of ten writers win [I2]', async () => {
    const { log } = world.doors
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => log.append(commit('race', `race-${i}`, { expect: 0 }))),
    )
    expect(outcomes.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1)
    expect(outcomes.filter(({ outcome }) => outcome === 'conflict')).toHaveLength(9)
  })

  test('tells a repeated guarded append that it was stored, not that it conflicts [I1]', async () => {
    const { log } = world.doors
    const guarded = commit('again', 'again-1', { expect: 0 })
    const first = await log.append(guarded)
    expect(await log.append(guarded)).toMatchObject({
      outcome: 'duplicate',
      seq: first.outcome === 'conflict' ? -1 : first.seq,
    })
  })

  test('is read in order, live, and by kind and topic', async () => {
    const { log } = world.doors
    const from = (await log.head()).seq + 1
    const stop = new AbortController()
    const read: Commit[] = []
    const reading = (async () => {
      for await (const batch of log.tail({ from, kinds: ['asset'], signal: stop.signal }))
        read.push(...batch)
    })()
    for (let i = 0; i < 50; i++) await log.append(commit(`ordered/${i % 3}`, `ordered-${i}`))
    await until('fifty commits', () => read.length === 50)
    stop.abort()
    await reading
    expect(read.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, i) => `ordered-${i}`))
    expect((await log.last('default', { kind: 'asset', name: 'ordered/1' }))?.id).toBe('ordered-49')
  })

  test('passes over what cannot be read, visibly [I17]', async () => {
    const nc = await connect({ servers: world.nats.url })
    await nc.request('headway.default.asset.poison', new Uint8Array([0xc1, 0xff]))
    await nc.request('headway.default.asset.poison', '{"type":"NoSuchEvent"}')
    await nc.close()
    await world.doors.log.append(commit('poison', 'after-poison'))
    const commits = (await history(world.doors)).filter(({ topic }) => topic.name === 'poison')
    expect(commits.map(({ events, problem }) => [events.length, problem !== undefined])).toEqual([
      [0, true],
      [0, true],
      [1, false],
    ])
  })

  test('takes JSON from other publishers', async () => {
    const nc = await connect({ servers: world.nats.url })
    const event = { type: 'FetchRecovered', v: 1, at, asset: 'json' }
    await nc.request('headway.default.asset.json', JSON.stringify(event))
    await nc.close()
    const last = await world.doors.log.last('default', { kind: 'asset', name: 'json' })
    expect(last?.events).toEqual([event])
  })

  test('tells the story of a commit in its headers', async () => {
    const nc = await connect({ servers: world.nats.url })
    const sub = nc.subscribe('headway.>', { max: 1 })
    await nc.flush()
    await world.doors.log.append(
      commit('told', 'told-1', { events: [recovered('told'), recovered('told')], run: 'R' }),
    )
    for await (const message of sub) {
      expect(message.subject).toBe('headway.default.asset.told')
      expect(message.headers?.get('Headway-Events')).toBe('FetchRecovered FetchRecovered')
      expect(message.headers?.get('Headway-Run')).toBe('R')
      expect(message.headers?.get('ce-id')).toBe('told-1')
      expect(message.headers?.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    }
    await nc.close()
  })
})

describe('the work queue', () => {
  const close = (pipeline: string): CommandOf<'CloseWindow'> => ({ type: 'CloseWindow', pipeline })
  const taken: { pipeline: string; at: number; deliveries: number }[] = []
  const stop = new AbortController()
  let taking: Promise<void>

  beforeAll(() => {
    taking = world.doors.control.consume<'CloseWindow'>(
      { kind: 'due' },
      { concurrency: 4, signal: stop.signal },
      async ({ command, at: firedAt, deliveries, ack, retry }) => {
        taken.push({ pipeline: command?.pipeline ?? '?', at: firedAt, deliveries })
        if (command?.pipeline === 'flaky' && deliveries < 3) return retry(20)
        ack()
      },
    )
  })
  afterAll(async () => {
    stop.abort()
    await taking
  })
  const takenOf = (pipeline: string) => taken.filter((one) => one.pipeline === pipeline)

  test('fires an armed timer once, never early; the latest moment stands', async () => {
    const { control } = world.doors
    const timer = { kind: 'due' as const, tenant: 'default', pipeline: 'timed' }
    // Late enough for the second one to come before it.
    const dueAt = Date.now() + 3_000
    await control.arm(timer, dueAt, close('timed'))
    await control.arm(timer, dueAt - 2_800, close('timed'))
    await until('the timer', () => takenOf('timed').length > 0)
    expect(takenOf('timed')[0]!.at).toBeGreaterThanOrEqual(dueAt)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(takenOf('timed')).toHaveLength(1)
  })

  test('queues a command once per id and gives it back until it is acknowledged', async () => {
    const { control } = world.doors
    await Promise.all([1, 2, 3].map(() => control.send('default', close('flaky'), 'flaky-1')))
    await until('three deliveries', () => takenOf('flaky').length === 3)
    expect(takenOf('flaky').map(({ deliveries }) => deliveries)).toEqual([1, 2, 3])
    expect(
      await until('an empty queue', async () => (await control.depth({ kind: 'due' })) === 0),
    ).toBe(true)
  })

  test('keeps a run for a version nobody serves, and counts it', async () => {
    const { control } = world.doors
    const queue = {
      kind: 'run' as const,
      tenant: 'default',
      pipeline: 'later',
      version: 'abcdefabcdef',
      concurrency: 1,
    }
    expect(await control.depth(queue)).toBeNull()
    await control.ensureQueue(queue)
    expect(await control.depth(queue)).toBe(0)
  })
})

describe('content', () => {
  test('comes back by digest, small, large and empty, and is stored once', async () => {
    const { content } = world.doors
    for (const size of [0, 1, 1_000, 524_288, 3_000_001]) {
      const bytes = randomBytes(size)
      const digest = await content.put('default', bytes)
      expect(digest).toBe(sha256(bytes))
      expect(await content.put('default', bytes)).toBe(digest)
      expect(Buffer.compare((await content.get('default', digest))!, bytes)).toBe(0)
    }
  })

  test('of one tenant is not there for another [I15]', async () => {
    const digest = await world.doors.content.put('default', Buffer.from('mine'))
    expect(await world.doors.content.get('other', digest)).toBeNull()
  })
})

describe('live facts', () => {
  test('are forgotten when their stream goes with the server, and kept again at once', async () => {
    const { live } = world.doors
    await live.put('gone/one', 'x', 60_000)
    const nc = await connect({ servers: world.nats.url })
    await nc.request('$JS.API.STREAM.DELETE.LIVE')
    await nc.close()
    expect(await live.keys('gone')).toEqual([])
    await live.put('gone/two', 'x', 60_000)
    expect(await live.keys('gone')).toEqual(['gone/two'])
  })

  test('are swapped by one of many, and go with their time', async () => {
    const { live } = world.doors
    const ttlMs = 4_000
    const swaps = await Promise.all([1, 2, 3].map((n) => live.swap('k/one', `${n}`, 0, ttlMs)))
    expect(swaps.filter(Boolean)).toHaveLength(1)
    await live.put('k/two', 'x', ttlMs)
    expect([...(await live.keys('k'))].sort()).toEqual(['k/one', 'k/two'])
    await until('both are gone', async () => (await live.keys('k')).length === 0)
  })
})

test('who waits for an answer when the connection is lost is told when it is there again', async () => {
  const own = await startWorld()
  const { nc, close } = await connectTo(own.nats.url, 'asker')
  nc.subscribe('never.answered')
  const asked = nc.request('never.answered', '', { timeout: 600_000 })
  await nc.flush()
  const port = Number(new URL(own.nats.url).port)
  process.kill(own.nats.pid, 'SIGKILL')
  const [again] = await Promise.all([
    own.nats.exited.then(() => startNats({ dataDir: join(own.directory, 'nats'), port })),
    expect(asked).rejects.toThrow('timeout'),
  ])
  await close()
  await own.stop()
  await again.stop()
})

test('what was queued before the server came back says that it may have been handed out', async () => {
  const own = await startWorld()
  const queue = { kind: 'due' } as const
  const send = (pipeline: string) =>
    own.doors.control.send('default', { type: 'CloseWindow', pipeline }, pipeline)
  const taken = new Map<string, Delivery>()
  await own.doors.control.ensureQueue(queue)
  await send('before')
  const stop = new AbortController()
  const taking = own.doors.control.consume<'CloseWindow'>(
    queue,
    { concurrency: 4, signal: stop.signal },
    async (delivery) => {
      taken.set(delivery.about, delivery)
      if (delivery.deliveries > 1 || delivery.about !== 'before') delivery.ack()
    },
  )
  await until('the first', () => taken.has('before'))
  expect(taken.get('before')).toMatchObject({ deliveries: 1, sinceReturn: 1 })
  await until('what is new', async () => {
    const name = `new${taken.size}`
    await send(name)
    await until('it', () => taken.has(name))
    return taken.get(name)!.sinceReturn === undefined
  })
  const port = Number(new URL(own.nats.url).port)
  process.kill(own.nats.pid, 'SIGKILL')
  await own.nats.exited
  const again = await startNats({ dataDir: join(own.directory, 'nats'), port })
  await until('it comes again', () => taken.get('before')!.deliveries === 2)
  expect(taken.get('before')).toMatchObject({ sinceReturn: 2 })
  stop.abort()
  await taking
  await own.stop()
  await again.stop()
})
