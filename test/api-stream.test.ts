import { connect, type Socket } from 'node:net'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { examples } from '@headway/schemas/examples.ts'
import { mintToken } from '@headway/schemas/token.ts'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, until, type World } from './harness.ts'

/** The live stream: exact for who comes back, short with who does not read; and limits on asking. */
let world: World
let url: string
let close: () => Promise<void>
let appended = 0

beforeAll(async () => {
  world = await startWorld()
  const database = openDatabase('postgres://headway@127.0.0.1:1/headway', world.doors.logger)
  const app = await buildApp({ ...world.doors, db: database.db, tenant: 'default' })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  close = async () => {
    const closing = app.close()
    // As the room does with those who do not go.
    app.server.closeAllConnections()
    await closing
    await database.close()
    await world.stop()
  }
})
afterAll(() => close())

const tell = (tenant = 'default', detail = 'x') =>
  world.doors.log.append({
    tenant,
    topic: { kind: 'asset', name: 'a' },
    id: `told-${appended++}`,
    events: [{ ...examples.FetchRefused, asset: 'a', detail }],
    source: 'test',
  })

/** Ids of events, in the order of their coming, until there are so many. */
const read = async (query: string, count: number, lastEventId?: number): Promise<number[]> => {
  const stop = new AbortController()
  const response = await fetch(`${url}/api/v1/stream${query}`, {
    signal: stop.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  })
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const ids: number[] = []
  let rest = ''
  const decoder = new TextDecoder()
  for await (const part of response.body!) {
    const told = (rest + decoder.decode(part as Uint8Array, { stream: true })).split('\n\n')
    rest = told.pop()!
    for (const one of told) {
      const id = /^id: (\d+)\nevent: commit\n/m.exec(one)?.[1]
      if (id !== undefined) ids.push(Number(id))
    }
    if (ids.length >= count) break
  }
  stop.abort()
  return ids
}
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('whoever was cut off goes on exactly where they were, and hears nothing of other tenants', async () => {
  for (let i = 0; i < 50; i++) await tell()
  expect(await read('?since=0', 50)).toEqual(upTo(1, 50))
  expect(await read('', 10, 40)).toEqual(upTo(41, 50))
  const live = read('?since=50', 4)
  await tell('other')
  for (let i = 0; i < 4; i++) await tell()
  expect(await live).toEqual(upTo(52, 55))
  // While others write all the time, readers come and go: each sees every one once.
  let isOver = false
  const writing = (async () => {
    while (!isOver) await tell()
  })()
  for (let last = 55, i = 0; i < 8; i++) {
    const ids = await read('?brief=true', 25, last)
    expect(ids).toEqual(upTo(last + 1, last + ids.length))
    last = ids.at(-1)!
  }
  isOver = true
  await writing
  const odd = await fetch(`${url}/api/v1/stream`, { headers: { 'last-event-id': 'x' } })
  expect([odd.status, ((await odd.json()) as { code: string }).code]).toEqual([400, 'bad_header'])
})

test('who does not read is cut, and the others hear everything', async () => {
  const { seq } = await world.doors.log.head()
  const { hostname, port } = new URL(url)
  const deaf: Socket = connect({ host: hostname, port: Number(port) })
  await new Promise((resolve) => deaf.once('connect', resolve))
  deaf.pause()
  deaf.write('GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n')
  let isCut = false
  deaf.on('error', () => (isCut = true)).on('close', () => (isCut = true))
  const count = 6_000
  const others = read(`?since=${seq}`, count)
  const detail = 'y'.repeat(3_900)
  const all = Array.from({ length: count }, (_, i) => i)
  while (all.length > 0) await Promise.all(all.splice(0, 100).map(() => tell('default', detail)))
  expect(await others).toEqual(upTo(seq + 1, seq + count))
  // What is left in the kernel comes before the end does.
  deaf.resume()
  await until('the deaf one is cut', () => isCut)
  expect(deaf.bytesRead).toBeLessThan((count * detail.length) / 2)
}, 60_000)

test('nobody asks more than their share, and strangers hardly ever', async () => {
  const { id, token, hash } = mintToken(randomBytes(44))
  const event = { ...examples.TokenCreated, token: id, hash, expiresAt: '2099-01-01T00:00:00.000Z' }
  const topic = { kind: 'token' as const, name: id }
  const tenant = 'default'
  await world.doors.log.append({ tenant, topic, id, events: [event], source: 'test' })
  const database = openDatabase('postgres://headway@127.0.0.1:1/headway', world.doors.logger)
  const auth = { rate: { perSecond: 0.01, burst: 20 } }
  const app = await buildApp({ ...world.doors, db: database.db, tenant, auth })
  const ask = (headers: Record<string, string>) => app.inject({ url: '/api/v1/session', headers })
  const statuses = async (count: number, headers: Record<string, string>) => {
    const found: number[] = []
    for (let i = 0; i < count; i++) found.push((await ask(headers)).statusCode)
    return found
  }
  expect(await statuses(4, {})).toEqual([401, 401, 429, 429])
  const known = { authorization: `Bearer ${token}` }
  const first = await ask(known)
  expect(first.headers.ratelimit).toBe('"identity";r=19;t=100')
  expect((await statuses(19, known)).every((status) => status === 200)).toBe(true)
  const over = await ask(known)
  expect([over.statusCode, over.json<{ code: string }>().code]).toEqual([429, 'too_many_requests'])
  expect(Number(over.headers['retry-after'])).toBeGreaterThan(0)
  const [, left, seconds] = /^"identity";r=(\d+);t=(\d+)$/.exec(String(over.headers.ratelimit))!
  expect([left, Number(seconds) > 1_900]).toEqual(['0', true])
  expect(over.headers['ratelimit-policy']).toBe('"identity";q=20;w=2000')
  const strange = await ask({})
  expect(strange.headers['ratelimit-policy']).toBe('"stranger";q=2;w=2000')
  await app.close()
  await database.close()
}, 60_000)
