import { describe, expect, test } from 'vitest'
import type { Live } from '@headway/schemas/ports.ts'
import { nextPlace, placeFor, type RateLimit } from './rate-limit.ts'

/** Shared facts in memory, with a compare-and-set that loses as often as it is told to. */
const memory = (losses = 0) => {
  const facts = new Map<string, { value: string; revision: number; ttlMs: number }>()
  let revision = 0
  const put = (key: string, value: string, ttlMs: number) =>
    void facts.set(key, { value, ttlMs, revision: ++revision })
  const live: Live = {
    put: async (key, value, ttlMs) => put(key, value, ttlMs),
    get: async (key) => facts.get(key) ?? null,
    swap: async (key, value, expected, ttlMs) => {
      if (losses-- > 0) put(key, facts.get(key)?.value ?? '0', ttlMs)
      if ((facts.get(key)?.revision ?? 0) !== expected) return false
      put(key, value, ttlMs)
      return true
    },
    keys: async () => [...facts.keys()],
  }
  return { live, facts }
}

const limit: RateLimit = { key: 'agency', requests: 3, perMs: 3_000 }
const tenant = 'default'

describe('a budget', () => {
  test('gives all its places at once, then one at a time', () => {
    const waits: number[] = []
    let wholeAt = 0
    for (let i = 0; i < 6; i++) {
      const place = nextPlace(limit, wholeAt, 10_000)
      waits.push(place.at - 10_000)
      wholeAt = place.wholeAt
    }
    expect(waits).toEqual([0, 0, 0, 1_000, 2_000, 3_000])
  })

  test('never gives more than it has within any period, however it is asked', () => {
    const given: number[] = []
    let wholeAt = 0
    for (let now = 0; now < 60_000; now += 137) {
      const place = nextPlace(limit, wholeAt, now)
      if (place.at > now) continue
      given.push(now)
      wholeAt = place.wholeAt
    }
    // The places of a full budget, and those that came back while they were taken.
    for (const from of given)
      expect(given.filter((at) => at >= from && at < from + limit.perMs).length).toBeLessThan(7)
    expect(given.length).toBeLessThanOrEqual(60 + limit.requests)
    expect(given.length).toBeGreaterThan(50)
  })

  test('without a period has no end', () => {
    expect(nextPlace({ ...limit, perMs: 0 }, 0, 5)).toEqual({ at: 5, wholeAt: 5 })
  })
})

describe('places', () => {
  const one: RateLimit = { key: 'agency', requests: 1, perMs: 1_000 }

  test('are one budget for all assets of a key, and another for each tenant', async () => {
    const { live } = memory()
    const ask = (asset: string, of = tenant) =>
      placeFor(live, { tenant: of, asset, limit: one }, 5_000)
    expect(await ask('a')).toBe(5_000)
    expect(await ask('b')).toBe(6_000)
    expect(await ask('c')).toBe(7_000)
    expect(await ask('a', 'other')).toBe(5_000)
  })

  test('that are booked are kept, and not booked twice', async () => {
    const { live } = memory()
    const ask = (asset: string, now: number) => placeFor(live, { tenant, asset, limit: one }, now)
    expect([await ask('a', 0), await ask('b', 0), await ask('b', 500)]).toEqual([0, 1_000, 1_000])
    expect(await ask('a', 999)).toBe(2_000)
    expect(await ask('b', 1_000)).toBe(1_000)
    expect(await ask('b', 1_000)).toBe(3_000)
  })

  test('go round: no asset waits for ever behind one that asks first every time', async () => {
    const { live } = memory()
    const looks = { first: 0, second: 0 }
    for (let now = 0; now < 20_000; now += 1_000)
      for (const asset of ['first', 'second'] as const)
        if ((await placeFor(live, { tenant, asset, limit: one }, now)) <= now) looks[asset]++
    expect(looks).toEqual({ first: 10, second: 10 })
  })

  test('are given once to fetchers that ask at the same time', async () => {
    const { live } = memory(2)
    const places = await Promise.all(
      ['a', 'b', 'c', 'd'].map((asset) => placeFor(live, { tenant, asset, limit: one }, 0)),
    )
    expect([...places].sort((x, y) => x - y)).toEqual([0, 1_000, 2_000, 3_000])
  })

  test('are forgotten when they no longer matter', async () => {
    const { live, facts } = memory()
    for (let i = 0; i < 5; i++) await placeFor(live, { tenant, asset: `a${i}`, limit: one }, 0)
    expect(facts.get('rate/default/agency')?.ttlMs).toBe(6_000)
    expect(facts.get('place/default/a4')?.ttlMs).toBe(64_000)
  })
})
