/** Rollbacks from the API and the command line to real sinks, and what the log says of them afterwards. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import pg from 'pg'
import type { SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { ApiWorld } from './api-world.ts'
import { Shop, startSyncing } from './fixtures/config-shop.ts'
import { until } from './harness.ts'
import { onPath } from './sinks/installed.ts'
import { startRedis, type RedisServer } from './sinks/redis-server.ts'

const redisProgram = onPath('redis-server', 'redis-server')
const environment = 'production'
const a = 'a'.repeat(40)
const b = 'b'.repeat(40)
let api: ApiWorld
let url = ''
let redis: RedisServer | null = null

beforeAll(async () => {
  api = await ApiWorld.open()
  url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  if (redisProgram) redis = await startRedis(redisProgram)
  process.env['ROLLBACK_NATS'] = api.world.nats.url
  process.env['ROLLBACK_POSTGRES'] = api.world.postgres!.url
  process.env['HEADWAY_SEAL_KEY'] = 'a key for tests'
  process.env['ROLLBACK_PASSWORD'] = 'hunter2-canary'
  await startSyncing(api)
}, 60_000)
afterAll(async () => {
  await api.close()
  await redis?.stop()
})

const kv = (id: string): SinkDefinition => ({
  type: 'nats_kv',
  options: { bucket: `${id}-{environment}`, url: 'env:ROLLBACK_NATS', values: 'text' },
})
const table = (id: string): SinkDefinition => ({
  type: 'postgres',
  options: {
    url: 'env:ROLLBACK_POSTGRES',
    environment: '{environment}',
    table: id,
    valueType: 'text',
    values: 'text',
  },
})
const cache = (id: string): SinkDefinition => ({
  type: 'redis',
  options: { structure: 'string', key: `${id}:`, servers: [redis!.address], values: 'text' },
})
const everywhere = (id: string) => ({
  kv: kv(id),
  table: table(id),
  ...(redis ? { cache: cache(id) } : {}),
})
const kinds = () => ['kv', 'table', ...(redis ? ['cache'] : [])]
const onlyKv = (id: string) => ({ kv: kv(id) })
const inTable = async (sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: api.world.postgres!.url })
  await client.connect()
  await client.query(sql)
  await client.end()
}

const tableOf = (shop: Shop) => String(shop.sinks[shop.named('table')]!.options['table'])

describe('a rollback', () => {
  test('after a failure between two sinks restores what was there, in every one [B4.7]', async () => {
    const shop = await Shop.open(api, everywhere)
    for (const kind of kinds()) await shop.tamper(kind, { foreign: 'mine' })
    await shop.synced('a', { host: 'one', port: '1' })
    await inTable(`alter table "${tableOf(shop)}" add constraint clean check (key <> 'poison')`)
    const values = { host: 'two', foreign: 'ours', poison: '1' }
    const version = await shop.push('b', { 'a.json': JSON.stringify(values) })
    expect(await shop.ended(await shop.runOf(version))).toContain('clean')
    expect(await shop.held('kv')).toEqual({ ...values, port: '1' })
    await shop.rolledBack(a)
    for (const kind of kinds())
      expect(await shop.held(kind)).toEqual({ foreign: 'mine', host: 'one', port: '1' })
    const [wish] = await api.told('RunTriggered', shop.pipeline)
    expect(wish).toMatchObject({ reason: 'rollback', sync: { restore: { commit: a } } })
  })

  test('brings pruned keys back and takes away those that came since, but what is protected', async () => {
    const shop = await Shop.open(api, everywhere, {
      prune: { enabled: true, protect: ['SYSTEM_*'] },
    })
    await shop.synced('a', { host: 'one', old: '1' })
    await shop.synced('b', { host: 'two', fresh: '1', SYSTEM_X: 'x' })
    const planned = (await shop.rollback('aaaaaaaa', { dryRun: true })).body
    const told = planned.changes.map((one: { key: string; change: string }) => [
      one.key,
      one.change,
    ])
    const each = [
      ['fresh', 'removed'],
      ['host', 'changed'],
      ['old', 'added'],
    ]
    expect(told).toEqual(kinds().flatMap(() => each))
    expect(planned.kept).toHaveLength(kinds().length)
    expect(planned.kept[0].key).toBe('SYSTEM_X')
    expect(await shop.held('kv')).toEqual({ host: 'two', fresh: '1', SYSTEM_X: 'x' })
    const run = await shop.rolledBack('aaaaaaaa')
    for (const kind of kinds())
      expect(await shop.held(kind)).toEqual({ SYSTEM_X: 'x', host: 'one', old: '1' })
    const rows = await api.get(`/config/log?run=${run}&sink=${shop.named('kv')}`)
    expect(rows.map((row: { key: string }) => row.key).toSorted()).toEqual(['fresh', 'host', 'old'])
  })

  test('takes away what came since also where nothing is pruned', async () => {
    const shop = await Shop.open(api, onlyKv)
    await shop.synced('a', { host: 'one' })
    await shop.tamper('kv', { foreign: 'mine' })
    await shop.synced('b', { host: 'one', fresh: '1' })
    await shop.rolledBack(a)
    expect(await shop.held('kv')).toEqual({ foreign: 'mine', host: 'one' })
  })

  test('gives back what keys held before they were ours, and lets go of them', async () => {
    const shop = await Shop.open(api, onlyKv, { prune: { enabled: true } })
    await shop.tamper('kv', { foreign: 'mine' })
    await shop.synced('a', { host: 'one' })
    await shop.synced('b', { host: 'one', foreign: 'ours' })
    const { changes } = (await shop.rollback(a, { dryRun: true })).body
    expect(changes).toMatchObject([
      { key: 'foreign', from: { value: 'ours' }, to: { value: 'mine' } },
    ])
    await shop.rolledBack(a)
    expect(await shop.held('kv')).toEqual({ foreign: 'mine', host: 'one' })
    await shop.synced('c', { host: 'three' })
    expect(await shop.held('kv')).toEqual({ foreign: 'mine', host: 'three' })
  })

  test('is told by who wanted it and why; the next push goes on, and it can be taken back', async () => {
    const shop = await Shop.open(api, onlyKv)
    await shop.synced('a', { host: 'one' })
    await shop.synced('b', { host: 'two' })
    const run = await shop.rolledBack(a, { reason: 'wrong prices' })
    const [newest] = await api.get(`/config/log?rule=${shop.rule}`)
    const change = { previous: { value: 'two' }, value: { value: 'one' } }
    expect(newest).toMatchObject({ ...change, actor: 'ada', reason: 'rollback', commit: a, run })
    expect((await api.get(`/config/log?actor=ada&rule=${shop.rule}`)).length).toBe(1)
    const shown = await api.get(`/runs/${run}`)
    expect(shown).toMatchObject({ reason: 'rollback', actor: { reason: 'wrong prices' } })
    await shop.rolledBack(b)
    expect(await shop.held('kv')).toEqual({ host: 'two' })
    await shop.synced('c', { host: 'three' })
    expect(await shop.held('kv')).toEqual({ host: 'three' })
  })

  test('goes back over a push that cannot be read, and to a run of several of one commit', async () => {
    const shop = await Shop.open(api, onlyKv)
    const first = await shop.runOf(await shop.push('a', { 'a.json': '{"host":"one"}' }))
    await shop.completed(first)
    await shop.synced('a', { host: 'two' })
    expect(
      await shop.ended(await shop.runOf(await shop.push('c', { 'a.json': '{' }))),
    ).not.toBeNull()
    await shop.rolledBack(a)
    expect(await shop.held('kv')).toEqual({ host: 'two' })
    await shop.rolledBack(first)
    expect(await shop.held('kv')).toEqual({ host: 'one' })
  })

  test('of one sink leaves the others alone', async () => {
    const shop = await Shop.open(api, everywhere)
    await shop.synced('a', { host: 'one' })
    await shop.synced('b', { host: 'two' })
    await shop.rolledBack(a, { sink: shop.named('table') })
    expect(await shop.held('table')).toEqual({ host: 'one' })
    expect(await shop.held('kv')).toEqual({ host: 'two' })
  })

  test('of a secret restores the value that was sealed, and tells it to nobody [I14]', async () => {
    const shop = await Shop.open(api, onlyKv)
    await shop.synced('a', { password: 'secret://env:ROLLBACK_PASSWORD' })
    await shop.synced('b', { password: 'plain' })
    const run = await shop.rolledBack(a)
    expect(await shop.held('kv')).toEqual({ password: 'hunter2-canary' })
    const { log } = api.world.doors
    const told = await api.told('ValuesApplied')
    expect(JSON.stringify([told, await log.head()])).not.toContain('hunter2-canary')
    const text = JSON.stringify(await api.get(`/config/log?run=${run}`))
    expect(text).toContain('"secret":')
    expect(text).not.toContain('hunter2-canary')
  })

  test('of a secret that nobody sealed fails, and writes nothing', async () => {
    const shop = await Shop.open(api, onlyKv)
    await shop.synced('a', { password: 'secret://env:ROLLBACK_PASSWORD' })
    const sink = shop.named('kv')
    const [planned] = (await api.told('SyncPlanned')).filter((event) => event.sink === sink)
    const [applied] = (await api.told('ValuesApplied')).filter((event) => event.sink === sink)
    const [confirmed] = (await api.told('SyncConfirmed')).filter((event) => event.sink === sink)
    const unsealed = { key: 'password', file: 'a.json', op: 'set' as const, value: { digest: 'd' } }
    await api.tell(
      'sink',
      sink,
      { ...planned!, commit: b },
      { ...applied!, commit: b, entries: [unsealed] },
      { ...confirmed!, commit: b },
    )
    const { body } = await shop.rollback(b)
    expect(await shop.ended(body.run)).toMatch(/password.*nobody sealed/s)
    expect(await shop.held('kv')).toEqual({ password: 'hunter2-canary' })
  })

  test('is asked for once under one key, and refused where it cannot be', async () => {
    const shop = await Shop.open(api, everywhere)
    await shop.synced('a', { host: 'one' })
    const first = await shop.rollback(a, {}, 'once')
    const again = await shop.rollback(a, {}, 'once')
    expect([again.body.run, again.body.duplicate]).toEqual([first.body.run, true])
    expect((await shop.rollback(a, { sink: 'kv-0' }, 'once')).body.code).toBe('unknown_moment')
    await api.tell('sink', shop.named('kv'), {
      ...(await api.told('ValuesApplied')).findLast(({ sink }) => sink === shop.named('kv'))!,
      commit: 'd'.repeat(40),
    })
    const { status, body } = await shop.rollback('d'.repeat(40))
    expect([status, body.code]).toEqual([409, 'never_held'])
    expect(body.detail).toContain(shop.named('table'))
  })
})

const headway = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
const cli = (...args: string[]) => {
  const env = { ...process.env, HEADWAY_API_URL: url, NO_COLOR: '1', HEADWAY_ACTOR: 'grace' }
  return promisify(execFile)(process.execPath, [headway, ...args], { env })
}

test('headway config rollback waits, and shows what each key holds again', async () => {
  const shop = await Shop.open(api, onlyKv)
  await shop.synced('a', { host: 'one', same: '1' })
  await shop.synced('b', { host: 'two', same: '1' })
  await api.settled()
  const to = ['--to', 'aaaaaaaa', '--reason', 'prices']
  const { stdout, stderr } = await cli('config', 'rollback', shop.rule, environment, ...to)
  expect(stdout).toBe(`+ ${shop.named('kv')}  host  two → one\n`)
  expect(stderr).toMatch(/waiting[\s\S]*completed[\s\S]*1 keys restored/)
  expect(await shop.held('kv')).toEqual({ host: 'one', same: '1' })
  await until('the log shows it', async () => {
    const { stdout: log } = await cli('config', 'log', '--rule', shop.rule, '--limit', '1')
    return /\(rollback\)/.test(log)
  })
})
