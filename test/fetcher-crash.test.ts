import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { startNats } from '@headway/deploy/nats-server.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import { connectTo } from '@headway/streams/connect.ts'
import type { Doors } from '@headway/streams/room.ts'
import { startFetcherProcess } from './fetcher-process.ts'
import { append, defineAsset, eventsOf, startWorld, until, type World } from './harness.ts'

/** Fetchers and their server come, go and die; what was asked of them is done all the same. */
const at = '2026-11-21T00:00:00.000Z'
const actor = { name: 'somebody' }
const hourMs = 3_600_000

let answer: (request: IncomingMessage, response: ServerResponse, count: number) => void
let asked: number[] = []
const server = createServer((request, response) => {
  asked.push(performance.now())
  answer(request, response, asked.length)
})
let url = ''
let world: World
let endings: (() => Promise<void>)[] = []

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/feed`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(async () => {
  world = await startWorld()
  asked = []
  answer = (_, response) => void response.end('x')
})
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
  server.closeAllConnections()
  await world.stop()
})

/** A fetcher in this process, with changed doors if need be. Counts the looks it told of. */
const startFetcher = async (change: (doors: Doors) => Partial<Doors> = () => ({})) => {
  const opened = await world.open('fetcher')
  const doors: Doors = { ...opened, ...change(opened) }
  const stop = new AbortController()
  let looks = 0
  const live = {
    ...doors.live,
    put: (key: string, value: string, ttlMs: number) => {
      if (key.startsWith('fetch/')) looks++
      return doors.live.put(key, value, ttlMs)
    },
  }
  const running = runFetcher(
    { ...doors, live },
    { outside: openOutside(), signal: stop.signal, tickMs: 300 },
  )
  const end = async () => {
    stop.abort()
    await running
  }
  endings.push(end)
  return { stop: end, looks: () => looks }
}
const startProcess = async (lines: string[] = []) => {
  const child = await startFetcherProcess(world.nats.url, (line) => lines.push(line))
  endings.push(() => child.stop())
  return child
}
const tell = (event: Extract<Event, { asset: string }>) =>
  append(world.doors, { kind: 'asset', name: event.asset }, event)
const story = async () => (await eventsOf(world.doors)).map(({ type }) => type)
const untilTold = (type: string, count = 1) =>
  until(`${count} ${type}`, async () => {
    const told = (await story()).filter((name) => name === type)
    return told.length >= count
  })

test('several share the work', async () => {
  const fetchers = [await startFetcher(), await startFetcher()]
  const assets = Array.from({ length: 40 }, (_, i) => `a/${i}`)
  // More at once than one fetcher has hands for.
  const held: ServerResponse[] = []
  answer = (_, response, count) => {
    held.push(response)
    if (count >= assets.length) for (const one of held.splice(0)) one.end('x')
  }
  for (const asset of assets) await defineAsset(world.doors, asset, { url, cadenceMs: hourMs })
  await untilTold('AssetVersioned', 40)
  await until('40 looks', () => fetchers.reduce((sum, { looks }) => sum + looks(), 0) >= 40)
  for (const { looks } of fetchers) expect(looks()).toBeGreaterThan(4)
})

test('a look that dies with its fetcher is done by another one [I16]', async () => {
  const dying = await startProcess()
  answer = (_, response, count) => void (count > 1 && response.end('x'))
  await defineAsset(world.doors, 'a', { url, cadenceMs: hourMs })
  await until('the look', () => asked.length === 1)
  await startFetcher()
  process.kill(dying.pid, 'SIGKILL')
  await untilTold('AssetVersioned')
  expect(await story()).toEqual(['AssetDefined', 'AssetVersioned'])
})

test('a fetcher that is told to stop gives its look back and leaves at once [I16]', async () => {
  const lines: string[] = []
  const leaving = await startProcess(lines)
  answer = (_, response, count) => void (count > 1 && response.end('x'))
  await defineAsset(world.doors, 'a', { url, cadenceMs: hourMs })
  await until('the look', () => asked.length === 1)
  const { nc, close } = await connectTo(world.nats.url, 'onlooker')
  endings.push(close)
  const settled: string[] = []
  nc.subscribe('$JS.ACK.CONTROL.fetch.>', {
    callback: (_, { data }) => void settled.push(Buffer.from(data).toString()),
  })
  await nc.flush()
  process.kill(leaving.pid, 'SIGTERM')
  expect(await leaving.exited).toBe(0)
  await until('it is settled', () => settled.some((word) => word.startsWith('-NAK')))
  await startFetcher()
  await untilTold('AssetVersioned')
  expect(await story()).toEqual(['AssetDefined', 'AssetVersioned'])
  expect(lines).toEqual([])
})

test('the cadence survives a dead fetcher and a new one that starts later', async () => {
  const first = await startFetcher()
  await defineAsset(world.doors, 'a', { url, cadenceMs: 1_000 })
  await until('looks', () => asked.length >= 2)
  await first.stop()
  await startFetcher()
  const before = asked.length
  await until('more looks', () => asked.length >= before + 2)
})

test('what was asked while no fetcher ran is done at start, and nothing else is [I18]', async () => {
  const first = await startFetcher()
  await defineAsset(world.doors, 'a', { url, cadenceMs: hourMs })
  await untilTold('AssetVersioned')
  await first.stop()

  const push = ulidOf(Date.now(), 'push')
  const digest = await world.doors.content.put('default', Buffer.from('pushed'))
  const pushed = {
    type: 'ContentPushed' as const,
    v: 1 as const,
    at,
    push,
    digest,
    sizeBytes: 6,
    actor,
  }
  await tell({ ...pushed, asset: 'a' })
  const second = await startFetcher()
  await untilTold('AssetVersioned', 2)
  await second.stop()

  answer = (_, response) => void response.end('newer')
  await tell({ type: 'FetchTriggered', v: 1, at, asset: 'a', actor })
  const third = await startFetcher()
  await untilTold('AssetVersioned', 3)
  await third.stop()

  await defineAsset(world.doors, 'a', { url: `${url}?2`, cadenceMs: hourMs })
  const before = asked.length
  const fourth = await startFetcher()
  await until('a look at the new address', () => asked.length > before)
  await until('it is told', () => fourth.looks() > 0)
  await fourth.stop()

  const fifth = await startFetcher()
  await tell({ ...pushed, asset: 'nobody' })
  await defineAsset(world.doors, 'b', { url, cadenceMs: hourMs })
  await untilTold('AssetVersioned', 4)
  await fifth.stop()
  expect(await story()).toEqual([
    'AssetDefined',
    'AssetVersioned',
    'ContentPushed',
    'AssetVersioned',
    'FetchTriggered',
    'AssetVersioned',
    'AssetDefined',
    'ContentPushed',
    'AssetDefined',
    'AssetVersioned',
  ])
})

test('Retry-After is kept by the next fetcher, also when only its end moved [I18]', async () => {
  answer = (_, response, count) => {
    if (count < 3) response.writeHead(429, { 'retry-after': count === 1 ? '2' : '4' }).end()
    else response.end('x')
  }
  const first = await startFetcher()
  await defineAsset(world.doors, 'a', { url, cadenceMs: 1_000 })
  await untilTold('FetchFailed')
  await first.stop()
  const second = await startFetcher()
  await until('the second look', () => asked.length === 2)
  await until('it is told', () => second.looks() > 0)
  await second.stop()
  await startFetcher()
  await untilTold('AssetVersioned')
  const [one, two, three] = asked as [number, number, number]
  expect(two - one).toBeGreaterThan(1_900)
  expect(three - two).toBeGreaterThan(3_900)
  expect(await story()).toEqual(['AssetDefined', 'FetchFailed', 'AssetVersioned'])
})

test('Retry-After is on the log, and kept when all that is volatile was lost', async () => {
  answer = (_, response, count) => {
    if (count === 1) response.writeHead(503, { 'retry-after': '3' }).end()
    else response.end('x')
  }
  const first = await startFetcher()
  await defineAsset(world.doors, 'a', { url, cadenceMs: 1_000 })
  await untilTold('FetchFailed')
  await first.stop()
  await startFetcher(({ live }) => ({ live: { ...live, get: async () => null } }))
  await untilTold('AssetVersioned')
  expect(asked[1]! - asked[0]!).toBeGreaterThan(2_900)
})

test('the newest definition is the one that is scheduled, however long the others took', async () => {
  const scheduled: string[] = []
  await startFetcher(({ control }) => ({
    control: {
      ...control,
      repeat: async (timer, everyMs, command) => {
        scheduled.push('asset' in timer ? timer.asset : '')
        const isFirst = scheduled.length === 1
        if (isFirst) await until('the last definition', () => scheduled.includes('last'))
        return control.repeat(timer, everyMs, command)
      },
    },
  }))
  await defineAsset(world.doors, 'a', { url, cadenceMs: hourMs })
  await defineAsset(world.doors, 'a', { url, cadenceMs: 1_000 })
  await defineAsset(world.doors, 'last', { url: `${url}?last`, cadenceMs: hourMs })
  await until('looks', () => asked.length >= 7)
})

test('of two that decide at the same moment one is believed [I2]', async () => {
  let decided = 0
  const together = ({ log }: Doors): Partial<Doors> => ({
    log: {
      ...log,
      append: async (commit) => {
        decided++
        await until('the other one', () => decided % 2 === 0 || decided > 2)
        return log.append(commit)
      },
    },
  })
  await startFetcher(together)
  await startFetcher(together)
  await defineAsset(world.doors, 'a', {})
  const push = ulidOf(Date.now(), 'push')
  const digest = await world.doors.content.put('default', Buffer.from('pushed'))
  await tell({ type: 'ContentPushed', v: 1, at, asset: 'a', push, digest, sizeBytes: 6, actor })
  await until('both', () => decided >= 2)
  await defineAsset(world.doors, 'b', { url })
  await untilTold('AssetVersioned', 2)
  const versions = (await eventsOf(world.doors)).filter(({ type }) => type === 'AssetVersioned')
  expect(versions.map((event) => 'asset' in event && event.asset)).toEqual(['a', 'b'])
})

test('a nats-server that is killed, and with it the schedules, is waited for and told again', async () => {
  await startFetcher()
  answer = (_, response, count) => void response.end(`content ${count}`)
  await defineAsset(world.doors, 'a', { url, cadenceMs: 1_000 })
  await untilTold('AssetVersioned', 2)
  const timer = { tenant: 'default', asset: 'a' }
  await world.doors.control.disarm({ kind: 'fetch', ...timer })
  await world.doors.control.disarm({ kind: 'fetch-full', ...timer })
  process.kill(world.nats.pid, 'SIGKILL')
  await world.nats.exited
  const port = Number(new URL(world.nats.url).port)
  const again = await startNats({ dataDir: join(world.directory, 'nats'), port })
  const before = asked.length
  await until('looks', () => asked.length >= before + 2)
  const versions = (await eventsOf(world.doors)).filter(({ type }) => type === 'AssetVersioned')
  const ordinals = versions.map((event) => ('ordinal' in event ? event.ordinal : 0))
  expect(ordinals).toEqual(ordinals.map((_, i) => i + 1))
  endings.push(async () => {
    await world.stop()
    await again.stop()
  })
})

test('bytes are those that were served, whoever served them [I5]', async () => {
  await startFetcher()
  await startFetcher()
  answer = (_, response, count) => void response.end(`content ${count % 3}`)
  await defineAsset(world.doors, 'a', { url, cadenceMs: 1_000 })
  for (let i = 0; i < 20; i++) await tell({ type: 'FetchTriggered', v: 1, at, asset: 'a', actor })
  await untilTold('AssetVersioned', 5)
  const events = await eventsOf(world.doors)
  const seen = new Map<string, string>()
  let before = ''
  for (const event of events) {
    if (event.type !== 'AssetVersioned') continue
    const bytes = await world.doors.content.get('default', event.rawDigest)
    expect(sha256(bytes!)).toBe(event.contentDigest)
    expect(event.contentDigest).not.toBe(before)
    before = event.contentDigest
    expect(event.sameAs).toBe(seen.get(before))
    seen.set(before, event.version)
  }
})
