/** Sinks that somebody else writes to: what is noticed, what is told, and what puts it right again. */
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { configTree } from '@headway/schemas/content/config-tree.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import { openSink } from '@headway/worker/sinks/open.ts'
import {
  closeWorld,
  eventsWhere,
  one,
  openWorld,
  startProcess,
  startWorker,
  stopWorkers,
  world,
} from './fixtures/pipelines/worker-world.ts'
import { treeWith } from './fixtures/sync-request.ts'
import { append, defineAsset, definePipeline, eventsOf, history, until } from './harness.ts'
import { scheduleOf } from './schedule.ts'

const at = '2026-11-21T00:00:00.000Z'
const deployed = fileURLToPath(new URL('../deploy/pipelines/config-sync', import.meta.url))
const scratch = fileURLToPath(new URL(`.headway/drift-${process.pid}`, import.meta.url))
const repository = 'acme/shop'
const signal = new AbortController().signal
let root = ''
let count = 0

beforeAll(async () => {
  await openWorld()
  process.env.SYNC_NATS = world.nats.url
  process.env.SYNC_PASSWORD = 'hunter2-canary'
  process.env.HEADWAY_SEAL_KEY = 'a key for tests'
  root = join(scratch, 'pipelines')
  await mkdir(root, { recursive: true })
  await cp(deployed, join(root, 'config-sync'), { recursive: true })
})
afterEach(stopWorkers)
afterAll(async () => {
  await closeWorld()
  await rm(scratch, { recursive: true, force: true })
})

type Values = Readonly<Record<string, string>>
type ShopOptions = {
  readonly environments?: readonly string[]
  readonly sinks?: readonly string[]
  readonly drift?: RuleDefinition['drift']
  readonly more?: Partial<RuleDefinition>
}
const watched = { everyMs: 1_000, healEveryMs: 1_000 }

/** A rule in a pool of its own, with a pipeline for each environment, as the fetcher would have made it. */
const newShop = async (options: ShopOptions = {}) => {
  const { environments = ['production'], sinks: kinds = ['a'], drift = watched, more } = options
  const id = `drift-${++count}`
  const sinks = kinds.map((kind) => `${id}-${kind}`)
  const definitionOf = (sink: string) => ({
    type: 'nats_kv',
    options: { bucket: `${sink}-{environment}`, url: 'env:SYNC_NATS', values: 'text' },
  })
  const rule: RuleDefinition = {
    source: 'acme',
    repositories: [repository],
    files: ['*.json'],
    environment: {},
    sinks,
    drift,
    ...more,
  }
  const pipelineOf = (environment: string) => `${id}--${environment}`
  for (const sink of sinks) await defineSink(sink, definitionOf(sink))
  const define = (definition: RuleDefinition) =>
    append(
      world.doors,
      { kind: 'rule', name: id },
      { ...head, type: 'RuleDefined', rule: id, definition },
    )
  await define(rule)
  const namesIn = (environment: string) => ({
    tenant: 'default',
    environment,
    rule: id,
    repository,
  })
  for (const environment of environments) {
    await defineAsset(world.doors, `config/${id}/${environment}`, { kind: 'config_tree' })
    await definePipeline(world.doors, pipelineOf(environment), {
      folder: 'config-sync',
      pool: id,
      slots: { tree: `config/${id}/${environment}` },
      retry: { attempts: 5, backoffMs: 50, backoffMsMax: 100 },
      rule: id,
    })
  }
  const push = async (commit: string, values: object, environment = 'production') => {
    const tree = treeWith({
      rule: { name: id, ...rule },
      sinks: Object.fromEntries(sinks.map((sink) => [sink, definitionOf(sink)])),
      commit: commit.repeat(40),
      environment,
      files: [{ path: 'a.json', text: JSON.stringify(values) }],
    })
    const { bytes } = configTree.encode(tree)[0]!
    const digest = await world.doors.content.put('default', bytes)
    const asset = `config/${id}/${environment}`
    await append(
      world.doors,
      { kind: 'asset', name: asset },
      {
        ...head,
        type: 'AssetVersioned',
        asset,
        version: ulidOf(Date.now(), asset, ++count),
        ordinal: count,
        kind: 'config_tree',
        sizeBytes: bytes.length,
        rows: 0,
        rawDigest: digest,
        contentDigest: digest,
        facts: {},
        renditions: [
          { name: 'tree.json', mediaType: 'application/json', digest, sizeBytes: bytes.length },
        ],
        origin: { by: 'fetch', url: 'http://x', status: 200 },
      },
    )
    const commits = { commit: commit.repeat(40), environment }
    for (const sink of sinks) await one('SyncConfirmed', { sink, ...commits }, 60_000)
  }
  const timerOf = (environment: string) => ({
    kind: 'drift' as const,
    tenant: 'default',
    pipeline: pipelineOf(environment),
  })
  const checkIn = (environment: string) => ({
    type: 'CheckDrift' as const,
    pool: id,
    pipeline: pipelineOf(environment),
    rule: id,
    repository,
    environment,
  })
  const watch = async () => {
    for (const environment of environments)
      await world.doors.control.repeat(timerOf(environment), 1_000, checkIn(environment))
  }
  const unwatch = async () => {
    for (const environment of environments) await world.doors.control.disarm(timerOf(environment))
  }
  const inSink = async <T>(
    act: (sink: Awaited<ReturnType<typeof openSink>>) => Promise<T>,
    [sink, environment]: readonly [string, string],
  ): Promise<T> => {
    const opened = await openSink(sink, definitionOf(sink), namesIn(environment), signal)
    try {
      return await act(opened)
    } finally {
      await opened.close()
    }
  }
  const held = (sink = sinks[0]!, environment = 'production') =>
    inSink(
      async (opened) => Object.fromEntries(await opened.read('all', signal)),
      [sink, environment],
    )
  const tamper = (
    values: Values,
    gone: readonly string[] = [],
    sink = sinks[0]!,
    env = 'production',
  ) =>
    inSink(
      (opened) =>
        opened.write(
          { set: new Map(Object.entries(values)), delete: gone },
          { labels: {}, now: at },
          signal,
        ),
      [sink, env],
    )
  return {
    id,
    sinks,
    rule,
    define,
    push,
    checkIn,
    timerOf,
    watch,
    unwatch,
    held,
    tamper,
    pipelineOf,
  }
}

const head = { v: 1 as const, at }
const defineSink = (sink: string, definition: { type: string; options: Record<string, unknown> }) =>
  append(
    world.doors,
    { kind: 'sink', name: sink },
    { ...head, type: 'SinkDefined', sink, definition },
  )

type Shop = Awaited<ReturnType<typeof newShop>>
const isReady = (shop: Shop) => one('ReleaseActivated', { pipeline: shop.pipelineOf('production') })
const serve = async (shop: Shop) => {
  await startWorker(shop.id, root)
  await isReady(shop)
}
const typesIn = async (sink: string, environment = 'production') =>
  (await eventsOf(world.doors))
    .filter((event) => 'sink' in event && event.sink === sink && 'environment' in event)
    .filter((event) => (event as { environment: string }).environment === environment)
    .map(({ type }) => type)
const synced = ['SyncPlanned', 'ValuesApplied', 'SyncConfirmed'] as const
const healed = ['DriftFound', 'HealRequested', ...synced, 'DriftEnded'] as const
const good = { db: { host: 'one', port: '1' } }
/** Two looks from beginning to end. */
const looksAgain = async (shop: Shop) => {
  const queue = { kind: 'drift' as const, pool: shop.id }
  const isTaken = async () => (await world.doors.control.depth(queue)) === 0
  for (let look = 0; look < 2; look++) {
    const id = `look-${shop.id}-${++count}`
    await world.doors.control.send('default', shop.checkIn('production'), id)
    await until('a look', isTaken)
  }
}

describe('drift', () => {
  test('is the difference from Git: found at first sight, ended by a confirm [B4.1]', async () => {
    const shop = await newShop()
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', good)
    await shop.tamper({ 'db.host': 'evil', foreign: 'mine' })
    await shop.watch()
    expect(await one('DriftFound', { sink })).toMatchObject({
      keys: ['db.host'],
      count: 1,
      rule: shop.id,
      repository,
    })
    await one('DriftEnded', { sink }, 60_000)
    expect(await shop.held()).toEqual({ 'db.host': 'one', 'db.port': '1', foreign: 'mine' })
    const [heal] = await eventsWhere('HealRequested', { sink })
    expect(await one('RunRequested', { run: heal!.run })).toMatchObject({
      reason: 'drift',
      sync: { sinks: [sink] },
    })
    await shop.push('b', { db: { host: 'two', port: '2' } })
    await shop.push('c', { db: { host: 'three' } })
    await looksAgain(shop)
    expect(await typesIn(sink)).toEqual([...synced, ...healed, ...synced, ...synced])
    const commits = (await history(world.doors)).filter(({ topic }) => topic.name === sink)
    const last = commits.find(({ events }) => events.at(-1)?.type === 'DriftEnded')
    expect(last?.events.map(({ type }) => type)).toContain('SyncConfirmed')
  }, 120_000)

  test('of one sink in one environment is healed there, and nowhere else is written [B4.2]', async () => {
    const shop = await newShop({
      environments: ['production', 'staging'],
      sinks: ['a', 'b'],
    })
    const [a = '', b = ''] = shop.sinks
    await serve(shop)
    await one('ReleaseActivated', { pipeline: shop.pipelineOf('staging') })
    await shop.push('a', good)
    await shop.push('a', good, 'staging')
    // Where nobody heals, what was tampered with stays: so any write would be seen.
    await shop.tamper({ free: 'hand' }, [], b)
    await shop.tamper({ free: 'hand' }, [], a, 'staging')
    await shop.tamper({ 'db.host': 'evil' }, ['db.port'], a)
    await shop.watch()
    await one('DriftEnded', { sink: a, environment: 'production' }, 60_000)
    expect(await eventsWhere('DriftFound', { sink: a })).toMatchObject([
      { keys: ['db.host', 'db.port'], count: 2, environment: 'production' },
    ])
    expect(await shop.held(a)).toEqual({ 'db.host': 'one', 'db.port': '1' })
    await looksAgain(shop)
    expect(await typesIn(a)).toEqual([...synced, ...healed])
    for (const [sink, environment] of [
      [b, 'production'],
      [a, 'staging'],
      [b, 'staging'],
    ] as const)
      expect(await typesIn(sink, environment)).toEqual([...synced])
    const asked = await eventsWhere('RunTriggered', { reason: 'drift' })
    expect(asked.filter(({ pipeline }) => pipeline.startsWith(`${shop.id}--`))).toMatchObject([
      { pipeline: shop.pipelineOf('production'), sync: { sinks: [a] } },
    ])
  }, 120_000)

  test('after a rollback is healed to what was rolled back to', async () => {
    const shop = await newShop({ drift: { everyMs: 1_000, heal: true, healEveryMs: 1_000 } })
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', good)
    await shop.push('b', { db: { host: 'two', port: '2' } })
    const pipeline = shop.pipelineOf('production')
    const request = ulidOf(Date.now(), sink, ++count)
    const sync = { restore: { commit: 'a'.repeat(40) } }
    const wish = { request, actor: { name: 'ada' }, reason: 'rollback' as const, sync }
    const topic = { kind: 'pipeline' as const, name: pipeline }
    await append(world.doors, topic, { ...head, type: 'RunTriggered', pipeline, ...wish })
    await one('SyncConfirmed', { sink, run: request })
    await shop.tamper({ 'db.host': 'evil' })
    await shop.watch()
    await one('DriftEnded', { sink }, 60_000)
    expect(await shop.held()).toEqual({ 'db.host': 'one', 'db.port': '1' })
  }, 120_000)

  test('is found whatever the key and its file, healed or not; a secret is never shown [B4.3]', async () => {
    const shop = await newShop({
      drift: { everyMs: 1_000, heal: false },
      more: { prune: { enabled: true, protect: ['SYSTEM_*'] } },
    })
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', {
      ...good,
      'with space/ü': 'x',
      SYSTEM_X: 'x',
      password: 'secret://env:SYNC_PASSWORD',
    })
    await shop.tamper({ password: 'stolen', SYSTEM_X: 'y', 'with space/ü': 'z' })
    await shop.watch()
    const found = await one('DriftFound', { sink })
    expect(found).toMatchObject({ keys: ['password', 'with space/ü'], count: 2 })
    expect(JSON.stringify(await eventsOf(world.doors))).not.toContain('stolen')
    await shop.tamper({ password: process.env.SYNC_PASSWORD! })
    const fewer = await until('fewer', async () => (await eventsWhere('DriftFound', { sink }))[1])
    expect(fewer).toMatchObject({ keys: ['with space/ü'], count: 1 })
    await shop.tamper({ 'with space/ü': 'x' })
    await one('DriftEnded', { sink })
    expect(await typesIn(sink)).toEqual([...synced, 'DriftFound', 'DriftFound', 'DriftEnded'])
    expect(await shop.held()).toMatchObject({ SYSTEM_X: 'y' })
  }, 120_000)

  test('is not what a sync in progress has written', async () => {
    const shop = await newShop({ drift: { everyMs: 1_000, heal: false } })
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', good)
    await shop.tamper({ 'db.host': 'two' })
    const [planned] = await eventsWhere('SyncPlanned', { sink })
    const run = ulidOf(Date.now(), sink, ++count)
    const topic = { kind: 'sink' as const, name: sink }
    await append(world.doors, topic, { ...planned!, run })
    await looksAgain(shop)
    expect(await typesIn(sink)).toEqual([...synced, 'SyncPlanned'])
    const { environment, rule } = planned!
    await append(world.doors, topic, {
      ...head,
      type: 'SyncConfirmed',
      sink,
      environment,
      rule,
      run,
      commit: 'b'.repeat(40),
      written: 0,
      deleted: 0,
      unchanged: 0,
    })
    await shop.watch()
    await one('DriftFound', { sink })
  }, 120_000)

  test('of a sink that cannot be read is unknown, told once, and never over', async () => {
    const shop = await newShop()
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', good)
    process.env.SYNC_NATS = 'nats://127.0.0.1:1'
    try {
      await shop.watch()
      const unknown = await one('DriftUnknown', { sink }, 60_000)
      expect(unknown.error.message).toContain(`${sink}-production`)
      await looksAgain(shop)
      expect(await typesIn(sink)).toEqual([...synced, 'DriftUnknown'])
    } finally {
      process.env.SYNC_NATS = world.nats.url
    }
    await one('DriftEnded', { sink }, 60_000)
  }, 120_000)

  test('is looked for as long as the rule says so', async () => {
    const shop = await newShop()
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', good)
    await shop.watch()
    expect(await scheduleOf(world, shop.timerOf('production'))).toBe('@every 1s')
    const { drift: _, ...quiet } = shop.rule
    await shop.define(quiet)
    // A look that began before it still reads the sink.
    await looksAgain(shop)
    await shop.tamper({ 'db.host': 'evil' })
    await looksAgain(shop)
    expect(await typesIn(sink)).toEqual([...synced])
    expect(await scheduleOf(world, shop.timerOf('production'))).toBeNull()
  }, 120_000)

  test('of which its pipeline never heard is asked for when somebody looks again', async () => {
    const shop = await newShop()
    const [sink = ''] = shop.sinks
    await serve(shop)
    await shop.push('a', good)
    await shop.tamper({ 'db.host': 'evil' })
    const pipeline = shop.pipelineOf('production')
    const { seq } = (await world.doors.log.last('default', { kind: 'pipeline', name: pipeline }))!
    const run = ulidOf(Date.now(), sink, ++count)
    const place = { sink, environment: 'production', rule: shop.id, repository }
    const frame = { v: 1 as const, at: new Date().toISOString(), ...place }
    // As by a worker that died between the two.
    await append(
      world.doors,
      { kind: 'sink', name: sink },
      { type: 'DriftFound', ...frame, keys: ['db.host'], count: 1 },
      { type: 'HealRequested', ...frame, pipeline, run, afterSeq: seq },
    )
    await looksAgain(shop)
    await one('SyncConfirmed', { sink, run }, 60_000)
    expect(await shop.held()).toEqual({ 'db.host': 'one', 'db.port': '1' })
    await looksAgain(shop)
    expect(await eventsWhere('RunTriggered', { pipeline })).toHaveLength(1)
    expect(await typesIn(sink)).toEqual([...synced, ...healed])
  }, 120_000)

  test('is healed once, whenever the worker is killed', async () => {
    const shop = await newShop()
    const [sink = ''] = shop.sinks
    startProcess(shop.id, root)
    await isReady(shop)
    await shop.push('a', good)
    const moments = ['DriftFound', 'RunRequested', 'SyncPlanned'] as const
    for (const [round, moment] of moments.entries()) {
      const since = (await eventsOf(world.doors)).length
      await shop.tamper({ 'db.host': `evil ${round}` })
      await shop.watch()
      const isReached = async () =>
        (await eventsOf(world.doors))
          .slice(since)
          .some(
            (event) =>
              event.type === moment &&
              (('sink' in event && event.sink === sink) ||
                ('pipeline' in event && event.pipeline === shop.pipelineOf('production'))),
          )
      await until(moment, isReached, 60_000)
      await stopWorkers()
      startProcess(shop.id, root)
      await until(
        `healed after ${moment}`,
        async () => (await typesIn(sink)).filter((type) => type === 'DriftEnded')[round],
        90_000,
      )
      await shop.unwatch()
      expect(await shop.held()).toEqual({ 'db.host': 'one', 'db.port': '1' })
      for (const type of ['HealRequested', 'SyncConfirmed'] as const) {
        const pushed = type === 'SyncConfirmed' ? 1 : 0
        expect((await eventsWhere(type, { sink })).length).toBe(pushed + round + 1)
      }
    }
  }, 240_000)
})
