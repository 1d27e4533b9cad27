/** Who changed which key when, what differs, and the way back; over the API and on the command line. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rebuild } from '@headway/projector/rebuild.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { ApiWorld } from './api-world.ts'

const at = '2026-11-21T00:00:00.000Z'
const first = 'a1'.repeat(20)
const second = 'b2'.repeat(20)
const digest = '9f86d081884c7d659a2feaa0c55ad015'.repeat(2)
const runs = ['01M7XYZP2ZR5ZG15R7ZX64S5R1', '01M7XYZP2ZR5ZG15R7ZX64S5R2'] as const
type Entries = EventOf<'ValuesApplied'>['entries']
let api: ApiWorld
let url = ''

const applied = (sink: string, environment: string, commit: string, entries: Entries) =>
  api.tell('sink', sink, {
    type: 'ValuesApplied',
    v: 1,
    at,
    sink,
    environment,
    rule: 'shop',
    run: commit === first ? runs[0] : runs[1],
    repository: 'acme/shop',
    commit,
    entries,
  })
const set = (key: string, value: string, previous?: string): Entries[number] => ({
  key,
  file: 'config/app.yaml',
  op: 'set',
  value: { plain: value },
  ...(previous === undefined ? {} : { previous: { plain: previous } }),
})

beforeAll(async () => {
  api = await ApiWorld.open()
  url = await api.app.listen({ port: 0, host: '127.0.0.1' })
  const definition = { type: 'nats_kv', options: { bucket: 'shop' } }
  for (const sink of ['kv', 'table'])
    await api.tell('sink', sink, { type: 'SinkDefined', v: 1, at, sink, definition })
  await api.tell('source', 'acme', {
    type: 'PushReceived',
    v: 1,
    at,
    source: 'acme',
    delivery: 'd1',
    platform: 'github',
    event: 'push',
    repository: 'acme/shop',
    ref: 'refs/heads/main',
    commit: second,
    actor: 'ann',
    task: '01M7XYZYB1F4H6J8K0M2N4P6Q8',
    dryRun: false,
  })
  const secret = { key: 'db.password', file: 'config/app.yaml', op: 'set' as const }
  for (const sink of ['kv', 'table'])
    await applied(sink, 'production', first, [
      set('db.host', 'db1'),
      set('db_host', 'other'),
      set('old', '1'),
      { ...secret, value: { digest, sealed: 'c2VhbGVk' } },
    ])
  await applied('kv', 'staging', first, [set('db.host', 'db1')])
  await applied('kv', 'production', second, [
    set('db.host', 'db2', 'db1'),
    set('new', 'x'),
    set('db_host', 'other', 'other'),
    { key: 'old', file: 'config/app.yaml', op: 'delete', previous: { plain: '1' } },
  ])
})
afterAll(() => api.close())

const keysOf = (rows: readonly { key: string }[]) => rows.map(({ key }) => key)

describe('the log of configuration', () => {
  test('says who changed which key when, from which commit', async () => {
    const [newest] = await api.get('/config/log?key=db.host&environment=production')
    expect(newest).toMatchObject({
      sink: 'kv',
      commit: second,
      actor: 'ann',
      run: runs[1],
      previous: { value: 'db1' },
      value: { value: 'db2' },
      file: 'config/app.yaml',
    })
    expect(Date.parse(newest.at)).toBeGreaterThan(Date.parse('2020-01-01'))
  })

  test.each([
    ['commit=b2b2b2b', ['old', 'new', 'db.host']],
    ['key=db*&sink=table', ['db.password', 'db_host', 'db.host']],
    ['key=db.*&sink=table', ['db.password', 'db.host']],
    ['actor=ann', ['old', 'new', 'db.host']],
    ['environment=staging', ['db.host']],
    ['repository=acme/other', []],
    ['rule=shop&limit=1', ['old']],
  ])('is narrowed by %s', async (query, keys) => {
    expect(keysOf(await api.get(`/config/log?${query}`))).toEqual(keys)
  })

  test('tells what was written as it was only when asked', async () => {
    const of = 'commit=b2b2b2b&unchanged=true'
    expect(keysOf(await api.get(`/config/log?${of}`))).toEqual(['old', 'db_host', 'new', 'db.host'])
  })

  test('never shows a secret, open or sealed', async () => {
    const text = JSON.stringify([
      await api.get('/config/log'),
      await api.get('/sinks/kv/values'),
      await api.get('/config/diff?environment=staging&against=production'),
    ])
    expect(text).toContain(digest.slice(0, 12))
    expect(text).not.toMatch(/c2VhbGVk|9f86d081884c7/)
  })
})

describe('the difference', () => {
  test('between two commits of an environment', async () => {
    const rows = await api.get(`/config/diff?environment=production&from=a1a1a1a1&to=${second}`)
    expect(rows).toEqual([
      {
        sink: 'kv',
        key: 'db.host',
        change: 'changed',
        from: { value: 'db1' },
        to: { value: 'db2' },
      },
      { sink: 'kv', key: 'new', change: 'added', from: null, to: { value: 'x' } },
      { sink: 'kv', key: 'old', change: 'removed', from: { value: '1' }, to: null },
    ])
  })

  test('between two environments, and since a time', async () => {
    const rows = await api.get('/config/diff?environment=staging&against=production&sink=kv')
    expect(keysOf(rows)).toEqual(['db.host', 'db.password', 'db_host', 'new'])
    expect(await api.get('/config/diff?environment=staging&from=1h')).toHaveLength(1)
  })

  test.each([
    ['environment=production', 400],
    ['environment=production&from=ffffffffffffff', 404],
    ['environment=production&from=01M7XYZP2ZR5ZG15R7ZX64S5R9', 404],
    ['environment=production&from=yesterday', 400],
  ])('asked with %s is %i', async (query, status) => {
    expect((await api.call('GET', `/config/diff?${query}`)).status).toBe(status)
  })
})

describe('a rollback', () => {
  const wanted = { rule: 'shop', environment: 'production', to: 'a1a1a1a1' }

  test('as a dry run tells what would change and records nothing', async () => {
    const { status, body } = await api.post('/config/rollback', { ...wanted, dryRun: true })
    expect(status).toBe(200)
    expect(body.sinks).toEqual(['kv', 'table'])
    expect(
      body.changes.map(({ key, change }: { key: string; change: string }) => [key, change]),
    ).toEqual([
      ['db.host', 'changed'],
      ['new', 'removed'],
      ['old', 'added'],
    ])
    expect(await api.told('RunTriggered')).toEqual([])
  })

  test('of a rule that is no more is not carried out', async () => {
    const { status } = await api.post('/config/rollback', wanted)
    expect(status).toBe(404)
    expect(await api.told('RunTriggered')).toEqual([])
  })

  test('to what never was is refused', async () => {
    const { status } = await api.post('/config/rollback', { ...wanted, to: 'ffffffff' })
    expect(status).toBe(404)
  })
})

test('drift shows when it began and that it ended', async () => {
  const place = {
    sink: 'kv',
    environment: 'production',
    rule: 'shop',
    repository: 'acme/shop',
  }
  await api.tell('sink', 'kv', {
    type: 'DriftFound',
    v: 1,
    at,
    ...place,
    keys: ['db.host'],
    count: 1,
  })
  expect(await api.get('/drift?open=true')).toMatchObject([
    { ...place, keys: ['db.host'], count: 1 },
  ])
  const [kv] = await api.get('/sinks')
  expect(kv.environments[0]).toEqual({ environment: 'production', keys: 4, drifted: 1 })
  await api.tell('sink', 'kv', { type: 'DriftEnded', v: 1, at, ...place })
  expect(await api.get('/drift?open=true')).toEqual([])
  expect(await api.get('/drift')).toMatchObject([{ open: false, times: 1 }])
})

test('made anew from the log, the tables are the same [I11]', async () => {
  await api.settled()
  const { doors, postgres, signal } = api.world
  const options = { pgUrl: postgres!.url, swap: false, signal, tell: () => {} }
  const { comparison } = await rebuild(doors, options)
  expect(comparison).toMatchObject({ equal: true, differing: {} })
})

const headway = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
const cli = async (...args: string[]) => {
  const env = { ...process.env, HEADWAY_API_URL: url, NO_COLOR: '1' }
  return promisify(execFile)(process.execPath, [headway, ...args], { env })
}

describe('on the command line', () => {
  test('config log, diff and rollback tell the same [B4.11]', async () => {
    const log = await cli('config', 'log', '--commit', 'b2b2b2b')
    expect(log.stdout).toMatch(/ann +b2b2b2b2b2 +kv +production +db\.host +db1 +db2/)
    const diff = await cli('config', 'diff', 'production', '--from', 'a1a1a1a')
    expect(diff.stdout).toContain('~ kv  db.host  db1 → db2')
    const back = await cli(
      'config',
      'rollback',
      'shop',
      'production',
      '--to',
      'a1a1a1a',
      '--dry-run',
    )
    expect(back.stdout).toContain('- kv  new  x')
    const sinks = await cli('sinks')
    expect(sinks.stdout).toMatch(/kv +nats_kv +production +\d+ +0/)
    expect((await cli('sinks', 'kv')).stdout).toMatch(/production +db\.host +db2 +b2b2b2b2b2/)
    const rows: unknown = JSON.parse((await cli('config', 'log', '--json', '--limit', '2')).stdout)
    expect(rows).toHaveLength(2)
  })

  test('tasks and sync lead to one another [B4.11]', async () => {
    const definition = { platform: 'github' as const, url: 'https://github.com' }
    await api.tell('source', 'acme', {
      type: 'SourceDefined',
      v: 1,
      at,
      source: 'acme',
      definition,
    })
    await api.settled()
    const { stdout } = await cli('sync', 'acme', 'acme/shop', '--ref', 'release', '--dry-run')
    const { stdout: shown } = await cli('tasks', stdout.trim())
    expect(shown).toMatch(/pending {2}dry run\n {2}acme\/shop refs\/heads\/release/)
    expect((await cli('tasks', '--source', 'acme')).stdout).toContain(stdout.trim())
    await expect(cli('sync', 'nobody', 'acme/shop')).rejects.toMatchObject({ code: 3 })
  })
})
