import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { meaningOf } from '@headway/api/problems.ts'
import { Client } from '@headway/client/client.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operationsOf, typescriptOf, type Document } from './fixtures/typescript-of.ts'
import { startWorld, type World } from './harness.ts'

/** The description of the API is what is served, whole, and what the client is made of. */
const root = fileURLToPath(new URL('..', import.meta.url))
let world: World
let app: App
let document: Document
let close: () => Promise<void>

beforeAll(async () => {
  world = await startWorld()
  // Nobody listens there: descriptions need no database.
  const database = openDatabase('postgres://headway@127.0.0.1:1/headway', world.doors.logger)
  app = await buildApp({ ...world.doors, db: database.db, tenant: 'default' })
  document = (await app.inject({ url: '/openapi.json' })).json()
  close = async () => {
    await app.close()
    await database.close()
    await world.stop()
  }
})
afterAll(() => close())

test('the document is valid OpenAPI 3.1', async () => {
  expect(document.openapi).toMatch(/^3\.1/)
  const checked = await new Validator().validate(
    JSON.parse(JSON.stringify(document)) as Record<string, never>,
  )
  expect(checked.errors ?? []).toEqual([])
  expect(checked.valid).toBe(true)
})

test('what is limited says so, and how much is left', () => {
  type Told = { headers?: object; content?: object }
  const tooMany = (asked: string): Told | undefined => {
    const found = operationsOf(document).find(({ name }) => name === asked)
    return found?.operation.responses['429'] as Told | undefined
  }
  for (const name of ['GET /api/v1/runs', 'POST /api/v1/webhooks/{source}']) {
    const { headers, content } = tooMany(name) ?? {}
    expect(Object.keys(headers ?? {})).toEqual(['Retry-After', 'RateLimit-Policy', 'RateLimit'])
    expect(Object.keys(content ?? {})).toEqual(['application/problem+json'])
  }
  expect(tooMany('GET /health')).toBeUndefined()
})

test('every endpoint is in it, with what it is for, what it answers and who may ask', async () => {
  const described = new Set(operationsOf(document).map(({ name }) => name))
  const lacking = operationsOf(document).filter(
    ({ operation: { summary, tags, responses } }) =>
      !summary || !tags || !Object.keys(responses).some((status) => status.startsWith('2')),
  )
  expect(lacking.map(({ name }) => name)).toEqual([])
  const source = routeFiles().join('\n')
  const registered = [...source.matchAll(/\.(get|post|put|delete)\(\s*`\$\{base\}([^`$]*)`/g)]
  expect(registered.length).toBeGreaterThan(40)
  const missing = registered
    .map(
      ([, method, path]) =>
        `${method!.toUpperCase()} /api/v1${path!.replaceAll(/:(\w+)/g, '{$1}')}`,
    )
    .filter((name) => !described.has(name))
  expect(missing).toEqual([])
})

const walk = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.name === 'node_modules') return []
    if (entry.isDirectory()) return walk(path)
    return entry.name.endsWith('.ts') && !entry.name.includes('.test.') ? [path] : []
  })
const routeFiles = () =>
  walk(join(root, 'services/api/routes')).map((path) => readFileSync(path, 'utf8'))

test('the client is made of it: npx vitest run test/openapi.test.ts -u', async () => {
  const oxfmt = join(root, 'node_modules/.bin/oxfmt')
  const made = spawnSync(oxfmt, ['--stdin-filepath', 'openapi.ts'], {
    cwd: root,
    input: typescriptOf(document),
    encoding: 'utf8',
  })
  expect(made.stderr).toBe('')
  await expect(made.stdout).toMatchFileSnapshot('../services/client/openapi.ts')
})

test('the client asks, reads the answer and tells problems', async () => {
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const client = new Client(url)
  const { data } = await client.ask('GET /health', {})
  expect(data.status).toBe('ok')
  const session = await client.ask('GET /api/v1/session', {})
  expect(session.data).toMatchObject({ role: 'admin', required: false, until: null })
  const asked = client.ask('GET /api/v1/runs/{id}', { path: { id: 'none' } })
  await expect(asked).rejects.toMatchObject({ code: 'database_unavailable', retryable: true })
})

test('every code of a problem is explained where its type points', async () => {
  const texts = walk(join(root, 'services/api')).map((path) => readFileSync(path, 'utf8'))
  const codes = new Set<string>()
  const add = (pattern: RegExp, prefix = '') => {
    for (const text of texts)
      for (const [, code] of text.matchAll(pattern)) codes.add(prefix + code!.replaceAll(' ', '_'))
  }
  add(/Problem\(\s*\d+,\s*'([a-z_]+)'/g)
  add(/\[\s*[45]\d\d,\s*'([a-z_]+)'/g)
  add(/(?:unauthorized|refuse)\(\s*'([a-z_]+)'/g)
  add(/\bunknown\(\s*'([a-z ]+)'/g, 'unknown_')
  expect(codes.size).toBeGreaterThan(60)
  expect([...codes].filter((code) => meaningOf(code) === null)).toEqual([])
  const { body, headers } = await app.inject({ url: '/problems' })
  expect(headers['content-type']).toContain('text/html')
  expect([...codes].filter((code) => !body.includes(`id="${code}"`))).toEqual([])
  const refused = (await app.inject({ url: '/api/v1/session?nope=1' })).json<object>()
  expect(refused).toMatchObject({ code: 'unknown_parameter', type: '/problems#unknown_parameter' })
})

test('an answer that has not changed is told in one line', async () => {
  const url = '/openapi.json'
  const { headers } = await app.inject({ url })
  const etag = String(headers.etag)
  expect(etag).toMatch(/^W\/"/)
  const again = await app.inject({ url, headers: { 'if-none-match': etag } })
  expect([again.statusCode, again.body]).toEqual([304, ''])
  const other = await app.inject({ url, headers: { 'if-none-match': 'W/"other"' } })
  expect(other.statusCode).toBe(200)
})
