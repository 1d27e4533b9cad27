import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import type { AuthSettings } from '@headway/api/auth/settings.ts'
import { openDatabase } from '@headway/api/database.ts'
import { parseResumeKeys } from '@headway/api/resume-token.ts'
import { startProjector } from '@headway/projector/start.ts'
import type { Event } from '@headway/schemas/events.ts'
import { examples } from '@headway/schemas/examples.ts'
import { topicKinds, type TopicKind } from '@headway/schemas/ports.ts'
import { allows, roles, type Role } from '@headway/schemas/roles.ts'
import { mintToken } from '@headway/schemas/token.ts'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { history, startWorld, until, type World } from './harness.ts'

/** Every route, every role, every way not to be let in; and the things of another tenant. */
const session = 'a-key-of-at-least-thirty-two-characters'
const settings: AuthSettings = { sessionKey: session, rate: { perSecond: 1e6, burst: 1e6 } }
const tomorrow = '2099-01-01T00:00:00.000Z'

let world: World
let app: App
let closeAll: () => Promise<void>
const tokens = {} as Record<Role | 'expired' | 'revoked' | 'foreign', string>

const give = async (role: Role, more: { tenant?: string; expiresAt?: string } = {}) => {
  const { id, token, hash } = mintToken(randomBytes(44))
  const { tenant = 'default', expiresAt = tomorrow } = more
  const event = {
    ...examples.TokenCreated,
    token: id,
    hash,
    role,
    holder: `the ${role}`,
    expiresAt,
  }
  const topic = { kind: 'token' as const, name: id }
  await world.doors.log.append({ tenant, topic, id: `t-${id}`, events: [event], source: 'test' })
  return { id, token }
}

const topicOf = (event: Event): { kind: TopicKind; name: string } => {
  const kind = topicKinds.find((one) => one in event && typeof event[one as never] === 'string')
  return { kind: kind ?? 'pipeline', name: kind ? (event[kind as never] as string) : 'p' }
}

beforeAll(async () => {
  world = await startWorld({ postgres: true })
  const { url } = world.postgres!
  const { log } = world.doors
  for (const [i, event] of (Object.values(examples) as Event[]).entries())
    await log.append({
      tenant: 'other',
      topic: topicOf(event),
      id: `other-${i}`,
      events: [event],
      source: 'test',
    })
  for (const role of roles) tokens[role] = (await give(role)).token
  tokens.expired = (await give('admin', { expiresAt: '2020-01-01T00:00:00.000Z' })).token
  tokens.foreign = (await give('admin', { tenant: 'other' })).token
  const revoked = await give('admin')
  tokens.revoked = revoked.token
  const topic = { kind: 'token' as const, name: revoked.id }
  const end = { ...examples.TokenRevoked, token: revoked.id }
  await log.append({ tenant: 'default', topic, id: 'revoke', events: [end], source: 'test' })
  world.run(startProjector(await world.open('projector'), { pgUrl: url, signal: world.signal }))
  const database = openDatabase(url, world.doors.logger)
  const resumeKeys = parseResumeKeys('k:a-rather-long-secret')
  const ports = { ...world.doors, db: database.db, tenant: 'default', resumeKeys }
  app = await buildApp({ ...ports, auth: settings })
  closeAll = async () => {
    await app.close()
    await database.close()
    await world.stop()
  }
  const { seq } = await log.head()
  await until('the read models', async () => {
    const reply = await send('GET', '/api/v1/status', { token: tokens.viewer })
    return Number(reply.headers['x-projected-seq']) >= seq
  })
})
afterAll(() => closeAll())

type Sent = { token?: string; headers?: Record<string, string>; payload?: object | string }
const send = (method: string, url: string, { token, headers = {}, payload }: Sent = {}) =>
  app.inject({
    method: method as 'GET',
    url,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    ...(payload === undefined ? {} : { payload }),
  })
const codeOf = (reply: { json: () => unknown }) => (reply.json() as { code: string }).code

type Schema = {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly required?: readonly string[]
  readonly properties?: Record<string, Schema>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly minItems?: number
  readonly pattern?: string
}
/** The least that a schema takes. */
const least = (schema: Schema): unknown => {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return least(schema.anyOf[0]!)
  if (schema.type === 'object' || schema.properties)
    return Object.fromEntries(
      (schema.required ?? []).map((name) => [name, least(schema.properties![name]!)]),
    )
  if (schema.type === 'array') return schema.minItems ? [least(schema.items!)] : []
  if (schema.type === 'integer' || schema.type === 'number') return 1
  if (schema.type === 'boolean') return false
  return schema.pattern ? '0'.repeat(schema.pattern.includes('{12}') ? 12 : 26) : 'x'
}

/** What the other tenant calls its things. */
const { run } = examples.RunRequested
const { version } = examples.AssetVersioned
const theirs: Readonly<Record<string, string>> = {
  'assets/:key': examples.AssetVersioned.asset,
  'versions/:version': version,
  'runs/:id': run,
  'why/run/:id': run,
  'pipelines/:id': examples.RunRequested.pipeline,
  'dead-letters/:id': run,
  'interactions/:id': examples.RunSuspended.questions[0]!.interaction,
  'redrives/:id': examples.RedriveRequested.redrive,
  'canaries/:id': examples.CanaryStarted.canary,
  'workers/:id': examples.WorkerJoined.worker,
  'tokens/:id': examples.TokenCreated.token,
  'tasks/:id': examples.PushReceived.task,
  'releases/:pipeline': examples.RunRequested.pipeline,
  'windows/:id': examples.RunRequested.pipeline,
  'windows/:pipeline': examples.RunRequested.pipeline,
  'sources/:source': examples.SourceDefined.source,
  'webhooks/:source': examples.SourceDefined.source,
  'sinks/:sink': examples.SinkDefined.sink,
  'log/:seq': '1',
  'steps/:step': 'rename_vehicles',
}
const fill = (path: string): string =>
  path.replaceAll(/([^/{}]+)\/\{(\w+)\}/g, (_, before: string, name: string) => {
    const known = theirs[`${before}/:${name}`] ?? theirs[`${path.split('/')[3]}/:${name}`]
    return `${before}/${known ?? examples.RunRequested.pipelineVersion}`
  })

type Operation = {
  readonly 'x-headway-role': Role | 'public'
  readonly requestBody?: { content: Record<string, { schema: Schema }> }
}
const operations = async () => {
  const document = (await send('GET', '/openapi.json')).json() as {
    paths: Record<string, Record<string, Operation>>
  }
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const json = operation.requestBody?.content['application/json']
      const payload = json ? (least(json.schema) as object) : undefined
      const needs = operation['x-headway-role']
      return { method: method.toUpperCase(), path, url: fill(path), needs, payload }
    }),
  )
}
/** They answer for ever. */
const endless = (path: string) => path.endsWith('/stream')

describe('every route', () => {
  test('says which role it needs', async () => {
    const all = await operations()
    expect(all.length).toBeGreaterThan(60)
    expect(all.filter(({ needs }) => needs !== 'public' && !roles.includes(needs))).toEqual([])
    const writes = all.filter(({ method, needs }) => method !== 'GET' && needs === 'viewer')
    expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /api/v1/session'])
  })

  test('lets nobody in who is not known, and nobody whose role is too low', async () => {
    const wrong: string[] = []
    for (const { method, path, url, needs, payload } of await operations()) {
      if (needs === 'public') continue
      const body = payload === undefined ? {} : { payload }
      const tell = (who: string, got: number, wanted: number) => {
        if (got !== wanted) wrong.push(`${method} ${path} as ${who}: ${got}, not ${wanted}`)
      }
      tell('nobody', (await send(method, url, body)).statusCode, 401)
      for (const name of ['expired', 'revoked', 'foreign'] as const)
        tell(name, (await send(method, url, { ...body, token: tokens[name] })).statusCode, 401)
      for (const role of roles) {
        if (allows(role, needs)) continue
        tell(role, (await send(method, url, { ...body, token: tokens[role] })).statusCode, 403)
      }
    }
    expect(wrong).toEqual([])
  })

  test("knows nothing of another tenant's things, whatever the role [I15]", async () => {
    const wrong: string[] = []
    const { seq } = await world.doors.log.head()
    for (const { method, path, url, needs, payload } of await operations()) {
      if (needs === 'public' || endless(path) || /tokens$|session$/.test(path)) continue
      for (const role of roles.filter((one) => allows(one, needs))) {
        const body = payload === undefined ? {} : { payload }
        const reply = await send(method, url, { ...body, token: tokens[role] })
        const named = path.includes('{')
        const isWell = named ? reply.statusCode === 404 : reply.statusCode !== 403
        const leaks = !named && /st-realtime-production|pims\/prod/.test(reply.body)
        if (!isWell || leaks || reply.statusCode >= 500)
          wrong.push(`${method} ${url} as ${role}: ${reply.statusCode} ${reply.body.slice(0, 160)}`)
      }
    }
    expect(wrong).toEqual([])
    // Whoever may ask for a copy of the tables is on the log; nothing else was brought about.
    const since = (await history(world.doors)).filter((commit) => commit.seq > seq)
    expect(new Set(since.map(({ topic }) => topic.kind))).toEqual(new Set(['projection']))
  })
})

describe('a token', () => {
  const create = (role: Role, token = tokens.admin, headers = {}) =>
    send('POST', '/api/v1/tokens', { token, headers, payload: { holder: 'ci', role, days: 1 } })

  test('is made by an admin, works at once, is shown once and is on no list or log', async () => {
    const headers = { 'idempotency-key': 'k1', 'x-headway-actor': 'mallory' }
    const made = await create('operator', tokens.admin, headers)
    expect(made.statusCode).toBe(201)
    const { token, id, seq } = made.json<{ token: string; id: string; seq: number }>()
    const who = await send('GET', '/api/v1/session', { token })
    expect(who.json()).toMatchObject({ name: 'ci', role: 'operator', tenant: 'default' })
    const again = await create('operator', tokens.admin, headers)
    expect([again.statusCode, codeOf(again)]).toEqual([409, 'idempotency_key_reused'])
    const list = await send('GET', '/api/v1/tokens', { token: tokens.admin })
    const secret = token.split('_')[2]!
    expect(list.body).toContain(id)
    expect(list.body).not.toContain(secret)
    const commit = await world.doors.log.at(seq)
    expect(JSON.stringify(commit!.events)).not.toContain(secret)
    // Who acts is who proved who they are, whatever a header says.
    expect(commit!.events[0]).toMatchObject({ actor: { name: 'the admin' } })
  })

  test('ends when somebody revokes it, and its sessions with it', async () => {
    const { token, id } = (await create('viewer')).json<{ token: string; id: string }>()
    const opened = await send('POST', '/api/v1/session', { token })
    const cookie = String(opened.headers['set-cookie']).split(';')[0]!
    const look = () => send('GET', '/api/v1/runs', { headers: { cookie } })
    expect((await look()).statusCode).toBe(200)
    const url = `/api/v1/tokens/${id}`
    const headers = { 'x-headway-reason': 'it leaked' }
    expect((await send('DELETE', url, { token: tokens.admin, headers })).statusCode).toBe(200)
    expect((await send('GET', '/api/v1/runs', { token })).statusCode).toBe(401)
    expect(codeOf(await look())).toBe('session_ended')
    const { seq } = await world.doors.log.head()
    const entry = await until('the audit has it', async () => {
      const sent = { token: tokens.viewer, headers: { 'min-projected-seq': String(seq) } }
      const audit = await send('GET', '/api/v1/audit?type=TokenRevoked', sent)
      return audit.json<object[]>().find((one) => JSON.stringify(one).includes(id))
    })
    expect(entry).toMatchObject({
      actor: { name: 'the admin', reason: 'it leaked' },
      about: { kind: 'token', name: id },
    })
  })

  test('that is nearly another one is none', async () => {
    const good = tokens.admin
    const swapped = `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`
    for (const token of [swapped, `${good}A`, good.slice(0, -1), 'hw_', 'x'.repeat(9_000)])
      expect((await send('GET', '/api/v1/runs', { token })).statusCode).toBe(401)
    const basic = { headers: { authorization: `Basic ${good}` } }
    expect(codeOf(await send('GET', '/api/v1/runs', basic))).toBe('bad_credentials')
  })
})

describe('a session', () => {
  const open = async () => {
    const reply = await send('POST', '/api/v1/session', { token: tokens.admin })
    return String(reply.headers['set-cookie'])
  }

  test('is a cookie that scripts cannot read and other sites cannot send', async () => {
    const cookie = await open()
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/'])
      expect(cookie).toContain(attribute)
    const value = cookie.split(';')[0]!
    const forged = `${value.slice(0, -3)}AAA`
    const url = '/api/v1/runs'
    expect((await send('GET', url, { headers: { cookie: value } })).statusCode).toBe(200)
    expect((await send('GET', url, { headers: { cookie: forged } })).statusCode).toBe(401)
  })

  test('writes only for pages of this very site', async () => {
    const cookie = (await open()).split(';')[0]!
    const write = async (headers: Record<string, string>) => {
      const url = '/api/v1/pipelines/none/pause'
      return (await send('POST', url, { headers: { cookie, ...headers }, payload: {} })).statusCode
    }
    expect(await write({})).toBe(403)
    expect(await write({ origin: 'https://evil.example' })).toBe(403)
    expect(await write({ origin: 'null' })).toBe(403)
    expect(await write({ 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await write({ 'sec-fetch-site': 'cross-site' })).toBe(403)
    expect(await write({ 'sec-fetch-site': 'same-origin' })).toBe(404)
    expect(await write({ origin: 'http://localhost:80' })).toBe(404)
  })
})

test('every answer tells browsers what pages of ours may do', async () => {
  const { headers } = await send('GET', '/api/v1/runs', { token: tokens.viewer })
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'") as string,
  })
  expect(headers['content-security-policy']).not.toContain('unsafe')
})
