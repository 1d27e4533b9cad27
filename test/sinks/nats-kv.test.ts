/** The nats_kv sink against a real nats-server. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Child } from '@headway/deploy/child.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import { openKv } from '@headway/streams/kv.ts'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { never, openSink, place } from './sink-under-test.ts'

let directory: string
let nats: Child
let guarded: Child
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headway-kv-'))
  const open = await readFile(new URL('../../deploy/nats.conf', import.meta.url), 'utf8')
  const config = join(directory, 'guarded.conf')
  await writeFile(config, `${open}\nauthorization { user: ann, password: right }\n`)
  nats = await startNats({ dataDir: join(directory, 'open'), port: -1 })
  guarded = await startNats({
    dataDir: join(directory, 'guarded'),
    port: -1,
    config,
    watchMs: 3_600_000,
  })
})
afterAll(async () => {
  await Promise.all([nats?.stop(), guarded?.stop()])
  await rm(directory, { recursive: true, force: true })
})

const options = (bucket: string) => ({ url: nats.url, bucket })
/** What the dead had sent is carried out key by key, each of them to the disk. */
const calmMs = 1_000
const openBucket = (bucket: string) =>
  openKv({ ...options(bucket), history: 5, replicas: 1, relaxed: false, timeoutMs: 5_000 })

conforms('nats_kv', {
  type: 'nats_kv',
  options,
  calmMs,
  unreachable: () => ({ url: `nats://127.0.0.1:${closedPort}`, bucket: 'a' }),
  foreign: {
    put: async (where) => {
      const kv = await openBucket(where)
      await kv.change('not=a=key', 'theirs', 0)
      await kv.close()
    },
    look: async (where) => {
      const kv = await openBucket(where)
      const found = (await kv.get('not=a=key'))?.text
      await kv.close()
      return found
    },
  },
})

conforms('nats_kv, with a login,', {
  type: 'nats_kv',
  options: (bucket) => ({ url: guarded.url, bucket, user: 'ann', password: 'right' }),
  calmMs,
  refused: () => ({
    options: { url: guarded.url, bucket: 'a', user: 'ann', password: 'wrong-secret' },
    secrets: ['wrong-secret'],
  }),
})

conforms('nats_kv, relaxed,', {
  type: 'nats_kv',
  options: (bucket) => ({ ...options(bucket), relaxed: true }),
  calmMs,
})

const a = (text: string | null, revision: number) => ({ key: 'a', text, revision })
const b = (text: string | null, revision: number) => ({ key: 'b', text, revision })
const manyKeys = Array.from({ length: 1_200 }, (_, i) => `key.${i}`)

describe('what only a bucket does', () => {
  test('a value that is right already gets no new revision, and old ones are kept', async () => {
    const sink = await openSink('nats_kv', options('revisions'))
    await sink.write(setting([['a', '1']]), place, never)
    await sink.write(setting([['a', '1']]), place, never)
    const kv = await openBucket('revisions')
    expect(await kv.get('a')).toEqual({ text: '1', revision: 1 })
    await sink.write(setting([['a', '2']]), place, never)
    expect(await kv.get('a')).toEqual({ text: '2', revision: 2 })
    const nc = await connect({ servers: nats.url })
    const answer = await nc.request('$JS.API.STREAM.INFO.KV_revisions')
    expect(answer.json()).toMatchObject({ config: { max_msgs_per_subject: 10 } })
    await nc.close()
    await kv.close()
    await sink.close()
  })

  test('a change over an older revision does not take', async () => {
    const kv = await openBucket('fenced')
    expect(await kv.change('a', '1', 0)).toBe(true)
    expect(await kv.change('a', '2', 0)).toBe(false)
    expect(await kv.change('a', null, 7)).toBe(false)
    expect(await kv.get('a')).toEqual({ text: '1', revision: 1 })
    await kv.close()
  })

  test('changes of a batch take all together or not at all', async () => {
    const kv = await openBucket('batched')
    expect(await kv.changeAll([a('1', 0), b('1', 0)])).toBe(true)
    expect(await kv.changeAll([a('2', 1), b('2', 7)])).toBe(false)
    expect(await kv.get('a')).toEqual({ text: '1', revision: 1 })
    expect(await kv.changeAll([a('2', 1), b(null, 2)])).toBe(true)
    expect(await kv.all(never)).toEqual(
      new Map([
        ['a', { text: '2', revision: 3 }],
        ['b', { text: null, revision: 4 }],
      ]),
    )
    await kv.close()
  })

  test('a bucket that takes no batches is written one by one', async () => {
    const relaxed = { ...options('single'), relaxed: true }
    const kv = await openKv({ ...relaxed, history: 5, replicas: 1, timeoutMs: 5_000 })
    expect(await kv.changeAll([a('1', 0), b('1', 0)])).toBe(false)
    expect(await kv.get('a')).toBeNull()
    const sink = await openSink('nats_kv', relaxed)
    await sink.write(setting([...manyKeys].map((key) => [key, '1'])), place, never)
    expect((await sink.read('all', never)).size).toBe(manyKeys.length)
    await sink.close()
    await kv.close()
  })

  test('more than a batch takes goes in several, and what changed meanwhile is met', async () => {
    const sink = await openSink('nats_kv', options('several'))
    const other = await openBucket('several')
    await sink.write(setting([['key.7', '"ours"']]), place, never)
    const writing = sink.write(setting(manyKeys.map((key) => [key, '1'])), place, never)
    await other.change('key.7', '"theirs"', 1)
    await writing
    const held = await sink.read('all', never)
    expect([held.size, new Set(held.values())]).toEqual([manyKeys.length, new Set(['1'])])
    await other.close()
    await sink.close()
  })

  test("names that we would write otherwise are somebody else's", async () => {
    const kv = await openBucket('others')
    for (const name of ['a=41', 'not=a=key', 'b=2E', 'ours']) await kv.change(name, '1', 0)
    await kv.close()
    const sink = await openSink('nats_kv', options('others'))
    expect(await sink.read('all', never)).toEqual(new Map([['ours', '1']]))
    await sink.close()
  })

  test('plain text leaves strings as they are', async () => {
    const sink = await openSink('nats_kv', { ...options('plain'), values: 'text' })
    const values = ['it is "so"', 5, null] as const
    expect(values.map((value) => sink.render(value))).toEqual(['it is "so"', '5', 'null'])
  })

  test('reading makes no bucket', async () => {
    const sink = await openSink('nats_kv', options('unmade'))
    expect(await sink.read('all', never)).toEqual(new Map())
    await sink.close()
    const nc = await connect({ servers: nats.url })
    const answer = await nc.request('$JS.API.STREAM.INFO.KV_unmade')
    expect(answer.json()).toMatchObject({ error: { code: 404 } })
    await nc.close()
  })
})
