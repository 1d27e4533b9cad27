/**
 * Ways in which a synchronizer of configuration was seen to fail, each with the test that is red when we
 * do the same: `[B4.n]`, as on the feature page. Others stand beside what they are about.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RuleDefinition, SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { overridden, OverridesError } from '@headway/schemas/rules/overrides.ts'
import { parseConfig } from '@headway/schemas/config.ts'
import { versionOf } from '@headway/worker/folder.ts'
import { Rule as RuleShape, Source as SourceShape } from '@headway/schemas/config/sync-shape.ts'
import { sinkTypes } from '@headway/worker/sinks/index.ts'
import { openSink } from '@headway/worker/sinks/open.ts'
import {
  closeWorld,
  one,
  openWorld,
  startWorker,
  stopWorkers,
  world,
} from './fixtures/pipelines/worker-world.ts'
import { requestSync, ruleWith, syncReportOf, treeWith } from './fixtures/sync-request.ts'
import { definePipeline } from './harness.ts'
import { never, place } from './sinks/sink-under-test.ts'

const pool = 'failures'
const folder = 'config-sync'
const pipelines = ['one', 'two']
const environment = 'production'
const repository = 'acme/shop'
let root = ''
let version = ''
let buckets = 0

beforeAll(async () => {
  await openWorld()
  process.env['FAILURES_NATS'] = world.nats.url
  root = await mkdtemp(join(tmpdir(), 'headway-failures-'))
  const shipped = fileURLToPath(new URL(`../deploy/pipelines/${folder}`, import.meta.url))
  // Beside the tests, so that what the folder imports is found.
  const beside = fileURLToPath(new URL(`.headway/failures-${process.pid}`, import.meta.url))
  await mkdir(beside, { recursive: true })
  await cp(shipped, join(beside, folder), { recursive: true })
  version = await versionOf(join(beside, folder))
  for (const name of pipelines)
    await definePipeline(world.doors, name, {
      folder,
      pool,
      slots: { tree: `config/${name}` },
      retry: { attempts: 1, backoffMs: 50, backoffMsMax: 100 },
    })
  await startWorker(pool, beside)
  for (const pipeline of pipelines) await one('ReleaseActivated', { pipeline })
})
afterAll(async () => {
  await stopWorkers()
  await closeWorld()
  await rm(root, { recursive: true, force: true })
  const beside = new URL(`.headway/failures-${process.pid}`, import.meta.url)
  await rm(fileURLToPath(beside), { recursive: true, force: true })
})

type Files = Readonly<Record<string, object>>
type Asked = Partial<RuleDefinition> & { readonly name?: string; readonly dryRun?: boolean }

const newBucket = (): SinkDefinition => ({
  type: 'nats_kv',
  options: { bucket: `failures-${++buckets}`, url: 'env:FAILURES_NATS', values: 'text' },
})

const request = (
  sinks: Readonly<Record<string, SinkDefinition>>,
  files: Files,
  { name = 'one', dryRun = false, ...rule }: Asked = {},
) =>
  requestSync(
    name,
    version,
    treeWith({
      rule: ruleWith({
        name,
        sinks: Object.keys(sinks),
        ...rule,
      }),
      sinks: { ...sinks },
      dryRun,
      files: Object.entries(files).map(([path, value]) => ({ path, text: JSON.stringify(value) })),
    }),
  )
const sync = async (sink: string, definition: SinkDefinition, files: Files, asked: Asked = {}) => {
  const report = await syncReportOf(await request({ [sink]: definition }, files, asked))
  return report.sinks[0]!
}

const withSink = async <T>(
  sink: string,
  definition: SinkDefinition,
  act: (opened: Awaited<ReturnType<typeof openSink>>) => Promise<T>,
): Promise<T> => {
  const names = { tenant: 'default', environment, rule: 'one', repository }
  const opened = await openSink(sink, definition, names, never)
  try {
    return await act(opened)
  } finally {
    await opened.close()
  }
}
const held = (sink: string, definition: SinkDefinition): Promise<Record<string, string>> =>
  withSink(sink, definition, async (opened) =>
    Object.fromEntries(
      [...(await opened.read('all', never))].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ),
  )
const put = (sink: string, definition: SinkDefinition, values: Record<string, string>) =>
  withSink(sink, definition, (opened) =>
    opened.write({ set: new Map(Object.entries(values)), delete: [] }, place, never),
  )
const prune = { enabled: true }

test('[B4.4] all that left Git is pruned, after all files are written; a moved key stays', async () => {
  const bucket = newBucket()
  await sync('all', bucket, { 'a.json': { a: 1, b: 2, c: 3, d: 4 } }, { prune })
  const moved = { 'a.json': { a: 1 }, 'b.json': { b: 2 } }
  expect(await sync('all', bucket, moved, { prune })).toMatchObject({ deleted: 2 })
  expect(await held('all', bucket)).toEqual({ a: '1', b: '2' })
})

test('[B4.4] nothing is deleted anywhere while something could not be written somewhere', async () => {
  const bucket = newBucket()
  const options = { path: join(root, 'shop.env'), format: 'env' }
  const sinks = { good: bucket, strict: { type: 'file', options } }
  await syncReportOf(await request(sinks, { 'a.json': { A: 1, B: 2 } }, { prune }))
  const run = await request(sinks, { 'a.json': { A: 1, 'no name for a file': 3 } }, { prune })
  await one('RunFailed', { run })
  expect(await held('good', bucket)).toMatchObject({ A: '1', B: '2' })
})

test('[B4.5] what is protected stays, and pruning is on only where somebody says so', async () => {
  const bucket = newBucket()
  const files = { 'a.json': { SYSTEM_A: 1, _vt_b: 2, c: 3, keep: 4 } }
  await sync('protected', bucket, files)
  const left = { 'a.json': { keep: 4 } }
  await sync('protected', bucket, left)
  await sync('protected', bucket, left, { prune: { enabled: false } })
  expect(Object.keys(await held('protected', bucket))).toHaveLength(4)
  const protect = ['SYSTEM_*', '_vt_*']
  const asked = { prune: { enabled: true, protect } }
  expect(await sync('protected', bucket, left, asked)).toMatchObject({ deleted: 1 })
  expect(await held('protected', bucket)).toEqual({ SYSTEM_A: '1', _vt_b: '2', keep: '4' })
})

test('[B4.5] a repository can neither switch pruning on nor weaken what is protected', () => {
  const rule = {
    source: 'acme',
    repositories: [repository],
    files: ['*.json'],
    environment: {},
    sinks: ['kv'],
    prune: { enabled: true, protect: ['SYSTEM_*'] },
  }
  for (const wish of [{ prune: { enabled: true } }, { prune: { enabled: true, protect: [] } }]) {
    const text = JSON.stringify({ one: wish })
    expect(() => overridden('one', rule, text, false)).toThrow(OverridesError)
  }
  const wish = JSON.stringify({ one: { files: ['x/*'] } })
  expect(overridden('one', rule, wish, false).prune).toEqual(rule.prune)
})

test('[B4.5] pruning without saying whether, and a flat prune_protection, are errors in the file', () => {
  const file = (extra: string) => `
sources: { acme: { platform: github, url: https://github.com } }
sinks: { kv: { type: nats_kv, options: { bucket: b } } }
rules:
  one:
    source: acme
    repositories: [acme/shop]
    files: ['*.json']
    environment: { default: production }
    sinks: [kv]
    ${extra}
`
  const parse = (extra: string) => parseConfig(file(extra), 'headway.yaml', {})
  expect(parse('prune: { enabled: true }').rules['one']!.prune).toEqual({ enabled: true })
  expect(() => parse("prune: { protect: ['A*'] }")).toThrow('enabled')
  expect(() => parse("prune_protection: ['A*']")).toThrow('prune_protection')
})

test('[B4.6] what another rule wrote to the same place is never pruned', async () => {
  const bucket = newBucket()
  await sync('shared', bucket, { 'a.json': { a: 1, both: 1 } }, { prune })
  await sync('shared', bucket, { 'b.json': { b: 1, both: 1 } }, { name: 'two', prune })
  const rest = { 'a.json': { a: 1 } }
  expect(await sync('shared', bucket, rest, { prune })).toMatchObject({ deleted: 0 })
  expect(await held('shared', bucket)).toEqual({ a: '1', b: '1', both: '1' })
})

test('[B4.6] a dry run says what would be deleted, of the rule and of pruning alone', async () => {
  const bucket = newBucket()
  await sync('dry', bucket, { 'a.json': { a: 1, b: 2 } }, { prune })
  const left = { 'a.json': { a: 9 } }
  const told = { would_write: ['a'], would_delete: ['b'], written: 0, deleted: 0 }
  expect(await sync('dry', bucket, left, { prune, dryRun: true })).toMatchObject(told)
  expect(await held('dry', bucket)).toEqual({ a: '1', b: '2' })
  const asked = { prune: { enabled: true, dryRun: true } }
  expect(await sync('dry', bucket, left, asked)).toMatchObject({
    would_delete: ['b'],
    written: 1,
    deleted: 0,
  })
  expect(await held('dry', bucket)).toEqual({ a: '9', b: '2' })
})

test('[B4.8] every mode does what its name says, and is told', async () => {
  const files = { 'a.json': { a: 1, b: 2, c: 3 } }
  const after = async (mode: RuleDefinition['mode'] & string) => {
    const bucket = newBucket()
    const sink = `by-${mode}`
    await sync(sink, bucket, files, { mode, prune })
    await put(sink, bucket, { b: 'tampered', foreign: 'mine' })
    const { written, deleted, mode: told } = await sync(sink, bucket, files, { mode, prune })
    return { told, written, deleted, held: await held(sink, bucket) }
  }
  const right = { a: '1', b: '2', c: '3' }
  const withForeign = { ...right, foreign: 'mine' }
  expect(await after('upsert_all')).toEqual({
    told: 'upsert_all',
    written: 3,
    deleted: 0,
    held: withForeign,
  })
  expect(await after('smart_repair')).toEqual({
    told: 'smart_repair',
    written: 1,
    deleted: 0,
    held: withForeign,
  })
  expect(await after('live_state')).toEqual({
    told: 'live_state',
    written: 1,
    deleted: 1,
    held: right,
  })
  expect(await after('auto')).toMatchObject({ told: 'upsert_all', written: 3 })
})

type Schema = { readonly properties?: Readonly<Record<string, Schema>> }
const optionsIn = ({ properties = {} }: Schema): readonly string[] =>
  Object.entries(properties).flatMap(([name, one]) => [name, ...optionsIn(one)])
const sourcesIn = (folder: string, isMeant: (name: string) => boolean): string => {
  const directory = fileURLToPath(new URL(`../${folder}/`, import.meta.url))
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  const meant = names.filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
  return meant
    .filter(isMeant)
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('\n')
}
/** How often each word is there. */
const wordsOf = (text: string): ReadonlyMap<string, number> => {
  const words = new Map<string, number>()
  for (const [word] of text.matchAll(/\w+/g)) words.set(word, (words.get(word) ?? 0) + 1)
  return words
}

/**
 * What no test of CI can set, because nothing here answers it: TLS, sentinels, a login by nkey, a key with
 * a passphrase, and helm itself.
 */
const byHand = new Set(
  'tls master sentinelPassword nkeySeed passphrase atomic wait historyMax'.split(' '),
)

test('[B4.19] no option of a sink is only in its shape: each is read, and a test sets it', () => {
  const kv = sourcesIn('streams', (name) => name === 'kv.ts')
  const product = wordsOf(sourcesIn('services/worker/sinks', () => true) + kv)
  const tests = wordsOf(sourcesIn('test/sinks', () => true))
  const options = sinkTypes.flatMap(({ type, options }) =>
    optionsIn(options as Schema).map((name) => ({ type, name })),
  )
  expect(options.length).toBeGreaterThan(80)
  expect(options.filter(({ name }) => (product.get(name) ?? 0) < 2)).toEqual([])
  const untested = options.filter(({ name }) => !byHand.has(name) && !tests.has(name))
  expect(untested).toEqual([])
})

test('[B4.19] no option of a rule or a source is only in its shape', () => {
  const shapes = /export const (Rule|Source)Definition = Type\.Object\([^]*?\n\}\)\n/g
  const product = ['services/fetcher', 'services/worker', 'services/api/webhooks', 'schemas/rules']
    .map((folder) => sourcesIn(folder, (name) => !name.endsWith('.test.ts')))
    .join('\n')
  const used = wordsOf(product.replace(shapes, ''))
  const tests = ['test', 'services/worker', 'services/fetcher', 'schemas'].map((folder) =>
    sourcesIn(folder, (name) => name.endsWith('.test.ts')),
  )
  const tested = wordsOf(tests.join('\n'))
  const options = [RuleShape, SourceShape].flatMap((shape) => optionsIn(shape as Schema))
  expect(options.length).toBeGreaterThan(30)
  /** Durations are milliseconds where they are used. */
  const isIn = (words: ReadonlyMap<string, number>) => (name: string) =>
    words.has(name) || words.has(`${name}Ms`)
  expect(options.filter((name) => !isIn(used)(name))).toEqual([])
  expect(options.filter((name) => !isIn(tested)(name))).toEqual([])
})
