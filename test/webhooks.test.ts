/** Deliveries over real HTTP bodies, a real log and real read models; each promise of the intake by name. */
import { createHmac } from 'node:crypto'
import { Svcm } from '@nats-io/services'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiPorts, App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { syncReport } from '@headway/schemas/content/sync-report.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { serviceSubject } from '@headway/streams/subjects.ts'
import { connectTo, type Connection } from '@headway/streams/connect.ts'
import { openServices } from '@headway/streams/services.ts'
import { ApiWorld, codeA } from './api-world.ts'
import { until } from './harness.ts'

const at = '2026-11-21T00:00:00.000Z'
const commit = '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c'
const key = 'the-new-key'
let api: ApiWorld
let connection: Connection
const closing: (() => Promise<void>)[] = []

type Reply = { status: number; headers: Record<string, unknown>; body: Record<string, unknown> }
type Sent = { id?: string; body?: string; signedWith?: string; headers?: Record<string, string> }

const payload = (ref = 'refs/heads/main') =>
  JSON.stringify({
    ref,
    after: commit,
    repository: { full_name: 'acme/shop' },
    pusher: { name: 'ann' },
    head_commit: { id: commit, timestamp: at },
  })
let sent = 0
const deliveryHeaders = ({ id = `delivery-${sent++}`, body = payload(), ...more }: Sent) => ({
  'content-type': 'application/json',
  'x-github-event': 'push',
  'x-github-delivery': id,
  'x-hub-signature-256': `sha256=${createHmac('sha256', more.signedWith ?? key)
    .update(body)
    .digest('hex')}`,
  ...more.headers,
})
const deliver = async (what: Sent = {}, path = 'acme', app: App = api.app): Promise<Reply> => {
  const reply = await app.inject({
    method: 'POST',
    url: `/api/v1/webhooks/${path}`,
    headers: deliveryHeaders(what),
    payload: what.body ?? payload(),
  })
  return { status: reply.statusCode, headers: reply.headers, body: reply.json() }
}

/** Another API on the same servers. */
const another = async (change: Partial<ApiPorts> = {}): Promise<App> => {
  const { doors, postgres } = api.world
  const database = openDatabase(postgres!.url, doors.logger)
  const { services: _, ...ports } = { ...doors, services: null }
  const app = await buildApp({ ...ports, db: database.db, tenant: 'default', ...change })
  closing.push(async () => {
    await app.close()
    await database.close()
  })
  return app
}

const define = (source: string, webhook: EventOf<'SourceDefined'>['definition']['webhook']) =>
  api.tell('source', source, {
    type: 'SourceDefined',
    v: 1,
    at,
    source,
    definition: { platform: 'github', url: 'https://github.com', ...(webhook && { webhook }) },
  })
const pushes = async (delivery: string) =>
  (await api.told('PushReceived')).filter((event) => event.delivery === delivery)

beforeAll(async () => {
  process.env.TEST_WEBHOOK_NEW = key
  process.env.TEST_WEBHOOK_OLD = 'the-old-key'
  api = await ApiWorld.open()
  connection = await connectTo(api.world.nats.url, 'asker')
  await define('acme', { keys: ['env:TEST_WEBHOOK_NEW', 'env:TEST_WEBHOOK_OLD'] })
  await define('open', { verify: false })
  await define('keyless', { keys: ['env:TEST_WEBHOOK_ABSENT'] })
  await until('sources', async () => (await deliver({}, 'keyless')).status === 503)
})
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  await connection.close()
  await api.close()
})

describe('a delivery', () => {
  test('is a task that can be followed at once', async () => {
    const { status, headers, body } = await deliver({ id: 'first' })
    expect(status).toBe(202)
    expect(body).toMatchObject({ repeated: false, verified: true, status: 'accepted' })
    const task = String(body.task)
    expect(headers.location).toBe(`/api/v1/tasks/${task}`)
    const found = await api.send('GET', `/tasks/${task}`)
    expect(found.status).toBe(200)
    expect(found.body).toMatchObject({
      id: task,
      status: 'pending',
      ref: 'refs/heads/main',
      commit,
    })
    expect((await api.get('/tasks')).map(({ id }: { id: string }) => id)).toContain(task)
  })

  test('that is sent again adds nothing, whichever API takes it, and is the same task', async () => {
    const first = await deliver({ id: 'again' })
    const second = await deliver({ id: 'again' })
    // Knows only what the log says.
    const restarted = await deliver(
      { id: 'again', signedWith: 'the-old-key' },
      'acme',
      await another(),
    )
    expect([second.body.task, restarted.body.task]).toEqual([first.body.task, first.body.task])
    expect([second.body.repeated, restarted.body.repeated]).toEqual([true, true])
    expect(await pushes('again')).toHaveLength(1)
  })

  test('that comes to two APIs at the same moment is there once', async () => {
    const other = await another()
    const ids = Array.from({ length: 20 }, (_, i) => `twice-${i}`)
    await deliver({}, 'acme', other)
    // In another order, so that no commit of the one is a commit of the other.
    const replies = await Promise.all([
      ...ids.map((id) => deliver({ id })),
      ...ids.toReversed().map((id) => deliver({ id }, 'acme', other)),
    ])
    const tasks = new Set(replies.map(({ body }) => body.task))
    expect(replies.map(({ status }) => status)).toEqual(ids.flatMap(() => [202, 202]))
    expect(tasks.size).toBe(ids.length)
    const told = await api.told('PushReceived')
    expect(told.filter(({ delivery }) => delivery.startsWith('twice-'))).toHaveLength(ids.length)
  })

  test.each([
    ['is not stored', false],
    ['is stored and its answer lost', true],
  ])('that got a 503 because it %s is taken when it comes again [B4.15]', async (_, stored) => {
    const { log } = api.world.doors
    let isAway = true
    const broken = await another({
      log: {
        ...log,
        append: async (commit) => {
          if (isAway && stored) await log.append(commit)
          if (isAway) throw new Error('no answer')
          return log.append(commit)
        },
      },
    })
    const id = `after-503-${stored}`
    expect(await deliver({ id }, 'acme', broken)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
    })
    isAway = false
    const again = await deliver({ id }, 'acme', broken)
    expect(again.status).toBe(202)
    const [push, ...more] = await pushes(id)
    expect(more).toEqual([])
    expect(again.body.task).toBe(push!.task)
  })

  test.each<[number, string, Sent, string?]>([
    [401, 'bad_signature', { signedWith: 'another-key' }],
    [401, 'bad_signature', { headers: { 'x-hub-signature-256': '' } }],
    [
      401,
      'bad_signature',
      {
        body: `${payload()} `,
        headers: {
          'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(payload()).digest('hex')}`,
        },
      },
    ],
    [404, 'unknown_source', {}, 'nobody'],
    [
      415,
      'unsupported_media_type',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    [413, 'body_too_large', { body: ' '.repeat(10 * 1024 * 1024 + 1) }],
    [400, 'malformed_json', { body: '{"ref":' }],
    [400, 'bad_payload', { body: '{"ref":"refs/heads/main"}' }],
    [503, 'source_keys_unavailable', {}, 'keyless'],
  ])('gets %i %s and leaves nothing', async (status, code, what, path) => {
    const before = (await api.told('PushReceived')).length
    const reply = await deliver(what, path)
    expect(reply).toMatchObject({ status, body: { code } })
    expect((await api.told('PushReceived')).length).toBe(before)
  })

  test('of an event that moves nothing is 200 with the reason', async () => {
    const { status, body } = await deliver({ headers: { 'x-github-event': 'ping' } })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'ignored',
      reason: expect.stringContaining('ping') as string,
    })
  })

  test('is checked unless its source says aloud that it is not [B4.18]', async () => {
    const reply = await deliver({ signedWith: 'whatever' }, 'open')
    expect(reply).toMatchObject({ status: 202, body: { verified: false } })
    expect(reply.headers['headway-unverified']).toBeDefined()
    const [open] = (await api.get('/sources')).filter(({ id }: { id: string }) => id === 'open')
    expect(open).toMatchObject({ verified: false, webhook: '/api/v1/webhooks/open' })
  })

  test('as a dry run writes nothing later and does not stand for the real one', async () => {
    const dry = await deliver({ id: 'rehearsed' }, 'acme/dry-run')
    const real = await deliver({ id: 'rehearsed' })
    expect([dry.status, real.status, real.body.repeated]).toEqual([202, 202, false])
    const told = await api.told('PushReceived')
    const of = (task: unknown) => told.find((event) => event.task === task)?.dryRun
    expect([of(dry.body.task), of(real.body.task)]).toEqual([true, false])
  })

  test('too many at once are told to wait, per address and per source', async () => {
    const rates = {
      address: { perSecond: 0.001, burst: 3 },
      source: { perSecond: 100, burst: 100 },
    }
    const strict = await another({ rates })
    const replies: Reply[] = []
    for (let i = 0; i < 5; i++) replies.push(await deliver({ id: `flood-${i}` }, 'acme', strict))
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202, 429, 429])
    expect(Number(replies[3]!.headers['retry-after'])).toBeGreaterThan(0)
    expect(
      replies.slice(0, 4).map(({ headers }) => String(headers.ratelimit).slice(0, 13)),
    ).toEqual([2, 1, 0, 0].map((left) => `"address";r=${left}`))
    const slow = { address: { perSecond: 100, burst: 100 }, source: { perSecond: 0.001, burst: 1 } }
    const narrow = await another({ rates: slow })
    // Who cannot sign uses up nobody's share.
    expect((await deliver({ signedWith: 'x' }, 'acme', narrow)).status).toBe(401)
    expect((await deliver({}, 'acme', narrow)).status).toBe(202)
    const refused = await deliver({}, 'acme', narrow)
    expect(refused.status).toBe(429)
    expect(refused.headers['ratelimit-policy']).toBe('"source";q=1;w=1000')
  })
})

test('a flood is shed, and of what was accepted nothing is lost', async () => {
  const [floodSize, lanes, burst] = [1_000, 50, 200]
  const rate = { perSecond: 0.5, burst }
  const app = await another({ rates: { address: rate, source: rate } })
  const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/api/v1/webhooks/acme`
  const [accepted, waits]: [string[], number[]] = [[], []]
  const sendOn = async (lane: number) => {
    for (let i = lane; i < floodSize; i += lanes) {
      const headers = deliveryHeaders({ id: `flooded-${i}` })
      const reply = await fetch(url, { method: 'POST', headers, body: payload() })
      const { task } = (await reply.json()) as { task: string }
      if (reply.status === 202) accepted.push(task)
      if (reply.status === 429) waits.push(Number(reply.headers.get('retry-after')))
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => sendOn(lane)))
  expect(accepted.length + waits.length).toBe(floodSize)
  expect(accepted.length).toBeGreaterThanOrEqual(burst)
  expect([waits.length > 0, waits.every((wait) => wait >= 1)]).toEqual([true, true])
  const told = await api.told('PushReceived')
  const stored = told.filter(({ delivery }) => delivery.startsWith('flooded-'))
  expect(stored.map(({ task }) => task).toSorted()).toEqual(accepted.toSorted())
})

describe('a task', () => {
  const resolved = (push: EventOf<'PushReceived'>, targets: EventOf<'PushResolved'>['targets']) => {
    const { source, delivery, task } = push
    return api.tell('source', source, {
      type: 'PushResolved',
      v: 1,
      at,
      source,
      delivery,
      task,
      targets,
    })
  }
  const pushed = async (id: string) => {
    await deliver({ id })
    return (await pushes(id))[0]!
  }
  const place = { rule: 'shop', environment: 'production' }

  test('that nobody knows is 404; a failed one is 200 and says so [B4.18] [B4.9]', async () => {
    expect((await api.send('GET', '/tasks/01M7XYZP2ZR5ZG15R7ZX64S5RC')).status).toBe(404)
    const push = await pushed('fails')
    await resolved(push, [{ ...place, outcome: 'failed', reason: 'git fetch: connection refused' }])
    const { status, body } = await api.call('GET', `/tasks/${push.task}`)
    expect([status, body.status]).toEqual([200, 'failed'])
    expect(body.targets[0]).toMatchObject({ outcome: 'failed', reason: /refused/ })
  })

  test('is where its runs are, with the counts of every sink', async () => {
    await api.pipeline('shop--production')
    const push = await pushed('runs')
    const version = await api.version('config/shop/acme.shop/production', 1)
    const target = { ...place, pipeline: 'shop--production', asset: version.asset }
    await resolved(push, [{ ...target, version: version.version, outcome: 'versioned' }])
    expect((await api.get(`/tasks/${push.task}`)).status).toBe('running')
    const run = await api.run('shop--production', { triggeredBy: [version] })
    await api.started('shop--production', run, 1, 0, codeA)
    expect((await api.get(`/tasks/${push.task}`)).status).toBe('running')
    const sync = { ...place, sink: 'shop-kv', run }
    const counts = { written: 3, deleted: 1, unchanged: 7 }
    await api.tell('sink', 'shop-kv', {
      type: 'SyncConfirmed',
      v: 1,
      at,
      ...sync,
      commit,
      ...counts,
    })
    const waiting = api.send('GET', `/tasks/${push.task}?wait=60`)
    await api.ended('RunCompleted', 'shop--production', run)
    expect((await waiting).body).toMatchObject({ status: 'succeeded' })
    const { targets } = await api.get(`/tasks/${push.task}`)
    expect(targets).toMatchObject([
      { run, runStatus: 'completed', sinks: [{ sink: 'shop-kv', ...counts }] },
    ])
  })

  test('that was dry tells what would be done, and what is protected', async () => {
    await api.pipeline('shop--plan')
    const push = await pushed('dry')
    const version = await api.version('config/shop/acme.shop/plan', 1)
    const target = { ...place, pipeline: 'shop--plan', asset: version.asset }
    await resolved(push, [{ ...target, version: version.version, outcome: 'versioned' }])
    const run = await api.run('shop--plan', { triggeredBy: [version] })
    await api.started('shop--plan', run, 1, 0, codeA)
    const sink = {
      sink: 'shop-kv',
      environment: 'production',
      mode: 'smart_repair' as const,
      written: 0,
      deleted: 0,
      unchanged: 2,
      protected: 1,
      protected_keys: ['SYSTEM_X'],
      would_write: ['a'],
      would_delete: ['b'],
    }
    const [report] = syncReport.encode({
      rule: 'shop',
      repository: 'acme/shop',
      commit,
      environment: 'production',
      dryRun: true,
      sinks: [sink],
      files: [{ path: 'a.json', status: 'ok' }],
    })
    const digest = await api.world.doors.content.put('default', report!.bytes)
    const output = 'output/shop--plan/report'
    const made = { asset: output, version: ulidOf(1, output), ordinal: 1, sizeBytes: 9 }
    const renditions = [{ name: 'report.json', mediaType: 'x/y', digest, sizeBytes: 9 }]
    const kind = 'sync_report' as const
    const facts = { rows: 1, facts: {}, rawDigest: digest, contentDigest: digest, kind, renditions }
    const of = { pipeline: 'shop--plan', pipelineVersion: codeA, output: 'report' }
    const origin = { by: 'run' as const, run, attempt: 1, ...of }
    await api.tell('asset', output, { type: 'AssetVersioned', v: 1, at, ...made, ...facts, origin })
    await api.tell('run', 'shop--plan', {
      type: 'ArtifactPublished',
      ...api.fence('shop--plan', run),
      ...made,
      output: 'report',
      changed: true,
      renditions,
    })
    await api.ended('RunCompleted', 'shop--plan', run)
    expect((await api.get(`/tasks/${push.task}`)).targets).toMatchObject([
      {
        sinks: [
          {
            status: 'planned',
            mode: 'smart_repair',
            protected: 1,
            protectedKeys: ['SYSTEM_X'],
            wouldWrite: ['a'],
            wouldDelete: ['b'],
          },
        ],
        files: [{ path: 'a.json', status: 'ok' }],
      },
    ])
  })

  test('whose run gave up has failed and is among the dead letters [B4.10]', async () => {
    await api.pipeline('shop--staging')
    const push = await pushed('gives-up')
    const version = await api.version('config/shop/acme.shop/staging', 1)
    const target = { rule: 'shop', environment: 'staging', pipeline: 'shop--staging' }
    await resolved(push, [{ ...target, version: version.version, outcome: 'versioned' }])
    const run = await api.dead('shop--staging', undefined, { triggeredBy: [version] })
    expect(await api.get('/dead-letters?pipeline=shop--staging')).toMatchObject([{ id: run }])
    expect(await api.get(`/tasks/${push.task}`)).toMatchObject({
      status: 'failed',
      targets: [{ run, error: { type: 'Boom' } }],
    })
  })

  test('for no rule at all is ignored, and the waiting delivery gets that report', async () => {
    const waiting = deliver({ id: 'for-nobody' }, 'acme?wait=60')
    const push = await until('the push', async () => (await pushes('for-nobody'))[0])
    await resolved(push, [])
    expect(await waiting).toMatchObject({ status: 200, body: { id: push.task, status: 'ignored' } })
  })
})

describe('by hand', () => {
  const sync = (body: object, idempotencyKey?: string) =>
    api.post('/sources/acme/sync', body, idempotencyKey)

  test('a repository is asked for once per key', async () => {
    const body = {
      repository: 'acme/shop',
      ref: 'main',
      environment: 'staging',
      reason: 'new sink',
    }
    const [first, second] = [await sync(body, 'k'), await sync(body, 'k')]
    expect([first.status, second.body.task]).toEqual([202, first.body.task])
    const found = await api.get(`/tasks/${first.body.task}`)
    expect(found).toMatchObject({
      event: 'manual',
      ref: 'refs/heads/main',
      commit: null,
      actor: 'ada',
    })
  })

  test.each([
    [{ repository: '../x' }],
    [{ repository: 'acme/shop', ref: '--upload-pack=x' }],
    [{ repository: 'acme/shop', commit: 'abc' }],
  ])('%j is refused', async (body) => {
    expect((await sync(body)).status).toBe(400)
  })
})

describe('over NATS', () => {
  const ask = async (name: string, request: object) => {
    const subject = serviceSubject('default', name)
    const reply = await connection.nc.request(subject, JSON.stringify(request), { timeout: 10_000 })
    return {
      error: reply.headers?.get('Nats-Service-Error-Code') ?? '',
      body: reply.json<Record<string, unknown>>(),
    }
  }
  beforeAll(async () => {
    await another({ services: openServices(connection) })
  })

  test('both services are found by who looks for services', async () => {
    const client = new Svcm(connection.nc).client({ maxWait: 1_000 } as never)
    const [names, subjects] = [new Set<string>(), new Set<string>()]
    await until('answers that come within their second', async () => {
      for await (const { name } of await client.ping()) names.add(name)
      for await (const { endpoints } of await client.info('TriggerSync'))
        for (const { subject } of endpoints) subjects.add(subject)
      return names.has('ProcessWebhook') && names.has('TriggerSync') && subjects.size > 0
    })
    expect(subjects).toEqual(new Set([serviceSubject('default', 'TriggerSync')]))
  })

  test('ProcessWebhook checks signatures as HTTP does, and gives the task', async () => {
    const request = {
      source: 'acme',
      headers: deliveryHeaders({ id: 'by-nats' }),
      payload: payload(),
    }
    const { body } = await ask('ProcessWebhook', request)
    expect((await deliver({ id: 'by-nats' })).body).toMatchObject({
      task: body.task,
      repeated: true,
    })
    const forged = { ...request, headers: deliveryHeaders({ signedWith: 'other' }) }
    expect(await ask('ProcessWebhook', forged)).toMatchObject({
      error: '401',
      body: { code: 'bad_signature' },
    })
    expect((await ask('ProcessWebhook', { source: 1 })).error).toBe('400')
  })

  test('TriggerSync gives a task, the same for the same key', async () => {
    const wanted = { source: 'acme', repository: 'acme/shop', commit, ref: 'main', key: 'k1' }
    const [first, second] = [await ask('TriggerSync', wanted), await ask('TriggerSync', wanted)]
    expect(second.body).toMatchObject({ task: first.body.task, repeated: true })
    expect((await ask('TriggerSync', { ...wanted, source: 'nobody' })).error).toBe('404')
  })
})
