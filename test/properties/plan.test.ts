import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  keysMaxUpsert,
  keysToRead,
  modeOf,
  planSync,
  protection,
  ProtectionError,
  type PlanGiven,
} from '@headway/schemas/rules/plan.ts'

/** The decision what a sync does to a sink, held against a model of the sink. */
const key = fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'SYSTEM_A', 'SYSTEM_B')
const file = fc.constantFrom<string[]>('one.yaml', 'two.yaml')
const text = fc.constantFrom<string[]>('1', '2', '3')

const scene = fc.record({
  desired: fc.uniqueArray(fc.record({ key, file, text }), { selector: (one) => one.key }),
  owned: fc
    .uniqueArray(fc.tuple(key, fc.record({ file, text: fc.option(text) })), {
      selector: ([name]) => name,
    })
    .map((entries) => new Map(entries)),
  others: fc.uniqueArray(key).map((keys) => new Set(keys)),
  sink: fc.dictionary(key, text).map((held) => new Map(Object.entries(held))),
  mode: fc.constantFrom(
    'auto' as const,
    'upsert_all' as const,
    'smart_repair' as const,
    'live_state' as const,
  ),
  prune: fc.option(
    fc.record({
      enabled: fc.boolean(),
      dryRun: fc.boolean(),
      protect: fc.constantFrom([], ['SYSTEM_*']),
    }),
    { nil: undefined },
  ),
})
type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never

/** Looks at the sink as a step does: only at the keys that the decision wants to know. */
const planned = ({ sink, ...given }: Scene) => {
  const keys = keysToRead(given)
  const live = keys === 'all' ? sink : new Map([...sink].filter(([name]) => keys.includes(name)))
  return planSync({ ...given, live } satisfies PlanGiven)
}

const written = (given: Scene): Map<string, string> => {
  const plan = planned(given)
  const sink = new Map(given.sink)
  for (const one of plan.set) sink.set(one.key, one.text)
  for (const one of plan.delete) sink.delete(one.key)
  return sink
}

describe('a plan', () => {
  test('leaves every wanted key with the wanted value, in every mode', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const sink = written(given)
        for (const one of given.desired) expect(sink.get(one.key)).toBe(one.text)
      }),
    )
  })

  test('deletes nothing that is wanted, protected or somebody else’s, nor without pruning', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const { delete: deleted } = planned(given)
        const isProtected = protection(given.prune?.protect ?? [])
        const wanted = new Set(given.desired.map((one) => one.key))
        for (const one of deleted) {
          expect(given.prune).toMatchObject({ enabled: true, dryRun: false })
          expect(wanted.has(one.key)).toBe(false)
          expect(given.others.has(one.key)).toBe(false)
          expect(isProtected(one.key)).toBe(false)
          expect(given.owned.has(one.key) || given.mode === 'live_state').toBe(true)
        }
      }),
    )
  })

  test('prunes exactly what was owned and is nobody’s any more', () => {
    fc.assert(
      fc.property(scene, (given) => {
        fc.pre(given.mode !== 'live_state' && given.prune?.enabled === true)
        const { delete: deleted, spared, protected: kept, release } = planned(given)
        const wanted = new Set(given.desired.map((one) => one.key))
        const gone = [...given.owned.keys()].filter((name) => !wanted.has(name))
        const told = [...deleted, ...spared, ...kept, ...release].map((one) => one.key)
        expect(told.toSorted()).toEqual(gone.toSorted())
      }),
    )
  })

  test('writes nothing the second time when it repairs, and says what was there before', () => {
    fc.assert(
      fc.property(scene, (given) => {
        fc.pre(given.mode === 'smart_repair' || given.mode === 'live_state')
        const { set, previous } = planned(given)
        for (const one of set) {
          expect(given.sink.get(one.key)).not.toBe(one.text)
          expect(previous.get(one.key)).toBe(given.sink.get(one.key) ?? null)
        }
        const again = planned({ ...given, sink: written(given) })
        expect(again.set).toEqual([])
      }),
    )
  })

  test('knows what it writes over though it writes everything', () => {
    fc.assert(
      fc.property(scene, (given) => {
        fc.pre(given.mode === 'upsert_all')
        const { set, previous } = planned(given)
        expect(set.length).toBe(given.desired.length)
        for (const one of set) {
          const known = given.owned.get(one.key)?.text ?? given.sink.get(one.key) ?? null
          expect(previous.get(one.key)).toBe(known)
        }
      }),
    )
  })

  test('reads nothing when it writes everything that the log knows', () => {
    const owned = new Map([['a', { file: 'one.yaml', text: '1' }]])
    const desired = [{ key: 'a', file: 'one.yaml', text: '2' }]
    expect(keysToRead({ desired, owned, mode: 'upsert_all' })).toEqual([])
  })

  test('repairs above the limit and writes all below it', () => {
    expect(modeOf('auto', keysMaxUpsert)).toBe('upsert_all')
    expect(modeOf('auto', keysMaxUpsert + 1)).toBe('smart_repair')
    expect(modeOf('live_state', 1)).toBe('live_state')
  })

  test('is not made with a protection that cannot be read', () => {
    for (const glob of ['', ' ', 'SYSTEM_[A'])
      expect(() => protection([glob])).toThrow(ProtectionError)
  })

  test('of 10,000 keys writes the ten that changed', () => {
    const sink = new Map(Array.from({ length: 10_000 }, (_, i) => [`key.${i}`, `${i}`]))
    const desired = [...sink].map(([name, value], i) => {
      return { key: name, file: 'one.yaml', text: i % 1_000 === 0 ? 'new' : value }
    })
    const owned = new Map(
      [...sink].map(([name, value]) => [name, { file: 'one.yaml', text: value }]),
    )
    const given = { desired, owned, others: new Set<string>(), mode: 'auto' as const }
    const { set, unchanged, mode } = planSync({ ...given, live: sink, prune: undefined })
    expect([set.length, unchanged, mode]).toEqual([10, 9_990, 'smart_repair'])
  })
})
