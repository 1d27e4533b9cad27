/**
 * The HTTP side of the API on weak ports: a database that holds rows by table and compares nothing, a
 * log in memory. What SQL and servers do is tried in `test/api.test.ts`.
 */
import { DummyDriver, Kysely, PostgresAdapter, PostgresQueryCompiler } from 'kysely'
import { PostgresIntrospector, type CompiledQuery, type DatabaseConnection } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import type { Commit, NewCommit } from '@headway/schemas/ports.ts'
import type { App } from './api.ts'
import { buildApp } from './app.ts'
import type { ApiDatabase } from './database.ts'

const at = '2026-10-01T08:00:00.000Z'
const bytes = Buffer.from('0123456789')
const json = Buffer.from('{"entity":[]}')
const rendition = (name: string, mediaType: string, body: Buffer) => {
  return { name, mediaType, digest: sha256(body), sizeBytes: body.length }
}
const version = {
  asset: 'in/v',
  version: 'V1',
  ordinal: 1,
  recorded_at: at,
  renditions: [
    rendition('feed.pb', 'application/x-protobuf', bytes),
    rendition('feed.json', 'application/json', json),
  ],
}
const gone = { name: 'x', mediaType: 'x/y', digest: 'f'.repeat(64), sizeBytes: 1 }
const pushable = { definition: { kind: 'opaque_bytes' }, producer: null, version: 'V1' }
const rows: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>> = {
  assets: [
    { asset: 'in/v', definition: { url: 'http://x' }, producer: null, version: 'V1' },
    { asset: 'in/t', ...pushable },
    { asset: 'in/w', ...pushable },
    { asset: 'out', definition: null, producer: 'p', version: null },
    { asset: 'removed/content', definition: null, producer: null, removed: true },
  ],
  asset_versions: [
    version,
    { ...version, asset: 'in/t', version: 'V1' },
    { ...version, version: 'V0', renditions: [gone] },
  ],
  pipelines: [{ pipeline: 'p' }],
}

let failure: Error | null = null
const connection: DatabaseConnection = {
  executeQuery: <R>({ sql, parameters }: CompiledQuery) => {
    if (failure) return Promise.reject(failure)
    const table = /from "headway"\."(\w+)"/.exec(sql)?.[1] ?? ''
    const asked = (name: string, row: Readonly<Record<string, unknown>>) =>
      !(name in row) || !sql.includes(`"${name}" =`) || parameters.includes(row[name])
    const found = (rows[table] ?? []).filter((row) =>
      ['asset', 'version', 'pipeline'].every((name) => asked(name, row)),
    )
    return Promise.resolve({ rows: found as R[] })
  },
  streamQuery: () => {
    throw new Error('nothing streams')
  },
}
class Rows extends DummyDriver {
  override acquireConnection = () => Promise.resolve(connection)
}
const db = new Kysely<ApiDatabase>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new Rows(),
    createIntrospector: (of) => new PostgresIntrospector(of),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** A log that keeps the order, forgets no id, and tells whoever follows. */
const commits: Commit[] = []
let onPush: ((push: string) => Event) | null = null
let logFails = false
const append = (given: NewCommit) => {
  if (logFails) return Promise.reject(new Error('no servers'))
  const known = commits.find(({ id }) => id === given.id)
  if (known) return Promise.resolve({ outcome: 'duplicate' as const, seq: known.seq })
  commits.push({ ...given, seq: commits.length + 1, at: Date.parse(at) })
  const { length: seq } = commits
  const [event] = given.events
  if (event?.type === 'ContentPushed' && onPush)
    void append({ ...given, id: `${given.id}-answer`, events: [onPush(event.push)] })
  return Promise.resolve({ outcome: 'stored' as const, seq })
}
const log = {
  append,
  last: () => Promise.resolve(null),
  at: (seq: number) => Promise.resolve(commits[seq - 1] ?? null),
  head: () => Promise.resolve({ seq: commits.length, incarnation: 'i' }),
  async *tail({ from, signal }: { from: number; signal: AbortSignal }) {
    for (let next = from; !signal.aborted; next = commits.length + 1) {
      if (commits.length >= next) yield commits.slice(next - 1)
      else await new Promise((resolve) => setTimeout(resolve, 5))
    }
  },
}
const store = new Map([bytes, json].map((body) => [sha256(body), body as Uint8Array]))
const silent = () => {}
let app: App
beforeAll(async () => {
  app = await buildApp({
    db: db.withSchema('headway'),
    log,
    content: {
      put: (_, body) =>
        Promise.resolve(void store.set(sha256(body), body)).then(() => sha256(body)),
      get: (_, digest) => Promise.resolve(store.get(digest) ?? null),
    },
    live: {
      put: () => Promise.resolve(),
      get: () => Promise.resolve(null),
      swap: () => Promise.resolve(false),
      keys: () => Promise.resolve([]),
    },
    clock: { now: () => Date.now(), sleep: () => new Promise((done) => setTimeout(done, 1)) },
    logger: { info: silent, warn: silent, error: silent },
    tenant: 'default',
    pushBytesMax: 1_000,
  })
})
afterAll(() => app.close())
afterEach(() => {
  failure = null
  logFails = false
  onPush = null
})

type Options = { headers?: Record<string, string>; payload?: string | object }
const call = async (method: string, url: string, options: Options = {}) => {
  const reply = await app.inject({ method: method as 'GET', url, ...options })
  const isJson = String(reply.headers['content-type']).includes('json')
  const body = isJson && reply.body !== '' ? reply.json() : null
  return { status: reply.statusCode, headers: reply.headers, raw: reply.rawPayload, body }
}
const api = (method: string, path: string, options: Options = {}) =>
  call(method, `/api/v1${path}`, options)

const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a problem', () => {
  test.each([
    ['GET', '/nothing', 404, 'not_found'],
    ['PUT', '/status', 405, 'method_not_allowed'],
    ['GET', '/runs/x', 404, 'unknown_run'],
    ['GET', '/runs/%00', 400, 'bad_parameter'],
    ['GET', '/runs/%', 400, 'bad_url'],
    ['GET', `/runs/${'x'.repeat(2_000)}`, 404, 'not_found'],
    ['GET', '/runs?sort=x&limit=1', 400, 'unknown_parameter'],
    ['GET', '/runs?limit=0', 400, 'bad_parameter'],
    ['GET', '/runs?limit=201', 400, 'bad_parameter'],
    ['GET', '/runs?limit=9e99', 400, 'bad_parameter'],
    ['GET', '/runs?limit=1&limit=2', 400, 'bad_parameter'],
    ['GET', '/runs?status=nope', 400, 'bad_parameter'],
    ['GET', '/runs?pipeline=%00', 400, 'bad_parameter'],
    ['GET', '/runs?since=yesterday', 400, 'bad_parameter'],
    ['GET', '/runs?since=275761-01-01', 400, 'bad_parameter'],
    ['GET', '/runs?cursor=x', 400, 'bad_cursor'],
    ['GET', `/runs?cursor=${cursor({ f: 'other', k: [1, 'x'] })}`, 400, 'bad_cursor'],
    ['GET', `/runs?cursor=${cursor({ k: ['1', 'x'] })}`, 400, 'bad_cursor'],
    ['GET', `/runs?cursor=${cursor(null)}`, 400, 'bad_cursor'],
    ['GET', '/assets?stale=maybe', 400, 'bad_parameter'],
    ['GET', '/assets?__proto__=1', 400, 'unknown_parameter'],
    ['GET', '/runs/x?steps=1', 400, 'unknown_parameter'],
    ['POST', '/assets/in/t/fetch?wait=1', 400, 'unknown_parameter'],
    ['GET', '/assets/in/x', 404, 'unknown_asset'],
    ['GET', '/assets/in/v/versions/x', 404, 'unknown_version'],
    ['GET', '/assets/out/content', 404, 'no_version'],
    ['GET', '/pipelines/x', 404, 'unknown_pipeline'],
    ['GET', '/pipelines/x/dag', 404, 'unknown_pipeline'],
    ['POST', '/pipelines/x/runs', 404, 'unknown_pipeline'],
    ['POST', '/pipelines/p/runs?wait=121', 400, 'bad_parameter'],
    ['POST', '/assets/in/t/fetch', 409, 'asset_has_no_source'],
  ])('%s %s is %i %s, with what to do', async (method, path, status, code) => {
    const reply = await api(method, path)
    expect([reply.status, reply.body.code]).toEqual([status, code])
    expect(reply.headers['content-type']).toContain('application/problem+json')
    expect(reply.body).toMatchObject({ type: `/problems#${code}`, status })
    expect(reply.body.detail.length).toBeGreaterThan(10)
    expect(reply.body.instance).toMatch(/^urn:request:[0-9a-f-]{36}$/)
  })

  test.each([
    ['text/plain', 'x', 415, 'unsupported_media_type'],
    ['application/json', '{', 400, 'malformed_json'],
    ['application/json', '{"reasons":"x"}', 400, 'bad_body'],
    ['application/json', '{"reason":"a\\u0000b"}', 400, 'bad_body'],
    ['application/json', '{"reason":"\\ud800"}', 400, 'bad_body'],
    ['application/json', '[]', 400, 'bad_body'],
    ['application/json', `{"reason":"${'x'.repeat(70_000)}"}`, 413, 'body_too_large'],
  ])('is made of a body of %s %.20s', async (type, payload, status, code) => {
    const reply = await api('POST', '/pipelines/p/runs', {
      headers: { 'content-type': type },
      payload,
    })
    expect([reply.status, reply.body.code]).toEqual([status, code])
  })

  test('lists every unknown parameter and every known one', async () => {
    const { body } = await api('GET', '/runs?sort=x&colour=y')
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '?sort',
      '?colour',
    ])
    expect(body.detail).toContain('status, canary, since, until, q, limit, cursor, asOf')
  })

  test('is the answer to who accepts no JSON, and to pages of other sites', async () => {
    expect(await api('GET', '/status', { headers: { accept: 'text/html' } })).toMatchObject({
      status: 406,
    })
    const from = (origin: string) =>
      api('POST', '/pipelines/p/runs', { headers: { origin, host: 'localhost:4400' } })
    expect(await from('http://evil.example')).toMatchObject({ status: 403 })
    expect(await from('http://localhost:4400')).toMatchObject({ status: 202 })
  })

  test.each([
    ['ECONNREFUSED', 'database_unavailable'],
    ['57P01', 'database_unavailable'],
    ['57014', 'database_slow'],
    ['42P01', 'not_projected_yet'],
  ])('of Postgres (%s) is a 503 that may be tried again', async (code, told) => {
    failure = Object.assign(new Error('secret place'), { code })
    await new Promise((resolve) => setTimeout(resolve, 30))
    const reply = await api('GET', '/runs')
    expect(reply).toMatchObject({ status: 503, body: { code: told, retryable: true } })
    expect(reply.headers['retry-after']).toBe('1')
    expect(reply.raw.toString()).not.toContain('secret place')
  })

  test('of ours is a 500 that tells nothing', async () => {
    failure = new Error('secret place')
    await new Promise((resolve) => setTimeout(resolve, 30))
    const reply = await api('GET', '/runs')
    expect(reply).toMatchObject({ status: 500, body: { code: 'internal_error' } })
    expect(reply.raw.toString()).not.toContain('secret place')
  })

  test('of the log says that the request may be repeated', async () => {
    logFails = true
    expect(await api('POST', '/pipelines/p/runs')).toMatchObject({
      status: 503,
      body: { code: 'log_unavailable', retryable: true },
    })
  })
})

describe('the description', () => {
  test('is OpenAPI 3.1 of every route, with asset keys as one parameter', async () => {
    const { body } = await call('GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/status',
        '/api/v1/assets/{key}/versions/{version}/content',
        '/api/v1/pipelines/{id}/window/flush',
        '/health/deep',
      ]),
    )
    const list = body.paths['/api/v1/runs'].get
    expect(list.parameters.filter(({ required }: { required: boolean }) => required)).toEqual([])
    expect(list.responses.default.content).toHaveProperty(['application/problem+json'])
    const { put } = body.paths['/api/v1/assets/{key}/content']
    expect(put.requestBody.content).toHaveProperty(['application/octet-stream'])
  })

  test('is a page at /docs, where / leads', async () => {
    expect((await call('GET', '/api/v1')).headers.location).toBe('/docs')
    const page = await call('GET', '/docs/')
    expect([page.status, page.raw.toString()]).toEqual([200, expect.stringContaining('swagger-ui')])
    expect((await call('GET', '/docs/static/swagger-ui.css')).status).toBe(200)
  })

  test('is not needed to live', async () => {
    failure = new Error('away')
    expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await call('GET', '/health/deep')).toMatchObject({
      status: 503,
      body: { checks: { nats: { status: 'ok' }, postgres: { status: 'down', detail: 'away' } } },
    })
  })
})

describe('a look at a source', () => {
  test('is asked for once per key, by somebody for a reason', async () => {
    // UTF-8, as a header's bytes look to Node.
    const latin1 = Buffer.from('Jürgen').toString('latin1')
    const ask = () =>
      api('POST', '/assets/in/v/fetch', {
        headers: { 'idempotency-key': 'look', 'x-headway-actor': latin1 },
        payload: { reason: 'why' },
      })
    const first = await ask()
    expect(first).toMatchObject({ status: 202, body: { status: 'accepted' } })
    expect((await ask()).body.seq).toBe(first.body.seq)
    expect((await log.at(first.body.seq))?.events).toMatchObject([
      { type: 'FetchTriggered', asset: 'in/v', actor: { name: 'Jürgen', reason: 'why' } },
    ])
  })
})

describe('the bytes of a version', () => {
  const path = '/assets/in/v/versions/V1/content'
  const etag = `"${sha256(bytes)}"`

  test('come with their digest as tag, their type and a name', async () => {
    const { status, headers, raw } = await api('GET', path)
    expect([status, raw.toString(), headers.etag]).toEqual([200, '0123456789', etag])
    expect(headers['content-type']).toBe('application/x-protobuf')
    expect(headers['cache-control']).toContain('immutable')
    expect(headers['content-disposition']).toBe('inline; filename="v-1.pb"')
  })

  test('are not sent to who has them', async () => {
    const tagged = (tag: string) => api('GET', path, { headers: { 'if-none-match': tag } })
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect((await tagged(tag)).status, tag).toBe(304)
    expect((await tagged('"x"')).status).toBe(200)
  })

  test.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=4-2', 200, '0123456789', undefined],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ])('are cut to %s', async (range, status, body, told) => {
    const { status: got, raw, headers } = await api('GET', path, { headers: { range } })
    expect([got, raw.toString(), headers['content-range']]).toEqual([status, body, told])
  })

  test('are whole when the range was of others, and refuse what is behind their end', async () => {
    const headers = { range: 'bytes=1-2', 'if-range': '"old"' }
    expect((await api('GET', path, { headers })).status).toBe(200)
    for (const range of ['bytes=10-', 'bytes=-0']) {
      const behind = await api('GET', path, { headers: { range } })
      expect(behind).toMatchObject({ status: 416, body: { code: 'range_not_satisfiable' } })
      expect(behind.headers['content-range']).toBe('bytes */10')
    }
  })

  test('exist in every rendition, and as a head', async () => {
    const reply = await api('GET', `${path}?rendition=feed.json`)
    expect([reply.headers['content-type'], reply.body]).toEqual([
      'application/json',
      { entity: [] },
    ])
    expect((await api('GET', `${path}?rendition=x`)).body.code).toBe('unknown_rendition')
    const { status, headers, raw } = await api('HEAD', path)
    expect([status, headers['content-length'], raw.length]).toEqual([200, '10', 0])
  })

  test('are found by a key with slashes, raw or encoded, and say when they are gone', async () => {
    for (const key of ['in/v', 'in%2Fv', 'in%2fv']) {
      const reply = await api('GET', `/assets/${key}/content`)
      expect([reply.status, reply.headers['cache-control']]).toEqual([200, 'no-cache'])
    }
    expect((await api('GET', '/assets/removed%2Fcontent')).body.key).toBe('removed/content')
    expect(await api('GET', '/assets/in/v/versions/V0/content')).toMatchObject({ status: 410 })
  })
})

describe('a push', () => {
  const base = { v: 1 as const, at, asset: 'in/t' }
  const push = (payload: string, query = '', headers: Record<string, string> = {}) =>
    api('PUT', `/assets/in/t/content${query}`, { payload, headers })

  test('that is new is a version, and its bytes were there first [I5]', async () => {
    let kept: Uint8Array | undefined
    onPush = (id) => {
      kept = store.get(sha256('good'))
      return {
        ...base,
        type: 'AssetVersioned',
        version: ulidOf(1, id),
        ordinal: 2,
        kind: 'opaque_bytes',
        rawDigest: sha256('good'),
        contentDigest: sha256('good'),
        sizeBytes: 4,
        rows: 0,
        facts: {},
        renditions: [rendition('content.bin', 'x/y', Buffer.from('good'))],
        origin: { by: 'push', push: id, actor: { name: 'ann' } },
      }
    }
    const reply = await push('good', '', { 'x-headway-actor': 'ann', 'content-type': 'a/b' })
    expect(reply).toMatchObject({ status: 201, body: { ordinal: 2, rawDigest: sha256('good') } })
    expect(reply.headers.location).toBe(`/api/v1/assets/in/t/versions/${reply.body.version}`)
    expect(kept).toEqual(Buffer.from('good'))
    expect(commits.at(-2)?.events).toMatchObject([
      { type: 'ContentPushed', digest: sha256('good'), sizeBytes: 4, actor: { name: 'ann' } },
    ])
  })

  test('whose content is known is the newest version', async () => {
    onPush = (id) => ({ ...base, type: 'FetchRecovered', push: id })
    expect(await push('same')).toMatchObject({ status: 200, body: { version: 'V1' } })
  })

  test('that is refused says why', async () => {
    onPush = (id) => ({
      ...base,
      type: 'FetchRefused',
      push: id,
      code: 'html_page',
      detail: 'a page',
      sizeBytes: 3,
    })
    expect(await push('bad')).toMatchObject({
      status: 422,
      body: { code: 'html_page', detail: 'a page' },
    })
  })

  test('that nobody answers in time is accepted; others\u2019 answers are not ours', async () => {
    onPush = () => ({ ...base, type: 'FetchRecovered', push: ulidOf(1, 'another') })
    expect(await push('later', '?wait=1')).toMatchObject({
      status: 202,
      body: { status: 'pending' },
    })
  })

  test('with the same key is the same push, with other bytes a mistake', async () => {
    const key = { 'idempotency-key': 'k1' }
    const first = await push('later', '?wait=0', key)
    expect(first.status).toBe(202)
    expect((await push('later', '?wait=0', key)).body).toEqual(first.body)
    expect((await push('other', '?wait=0', key)).body.code).toBe('idempotency_key_reused')
  })

  test.each([
    ['in/v', 'x', {}, 409, 'asset_is_fetched'],
    ['out', 'x', {}, 409, 'asset_is_produced'],
    ['removed%2Fcontent', 'x', {}, 409, 'asset_is_removed'],
    ['in/nothing', 'x', {}, 404, 'unknown_asset'],
    ['in/w', 'x'.repeat(1_001), {}, 413, 'body_too_large'],
    ['in/w', 'x', { 'content-encoding': 'gzip' }, 415, 'unsupported_encoding'],
    ['in/w', 'x', { 'content-length': '5' }, 400, 'content_length_mismatch'],
  ])('to %s can be refused at the door: %#', async (key, payload, headers, status, code) => {
    const before = commits.length
    const reply = await api('PUT', `/assets/${key}/content`, { payload, headers })
    expect([reply.status, reply.body.code]).toEqual([status, code])
    expect(commits).toHaveLength(before)
  })
})
