/**
 * From a push to what its sinks hold: how long until 500 keys are read back, what a small change in a big
 * file costs, and where a hundred pushes at once end. The ceiling of the first is what the disk needs by
 * itself, measured between the rounds: the same entries acknowledged by a bucket, and one append for each
 * of the nine things that must be on disk one after the other.
 */
import type { KvBucket } from '@headway/streams/kv.ts'
import { openShop, type Shop } from './config-shop.ts'
import { percentile } from './figure.ts'
import { rawAppends } from './realtime.ts'

const keys = 500
const warmup = 5
const rounds = 40
const appendsInARow = 9
const bigKeys = 10_000
const changedKeys = 10
const pushesAtOnce = 100

export type Sync = {
  readonly p50: number
  readonly p95: number
  readonly ceiling: number
  /** Of the median round: until there is a plan, until it is written and read back. */
  readonly phases: { readonly plan: number; readonly write: number }
}
export type Syncs = {
  readonly durable: Sync
  readonly relaxed: Sync
  readonly one: Sync
  readonly writes: number
  readonly repairMs: number
  readonly newestMs: number
  readonly behind: number
}

const values = (count: number, valueOf: (index: number) => string) => ({
  'config/app.json': JSON.stringify(
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key.${i}`, valueOf(i)])),
  ),
})

/** What a bucket needs for the same entries when nobody else is asked. */
const rawPuts = async (bucket: KvBucket, count: number, round: number): Promise<number> => {
  const held = await bucket.all(new AbortController().signal)
  const changes = Array.from({ length: count }, (_, i) => {
    const key = `key.${i}`
    return { key, text: `value ${round}`, revision: held.get(key)?.revision ?? 0 }
  })
  const startedAt = performance.now()
  const isTaken = await bucket.changeAll(changes)
  if (!isTaken)
    await Promise.all(changes.map((one) => bucket.change(one.key, one.text, one.revision)))
  return performance.now() - startedAt
}

const measure = async (shop: Shop, sink: string, changed: number): Promise<Sync> => {
  await shop.rule(sink, [sink], 'config/*.json')
  const raw = await shop.bucket(`raw-${sink}`, sink === 'relaxed')
  const all: { readonly ms: number; readonly planMs: number }[] = []
  const ceilings: number[] = []
  for (let round = 0; round < warmup + rounds; round++) {
    const value = (i: number) => (i < changed ? `${sink} ${round}` : 'as ever')
    const commit = shop.repository.commit(values(keys, value))
    const acceptedAt = await shop.push(commit)
    const confirmedAt = await shop.reader.until('SyncConfirmed', commit, sink)
    const plannedAt = shop.reader.of('SyncPlanned', commit, sink)!
    const disk = await rawPuts(raw, changed, round)
    const append = await rawAppends(shop.world, 10)
    if (round < warmup) continue
    all.push({ ms: confirmedAt - acceptedAt, planMs: plannedAt - acceptedAt })
    ceilings.push(disk + appendsInARow * append)
  }
  await raw.close()
  await shop.forget(sink)
  const taken = all.map(({ ms }) => ms)
  const plan = percentile(
    all.map(({ planMs }) => planMs),
    0.5,
  )
  const p50 = percentile(taken, 0.5)
  const ceiling = percentile(ceilings, 0.5)
  return { p50, p95: percentile(taken, 0.95), ceiling, phases: { plan, write: p50 - plan } }
}

/** Counted by the server: every write is a revision of the bucket. */
const repair = async (shop: Shop) => {
  await shop.rule('big', ['big'], 'config/*.json', { mode: 'smart_repair' })
  const first = shop.repository.commit(values(bigKeys, () => 'as ever'))
  await shop.push(first)
  await shop.reader.until('SyncConfirmed', first, 'big')
  const before = await shop.revisions('big')
  const changed = shop.repository.commit(
    values(bigKeys, (i) => (i % (bigKeys / changedKeys) === 0 ? 'changed' : 'as ever')),
  )
  const acceptedAt = await shop.push(changed)
  const confirmedAt = await shop.reader.until('SyncConfirmed', changed, 'big')
  const writes = (await shop.revisions('big')) - before
  await shop.forget('big')
  return { writes, repairMs: confirmedAt - acceptedAt }
}

/** In any order but their own: the order of deliveries says nothing. */
const shuffled = <T>(items: readonly T[]): readonly T[] =>
  items
    .map((item, i) => ({ item, by: (i * 37) % items.length }))
    .toSorted((one, other) => one.by - other.by)
    .map(({ item }) => item)

const together = async (shop: Shop) => {
  const sinks = ['left', 'right']
  await shop.rule('many', sinks, 'config/*.json')
  const commits = Array.from({ length: pushesAtOnce }, (_, i) =>
    shop.repository.commit(values(20, () => `push ${i}`)),
  )
  const newest = commits.at(-1)!
  const startedAt = performance.now()
  await Promise.all(shuffled(commits).map((commit) => shop.push(commit)))
  const confirmed = sinks.map((sink) => shop.reader.until('SyncConfirmed', newest, sink))
  const newestMs = Math.max(...(await Promise.all(confirmed))) - startedAt
  await shop.settled(commits)
  const held = await Promise.all(sinks.map((sink) => shop.held(sink)))
  const isNewest = (texts: readonly (string | null)[]) =>
    texts.length === 20 && texts.every((text) => text === `push ${pushesAtOnce - 1}`)
  await shop.forget('many')
  return { newestMs, behind: held.filter((texts) => !isNewest(texts)).length }
}

export const measureSyncs = async (): Promise<Syncs> => {
  const quick = { relaxed: true }
  const sure = { relaxed: false }
  const shop = await openShop({
    durable: sure,
    relaxed: quick,
    one: sure,
    big: sure,
    left: sure,
    right: sure,
  })
  try {
    const durable = await measure(shop, 'durable', keys)
    const relaxed = await measure(shop, 'relaxed', keys)
    const one = await measure(shop, 'one', 1)
    return { durable, relaxed, one, ...(await repair(shop)), ...(await together(shop)) }
  } finally {
    await shop.end()
  }
}
