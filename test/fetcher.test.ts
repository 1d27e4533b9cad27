import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AssetDefinition } from '@headway/schemas/definitions.ts'
import type { Event, EventOf, EventType } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import type { Doors } from '@headway/streams/room.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import { startFetcherProcess } from './fetcher-process.ts'
import { append, defineAsset, eventsOf, startWorld, until, type World } from './harness.ts'

/** Two fetchers, one in this process and one in its own, at sources that behave as each test says. */
const canary = 'canary-7d41c9e2'
const at = '2026-11-21T00:00:00.000Z'
const actor = { name: 'somebody', reason: 'wants to know' }
const hourMs = 3_600_000

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void
const answers = new Map<string, Answer>()
const asked: { path: string; at: number; headers: IncomingMessage['headers'] }[] = []
const askedOf = (path: string) => asked.filter((one) => one.path === path)
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url!, 'http://agency')
  asked.push({ path: pathname, at: performance.now(), headers: request.headers })
  const answer = answers.get(pathname)
  if (answer) answer(request, response, askedOf(pathname).length)
  else response.writeHead(404).end()
})

let world: World
let url = ''
const stderr: string[] = []
const unnamed: string[] = []
let named = 0
const logged: string[] = []
let stopProcess = async () => {}

/** Reads the bytes of each version at the moment it appears. */
const readAtOnce = async ({ log, content }: Doors, signal: AbortSignal): Promise<void> => {
  for await (const commits of log.tail({ from: 1, kinds: ['asset'], signal }))
    for (const { events, tenant } of commits)
      for (const event of events)
        if (event.type === 'AssetVersioned') {
          named++
          if (!(await content.get(tenant, event.rawDigest))) unnamed.push(event.version)
        }
}

beforeAll(async () => {
  process.env.FETCHER_CANARY = canary
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  world = await startWorld()
  const capture = (fields: object, message: string) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`)
  const logger = { info: capture, warn: capture, error: capture }
  world.run(
    runFetcher(
      { ...(await world.open('fetcher')), logger },
      { outside: openOutside(), signal: world.signal },
    ),
  )
  world.run(readAtOnce(await world.open('reader'), world.signal))
  const child = await startFetcherProcess(world.nats.url, (line) => stderr.push(line))
  stopProcess = () => child.stop()
})
afterAll(async () => {
  await stopProcess()
  await world.stop()
  server.closeAllConnections()
  server.close()
})

const define = (asset: string, definition: Partial<AssetDefinition> = {}, answer?: Answer) => {
  if (answer) answers.set(`/${asset}`, answer)
  return defineAsset(world.doors, asset, {
    url: `${url}/${asset}`,
    cadenceMs: hourMs,
    ...definition,
  })
}
const tell = (asset: string, event: Event) =>
  append(world.doors, { kind: 'asset', name: asset }, event)
const about = async (asset: string) =>
  (await eventsOf(world.doors)).filter((event) => 'asset' in event && event.asset === asset)
const ofType = async <T extends EventType>(asset: string, type: T): Promise<EventOf<T>[]> =>
  (await about(asset)).filter((event): event is EventOf<T> => event.type === type)
const story = async (asset: string) => (await about(asset)).slice(1).map(({ type }) => type)
const untilVersions = (asset: string, count: number) =>
  until(`${count} versions of ${asset}`, async () => {
    const versions = await ofType(asset, 'AssetVersioned')
    return versions.length >= count && versions
  })
const bytes =
  (text: string): Answer =>
  (_, response) =>
    void response.end(text)

describe.concurrent('looks', () => {
  test('begin at once, not after the first cadence, and two fetchers make one version [I2]', async () => {
    const assets = Array.from({ length: 12 }, (_, i) => `first/${i}`)
    await Promise.all(assets.map((asset) => define(asset, {}, bytes(`content of ${asset}`))))
    for (const asset of assets) {
      const [version] = await untilVersions(asset, 1)
      expect(version).toMatchObject({
        ordinal: 1,
        rawDigest: sha256(`content of ${asset}`),
        origin: { by: 'fetch', url: `${url}/${asset}`, status: 200 },
      })
    }
    for (const asset of assets) {
      expect(await story(asset)).toEqual(['AssetVersioned'])
      expect(askedOf(`/${asset}`)).toHaveLength(1)
    }
  })

  test('come in each asset’s own cadence', async () => {
    await define('pace/fast', { cadenceMs: 1_000 }, bytes('x'))
    await define('pace/slow', { cadenceMs: 3_000 }, bytes('x'))
    const fast = await until('nine looks', () => {
      const looks = askedOf('/pace/fast')
      return looks.length >= 9 && looks
    })
    // Who stands still for a moment looks late, and then twice.
    const tookMs = fast.at(-1)!.at - fast[1]!.at
    expect(tookMs).toBeGreaterThan(4_000)
    const slow = askedOf('/pace/slow').length
    expect(slow).toBeGreaterThanOrEqual(2)
    expect(slow).toBeLessThanOrEqual(3 + tookMs / 3_000)
  })

  test('that somebody asks for come at once and without validators', async () => {
    let content = 'before'
    await define('wish', {}, (_, response) => void response.setHeader('etag', '"1"').end(content))
    await untilVersions('wish', 1)
    content = 'after'
    await tell('wish', { type: 'FetchTriggered', v: 1, at, asset: 'wish', actor })
    const [, second] = await untilVersions('wish', 2)
    expect(second).toMatchObject({ ordinal: 2, rawDigest: sha256('after') })
    expect(askedOf('/wish').map(({ headers }) => headers['if-none-match'])).toEqual([
      undefined,
      undefined,
    ])
  })

  test('that are asked for during a slow one follow it', async () => {
    let content = 'before'
    let release = () => {}
    await define('slow', {}, (_, response, count) => {
      const told = content
      if (count === 1) release = () => void response.end(told)
      // The other fetcher may ask at once; what it finds first would make the slow look worthless.
      else
        void untilVersions('slow', 1).then(
          () => response.end(told),
          () => {},
        )
    })
    await until('the slow look', () => askedOf('/slow').length === 1)
    content = 'after'
    await tell('slow', { type: 'FetchTriggered', v: 1, at, asset: 'slow', actor })
    release()
    const versions = await untilVersions('slow', 2)
    expect(versions.map(({ rawDigest }) => rawDigest)).toEqual([sha256('before'), sha256('after')])
  })

  test('ask conditionally; a full one finds the change behind a lying 304', async () => {
    let content = 'before'
    await define('liar', { cadenceMs: 1_000, fullFetchMs: 3_000 }, ({ headers }, response) => {
      if (headers['if-none-match']) response.writeHead(304).end()
      else response.setHeader('etag', '"never changes"').end(content)
    })
    await untilVersions('liar', 1)
    content = 'after'
    await untilVersions('liar', 2)
    const conditional = askedOf('/liar').filter(({ headers }) => headers['if-none-match'])
    expect(conditional.length).toBeGreaterThanOrEqual(1)
    expect(await story('liar')).toEqual(['AssetVersioned', 'AssetVersioned'])
  })

  test('of content in a new wrapping make no version, and ask with the new validators', async () => {
    const feed = (order: string[]) => `stop_id,name\n${order.join('\n')}\n`
    await define(
      'rewrapped',
      { kind: 'csv_table', cadenceMs: 1_000 },
      ({ headers }, response, count) => {
        if (headers['if-none-match'] === '"2"') return void response.writeHead(304).end()
        response.setHeader('etag', `"${Math.min(count, 2)}"`)
        response.end(count === 1 ? feed(['1,a', '2,b']) : feed(['2,b', '1,a']))
      },
    )
    await until('five looks', () => askedOf('/rewrapped').length >= 5)
    expect(await story('rewrapped')).toEqual(['AssetVersioned'])
    expect(askedOf('/rewrapped').map(({ headers }) => headers['if-none-match'])).toContain('"2"')
  })
})

describe.concurrent('a definition', () => {
  test('that changes is looked at anew: other address, no old validators, other cadence', async () => {
    const tagged =
      (text: string): Answer =>
      (_, response) =>
        void response.setHeader('etag', '"same"').end(text)
    await define('moving', {}, tagged('old'))
    await untilVersions('moving', 1)
    answers.set('/moved', tagged('new'))
    await define('moving', { url: `${url}/moved`, cadenceMs: 1_000 })
    await untilVersions('moving', 2)
    await until('the new cadence', () => askedOf('/moved').length >= 3)
    expect(askedOf('/moved')[0]!.headers['if-none-match']).toBeUndefined()
    expect(askedOf('/moving')).toHaveLength(1)
  })

  test('that changes during a look makes what it finds worthless', async () => {
    let release = () => {}
    await define('leaver', {}, (_, response) => {
      release = () => void response.end('old')
    })
    await until('the slow look', () => askedOf('/leaver').length === 1)
    answers.set('/joiner', bytes('new'))
    await define('leaver', { url: `${url}/joiner` })
    release()
    const versions = await untilVersions('leaver', 1)
    expect(versions.map(({ rawDigest }) => rawDigest)).toEqual([sha256('new')])
  })

  test('that is removed stops the looks', async () => {
    await define('leaving', { cadenceMs: 1_000 }, bytes('x'))
    await define('staying', { cadenceMs: 1_000 }, bytes('x'))
    await until('looks', () => askedOf('/leaving').length >= 2)
    await tell('leaving', { type: 'AssetRemoved', v: 1, at, asset: 'leaving' })
    const settled = askedOf('/staying').length + 2
    await until('settled', () => askedOf('/staying').length >= settled)
    const before = askedOf('/leaving').length
    await until('more looks', () => askedOf('/staying').length >= settled + 2)
    expect(askedOf('/leaving')).toHaveLength(before)
  })
})

describe.concurrent('trouble', () => {
  test('is visible once, the last good version stays, and its end is visible [I18]', async () => {
    const night: Record<number, Answer> = {
      2: (_, response) => void response.writeHead(503).end(),
      3: (_, response) => void response.writeHead(503, { 'retry-after': '1' }).end(),
      4: (_, response, count) => void response.end(`<html>request ${count}</html>`),
      5: (_, response, count) => void response.end(`<html>request ${count}</html>`),
      6: (_, response) => void response.end('{"error":"no"}'),
      7: (_, response) => void response.end(''),
    }
    await define('ill', { kind: 'csv_table', cadenceMs: 1_000 }, (request, response, count) => {
      const answer = night[count] ?? bytes('stop_id,name\n1,a\n')
      answer(request, response, count)
    })
    await until('its end', async () => (await ofType('ill', 'FetchRecovered')).length > 0)
    const events = (await about('ill')).slice(1)
    expect(events.map((event) => ('code' in event ? event.code : event.type))).toEqual([
      'AssetVersioned',
      'FetchFailed',
      'html_page',
      'json_document',
      'empty_body',
      'FetchRecovered',
    ])
  }, 40_000)

  test('does not come of looking: 24 looks at what does not change append nothing [I18]', async () => {
    const answer: Answer = ({ headers }, response) => {
      if (headers['if-none-match']) response.writeHead(304).end()
      else response.setHeader('etag', '"1"').end('x')
    }
    const idle = Array.from({ length: 4 }, (_, i) => [`idle/304/${i}`, `idle/same/${i}`]).flat()
    for (const asset of idle)
      await define(asset, { cadenceMs: 1_000 }, asset.includes('304') ? answer : bytes('x'))
    for (const asset of idle) await untilVersions(asset, 1)
    const looks = () => idle.reduce((sum, asset) => sum + askedOf(`/${asset}`).length, 0)
    const from = looks()
    await until('24 looks', () => looks() >= from + 24)
    for (const asset of idle) expect(await story(asset)).toEqual(['AssetVersioned'])
  })
})

describe.concurrent('a rate limit', () => {
  test('holds for all assets of its key and both fetchers, and lets none starve', async () => {
    const rateLimit = { key: 'shared', requests: 2, perMs: 2_000 }
    const assets = ['limited/a', 'limited/b', 'limited/c', 'limited/d']
    for (const asset of assets) await define(asset, { cadenceMs: 1_000, rateLimit }, bytes('x'))
    const looks = () => assets.flatMap((asset) => askedOf(`/${asset}`)).sort((a, b) => a.at - b.at)
    await until('ten looks', () => looks().length >= 10)
    const [first, tenth] = [looks()[0]!, looks()[9]!]
    // Two at once, then one each second; without a limit there would be four each second.
    expect(tenth.at - first.at).toBeGreaterThan(6_000)
    for (const asset of assets) expect(askedOf(`/${asset}`).length).toBeGreaterThanOrEqual(2)
  })
})

describe.concurrent('a push', () => {
  const push = async (asset: string, text: string, n: number) => {
    const id = ulidOf(Date.now() + n, asset, text)
    const digest = await world.doors.content.put('default', Buffer.from(text))
    const sizeBytes = text.length
    await tell(asset, {
      type: 'ContentPushed',
      v: 1,
      at,
      asset,
      push: id,
      digest,
      sizeBytes,
      actor,
    })
    return id
  }
  const good = 'stop_id,name\n1,a\n'

  test('is answered once, under its id, by version, refusal or recovery [I2]', async () => {
    await defineAsset(world.doors, 'pushed', { kind: 'csv_table' })
    const accepted = await push('pushed', good, 1)
    const refused = await push('pushed', '<html>', 2)
    const same = await push('pushed', good, 3)
    const refusedAgain = await push('pushed', '<html>', 4)
    const newer = await push('pushed', 'stop_id,name\n2,b\n', 5)
    await untilVersions('pushed', 2)
    const events = (await about('pushed')).filter(({ type }) => !/Defined|Pushed/.test(type))
    expect(
      events.map((event) =>
        event.type === 'AssetVersioned'
          ? [event.type, event.origin.by === 'push' && event.origin.push]
          : [event.type, 'push' in event && event.push],
      ),
    ).toEqual([
      ['AssetVersioned', accepted],
      ['FetchRefused', refused],
      ['FetchRecovered', same],
      ['FetchRefused', refusedAgain],
      ['AssetVersioned', newer],
    ])
  })

  test('one after the other becomes versions in their order', async () => {
    await defineAsset(world.doors, 'ordered', {})
    const texts = Array.from({ length: 8 }, (_, i) => `content ${i}`.padEnd(200_000 * (i % 2)))
    for (const [i, text] of texts.entries()) await push('ordered', text, i)
    const versions = await untilVersions('ordered', 8)
    expect(versions.map(({ rawDigest }) => rawDigest)).toEqual(texts.map(sha256))
    expect(versions.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})

describe('always', () => {
  test('no secret is in an event, a log line or on standard error [I14]', async () => {
    const token = 'env:FETCHER_CANARY'
    const auths: AssetDefinition['auth'][] = [
      { type: 'header', name: 'x-key', value: token },
      { type: 'query', name: 'key', value: token },
      { type: 'basic', username: 'me', password: token },
      { type: 'bearer', token },
    ]
    const echo: Answer = ({ headers, url: path }, response, count) => {
      const told = `${path} ${String(headers['x-key'])} ${headers.authorization}`
      if (count === 1) response.writeHead(401).end(told)
      else if (count === 2) response.end(`<p>${told}`)
      else if (count === 3) response.end(JSON.stringify({ error: `bad key ${told}` }))
      else if (count === 4) response.socket!.destroy()
      else response.setHeader('etag', `"${told}"`).end('stop_id,name\n1,a\n')
    }
    const assets = auths.map((_, i) => `secret/${i}`)
    for (const [i, auth] of auths.entries())
      await define(assets[i]!, { kind: 'csv_table', cadenceMs: 1_000, auth: auth! }, echo)
    for (const asset of assets) await untilVersions(asset, 1)
    for (const asset of assets) expect((await story(asset)).length).toBeGreaterThanOrEqual(5)
    for (const asset of assets) {
      const [{ headers } = { headers: {} }] = askedOf(`/${asset}`)
      if (asset !== 'secret/1') expect(JSON.stringify(headers)).toMatch(/canary|Basic bWU6Y2FuYXJ5/)
    }
    const everything = JSON.stringify([await eventsOf(world.doors), stderr, logged])
    expect(everything).not.toContain(canary)
    expect(everything).not.toContain(Buffer.from(`me:${canary}`).toString('base64').slice(4, -4))
  })

  test('the bytes of a version are there when the version appears [I5]', () => {
    expect(named).toBeGreaterThan(40)
    expect(unnamed).toEqual([])
  })

  test('nothing was worth a warning', () => {
    expect(logged).toEqual([])
    expect(stderr).toEqual([])
  })

  test('no command is left over', async () => {
    await until('an empty queue', async () => {
      const assets = new Set(
        (await eventsOf(world.doors)).flatMap((e) => ('asset' in e ? e.asset : [])),
      )
      for (const asset of assets)
        await world.doors.control.disarm({ kind: 'fetch', tenant: 'default', asset })
      return (await world.doors.control.depth({ kind: 'fetch' })) === 0
    })
  })
})
