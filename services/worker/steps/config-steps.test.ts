/** From files to values, as the worker does it: every value goes through its bytes between steps. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { configDocuments } from '@headway/schemas/content/config-documents.ts'
import { configTree, type ConfigTree } from '@headway/schemas/content/config-tree.ts'
import { configValues, type ConfigValues } from '@headway/schemas/content/config-values.ts'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import type { ContentKind } from '@headway/schemas/content/kind.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { resolveSecret } from '@headway/streams/secrets.ts'
import { flattenValues } from './flatten-values.ts'
import { readFiles } from './read-files.ts'
import { renameKeys } from './rename-keys.ts'
import { sliceEnvironment } from './slice-environment.ts'
import { TerminalError, type Finding, type StepContext } from './step.ts'
import { validateValues } from './validate-values.ts'

type Files = Readonly<Record<string, string>>
const treeOf = (files: Files, rule: Partial<RuleDefinition> = {}): ConfigTree => ({
  rule: {
    name: 'shop',
    source: 'acme',
    repositories: ['acme/*'],
    files: ['config/*'],
    environment: { default: 'production' },
    sinks: ['shop-kv'],
    ...rule,
  },
  sinks: { 'shop-kv': { type: 'nats_kv', options: { bucket: 'shop' } } },
  repository: 'acme/shop',
  ref: 'refs/heads/main',
  commit: '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c',
  author: 'ann',
  authoredAt: '2026-11-21T12:00:00Z',
  message: 'ports',
  environment: 'production',
  dryRun: false,
  files: Object.entries(files).map(([path, text]) => ({ path, text })),
})

const throughBytes = <T>(kind: ContentKind<T>, value: T): T =>
  kind.parse(kind.encode(value)[0]!.bytes)

const run = async (tree: ConfigTree) => {
  const findings: Finding[] = []
  const context: StepContext = {
    now: '2026-11-21T12:00:00Z',
    signal: new AbortController().signal,
    ask: () => undefined,
    log: () => undefined,
    finding: (finding) => void findings.push(finding),
  }
  const steps = async (): Promise<ConfigValues> => {
    const given = throughBytes(configTree, tree)
    const read = await readFiles.definition.run({ tree: given }, context)
    const documents = throughBytes(configDocuments, read)
    const sliced = await sliceEnvironment.definition.run({ documents }, context)
    const flat = await flattenValues.definition.run({ documents: sliced }, context)
    const values = await renameKeys.definition.run(
      { values: throughBytes(configValues, flat) },
      context,
    )
    return validateValues.definition.run({ tree: given, values }, context)
  }
  const values = await steps().catch((error: unknown) => error as Error)
  return { values, findings, codes: findings.map(({ code }) => code) }
}

const valuesOf = async (files: Files, rule: Partial<RuleDefinition> = {}) => {
  const { values } = await run(treeOf(files, rule))
  if (values instanceof Error) throw values
  return Object.fromEntries(
    values.entries.map((entry) => [
      entry.key,
      'secret' in entry ? { secret: entry.secret } : entry.value,
    ]),
  )
}
const errorOf = async (files: Files, rule: Partial<RuleDefinition> = {}) => {
  const { values } = await run(treeOf(files, rule))
  expect(values).toBeInstanceOf(TerminalError)
  return (values as Error).message
}

describe('files become entries', () => {
  test('with their types, in the order of their keys', async () => {
    const files = {
      'config/b.yaml': 'db: { port: 5432, tls: true, replicas: [a, b], labels: {}, note: null }',
      'config/a.json': '{"name": "shop"}',
      'other/c.json': 'not read',
    }
    expect(Object.entries(await valuesOf(files))).toEqual([
      ['db.labels', {}],
      ['db.note', null],
      ['db.port', 5432],
      ['db.replicas', ['a', 'b']],
      ['db.tls', true],
      ['name', 'shop'],
    ])
  })

  test('every file says how it is: ok, empty, invalid', async () => {
    const { values, codes } = await run(
      treeOf({ 'config/a.yaml': 'a: 1', 'config/b.yaml': '# nothing' }),
    )
    expect(codes).toEqual(['file_empty', 'file_ok'])
    expect((values as ConfigValues).files).toEqual([
      { path: 'config/a.yaml', status: 'ok' },
      { path: 'config/b.yaml', status: 'empty' },
    ])
    const bad = await run(treeOf({ 'config/a.yaml': 'a: 1', 'config/b.json': '{"a": }' }))
    expect(bad.values).toMatchObject({ name: 'TerminalError' })
    expect(bad.findings[0]).toMatchObject({
      code: 'file_invalid',
      subject: { file: 'config/b.json', line: '1', column: '7' },
    })
  })

  test('the root key is an error when it is absent, unless the rule says otherwise', async () => {
    const files = { 'config/a.yaml': 'shop: { settings: { a: 1 } }' }
    expect(await valuesOf(files, { rootKey: 'shop.settings' })).toEqual({ a: 1 })
    expect(await errorOf(files, { rootKey: 'shop.other' })).toContain('has no shop.other')
    const soft = { rootKey: 'shop.other', rootKeyOptional: true }
    expect(await valuesOf(files, soft)).toEqual({ 'shop.settings.a': 1 })
  })

  test.each([
    [1, 'production: { a: 1 }\ndefault: { a: 0, b: 2 }\nstaging: { a: 3 }', { a: 1, b: 2 }],
    [2, 'a: { production: 1, default: 0 }\nb: 2\nc: { default: 3 }', { a: 1, b: 2, c: 3 }],
    [3, 'production: { a: 1 }\nstaging: { a: 5 }\na: 0\nb: 2', { a: 1, b: 2 }],
    [0, 'x: { a: 1 }\nb: 2', { 'x.a': 1, b: 2 }],
  ])('environments inside a file, pattern %d', async (_, text, expected) => {
    expect(await valuesOf({ 'config/a.yaml': text }, { slice: true })).toEqual(expected)
  })

  test('new names for old keys; one that is missing is an error unless it may be', async () => {
    const files = { 'config/a.yaml': 'db: { host: x, port: 1 }' }
    const rename = { DB_HOST: 'db.host', DB_USER: 'db.user?' }
    expect(await valuesOf(files, { rename })).toEqual({ DB_HOST: 'x', 'db.port': 1 })
    expect(await errorOf(files, { rename: { A: 'db.user' } })).toContain('db.user')
    expect(await errorOf(files, { rename: { 'db.port': 'db.host' } })).toContain('made twice')
  })
})

describe('[B4.16] keys that collide', () => {
  test('between two files name both', async () => {
    const files = { 'config/a.yaml': 'db: { host: x }', 'config/b.json': '{"db.host": "y"}' }
    const message = await errorOf(files)
    expect(message).toContain('config/a.yaml ("db" → "host")')
    expect(message).toContain('config/b.json ("db.host")')
  })

  test('within one file name both places', async () => {
    const message = await errorOf({ 'config/a.yaml': 'a.b: 1\na: { b: 2 }' })
    expect(message).toContain('config/a.yaml ("a" → "b")')
    expect(message).toContain('config/a.yaml ("a.b")')
  })
})

describe('[B4.17] secrets', () => {
  const files = { 'config/a.yaml': 'db: { password: secret://env:DB }\napi: { a: x, b: y }' }
  const secrets = { 'api.*': 'vault:kv/data/{key}#value' }

  test('travel as references, from the file or from the rule', async () => {
    expect(await valuesOf(files, { secrets })).toEqual({
      'api.a': { secret: 'vault:kv/data/api.a#value' },
      'api.b': { secret: 'vault:kv/data/api.b#value' },
      'db.password': { secret: 'env:DB' },
    })
  })

  test('a placeholder that leads nowhere is never passed on', async () => {
    expect(await errorOf({ 'config/a.yaml': 'a: secret://nowhere' })).toContain('key a of config/')
    expect(await errorOf({ 'config/a.yaml': 'a: [secret://env:A]' })).toContain('inside a list')
    const signal = new AbortController().signal
    await expect(resolveSecret('env:NOT_THERE', signal)).rejects.toThrow('NOT_THERE is not set')
  })

  test('named by a glob that no key answers to are told', async () => {
    const { codes } = await run(treeOf(files, { secrets: { 'dbs.*': 'env:X' } }))
    expect(codes).toContain('secret_without_key')
  })
})

describe('[B4.17] validation', () => {
  const schema = JSON.stringify({
    type: 'object',
    properties: {
      port: { type: 'integer', minimum: 1 },
      password: { type: 'string', minLength: 20 },
      host: { $ref: 'more/host.json' },
    },
    required: ['port'],
    additionalProperties: false,
  })
  const more = { 'schema.json': schema, 'more/host.json': '{"type": "string", "pattern": "^db"}' }
  const validate = { jsonSchema: 'schema.json' }

  test('with JSON Schema: integers are integers, references stay in the repository', async () => {
    const good = { 'config/a.yaml': 'port: 80\nhost: db1\npassword: secret://env:A', ...more }
    expect(await valuesOf(good, { validate })).toMatchObject({ port: 80 })
    const text = { 'config/a.yaml': 'port: "80"', ...more }
    expect(await errorOf(text, { validate })).toBe(
      'config/a.yaml: port: must be integer (schema.json)',
    )
    const unknown = { 'config/a.yaml': 'port: 80\nother: 1', ...more }
    expect(await errorOf(unknown, { validate })).toContain('other')
    const outside = { 'config/a.yaml': 'port: 80', 'schema.json': '{"$ref": "https://x.org/a"}' }
    expect(await errorOf(outside, { validate })).toContain('leads to x.org')
  })

  test('with JSON Schemas of several files, whatever they call themselves', async () => {
    const files = {
      'config/schema.json': JSON.stringify({
        $id: 'https://acme.example/shop.json',
        properties: { db: { $ref: '../shared/types.yaml#/$defs/database' } },
      }),
      'shared/types.yaml': '$defs: { database: { properties: { port: { $ref: port.json } } } }',
      'shared/port.json': '{"type": "integer", "maximum": 65535}',
    }
    const rule = { files: ['**'], validate: { jsonSchema: 'config/schema.json' } }
    const good = { ...files, 'config/a.yaml': 'db: { port: 80 }' }
    expect(await valuesOf(good, rule)).toEqual({ 'db.port': 80 })
    const wrong = { ...files, 'config/a.yaml': 'db: { port: 70000 }' }
    expect(await errorOf(wrong, rule)).toContain('config/a.yaml: db.port: must be <= 65535')
    const { 'shared/port.json': _, ...missing } = good
    expect(await errorOf(missing, rule)).toContain('shared/port.json is not among the files')
    for (const $ref of ['file:///etc/passwd', 'http://127.0.0.1/a.json', '//x.org/a.json']) {
      const outside = { ...good, 'shared/port.json': JSON.stringify({ $ref }) }
      expect(await errorOf(outside, rule)).toContain('a reference leads to')
    }
  })

  test('that cannot be done is an error', async () => {
    const files = { 'config/a.yaml': 'port: 80' }
    expect(await errorOf(files, { validate })).toContain('schema.json is not in the repository')
    const broken = { ...files, 'schema.json': '{"type": "nothing"}' }
    expect(await errorOf(broken, { validate })).toContain('not validated with schema.json')
    const cue = { validate: { cue: 'schema.cue' } }
    expect(await errorOf(files, cue)).toContain('not in the repository')
    const named = { validate: { definition: '#Config' } }
    expect(await errorOf(files, named)).toContain('without validate.cue')
  })

  const cueFile =
    '#Config: {\n  port: int & >100\n  name?: string\n  password?: =~"^[a-z]{20}$"\n}\n'
  const cueFiles = (text: string) => ({ 'config/a.yaml': text, 'schema.cue': cueFile })

  const hasBinary = (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((one) => existsSync(join(one, 'cue')))
  const ways = hasBinary ? ['under Node', 'with the binary'] : ['under Node']
  describe.each(ways)('CUE %s', (how) => {
    let empty = ''
    beforeAll(async () => {
      empty = await mkdtemp(join(tmpdir(), 'headway-path-'))
      if (how === 'under Node') vi.stubEnv('PATH', empty)
    })
    afterAll(async () => {
      vi.unstubAllEnvs()
      await rm(empty, { recursive: true })
    })

    test('applies #Config to typed values', { timeout: 120_000 }, async () => {
      const rule = { validate: { cue: 'schema.cue' } }
      const good = cueFiles('port: 8080\npassword: secret://env:A')
      expect(await valuesOf(good, rule)).toMatchObject({ port: 8080 })
      const small = await errorOf(cueFiles('port: 80'), rule)
      expect(small).toMatch(/^config\/a\.yaml: port: invalid value 80 .*\(schema\.cue\)$/s)
      expect(await errorOf(cueFiles('port: "8080"'), rule)).toContain('port: ')
      expect(await errorOf(cueFiles('port: 8080\nother: 1'), rule)).toContain('other')
      expect(await errorOf(cueFiles('name: x'), rule)).toContain('port')
      expect(await errorOf(cueFiles('port: secret://env:A'), rule)).toContain('port')
      const nope = { validate: { cue: 'schema.cue', definition: '#Nope' } }
      expect(await errorOf(cueFiles('port: 8080'), nope)).toContain('#Nope')
    })
  })
})
