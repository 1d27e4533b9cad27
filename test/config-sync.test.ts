import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RuleDefinition, SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { ownerOf } from '@headway/schemas/rules/ownership.ts'
import { versionOf } from '@headway/worker/folder.ts'
import { readSink } from '@headway/worker/read-sink.ts'
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
import { requestSync, ruleWith, syncReportOf, treeWith } from './fixtures/sync-request.ts'
import { append, definePipeline } from './harness.ts'
import { startHttpService } from './sinks/http-service.ts'

/** A tree of files on its way into real buckets of NATS KV through the pipeline we ship. */
const at = '2026-11-21T00:00:00.000Z'
const deployed = fileURLToPath(new URL('../deploy/pipelines/config-sync', import.meta.url))
const scratch = fileURLToPath(new URL(`.headway/sync-${process.pid}`, import.meta.url))
const secret = 'hunter2-canary'
const rule = 'shop'
const repository = 'acme/shop'
const environment = 'production'
const signal = new AbortController().signal
let root = ''
let version = ''
let count = 0

beforeAll(async () => {
  await openWorld()
  process.env.SYNC_NATS = world.nats.url
  process.env.SYNC_PASSWORD = secret
  process.env.HEADWAY_SEAL_KEY = 'a key for tests'
  root = join(scratch, 'pipelines')
  await mkdir(root, { recursive: true })
  await cp(deployed, join(root, 'config-sync'), { recursive: true })
  version = await versionOf(join(root, 'config-sync'))
})
afterEach(stopWorkers)
afterAll(async () => {
  await closeWorld()
  await rm(scratch, { recursive: true, force: true })
})

type Files = Readonly<Record<string, object>>

const bucket = () => ({
  type: 'nats_kv',
  options: { bucket: `b${count}-{environment}`, url: 'env:SYNC_NATS', values: 'text' },
})

const newShop = async (definitionOf: () => SinkDefinition = bucket) => {
  const pipeline = `shop-${++count}`
  const sink = `kv-${count}`
  await definePipeline(world.doors, pipeline, {
    folder: 'config-sync',
    pool: pipeline,
    slots: { tree: `config/${pipeline}` },
    retry: { attempts: 5, backoffMs: 50, backoffMsMax: 100 },
  })
  const definition = definitionOf()
  const push = async (
    commit: string,
    files: Files,
    more: Partial<RuleDefinition> = {},
    dryRun = false,
  ) => {
    const tree = treeWith({
      rule: ruleWith({
        name: rule,
        sinks: [sink],
        ...more,
      }),
      sinks: { [sink]: definition },
      commit: commit.repeat(40),
      dryRun,
      files: Object.entries(files).map(([path, value]) => ({ path, text: JSON.stringify(value) })),
    })
    return requestSync(pipeline, version, tree)
  }
  const names = { tenant: 'default', environment, rule, repository }
  const open = () => openSink(sink, definition, names, signal)
  const held = async (): Promise<Record<string, string>> => {
    const opened = await open()
    const all = await opened.read('all', signal)
    await opened.close()
    return Object.fromEntries([...all].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
  const tamper = async (set: Record<string, string>) => {
    const opened = await open()
    const changes = { set: new Map(Object.entries(set)), delete: [] }
    await opened.write(changes, { labels: {}, now: at }, signal)
    await opened.close()
  }
  const owned = async () => {
    const { state } = await readSink(world.doors, 'default', sink)
    return ownerOf(state, names)
  }
  return { pipeline, sink, push, held, tamper, owned }
}

const prune = { enabled: true, protect: ['SYSTEM_*'] }

describe('a sync', () => {
  test('is read back and written down; what files lost is pruned, unless protected', async () => {
    const shop = await newShop()
    await startWorker(shop.pipeline, root)
    await one('ReleaseActivated', { pipeline: shop.pipeline })
    await shop.tamper({ foreign: 'mine' })
    const first = {
      'a.json': { db: { host: 'one', port: 1 }, SYSTEM_X: 'x' },
      'b.json': { b: true },
    }
    await syncReportOf(await shop.push('a', first, { prune }))
    expect(await shop.held()).toEqual({
      SYSTEM_X: 'x',
      b: 'true',
      'db.host': 'one',
      'db.port': '1',
      foreign: 'mine',
    })
    const report = await syncReportOf(
      await shop.push('b', { 'a.json': { db: { host: 'two' } } }, { prune }),
    )
    expect(await shop.held()).toEqual({ SYSTEM_X: 'x', 'db.host': 'two', foreign: 'mine' })
    expect(report.sinks[0]).toMatchObject({
      written: 1,
      deleted: 2,
      protected: 1,
      protected_keys: ['SYSTEM_X'],
    })
    const applied = await eventsWhere('ValuesApplied', { sink: shop.sink })
    expect(applied.at(-1)!.entries).toContainEqual({
      key: 'db.host',
      file: 'a.json',
      op: 'set',
      previous: { plain: 'one' },
      value: { plain: 'two' },
    })
  })

  test('that is dry tells what it would do and does nothing', async () => {
    const shop = await newShop()
    await startWorker(shop.pipeline, root)
    await one('ReleaseActivated', { pipeline: shop.pipeline })
    await syncReportOf(await shop.push('a', { 'a.json': { old: 1, SYSTEM_X: 1 } }, { prune }))
    const report = await syncReportOf(
      await shop.push('b', { 'a.json': { fresh: 1 } }, { prune }, true),
    )
    expect(report.sinks[0]).toMatchObject({
      would_write: ['fresh'],
      would_delete: ['old'],
      protected: 1,
      protected_keys: ['SYSTEM_X'],
      written: 0,
      deleted: 0,
    })
    expect(await shop.held()).toEqual({ SYSTEM_X: '1', old: '1' })
    expect(await eventsWhere('SyncPlanned', { sink: shop.sink })).toHaveLength(1)
  })

  test('keeps secrets out of the log and out of what it stores [I14]', async () => {
    const shop = await newShop()
    await startWorker(shop.pipeline, root)
    await one('ReleaseActivated', { pipeline: shop.pipeline })
    const files = { 'a.json': { password: 'secret://env:SYNC_PASSWORD' } }
    const run = await shop.push('a', files)
    await syncReportOf(run)
    expect(await shop.held()).toEqual({ password: secret })
    const [applied] = await eventsWhere('ValuesApplied', { run })
    expect(applied!.entries[0]!.value).toHaveProperty('sealed')
    const [planned] = await eventsWhere('SyncPlanned', { run })
    const plan = Buffer.from((await world.doors.content.get('default', planned!.plan))!).toString()
    expect(JSON.stringify(applied) + plan).not.toContain(secret)
  })

  test('into what nobody can read is confirmed by its answers', async () => {
    process.env.SYNC_TOKEN = 'right'
    const service = await startHttpService('right')
    const shop = await newShop(() => ({
      type: 'http',
      options: {
        layout: 'keys',
        url: `${service.url}/keys/shop/{key}`,
        readable: false,
        bearerToken: 'env:SYNC_TOKEN',
      },
    }))
    await startWorker(shop.pipeline, root)
    await one('ReleaseActivated', { pipeline: shop.pipeline })
    const asked = () =>
      service.requests.splice(0).map(({ method, path }) => `${method} ${path.split('/').at(-1)}`)
    await syncReportOf(await shop.push('a', { 'a.json': { a: 1, b: 1, SYSTEM_X: 1 } }, { prune }))
    expect(asked().toSorted()).toEqual(['PUT SYSTEM_X', 'PUT a', 'PUT b'])
    const change = { 'a.json': { a: 1, c: 1 } }
    const report = await syncReportOf(await shop.push('b', change, { prune, mode: 'smart_repair' }))
    expect(asked()).toEqual(['PUT c', 'DELETE b'])
    expect(report.sinks[0]).toMatchObject({ written: 1, deleted: 1, unchanged: 1 })
    expect([...(await shop.owned()).keys.keys()].toSorted()).toEqual(['SYSTEM_X', 'a', 'c'])
    const all = await shop.push('c', change, { prune, mode: 'live_state' })
    const dead = await one('RunDeadLettered', { run: all })
    expect(dead.error.message).toContain('cannot be read')
    service.stop()
  })

  test('tells every target whose values they are: tenant, rule, environment, commit [B4.16]', async () => {
    process.env.SYNC_TOKEN = 'right'
    const service = await startHttpService('right')
    const [tenant, pipeline] = ['other', `shop-${++count}`]
    const options = {
      layout: 'keys',
      url: `${service.url}/keys/shop/{key}`,
      bearerToken: 'env:SYNC_TOKEN',
    }
    const tree = treeWith({
      rule: ruleWith({
        name: rule,
        sinks: ['web'],
      }),
      sinks: { web: { type: 'http', options } },
      files: [{ path: 'a.json', text: '{"a":1}' }],
    })
    const definition = {
      folder: 'config-sync',
      pool: pipeline,
      slots: { tree: 'config/shop' },
      debounce: { quietMs: 0, maxWaitMs: 0 },
      concurrency: 1,
      retry: { attempts: 1, backoffMs: 50, backoffMsMax: 100 },
      stepTimeoutMs: 30_000,
      runTimeoutMs: 60_000,
    }
    await append(
      world.doors,
      { tenant, kind: 'pipeline', name: pipeline },
      { type: 'PipelineDefined', v: 1, at, pipeline, definition },
    )
    await startWorker(pipeline, root)
    await one('ReleaseActivated', { pipeline })
    const run = await requestSync(pipeline, version, tree, { tenant })
    await one('RunCompleted', { run })
    const written = service.requests.filter(({ method }) => method === 'PUT')
    expect(written.map(({ headers }) => headers)).toMatchObject([
      {
        'headway-managed-by': 'headway',
        'headway-tenant': tenant,
        'headway-rule': rule,
        'headway-environment': environment,
        'headway-commit': 'a'.repeat(40),
      },
    ])
    service.stop()
  })

  test('that is killed while it tells what it did tells nothing twice', async () => {
    const shop = await newShop()
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
    const filesOf = (value: string) => ({
      'a.json': Object.fromEntries(keys.map((key) => [key, value.repeat(12_000)])),
    })
    const seen = new AbortController()
    const { log } = world.doors
    const untilFirst = async (of: string, from: number) => {
      for await (const commits of log.tail({ from, kinds: ['sink'], signal: seen.signal }))
        for (const event of commits.flatMap(({ events }) => events))
          if (event.type === 'ValuesApplied' && event.run === of) return
    }
    const toldIn = async (run: string) => {
      const events = await eventsWhere('ValuesApplied', { run })
      return events.flatMap(({ entries }) => entries.map(({ key }) => key))
    }
    /** Who was faster than the kill is given something else to tell. */
    const killedAmid = async (values: readonly string[]): Promise<string> => {
      for (const value of values) {
        startProcess(shop.pipeline, root)
        const { seq } = await log.head()
        const run = await shop.push(value, filesOf(value), { mode: 'upsert_all' })
        await untilFirst(run, seq + 1)
        await stopWorkers()
        const before = (await toldIn(run)).length
        expect(before).toBeGreaterThan(0)
        if (before < keys.length) return run
      }
      throw new Error('no kill was fast enough')
    }
    const run = await killedAmid(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    startProcess(shop.pipeline, root)
    await syncReportOf(run)
    expect((await toldIn(run)).toSorted()).toEqual(keys.toSorted())
    expect((await shop.owned()).keys.size).toBe(keys.length)
    seen.abort()
  }, 120_000)
})
