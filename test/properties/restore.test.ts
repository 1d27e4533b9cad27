import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import type { AppliedEntry } from '@headway/schemas/rules/definition.ts'
import { evolveSink, initialSink, ownerOf } from '@headway/schemas/rules/ownership.ts'
import { planSync, type Had, type SyncPlan, type Wanted } from '@headway/schemas/rules/plan.ts'
import { evolveRestoring, nothingRestored, restoredKeys } from '@headway/schemas/rules/restore.ts'

/** Whatever was pushed, restored or broken off: back to a commit means what the sink held after it. */
const owner = { rule: 'r', repository: 'o/r', environment: 'e' }
const place = { v: 1 as const, at: '2026-01-01T00:00:00.000Z', sink: 's', ...owner }
const key = fc.constantFrom<string[]>('a', 'b', 'c', 'd')
const values = fc.dictionary(key, fc.constantFrom<string[]>('1', '2', '3'))
const step = fc.oneof(
  fc.record({ push: values, isPruned: fc.boolean() }),
  fc.record({ back: fc.nat() }),
)
type Step = { push: Record<string, string>; isPruned: boolean } | { back: number }

class Sink {
  held: Map<string, string>
  /** Keys that were given back: not ours any more, so no restore takes them away. */
  readonly returned = new Set<string>()
  readonly after: [commit: string, held: Map<string, string>][] = []
  readonly #events: Event[] = []
  #open: SyncPlan | null = null
  #runs = 0

  constructor(held: Record<string, string>) {
    this.held = new Map(Object.entries(held))
  }

  push(desired: Record<string, string>, isPruned: boolean, isBroken = false): void {
    const wanted = Object.entries(desired).map(([name, text]) => ({ key: name, file: 'f', text }))
    this.#sync(`${this.after.length}`, wanted, { isPruned, isBroken, isRestore: false })
  }

  back(to: string): void {
    let restoring = nothingRestored
    for (const event of this.#events)
      restoring = evolveRestoring(restoring, event, owner, { commit: to })
    const open = [...(this.#open?.previous ?? [])].map(
      ([name, text]) =>
        [name, { file: 'f', previous: text === null ? null : { plain: text } }] as const,
    )
    const wanted = restoredKeys(restoring, open, new Set())!.map(
      ({ key: name, file, held, isReturned }): Wanted => {
        return { key: name, file, text: (held as { plain: string }).plain, isReturned }
      },
    )
    this.#sync(to, wanted, { isPruned: false, isBroken: false, isRestore: true })
  }

  #sync(
    commit: string,
    desired: Wanted[],
    how: { isPruned: boolean; isBroken: boolean; isRestore: boolean },
  ): void {
    const { keys } = ownerOf(this.#events.reduce(evolveSink, initialSink), owner)
    const owned = new Map<string, Had>()
    for (const [name, { file, held }] of keys)
      owned.set(name, { file, text: (held as { plain: string }).plain })
    for (const { key: name } of this.#open?.set ?? [])
      if (!owned.has(name)) owned.set(name, { file: 'f', text: null })
    const plan = planSync({
      desired,
      owned,
      others: new Set(),
      live: this.held,
      mode: 'smart_repair',
      prune: how.isPruned ? { enabled: true } : undefined,
      isRestore: how.isRestore,
    })
    const run = `${this.#runs++}`
    const fence = { run, pipeline: 'p', epoch: 0, attempt: 1 }
    const sizes = { mode: 'smart_repair' as const, writes: 0, deletes: 0, protected: 0 }
    this.#events.push({ type: 'SyncPlanned', ...place, ...fence, ...sizes, commit, plan: run })
    this.held = new Map(this.held)
    for (const one of plan.set) this.held.set(one.key, one.text)
    if (how.isBroken) this.#open = plan
    if (how.isBroken) return
    for (const one of plan.delete) this.held.delete(one.key)
    const entries = this.#entriesOf(plan)
    this.#open = null
    this.#events.push(
      { type: 'ValuesApplied', ...place, run, commit, entries },
      { type: 'SyncConfirmed', ...place, run, commit, written: 0, deleted: 0, unchanged: 0 },
    )
    for (const one of [...plan.set, ...plan.adopt, ...plan.delete]) this.returned.delete(one.key)
    if (how.isRestore) for (const one of plan.release) this.returned.add(one.key)
    if (!how.isRestore) this.after.push([commit, this.held])
  }

  #entriesOf(plan: SyncPlan): AppliedEntry[] {
    const released = new Set(plan.release.map((one) => one.key))
    const before = (name: string) => {
      const earlier = this.#open?.previous
      const text = earlier?.has(name) ? earlier.get(name) : plan.previous.get(name)
      return text == null ? {} : { previous: { plain: text } }
    }
    const set = [...plan.set, ...plan.adopt].filter((one) => !released.has(one.key))
    return [
      ...set.map(({ key: name, file, text }): AppliedEntry => {
        return { key: name, file, op: 'set', ...before(name), value: { plain: text } }
      }),
      ...plan.delete.map((one): AppliedEntry => ({ ...one, op: 'delete', ...before(one.key) })),
      ...plan.release.map((one): AppliedEntry => ({ ...one, op: 'release' })),
    ]
  }
}

test('a restore leaves what was there after the commit, whatever came since', () => {
  fc.assert(
    fc.property(
      values,
      fc.array(step as fc.Arbitrary<Step>, { minLength: 1, maxLength: 6 }),
      fc.option(values),
      fc.nat(),
      (before, steps, broken, to) => {
        const sink = new Sink(before)
        sink.push({ a: '1' }, false)
        for (const one of steps)
          if ('push' in one) sink.push(one.push, one.isPruned)
          else sink.back(sink.after[one.back % sink.after.length]![0])
        if (broken) sink.push(broken, true, true)
        const [commit, held] = sink.after[to % sink.after.length]!
        sink.back(commit)
        const counted = [...sink.held].filter(
          ([name]) => held.has(name) || !sink.returned.has(name),
        )
        expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(held))
      },
    ),
    { numRuns: 500 },
  )
})

test('a commit that was never confirmed cannot be restored', () => {
  expect(restoredKeys(nothingRestored, [], new Set())).toBeNull()
})
