/** The API over real Postgres and NATS; rows are put as the projector would, answers as the fetcher would. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import type { Child } from '@headway/deploy/child.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { createTables, upsert } from '@headway/projector/store.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import { liveSchema, type TableName } from '@headway/schemas/tables.ts'
import { history, startWorld, until, type World } from './harness.ts'

const code = 'aaaaaaaaaaaa'
const at = (second: number) => new Date(Date.UTC(2026, 10, 21, 8, 0, second)).toISOString()
const bytes = Buffer.from('0123456789')
const json = Buffer.from('{"entity":[]}')
let world: World
let postgres: Child
let sql: pg.Client
let app: App
let others: App
let closing: (() => Promise<void>)[]
let seq = 1_000

/** What a row has when a test does not say. JSON, because these are the rows' own words. */
const defaults: Partial<Record<TableName, object>> = JSON.parse(`{
  "assets": { "kind": "opaque_bytes", "strategy": "content_hash", "removed": false, "ordinal": 0,
    "definition": { "kind": "opaque_bytes", "strategy": "content_hash" } },
  "asset_versions": { "ordinal": 1, "kind": "opaque_bytes", "content_digest": "c", "rows": 3,
    "raw_digest": "r", "size_bytes": 10, "facts": { "a": 1 }, "recorded_at": "${at(0)}",
    "origin": { "by": "fetch", "url": "u" }, "renditions": [
      { "name": "feed.pb", "mediaType": "application/x-protobuf", "digest": "${sha256(bytes)}",
        "sizeBytes": 10 },
      { "name": "feed.json", "mediaType": "application/json", "digest": "${sha256(json)}",
        "sizeBytes": 13 }] },
  "pipelines": { "removed": false, "active_version": "${code}", "through_seq": 0,
    "cancelled_seq": 0, "defined_seq": 0, "flushed": false, "runs": 3, "definition": {
      "folder": "f", "pool": "production", "concurrency": 1, "stepTimeoutMs": 1, "runTimeoutMs": 1,
      "slots": { "vehicles": "in/vehicles", "trips": "in/trips", "own": "output/rt/feed.pb" },
      "debounce": { "quietMs": 500, "maxWaitMs": 5000 },
      "retry": { "attempts": 3, "backoffMs": 1, "backoffMsMax": 1 } } },
  "runs": { "pipeline": "rt", "pipeline_version": "${code}", "status": "completed",
    "reason": "triggered", "inputs": {}, "triggered_by": [], "requested_at": "${at(0)}",
    "attempt": 1, "since": "${at(1)}", "last_seq": 1 },
  "releases": { "pipeline": "rt", "pipeline_version": "${code}", "feed_type": "realtime",
    "folder": "f", "registered_at": "${at(0)}", "activated_at": "${at(0)}",
    "activated_by": { "name": "worker/w" },
    "inputs": { "vehicles": { "kind": "gtfs_rt_protobuf", "optional": false } },
    "outputs": { "feed.pb": { "kind": "gtfs_rt_protobuf", "step": "combine" } },
    "steps": [{ "id": "rename", "type": "rename-vehicles", "builtin": true },
      { "id": "combine", "type": "combine-feeds", "builtin": false }],
    "edges": [["input:vehicles", "rename"], ["rename", "combine"], ["combine", "output:feed.pb"]] },
  "workers": { "pool": "production", "version": "bbbbbbbbbbbb", "pipelines": { "rt": "${code}" },
    "host": "h", "pid": 7, "capabilities": ["realtime"], "status": "connected",
    "joined_at": "${at(0)}", "since": "${at(0)}" },
  "steps": { "attempt": 1, "index": 0, "status": "succeeded", "logs": [], "findings": [] },
  "unreadable": { "subject": "s", "problem": "not msgpack", "recorded_at": "${at(0)}" }
}`)

const put = async (table: TableName, row: object, tenant = 'default'): Promise<void> => {
  const full = { tenant, seq: ++seq, ...defaults[table], ...row }
  await sql.query(upsert(liveSchema, table, false), [JSON.stringify([full])])
}
const project = (position: number) =>
  sql.query(
    `insert into ${liveSchema}.position (incarnation, seq, commit_id, models) values ('i', $1, 'c', 'm')
     on conflict (one) do update set seq = excluded.seq`,
    [position],
  )
const runId = (i: number) => ulidOf(Date.parse(at(0)) + i, 'run', i)

type Call = Parameters<App['inject']>[0] & object
const call = async (method: string, url: string, options: Call = {}, on: App = app) => {
  const reply = await on.inject({ method: method as 'GET', url: `/api/v1${url}`, ...options })
  const isJson = /json/.test(String(reply.headers['content-type']))
  return {
    status: reply.statusCode,
    headers: reply.headers,
    raw: reply.rawPayload,
    body: isJson ? reply.json() : null,
  }
}
const get = async (url: string, on: App = app) => (await call('GET', url, {}, on)).body

beforeAll(async () => {
  world = await startWorld()
  // Postgres, which refuses to run as root, must be able to walk to its data.
  await chmod(world.directory, 0o755)
  postgres = await startPostgres({ dataDir: join(world.directory, 'pg') })
  sql = new pg.Client({ connectionString: postgres.url })
  sql.on('error', () => {})
  await sql.connect()
  await sql.query(createTables(liveSchema, true))
  const { db, close } = openDatabase(postgres.url, world.doors.logger)
  app = await buildApp({ ...world.doors, db, tenant: 'default', pushBytesMax: 1_000 })
  others = await buildApp({ ...world.doors, db, tenant: 'other' })
  closing = [() => app.close(), () => others.close(), close, () => sql.end()]
  await project(1)
  await put('assets', {
    asset: 'in/vehicles',
    kind: 'gtfs_rt_protobuf',
    strategy: 'timestamp',
    first_seq: 2,
    version: 'V1',
    ordinal: 1,
    size_bytes: 10,
    versioned_at: at(0),
    good_at: at(0),
    trouble: 'refused:html_page',
    trouble_detail: 'begins with <html>',
    trouble_since: at(9),
    definition: {
      kind: 'gtfs_rt_protobuf',
      strategy: 'timestamp',
      cadenceMs: 5_000,
      freshnessMs: 60_000,
      url: 'http://me:secret@a.example/v.pb?token=secret',
      auth: { type: 'bearer', token: 'env:T' },
    },
  })
  await put('asset_versions', { asset: 'in/vehicles', version: 'V1' })
  await put('assets', { asset: 'in/trips', first_seq: 3 })
  await put('assets', { asset: 'odd/content', first_seq: 4, removed: true })
  await put('assets', {
    asset: 'output/rt/feed.pb',
    first_seq: 5,
    producer: 'rt',
    version: 'V9',
    ordinal: 9,
  })
  await world.doors.content.put('default', bytes)
  await world.doors.content.put('default', json)
  await put('workers', { worker: 'w1' })
  await put('workers', { worker: 'w2', status: 'left', joined_at: at(1) })
  await put('releases', {})
  await put('pipelines', { pipeline: 'rt', last_run: runId(1), runs: 3 })
  for (const i of [1, 2, 3])
    await put('runs', {
      run: runId(i),
      seq: i * 10,
      started_at: at(1),
      ended_at: at(2),
      duration_ms: 5,
    })
})
afterAll(async () => {
  for (const close of closing ?? []) await close()
  await postgres?.stop()
  await world?.stop()
})

describe('the state of the house', () => {
  test('is counted in one answer', async () => {
    expect(await get('/status')).toMatchObject({
      connectedWorkers: 1,
      registeredAssets: 3,
      cachedAssetVersions: 2,
      projectedSeq: 1,
      pipelines: 1,
      troubledAssets: 1,
      version: expect.any(String),
      runs: { total: 3, completed: 3, pending: 0 },
    })
  })
  test('lists connected workers with the versions they serve', async () => {
    expect(await get('/workers')).toEqual([
      expect.objectContaining({
        id: 'w1',
        version: 'bbbbbbbbbbbb',
        pipelines: { rt: code },
        status: 'connected',
        capabilities: ['realtime'],
      }),
    ])
    expect((await get('/workers?status=left&status=connected')).map(idOf)).toEqual(['w2', 'w1'])
  })
  test('shows what could not be read', async () => {
    await put('unreadable', { seq: 7 })
    expect(await get('/unreadable')).toEqual([
      { seq: 7, subject: 's', problem: 'neither msgpack nor JSON', recordedAt: at(0) },
    ])
  })
})
const idOf = ({ id }: { id: string }) => id
const keyOf = ({ key }: { key: string }) => key

describe('an asset', () => {
  test('is listed with key, strategy, cached and size', async () => {
    const assets = await get('/assets')
    expect(assets.map(keyOf)).toEqual(['output/rt/feed.pb', 'in/trips', 'in/vehicles'])
    expect(assets[2]).toMatchObject({
      versionStrategy: 'timestamp',
      cached: true,
      latestSizeBytes: 10,
    })
    expect(assets[1]).toMatchObject({ cached: false, latestSizeBytes: null, latestOrdinal: null })
  })
  test('that fails does not look like success, and shows no secret [I14]', async () => {
    const asset = await get('/assets/in/vehicles')
    expect(asset).toMatchObject({
      stale: true,
      lastCheckedAt: null,
      freshness: { limitMs: 60_000, goodAt: at(0) },
      trouble: { code: 'refused:html_page', detail: 'begins with <html>', since: at(9) },
    })
    expect(asset.source).toMatchObject({ url: 'http://a.example/v.pb?token=…', auth: 'bearer' })
  })
  test('is fresh when its source was seen well just now', async () => {
    const now = Date.now()
    const told = JSON.stringify({ at: now, outcome: 'Unchanged' })
    await world.doors.live.put('fetch/default/in/vehicles', told, 60_000)
    const asset = await until('a look', async () => {
      const found = await get('/assets/in/vehicles')
      return found.lastCheckedAt && found
    })
    expect(asset).toMatchObject({ stale: false, lastCheckedAt: new Date(now).toISOString() })
    expect((await get('/assets?stale=true')).map(keyOf)).toEqual([])
  })
  test('is found by kind, producer and part of its key', async () => {
    expect((await get('/assets?kind=gtfs_rt_protobuf')).map(keyOf)).toEqual(['in/vehicles'])
    expect((await get('/assets?producer=rt')).map(keyOf)).toEqual(['output/rt/feed.pb'])
    expect((await get('/assets?q=TRIP')).map(keyOf)).toEqual(['in/trips'])
    expect((await get('/assets?q=%25')).map(keyOf)).toEqual([])
  })
  test('is looked at now when somebody asks, once per key', async () => {
    const headers = { 'idempotency-key': 'look', 'x-headway-actor': 'ann' }
    const first = await call('POST', '/assets/in/vehicles/fetch', {
      headers,
      payload: { reason: 'why' },
    })
    expect(first).toMatchObject({ status: 202, body: { status: 'accepted' } })
    const again = await call('POST', '/assets/in/vehicles/fetch', {
      headers,
      payload: { reason: 'why' },
    })
    expect(again.body.seq).toBe(first.body.seq)
    expect((await world.doors.log.at(first.body.seq))?.events).toMatchObject([
      { type: 'FetchTriggered', asset: 'in/vehicles', actor: { name: 'ann', reason: 'why' } },
    ])
  })
})

describe('the bytes of a version', () => {
  const path = '/assets/in/vehicles/versions/V1/content'
  const etag = `"${sha256(bytes)}"`
  test('come with their digest as tag, their type and a name', async () => {
    const { status, headers, raw } = await call('GET', path)
    expect([status, raw.toString(), headers.etag]).toEqual([200, '0123456789', etag])
    expect(headers['content-type']).toBe('application/x-protobuf')
    expect(headers['cache-control']).toContain('immutable')
    expect(headers['content-disposition']).toBe('inline; filename="vehicles-1.pb"')
    const newest = await call('GET', '/assets/in/vehicles/content')
    expect([newest.raw.toString(), newest.headers['cache-control']]).toEqual([
      '0123456789',
      'no-cache',
    ])
  })
  test('are not sent to who has them', async () => {
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect(await call('GET', path, { headers: { 'if-none-match': tag } })).toMatchObject({
        status: 304,
      })
    expect((await call('GET', path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200)
  })
  test('are cut to the range that is asked for', async () => {
    const part = await call('GET', path, { headers: { range: 'bytes=2-4' } })
    expect([part.status, part.raw.toString()]).toEqual([206, '234'])
    expect(part.headers['content-range']).toBe('bytes 2-4/10')
  })
  test('are whole when the range was of other bytes, and refuse what is behind their end', async () => {
    const other = await call('GET', path, { headers: { range: 'bytes=1-2', 'if-range': '"old"' } })
    expect(other.status).toBe(200)
    const behind = await call('GET', path, { headers: { range: 'bytes=10-' } })
    expect(behind).toMatchObject({ status: 416, body: { code: 'range_not_satisfiable' } })
    expect(behind.headers['content-range']).toBe('bytes */10')
  })
  test('exist in every rendition', async () => {
    const reply = await call('GET', `${path}?rendition=feed.json`)
    expect([reply.headers['content-type'], reply.body]).toEqual([
      'application/json',
      { entity: [] },
    ])
    expect(await call('GET', `${path}?rendition=x`)).toMatchObject({
      status: 404,
      body: { code: 'unknown_rendition' },
    })
    const head = await call('HEAD', path)
    expect([head.status, head.headers['content-length'], head.raw.length]).toEqual([200, '10', 0])
  })
  test('that are gone say so', async () => {
    const renditions = [{ name: 'x', mediaType: 'x/y', digest: 'f'.repeat(64), sizeBytes: 1 }]
    await put('asset_versions', { asset: 'in/old', version: 'V0', renditions })
    expect(await call('GET', '/assets/in/old/versions/V0/content')).toMatchObject({ status: 410 })
  })
})

describe('a push', () => {
  const base = { v: 1 as const, at: at(0), asset: 'in/trips' }
  /** The fetcher's part: answers the next push with what `events` makes of it. */
  const answerNext = async (events: (push: string) => Event) => {
    const { log } = world.doors
    const topic = { kind: 'asset' as const, name: 'in/trips' }
    const from = (await log.head()).seq + 1
    for await (const commits of log.tail({ from, tenant: 'default', topic, signal: world.signal }))
      for (const {
        events: [event],
        seq: pushedAt,
      } of commits)
        if (event?.type === 'ContentPushed') {
          const id = `answer-${event.push}`
          await log.append({
            tenant: 'default',
            topic,
            id,
            events: [events(event.push)],
            source: 'test',
          })
          await project(pushedAt + 1)
          return event
        }
    throw new Error('nobody pushed')
  }
  const push = (payload: string, query = '', headers: Record<string, string> = {}) =>
    call('PUT', `/assets/in/trips/content${query}`, {
      payload,
      headers: { 'content-type': 'application/zip', ...headers },
    })
  const versioned = (id: string): Event => ({
    ...base,
    type: 'AssetVersioned',
    version: ulidOf(1, id),
    ordinal: 1,
    kind: 'opaque_bytes',
    rawDigest: sha256('good'),
    contentDigest: sha256('good'),
    sizeBytes: 4,
    rows: 0,
    facts: {},
    renditions: [{ name: 'content.bin', mediaType: 'x/y', digest: sha256('good'), sizeBytes: 4 }],
    origin: { by: 'push', push: id, actor: { name: 'ann' } },
  })

  test('that is new is a version, and its bytes were there first [I5]', async () => {
    const answered = answerNext(versioned)
    const reply = await push('good', '', { 'x-headway-actor': 'ann' })
    const asked = await answered
    expect(reply).toMatchObject({ status: 201, body: { ordinal: 1, rawDigest: sha256('good') } })
    expect(reply.headers.location).toBe(`/api/v1/assets/in/trips/versions/${reply.body.version}`)
    expect(asked).toMatchObject({ digest: sha256('good'), sizeBytes: 4, actor: { name: 'ann' } })
    expect(await world.doors.content.get('default', sha256('good'))).toEqual(Buffer.from('good'))
  })
  test('whose content is known is the newest version', async () => {
    await put('asset_versions', { asset: 'in/trips', version: 'T1' })
    const definition = { kind: 'opaque_bytes', strategy: 'content_hash' }
    await put('assets', { asset: 'in/trips', first_seq: 3, version: 'T1', ordinal: 1, definition })
    const answered = answerNext((id) => ({ ...base, type: 'FetchRecovered', push: id }))
    expect(await push('same')).toMatchObject({ status: 200, body: { version: 'T1' } })
    await answered
  })
  test('that is refused says why', async () => {
    const refusal = {
      type: 'FetchRefused',
      code: 'html_page',
      detail: 'a page',
      sizeBytes: 3,
    } as const
    const answered = answerNext((id) => ({ ...base, ...refusal, push: id }))
    expect(await push('bad')).toMatchObject({
      status: 422,
      body: { code: 'html_page', detail: 'a page' },
    })
    await answered
  })
  test('that nobody answers is accepted, and the same key is the same push', async () => {
    const key = { 'idempotency-key': 'k1' }
    const first = await push('later', '?wait=0', key)
    expect(first).toMatchObject({ status: 202, body: { status: 'pending' } })
    expect((await push('later', '?wait=0', key)).body).toEqual(first.body)
    expect(await push('other', '?wait=0', key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    })
  })
})

describe('runs', () => {
  test('are newest first and filtered', async () => {
    expect((await get('/runs?limit=50')).map(idOf)).toEqual([runId(3), runId(2), runId(1)])
    expect(await get('/runs?pipeline=nothing')).toEqual([])
    expect(await get('/runs?status=failed&status=running')).toEqual([])
    expect(await get(`/runs?since=${at(1)}`)).toEqual([])
    expect(await get(`/runs?since=${at(0)}&until=${at(1)}`)).toHaveLength(3)
    expect((await get('/runs'))[0]).toMatchObject({
      pipelineId: 'rt',
      status: 'completed',
      startedAt: at(1),
      durationMs: 5,
    })
  })
  test('are paged without gap or repeat while others are added', async () => {
    for (let i = 100; i < 125; i++)
      await put('runs', { run: runId(i), pipeline: 'paged', seq: i * 10 })
    const seen: string[] = []
    let next: string | undefined = '/runs?pipeline=paged&limit=4'
    for (let i = 0; next; i++) {
      const { body, headers } = await call('GET', next)
      seen.push(...body.map(idOf))
      await put('runs', { run: runId(200 + i), pipeline: 'paged', seq: 10_000 + i })
      next = /<\/api\/v1([^>]+)>; rel="next"/.exec(String(headers.link))?.[1]
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => runId(124 - i)))
  })
  test('that no connected worker serves say so', async () => {
    const base = { pipeline: 'lonely', status: 'pending', attempt: 0 }
    await put('runs', { ...base, run: runId(300), pipeline_version: 'cccccccccccc' })
    await put('runs', { ...base, run: runId(301), pipeline: 'rt', requested_at: at(-99) })
    const [run] = await get('/runs?status=waiting_for_worker')
    expect(run).toMatchObject({ id: runId(300), status: 'waiting_for_worker', startedAt: null })
    expect(run.waitingFor).toMatchObject({ what: 'worker', pipelineVersion: 'cccccccccccc' })
    expect(run.waitingFor.detail).toContain('services/worker/main.ts')
    expect((await get('/runs?status=pending')).map(idOf)).toEqual([runId(301)])
    expect(await get('/runs?status=pending&status=waiting_for_worker')).toHaveLength(2)
  })
  test('tell why, on what, step by step and attempt by attempt', async () => {
    const ref = {
      asset: 'in/vehicles',
      version: 'V1',
      ordinal: 1,
      digest: 'd',
      sizeBytes: 1,
      kind: 'k',
    }
    const finding = { code: 'orphan', severity: 'warning', message: 'm', count: 2 }
    const run = runId(400)
    await put('runs', {
      run,
      status: 'running',
      attempt: 2,
      inputs: { vehicles: ref },
      triggered_by: Array.from({ length: 5 }, (_, i) => ({ ...ref, ordinal: i + 1 })),
    })
    const error = { type: 'E', message: 'broke' }
    await put('steps', { run, step: 'rename', status: 'failed', error })
    await put('steps', {
      run,
      step: 'rename',
      attempt: 2,
      duration_ms: 1.5,
      rows_out: 3,
      findings: [finding],
      logs: ['x'],
    })
    await put('artifacts', {
      run,
      output: 'feed.pb',
      attempt: 2,
      asset: 'output/rt/feed.pb',
      version: 'V9',
      ordinal: 9,
      changed: true,
      size_bytes: 10,
      renditions: [{ name: 'feed.pb', mediaType: 'x/y', digest: 'd', sizeBytes: 10 }],
    })
    expect(await get(`/runs/${run}`)).toMatchObject({
      id: run,
      status: 'running',
      since: at(1),
      attempt: 2,
      attemptsMax: 3,
      waitingFor: null,
      why: 'changed: in/vehicles #1, in/vehicles #2, in/vehicles #3 and 2 more',
      inputs: { vehicles: ref },
      triggerCount: 5,
      steps: [
        {
          id: 'rename',
          status: 'succeeded',
          durationMs: 1.5,
          rowsOut: 3,
          findings: [finding],
          logs: ['x'],
        },
        { id: 'combine', status: 'pending', startedAt: null },
      ],
      earlierAttempts: [{ attempt: 1, steps: [{ id: 'rename', status: 'failed', error }] }],
      artifacts: [{ output: 'feed.pb', version: 'V9', changed: true }],
    })
  })
})

describe('a pipeline', () => {
  test('shows its definition, code, last run and window', async () => {
    expect(await get('/pipelines')).toMatchObject([{ id: 'rt', activeVersion: code, runs: 3 }])
    expect(await get('/pipelines/rt')).toMatchObject({
      ...{ definition: { folder: 'f', debounce: { quietMs: 500 } }, lastRun: { id: runId(1) } },
      window: { state: 'open', triggerCount: expect.any(Number) },
    })
    expect(await get('/releases?pipeline=rt')).toMatchObject([{ version: code, active: true }])
  })
  test('is drawn from its active release', async () => {
    const dag = await get('/pipelines/rt/dag')
    expect(dag.nodes.map(idOf)).toEqual(['input:vehicles', 'rename', 'combine', 'output:feed.pb'])
    expect(dag.edges).toHaveLength(3)
    expect(dag.nodes[0].data.asset).toBe('in/vehicles')
  })
  test('has a window of what was recorded since, its own outputs left out', async () => {
    await put('pipelines', {
      pipeline: 'rt',
      through_seq: 20_000,
      cancelled_seq: 20_001,
      defined_seq: 5,
      last_run: runId(1),
      runs: 3,
    })
    expect(await get('/pipelines/rt/window')).toMatchObject({
      state: 'idle',
      dueAt: null,
      triggers: [],
    })
    expect(await call('POST', '/pipelines/rt/window/flush')).toMatchObject({ status: 409 })
    expect(await get('/windows')).toEqual([])
    const version = (asset: string, n: number) =>
      put('asset_versions', {
        asset,
        version: `W${n}`,
        ordinal: n,
        seq: 20_000 + n,
        recorded_at: at(n),
      })
    for (const n of [1, 2, 6]) await version('in/vehicles', n)
    await version('in/trips', 4)
    await version('output/rt/feed.pb', 5)
    const open = await get('/pipelines/rt/window')
    expect(open).toMatchObject({
      state: 'open',
      openedAt: at(2),
      quietMs: 500,
      maxWaitMs: 5_000,
      triggerCount: 3,
      dueAt: new Date(Date.parse(at(6)) + 500).toISOString(),
    })
    expect(open.triggers.map((t: { version: string }) => t.version)).toEqual(['W2', 'W4', 'W6'])
    await version('in/trips', 9)
    expect((await get('/windows'))[0].dueAt).toBe(at(7))
  })
  test.each([
    ['POST', '/flush', 'WindowFlushed'],
    ['DELETE', '', 'WindowCancelled'],
  ])('hears %s of its window%s', async (method, path, type) => {
    const reply = await call(method, `/pipelines/rt/window${path}`, { payload: { reason: 'now' } })
    expect(reply.status).toBe(202)
    expect((await world.doors.log.at(reply.body.seq))?.events).toMatchObject([
      { type, pipeline: 'rt', actor: { name: 'api', reason: 'now' } },
    ])
  })
  test('is asked for a run once per key, and the run is there at once', async () => {
    const headers = { 'idempotency-key': 'r1' }
    const [first, second] = await Promise.all([
      call('POST', '/pipelines/rt/runs', { headers }),
      call('POST', '/pipelines/rt/runs', { headers }),
    ])
    expect([first.status, first.body.id]).toEqual([202, second.body.id])
    expect(first.headers.location).toBe(`/api/v1/runs/${first.body.id}`)
    expect(await get(`/runs/${first.body.id}`)).toMatchObject({
      id: first.body.id,
      status: 'pending',
      startedAt: null,
      waitingFor: { what: 'decision' },
    })
    const asked = (await history(world.doors)).flatMap(({ events }) => events)
    expect(asked.filter(({ type }) => type === 'RunTriggered')).toHaveLength(1)
    const other = await call('POST', '/pipelines/rt/runs', { headers, payload: { reason: 'else' } })
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
  })
  test('remembers a key for longer than the log does', async () => {
    const run = ulidOf(Date.now() - 3_600_000, 'default', 'rt', sha256('old'))
    await put('runs', { run })
    const reply = await call('POST', '/pipelines/rt/runs', {
      headers: { 'idempotency-key': 'old' },
    })
    expect([reply.status, reply.body.id]).toEqual([202, run])
  })
  test('answers with the finished run to who waits', async () => {
    const before = (await world.doors.log.head()).seq
    const waiting = call('POST', '/pipelines/rt/runs?wait=20')
    const asked = await until('the question', () => world.doors.log.at(before + 1))
    const { request: run } = asked.events[0] as { request: string }
    await put('runs', { run, status: 'running' })
    await put('steps', { run, step: 'rename' })
    await put('runs', { run, status: 'completed', ended_at: at(3) })
    expect(await waiting).toMatchObject({
      status: 200,
      body: { id: run, steps: [{ id: 'rename' }] },
    })
  })
})
