/** The API over real Postgres and NATS; rows are put as the projector would, answers as the fetcher would. */
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { startApi } from '@headway/api/room.ts'
import type { Child } from '@headway/deploy/child.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { openStore } from '@headway/projector/store.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import { liveSchema, tables, type TableName } from '@headway/schemas/tables.ts'
import { history, startWorld, until, type World } from './harness.ts'

const code = 'aaaaaaaaaaaa'
const at = (second: number) => new Date(Date.UTC(2026, 9, 1, 8, 0, second)).toISOString()
const bytes = Buffer.from('0123456789')
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
        "sizeBytes": 10 }] },
  "pipelines": { "removed": false, "active_version": "${code}", "through_seq": 0,
    "cancelled_seq": 0, "defined_seq": 0, "flushed": false, "runs": 3, "paused": false,
    "step_wishes": {}, "disabled_steps": [], "definition": {
      "folder": "f", "pool": "production", "concurrency": 1, "stepTimeoutMs": 1, "runTimeoutMs": 1,
      "slots": { "vehicles": "in/vehicles", "trips": "in/trips", "own": "output/rt/feed.pb" },
      "debounce": { "quietMs": 500, "maxWaitMs": 5000 },
      "retry": { "attempts": 3, "backoffMs": 1, "backoffMsMax": 1 } } },
  "runs": { "pipeline": "rt", "pipeline_version": "${code}", "status": "completed",
    "reason": "triggered", "inputs": {}, "triggered_by": [], "requested_at": "${at(0)}",
    "epoch": 0, "attempt": 1, "since": "${at(1)}", "last_seq": 1, "carried_over": [],
    "disabled_steps": [], "pinned": false, "redrives": 0, "reuse_from": 0 },
  "releases": { "pipeline": "rt", "pipeline_version": "${code}", "feed_type": "realtime",
    "folder": "f", "registered_at": "${at(0)}", "activated_at": "${at(0)}",
    "activated_by": { "name": "worker/w" },
    "inputs": { "vehicles": { "kind": "gtfs_rt_protobuf", "optional": false } },
    "outputs": { "feed.pb": { "kind": "gtfs_rt_protobuf", "step": "combine" } },
    "steps": [{ "id": "rename", "type": "rename-vehicles", "builtin": true },
      { "id": "combine", "type": "combine-feeds", "builtin": false }],
    "edges": [["input:vehicles", "rename"], ["rename", "combine"], ["combine", "output:feed.pb"]] },
  "workers": { "pool": "production", "version": "bbbbbbbbbbbb", "pipelines": { "rt": "${code}" },
    "host": "h", "pid": 7, "capabilities": ["realtime"], "status": "healthy", "also_serves": {},
    "joined_at": "${at(0)}", "since": "${at(0)}" },
  "steps": { "epoch": 0, "attempt": 1, "index": 0, "status": "succeeded", "logs": [], "findings": [] },
  "unreadable": { "subject": "s", "problem": "not msgpack", "recorded_at": "${at(0)}" }
}`)

const put = async (table: TableName, row: object, tenant = 'default'): Promise<void> => {
  const full = { tenant, seq: ++seq, ...defaults[table], ...row }
  const { columns, key } = tables[table]
  const update = Object.keys(columns).map((name) => `"${name}" = excluded."${name}"`)
  await sql.query(
    `insert into ${liveSchema}.${table}
     select * from json_populate_recordset(null::${liveSchema}.${table}, $1)
     on conflict (${key.map((name) => `"${name}"`).join(', ')}) do update set ${update.join(', ')}`,
    [JSON.stringify([full])],
  )
}
const project = (position: number) =>
  sql.query(`update ${liveSchema}.position set seq = $1`, [position])
const runId = (i: number) => ulidOf(Date.parse(at(0)) + i, 'run', i)

type Call = { headers?: Record<string, string>; payload?: object }
/** Rows are put while the position stands still: nobody may be given what was kept. */
const call = async (method: string, url: string, options: Call = {}, on: App = app) => {
  const headers = { 'cache-control': 'no-cache', ...options.headers }
  const how = { method: method as 'GET', url: `/api/v1${url}`, headers }
  const reply = await on.inject({ ...options, ...how })
  return { status: reply.statusCode, headers: reply.headers, body: reply.json() }
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
  const store = openStore(postgres.url)
  await store.create({ incarnation: 'i', seq: 1, commit: 'c', models: 'm', build: 1 })
  await store.close()
  const database = openDatabase(postgres.url, world.doors.logger)
  app = await buildApp({ ...world.doors, db: database.db, tenant: 'default' })
  others = await buildApp({ ...world.doors, db: database.db, tenant: 'other' })
  closing = [() => app.close(), () => others.close(), () => database.close(), () => sql.end()]
  await project(1)
  await put(
    'assets',
    JSON.parse(`{ "asset": "in/vehicles", "kind": "gtfs_rt_protobuf", "strategy": "timestamp",
      "first_seq": 2, "version": "V1", "ordinal": 1, "size_bytes": 10, "versioned_at": "${at(0)}",
      "good_at": "${at(0)}", "trouble": "refused:html_page", "trouble_since": "${at(9)}",
      "trouble_detail": "begins with <html>", "definition": { "kind": "gtfs_rt_protobuf",
        "strategy": "timestamp", "cadenceMs": 5000, "freshnessMs": 60000,
        "url": "http://me:secret@a.example/v.pb?token=secret",
        "auth": { "type": "bearer", "token": "env:T" } } }`) as object,
  )
  await put('asset_versions', { asset: 'in/vehicles', version: 'V1' })
  await put('assets', { asset: 'in/trips', first_seq: 3 })
  await put('assets', { asset: 'odd/content', first_seq: 4, removed: true })
  await put('assets', { asset: 'output/rt/feed.pb', first_seq: 5, producer: 'rt', version: 'V9' })
  await put('workers', { worker: 'w1' })
  const gone = { worker: 'w2', status: 'unavailable', pipelines: { lonely: 'cccccccccccc' } }
  await put('workers', { ...gone, joined_at: at(1) })
  await put('releases', {})
  await put('pipelines', { pipeline: 'rt', last_run: runId(1), runs: 3 })
  for (const i of [1, 2, 3])
    await put('runs', { run: runId(i), seq: i * 10, started_at: at(1), duration_ms: 5 })
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
        status: 'healthy',
        capabilities: ['realtime'],
      }),
    ])
    expect((await get('/workers?all=true')).map(idOf)).toEqual(['w2', 'w1'])
    expect((await get('/workers?status=unavailable')).map(idOf)).toEqual(['w2'])
  })
  test('shows what could not be read', async () => {
    await put('unreadable', { seq: 7 })
    expect(await get('/unreadable')).toEqual([
      { seq: 7, subject: 's', problem: 'not msgpack', recordedAt: at(0) },
    ])
  })
})
const idOf = ({ id }: { id: string }) => id
const keyOf = ({ key }: { key: string }) => key

describe('an asset', () => {
  test('is listed with key, strategy, cached and size', async () => {
    const assets = await get('/assets')
    expect(assets.map(keyOf)).toEqual(['output/rt/feed.pb', 'in/trips', 'in/vehicles'])
    const known = { versionStrategy: 'timestamp', cached: true, latestSizeBytes: 10 }
    expect(assets[2]).toMatchObject(known)
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

  test('that is pushed is a version when a fetcher says so', async () => {
    const { log } = world.doors
    const topic = { kind: 'asset', name: 'in/trips' } as const
    const from = (await log.head()).seq + 1
    const pushed = app.inject({
      method: 'PUT',
      url: '/api/v1/assets/in/trips/content',
      payload: 'x',
    })
    const commit = await until('the push', () => log.at(from))
    const asked = commit.events[0] as EventOf<'ContentPushed'>
    const digest = sha256('x')
    expect(asked).toMatchObject({ type: 'ContentPushed', asset: 'in/trips', digest, sizeBytes: 1 })
    expect(Buffer.from((await world.doors.content.get('default', digest))!).toString()).toBe('x')
    const version = ulidOf(1, 'x')
    const renditions = [{ name: 'content.bin', mediaType: 'x/y', digest, sizeBytes: 1 }]
    const origin = { by: 'push', push: asked.push, actor: { name: 'api' } } as const
    const answer = { type: 'AssetVersioned', v: 1, at: at(0), asset: 'in/trips', version } as const
    const facts = { ordinal: 1, kind: 'opaque_bytes', rows: 0, facts: {}, sizeBytes: 1 } as const
    const digests = { rawDigest: digest, contentDigest: digest }
    const events = [{ ...answer, ...facts, ...digests, renditions, origin }]
    await log.append({ tenant: 'default', topic, id: 'answer', events, source: 'test' })
    const reply = await pushed
    expect([reply.statusCode, reply.json().version]).toEqual([201, version])
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
  test('that no healthy worker serves say so', async () => {
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
      epoch: 0,
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
      definition: { folder: 'f', debounce: { quietMs: 500 } },
      lastRun: { id: runId(1) },
      window: { state: 'blocked', waitingFor: { detail: 'no version yet of in/trips' } },
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
    const trips = { kind: 'opaque_bytes', optional: true }
    await put('releases', { inputs: { trips } })
    const began = { pipeline: 'rt', last_run: runId(1), through_seq: 20_000, defined_seq: 20_001 }
    await put('pipelines', { ...began, cancelled_seq: 5 })
    const idle = { state: 'idle', dueAt: null, triggers: [] }
    expect(await get('/pipelines/rt/window')).toMatchObject(idle)
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
    expect(await get('/pipelines/rt/window')).toMatchObject({ openedAt: at(2), triggerCount: 2 })
    await put('pipelines', { ...began, defined_seq: 5, cancelled_seq: 20_001 })
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
    const known = { id: first.body.id, status: 'pending', waitingFor: { what: 'decision' } }
    expect(await get(`/runs/${first.body.id}`)).toMatchObject(known)
    const asked = (await history(world.doors)).flatMap(({ events }) => events)
    expect(asked.filter(({ type }) => type === 'RunTriggered')).toHaveLength(1)
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

describe('who asks', () => {
  test('sees nothing of another tenant [I15]', async () => {
    await put('assets', { asset: 'theirs', first_seq: 1, version: 'X1' }, 'other')
    await put('asset_versions', { asset: 'theirs', version: 'X1' }, 'other')
    expect((await get('/assets', others)).map(keyOf)).toEqual(['theirs'])
    for (const list of [
      'workers',
      'runs',
      'pipelines',
      'windows',
      'releases',
      'unreadable',
      'dead-letters',
      'redrives',
      'interactions',
    ])
      expect(await get(`/${list}`, others), list).toEqual([])
    expect(await get('/status', others)).toMatchObject({ connectedWorkers: 0, runs: { total: 0 } })
    for (const path of ['/assets/theirs', '/assets/theirs/versions', '/assets/theirs/content'])
      expect((await call('GET', path)).status, path).toBe(404)
    for (const path of [
      `/runs/${runId(1)}`,
      '/pipelines/rt',
      '/pipelines/rt/dag',
      '/pipelines/rt/window',
    ])
      expect((await call('GET', path, {}, others)).status, path).toBe(404)
    // The bytes of the same digest are the other tenant's own.
    expect((await call('GET', '/assets/theirs/content', {}, others)).status).toBe(410)
  })
  test('can wait for what was written, and hears when it is not there yet', async () => {
    await project(50)
    const later = call('GET', '/status', { headers: { 'min-projected-seq': '60' } })
    await project(60)
    expect((await later).headers).toMatchObject({ 'x-projected-seq': '60' })
    const never = await call('GET', '/status', { headers: { 'min-projected-seq': '61' } })
    expect([never.status, never.headers['x-stale']]).toEqual([200, 'true'])
  })

  test('after the health of everything hears what is down', async () => {
    await project((await world.doors.log.head()).seq)
    expect((await app.inject('/health/deep')).json()).toMatchObject({ status: 'ok' })
    await put('workers', { worker: 'w1', status: 'stale' })
    const idle = await app.inject('/health/deep')
    await put('workers', { worker: 'w1' })
    expect([idle.statusCode, idle.json().status]).toEqual([200, 'degraded'])
    await project(1)
    const behind = await others.inject('/health/deep')
    expect([behind.statusCode, behind.json().checks.projector.status]).toEqual([503, 'down'])
  })
})

test('the room listens, outlives Postgres, and ends what it has begun [I16]', async () => {
  const stop = new AbortController()
  const options = { pgUrl: postgres.url, host: '127.0.0.1', port: 0, signal: stop.signal }
  const room = await startApi(world.doors, options)
  const status = async () => (await fetch(`${room.url}/api/v1/status`)).status
  expect(await status()).toBe(200)
  await expect(
    startApi(world.doors, { ...options, port: Number(new URL(room.url).port) }),
  ).rejects.toThrow('taken')
  await postgres.stop()
  await until('a 503', async () => (await status()) === 503)
  const port = Number(new URL(postgres.url).port)
  postgres = await startPostgres({ dataDir: join(world.directory, 'pg'), port })
  await until('a 200', async () => (await status()) === 200)
  const before = (await world.doors.log.head()).seq
  const waiting = fetch(`${room.url}/api/v1/pipelines/rt/runs?wait=60`, { method: 'POST' })
  await until('the question', () => world.doors.log.at(before + 1))
  stop.abort()
  expect((await waiting).status).toBe(202)
  await room.ended
  await expect(fetch(`${room.url}/health`)).rejects.toThrow()
})
