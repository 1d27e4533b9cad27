/**
 * A worker that is killed by SIGKILL in the middle of a sync, for every sink: between plan and apply,
 * in the middle of apply, between apply and confirm. Whoever comes after it ends in what the log says,
 * key by key, and tells nothing twice.
 *
 * All sinks share a worker, so that one kill is for all of them. Those behind a server are stopped in the
 * middle of a request by a proxy; those on disk are killed when something moves in their folder.
 */
import { once } from 'node:events'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { ownerOf } from '@headway/schemas/rules/ownership.ts'
import { versionOf } from '@headway/worker/folder.ts'
import { readSink } from '@headway/worker/read-sink.ts'
import { sinkTypes } from '@headway/worker/sinks/index.ts'
import { openSink } from '@headway/worker/sinks/open.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  closeWorld,
  eventsWhere,
  one,
  openWorld,
  startProcess,
  stopWorkers,
  world,
} from '../fixtures/pipelines/worker-world.ts'
import { requestSync, ruleWith, treeWith } from '../fixtures/sync-request.ts'
import { definePipeline, until } from '../harness.ts'
import { everySink, type Place } from './every-sink.ts'
import { startHaltingProxy, type HaltingProxy } from './halting-proxy.ts'
import { never, place } from './sink-under-test.ts'

const pool = 'killed'
const folder = 'config-sync'
const keyCount = 60
const withinMs = 60_000
vi.setConfig({ testTimeout: 3 * withinMs, hookTimeout: 3 * withinMs })
const scratch = fileURLToPath(new URL(`../.headway/kill-${process.pid}`, import.meta.url))
const holds = join(scratch, 'holds')
const root = join(scratch, 'pipelines')
const repository = 'acme/shop'
const environment = 'production'
const gates = ['planned', 'applied'] as const
type Gate = (typeof gates)[number]

type Subject = {
  readonly name: string
  readonly definition: SinkDefinition
  readonly place: Place
  readonly proxy: HaltingProxy | null
  /** What clients say to the server in one apply. */
  applyBytes: number
}
const setUps = everySink()
const subjects: Subject[] = []
const ends: (() => Promise<unknown>)[] = []
let version = ''
let generation = 0

type Schema = { readonly secret?: boolean; readonly properties?: Readonly<Record<string, Schema>> }
/** Options as a configuration has them: what is secret is in the environment. */
const asConfigured = (name: string, value: unknown, schema: Schema | undefined): unknown => {
  if (schema?.secret) {
    const variable = `KILL_${name}`.replaceAll(/\W/g, '_')
    process.env[variable] = String(value)
    return `env:${variable}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const inner = Object.entries(value).map(([key, one]) => {
    return [key, asConfigured(`${name}_${key}`, one, schema?.properties?.[key])] as const
  })
  return Object.fromEntries(inner)
}

const startSubject = async ({ name, type, start }: (typeof setUps)[number]): Promise<void> => {
  const place = await start()
  ends.push(place.stop)
  const proxy = 'address' in place.at ? await startHaltingProxy(place.at.address) : null
  if (proxy) ends.unshift(() => proxy.stop())
  const schema = sinkTypes.find((one) => one.type === type)!.options as Schema
  const options = asConfigured(name, place.options(proxy?.address ?? ''), schema)
  const definition = { type, options: options as Record<string, unknown> }
  subjects.push({ name, definition, place, proxy, applyBytes: 0 })
  await definePipeline(world.doors, name, {
    folder,
    pool,
    slots: { tree: `config/${name}` },
    retry: { attempts: 5, backoffMs: 50, backoffMsMax: 100 },
  })
}

beforeAll(async () => {
  await openWorld()
  process.env['HOLD_FOLDER'] = holds
  process.env['HEADWAY_THREADS'] = String(setUps.length)
  await mkdir(holds, { recursive: true })
  await cp(
    fileURLToPath(new URL(`../../deploy/pipelines/${folder}`, import.meta.url)),
    join(root, folder),
    { recursive: true },
  )
  const fixture = new URL('../fixtures/pipelines/hold.ts', import.meta.url)
  await cp(fileURLToPath(fixture), join(root, folder, 'hold.ts'))
  const path = join(root, folder, 'pipeline.ts')
  const shipped = await readFile(path, 'utf8')
  const held = shipped
    .replace('planSync({ values })', 'holdPlanned({ report: planSync({ values }) })')
    .replace('applySync({ values, plan })', 'holdApplied({ report: applySync({ values, plan }) })')
  expect(held.match(/holdPlanned|holdApplied/g)).toHaveLength(gates.length)
  await writeFile(path, `import { holdApplied, holdPlanned } from './hold.ts'\n${held}`)
  version = await versionOf(join(root, folder))
  await Promise.all(setUps.map(startSubject))
})
afterAll(async () => {
  await stopWorkers()
  await closeWorld()
  // The next file of this process may start workers as well.
  for (const name of ['HOLD_FOLDER', 'HEADWAY_THREADS']) delete process.env[name]
  for (const end of ends) await end()
  await rm(scratch, { recursive: true, force: true })
})

const fileOf = (word: 'hold' | 'at', gate: Gate, { name }: Subject) =>
  join(holds, `${word}-${gate}-${name}`)
const folderOf = ({ place: { at } }: Subject): string => ('folder' in at ? at.folder : '')
const hold = (gate: Gate, some: readonly Subject[]) =>
  Promise.all(some.map((one) => writeFile(fileOf('hold', gate, one), '')))
const release = (gate: Gate, some: readonly Subject[]) =>
  Promise.all(some.map((one) => rm(fileOf('hold', gate, one))))
const reached = async (gate: Gate, some: readonly Subject[]) => {
  for (const one of some)
    await until(`${one.name} at ${gate}`, () => existsSync(fileOf('at', gate, one)), withinMs)
}
const kill = async () => {
  await stopWorkers()
  for (const one of subjects)
    for (const gate of gates) await rm(fileOf('at', gate, one), { force: true })
  for (const { proxy } of subjects) proxy?.release()
  startProcess(pool, root)
}

/** Every generation changes every key, leaves out some of the one before and brings others back. */
const valuesOf = (generation: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Array.from({ length: keyCount }, (_, i) => i)
      .filter((i) => i % 4 !== generation % 4)
      .map((i) => [`KEY_${i}`, `the value ${i} of generation ${generation}`]),
  )

const push = ({ name, definition }: Subject, values: object): Promise<string> =>
  requestSync(
    name,
    version,
    treeWith({
      rule: ruleWith({
        name,
        sinks: [name],
        prune: { enabled: true },
      }),
      sinks: { [name]: definition },
      files: [{ path: 'a.json', text: JSON.stringify(values) }],
    }),
  )

const withSink = async <T>(
  { name, definition }: Subject,
  act: (sink: Awaited<ReturnType<typeof openSink>>) => Promise<T>,
): Promise<T> => {
  const names = { tenant: 'default', environment, rule: name, repository }
  const sink = await openSink(name, definition, names, never)
  try {
    return await act(sink)
  } finally {
    await sink.close()
  }
}
const toldOf = async ({ name }: Subject) => {
  const { state } = await readSink(world.doors, 'default', name)
  const { keys, open, confirmed } = ownerOf(state, { rule: name, environment, repository })
  const texts = [...keys].map(
    ([key, { held }]) => [key, (held as { plain: string }).plain] as const,
  )
  return { open, confirmed, texts: Object.fromEntries(texts) }
}

/** One generation for all sinks; `during` does what a test is about. */
const sync = async (during: () => Promise<void>): Promise<void> => {
  const values = valuesOf(++generation)
  const before = await Promise.all(subjects.map(async (one) => (await toldOf(one)).texts))
  const runs = await Promise.all(subjects.map((one) => push(one, values)))
  await during()
  for (const [i, one] of subjects.entries())
    await until(
      `${one.name} confirmed`,
      async () => (await toldOf(one)).confirmed?.run === runs[i],
      withinMs,
    )
  const right = { differing: [], misremembered: [], told: 1, toldTwice: [], isOpen: false }
  for (const [i, one] of subjects.entries())
    expect([one.name, await outcomeOf(one, runs[i]!, values, before[i]!)]).toEqual([
      one.name,
      right,
    ])
}

const outcomeOf = async (
  one: Subject,
  run: string,
  values: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
) => {
  const [{ open, texts }, entries, confirmed, live] = await Promise.all([
    toldOf(one),
    eventsWhere('ValuesApplied', { run }).then((all) => all.flatMap((event) => event.entries)),
    eventsWhere('SyncConfirmed', { run }),
    withSink(one, async (sink) => {
      const wanted = Object.entries(values).map(([key, text]) => [key, sink.render(text)] as const)
      const all = Object.fromEntries(await sink.read('all', never))
      return { all, wanted: Object.fromEntries([...wanted, ['FOREIGN', sink.render('mine')]]) }
    }),
  ])
  const keys = new Set([...Object.keys(live.all), ...Object.keys(live.wanted)])
  const isRight = (key: string) =>
    live.all[key] === live.wanted[key] && (key === 'FOREIGN' || texts[key] === live.wanted[key])
  const said = entries.map(({ key }) => key)
  return {
    differing: [...keys].filter((key) => !isRight(key)),
    misremembered: entries.filter(({ key, previous }) => {
      return (previous as { plain: string } | undefined)?.plain !== before[key]
    }),
    told: confirmed.length,
    toldTwice: said.filter((key, i) => said.indexOf(key) !== i),
    isOpen: open !== null,
  }
}

test('every type of sink is among them', () => {
  const here = new Set(setUps.map(({ type }) => type))
  const missing = sinkTypes.filter(({ type }) => !here.has(type)).map(({ type }) => type)
  // Those whose servers npm does not carry; of them a skipped test tells above.
  expect(missing.filter((type) => !['redis', 'mongodb', 'zookeeper'].includes(type))).toEqual([])
})

test('nobody is killed', async () => {
  for (const one of subjects)
    await withSink(one, (sink) =>
      sink.write({ set: new Map([['FOREIGN', sink.render('mine')]]), delete: [] }, place, never),
    )
  startProcess(pool, root)
  for (const { name } of subjects) await one('ReleaseActivated', { pipeline: name }, withinMs)
  await sync(async () => {})
})

test('between plan and apply', async () => {
  for (const gate of gates) await hold(gate, subjects)
  await sync(async () => {
    await reached('planned', subjects)
    await kill()
    await reached('planned', subjects)
    for (const { proxy } of subjects) proxy?.count()
    await release('planned', subjects)
    await reached('applied', subjects)
    for (const one of subjects) one.applyBytes = one.proxy?.count() ?? 0
    await release('applied', subjects)
  })
})

const isHelm = ({ definition }: Subject) => definition.type === 'helm'

/** Kills when some have applied and others, one of them on disk, are in the middle of it. */
const killWithin = async (applying: readonly Subject[], applied: readonly Subject[]) => {
  await hold('planned', applying)
  await hold('applied', applied)
  await sync(async () => {
    await reached('planned', applying)
    await reached('applied', applied)
    const served = applying.filter(({ proxy }) => proxy)
    for (const { proxy, applyBytes } of served) proxy!.haltAfter(Math.floor(applyBytes * 0.6))
    await release('planned', served)
    for (const { name, proxy } of served)
      await until(`${name} is in the middle`, () => proxy!.isHalted(), withinMs)
    const onDisk = applying.find(({ proxy }) => !proxy)!
    const moved = once(watch(folderOf(onDisk), { persistent: false }), 'change')
    await release('planned', [onDisk])
    await moved
    await kill()
    await release('applied', applied)
  })
}

test('in the middle of apply; helm between apply and confirm', async () => {
  await killWithin(
    subjects.filter((one) => !isHelm(one)),
    subjects.filter(isHelm),
  )
})

test('between apply and confirm; helm in the middle of apply', async () => {
  await killWithin(
    subjects.filter(isHelm),
    subjects.filter((one) => !isHelm(one)),
  )
})
