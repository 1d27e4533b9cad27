import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verdictOf, type IsAncestor, type Standing } from '@headway/schemas/rules/order.ts'

/** A line of commits that moves forward, backward and aside; commit → its parent. */
type Moves = { readonly parents: ReadonlyMap<string, string>; readonly tips: readonly string[] }

const moves = fc.array(fc.record({ back: fc.nat({ max: 3 }), isNew: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
})

const historyOf = (steps: readonly { back: number; isNew: boolean }[]): Moves => {
  const parents = new Map<string, string>([['c0', '']])
  const tips = ['c0']
  for (const [index, { back, isNew }] of steps.entries()) {
    let base = tips.at(-1)!
    for (let i = 0; i < back; i++) base = parents.get(base) || base
    const tip = isNew ? `c${index + 1}` : base
    if (isNew) parents.set(tip, base)
    tips.push(tip)
  }
  return { parents, tips }
}

const ancestry =
  ({ parents }: Moves) =>
  async (ancestor: string, descendant: string) => {
    for (let at = parents.get(descendant); at; at = parents.get(at))
      if (at === ancestor) return true
    return false
  }

const main = 'refs/heads/main'

test('[B4.14] pushes in any order, late and twice, end at what the ref says', async () => {
  await fc.assert(
    fc.asyncProperty(
      moves,
      fc.array(fc.nat(), { minLength: 40, maxLength: 40 }),
      async (steps, draws) => {
        const history = historyOf(steps)
        const isAncestor = ancestry(history)
        // Each push is told at any time, in any order, and looked at some time after it happened; what
        // the ref says is what it says then.
        const looks = history.tips.flatMap((commit, index) =>
          [0, 1].map((again) => {
            const latest = history.tips.length - 1
            const at = index + (draws[(2 * index + again) % 40]! % (latest - index + 1))
            const received = draws[(3 * index + 11 * again + 5) % 40]!
            return { commit, at, received, order: draws[(index + 7 * again) % 40]! }
          }),
        )
        looks.sort((one, other) => one.at - other.at || one.order - other.order)
        let last: { commit: string; ref: string; received: number } | null = null
        for (const { commit, at, received } of looks) {
          const tip = history.tips[at]!
          const isLater = !last || received > last.received
          const pushed: Standing = { commit, ref: main, tip, last, isLater }
          const verdict = await verdictOf(pushed, isAncestor)
          if (verdict.outcome === 'newer') last = { commit, ref: main, received }
        }
        // The newest push may have been looked at last or first: both end at it.
        expect(last?.commit).toBe(history.tips.at(-1))
      },
    ),
    { numRuns: 500 },
  )
})

const never: IsAncestor = async () => false
const base: Standing = { commit: 'b', ref: main, tip: 'b', last: null, isLater: true }
const outcome = async (standing: Partial<Standing>, isAncestor = never) =>
  (await verdictOf({ ...base, ...standing }, isAncestor)).outcome

test('of two refs for one environment the later push counts', async () => {
  const last = { commit: 'a', ref: 'refs/heads/release' }
  expect(await outcome({ last, isLater: true })).toBe('newer')
  expect(await outcome({ last, isLater: false })).toBe('older')
})

test('a ref that is gone decides nothing any more, except for what is there already', async () => {
  expect(await outcome({ tip: null })).toBe('older')
  expect(await outcome({ tip: null, last: { commit: 'b', ref: main } })).toBe('newer')
})

test('an older commit whose webhook comes late stays behind', async () => {
  const isBefore: IsAncestor = async (one, other) => one < other
  const late = { commit: 'a', tip: 'c', last: { commit: 'b', ref: main }, isLater: true }
  expect(await outcome(late, isBefore)).toBe('older')
  expect(await outcome({ ...late, commit: 'c' }, isBefore)).toBe('newer')
})

test('a force push back to an older commit wins', async () => {
  const isBefore = async (one: string, other: string) => one < other
  expect(await outcome({ last: { commit: 'c', ref: main }, isLater: false }, isBefore)).toBe(
    'newer',
  )
})
