/**
 * A rollback whose worker is killed by SIGKILL, between plan and apply and in the middle of apply. Whoever
 * comes after it ends in what the log says, in every sink, and tells nothing twice: it goes on with the
 * plan that is on the log, never from what the dead one left behind.
 *
 * Two rules are rolled back at once, so that one kill is for both moments. Both sinks of the one are
 * stopped in the middle of a request by proxies.
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '@headway/deploy/postgres.ts'
import type { SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { ownerOf } from '@headway/schemas/rules/ownership.ts'
import { versionOf } from '@headway/worker/folder.ts'
import { readSink } from '@headway/worker/read-sink.ts'
import { openSink } from '@headway/worker/sinks/open.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  closeWorld,
  eventsWhere,
  one,
  openWorld,
  startProcess,
  stopWorkers,
  world,
} from './fixtures/pipelines/worker-world.ts'
import { requestSync, ruleWith, treeWith } from './fixtures/sync-request.ts'
import { definePipeline, until } from './harness.ts'
import { startHaltingProxy, type HaltingProxy } from './sinks/halting-proxy.ts'
import { never, place } from './sinks/sink-under-test.ts'

const pool = 'rolled-back'
const folder = 'config-sync'
const withinMs = 60_000
const repository = 'acme/shop'
const environment = 'production'
const rules = ['planned', 'applying'] as const
type Rule = (typeof rules)[number]
const scratch = fileURLToPath(new URL(`.headway/rollback-${process.pid}`, import.meta.url))
const holds = join(scratch, 'holds')
const root = join(scratch, 'pipelines')
const proxies: HaltingProxy[] = []
let postgres: Awaited<ReturnType<typeof startPostgres>>
let version = ''

/** Every commit changes some keys, leaves some out, brings others; the second takes a key of others. */
const keyCount = 64
const commits = { first: 'a'.repeat(40), second: 'b'.repeat(40) }
type Word = keyof typeof commits
const textOf = (word: Word, i: number): string => `${i} of the ${word}`.padEnd(60, '.')
const valuesOf = (word: Word): Readonly<Record<string, string>> => {
  const keys = Array.from({ length: keyCount }, (_, i) => i)
  const kept = keys.filter((i) => i % 16 !== (word === 'first' ? 0 : 1))
  const values = kept.map((i) => [`KEY_${i}`, textOf(i % 16 === 2 ? 'first' : word, i)] as const)
  return Object.fromEntries(word === 'first' ? values : [...values, ['FOREIGN', 'ours']])
}

const proxied = async (url: string): Promise<string> => {
  const { host } = new URL(url)
  const proxy = await startHaltingProxy(host)
  proxies.push(proxy)
  return url.replace(host, proxy.address)
}
const sinksOf = (rule: Rule): Readonly<Record<string, SinkDefinition>> => ({
  [`${rule}-kv`]: {
    type: 'nats_kv',
    options: { url: 'env:ROLLBACK_KILL_NATS', bucket: rule, values: 'text' },
  },
  [`${rule}-table`]: {
    type: 'postgres',
    options: {
      url: 'env:ROLLBACK_KILL_POSTGRES',
      environment,
      table: rule,
      valueType: 'text',
      values: 'text',
    },
  },
})
const everySink = rules.flatMap((rule) =>
  Object.keys(sinksOf(rule)).map((sink) => ({ rule, sink })),
)
type Subject = (typeof everySink)[number]

beforeAll(async () => {
  await openWorld()
  postgres = await startPostgres({ dataDir: join(world.directory, 'sink') })
  process.env['ROLLBACK_KILL_NATS'] = await proxied(world.nats.url)
  process.env['ROLLBACK_KILL_POSTGRES'] = await proxied(postgres.url)
  process.env['HOLD_FOLDER'] = holds
  process.env['HEADWAY_THREADS'] = String(rules.length)
  await mkdir(holds, { recursive: true })
  const shipped = fileURLToPath(new URL(`../deploy/pipelines/${folder}`, import.meta.url))
  await cp(shipped, join(root, folder), { recursive: true })
  const gate = fileURLToPath(new URL('fixtures/pipelines/hold.ts', import.meta.url))
  await cp(gate, join(root, folder, 'hold.ts'))
  const path = join(root, folder, 'pipeline.ts')
  const flow = await readFile(path, 'utf8')
  const held = flow.replace('planSync({ values })', 'holdPlanned({ report: planSync({ values }) })')
  await writeFile(path, `import { holdPlanned } from './hold.ts'\n${held}`)
  version = await versionOf(join(root, folder))
  for (const rule of rules)
    await definePipeline(world.doors, rule, {
      folder,
      pool,
      slots: { tree: `config/${rule}` },
      retry: { attempts: 5, backoffMs: 50, backoffMsMax: 100 },
    })
  startProcess(pool, root)
  for (const pipeline of rules) await one('ReleaseActivated', { pipeline }, withinMs)
}, 2 * withinMs)
afterAll(async () => {
  await stopWorkers()
  for (const proxy of proxies) await proxy.stop()
  await postgres.stop()
  await closeWorld()
  await rm(scratch, { recursive: true, force: true })
  // The next file of this process may start workers as well.
  for (const name of ['HOLD_FOLDER', 'HEADWAY_THREADS']) delete process.env[name]
})

const fileOf = (word: 'hold' | 'at', rule: Rule) => join(holds, `${word}-planned-${rule}`)
const isAt = (rule: Rule) =>
  until(`${rule} has planned`, () => existsSync(fileOf('at', rule)), withinMs)

/** A push of a commit, or the wish to go back to one. */
const ask = (rule: Rule, word: Word, back?: Word): Promise<string> =>
  requestSync(
    rule,
    version,
    treeWith({
      commit: commits[word],
      rule: ruleWith({
        name: rule,
        sinks: Object.keys(sinksOf(rule)),
        prune: { enabled: true },
      }),
      sinks: sinksOf(rule),
      files: [{ path: 'a.json', text: JSON.stringify(valuesOf(word)) }],
    }),
    back && { sync: { restore: { commit: commits[back] } } },
  )

const withSink = async <T>(
  { rule, sink }: Subject,
  act: (opened: Awaited<ReturnType<typeof openSink>>) => Promise<T>,
): Promise<T> => {
  const names = { tenant: 'default', environment, rule, repository }
  const opened = await openSink(sink, sinksOf(rule)[sink]!, names, never)
  try {
    return await act(opened)
  } finally {
    await opened.close()
  }
}
const held = (subject: Subject) =>
  withSink(subject, async (sink) => Object.fromEntries(await sink.read('all', never)))
const told = async ({ rule, sink }: Subject) => {
  const { state } = await readSink(world.doors, 'default', sink)
  const { keys, open } = ownerOf(state, { rule, environment, repository })
  const texts = [...keys].map(([key, one]) => [key, (one.held as { plain: string }).plain] as const)
  return { texts: Object.fromEntries(texts), isOpen: open !== null }
}

test('ends in what the log says, between plan and apply and in the middle of apply', async () => {
  for (const subject of everySink)
    await withSink(subject, (sink) =>
      sink.write({ set: new Map([['FOREIGN', 'mine']]), delete: [] }, place, never),
    )
  let said: readonly number[] = []
  for (const word of ['first', 'second'] as const)
    for (const rule of rules) {
      for (const proxy of proxies) proxy.count()
      await one('RunCompleted', { run: await ask(rule, word) }, withinMs)
      said = proxies.map((proxy) => proxy.count())
    }
  for (const subject of everySink) expect(await held(subject)).toEqual(valuesOf('second'))

  for (const rule of rules) await writeFile(fileOf('hold', rule), '')
  const runs = await Promise.all(rules.map((rule) => ask(rule, 'second', 'first')))
  for (const rule of rules) await isAt(rule)
  // The way back is as long as the way there.
  for (const [i, proxy] of proxies.entries()) proxy.haltAfter(Math.floor(said[i]! / 2))
  await rm(fileOf('hold', 'applying'))
  for (const proxy of proxies) await until('it is in the middle', () => proxy.isHalted(), withinMs)
  await stopWorkers()
  for (const rule of rules) await rm(fileOf('at', rule))
  for (const proxy of proxies) proxy.release()

  const before = valuesOf('second')
  const right = { ...valuesOf('first'), FOREIGN: 'mine' } as Readonly<Record<string, string>>
  for (const subject of everySink.filter(({ rule }) => rule === 'planned'))
    expect(await held(subject)).toEqual(before)

  startProcess(pool, root)
  await isAt('planned')
  await rm(fileOf('hold', 'planned'))
  for (const run of runs) await one('RunCompleted', { run }, withinMs)
  for (const subject of everySink) {
    const { sink } = subject
    const run = runs[rules.indexOf(subject.rule)]!
    expect([sink, await held(subject)]).toEqual([sink, right])
    expect([sink, await told(subject)]).toEqual([sink, { texts: valuesOf('first'), isOpen: false }])
    expect(await eventsWhere('SyncConfirmed', { run, sink })).toHaveLength(1)
    const applied = await eventsWhere('ValuesApplied', { run, sink })
    const entries = applied.flatMap((event) => event.entries)
    const keys = entries.map(({ key }) => key).toSorted()
    expect(keys).toEqual([...new Set(keys)])
    const previous = entries.map((entry) => [entry.key, entry.previous])
    expect(previous).toEqual(
      entries.map(({ key }) => [key, key in before ? { plain: before[key] } : undefined]),
    )
  }
}, 120_000)
