/**
 * Who belongs to whom on the two sides. What is the same on both sides pairs first, then what has
 * the same key; keys may repeat, and then the first pairs with the first.
 */

export type Pairs<T> = {
  readonly pairs: readonly (readonly [before: T, after: T])[]
  readonly removed: readonly T[]
  readonly added: readonly T[]
}

export const pairByKey = <T>(
  before: readonly T[],
  after: readonly T[],
  keyBefore: (item: T) => string,
  keyAfter: (item: T) => string,
): Pairs<T> => {
  const first = new Map<string, number>()
  const next = new Int32Array(before.length)
  for (let i = before.length - 1; i >= 0; i--) {
    const key = keyBefore(before[i] as T)
    next[i] = first.get(key) ?? -1
    first.set(key, i)
  }
  const paired = new Uint8Array(before.length)
  const pairs: [T, T][] = []
  const added: T[] = []
  for (const item of after) {
    const key = keyAfter(item)
    const i = first.get(key) ?? -1
    if (i < 0) {
      added.push(item)
      continue
    }
    first.set(key, next[i] as number)
    paired[i] = 1
    pairs.push([before[i] as T, item])
  }
  return { pairs, removed: before.filter((_, i) => paired[i] === 0), added }
}

const sameHash = (one: Int32Array, i: number, other: Int32Array, j: number): boolean =>
  one[4 * i] === other[4 * j] &&
  one[4 * i + 1] === other[4 * j + 1] &&
  one[4 * i + 2] === other[4 * j + 2] &&
  one[4 * i + 3] === other[4 * j + 3]

/** Takes away what both sides have, as often as both have it. Hashes are four words each. */
export const withoutEqual = (before: Int32Array, after: Int32Array) => {
  const count = before.length / 4
  const slots = 2 ** Math.ceil(Math.log2(2 * count + 2))
  const first = new Int32Array(slots).fill(-1)
  const next = new Int32Array(count)
  for (let i = count - 1; i >= 0; i--) {
    const slot = (before[4 * i] as number) & (slots - 1)
    next[i] = first[slot] as number
    first[slot] = i
  }
  const paired = new Uint8Array(count)
  /** Finds an equal one and takes it out of its chain. */
  const take = (j: number): boolean => {
    const slot = (after[4 * j] as number) & (slots - 1)
    for (let i = first[slot] as number, last = -1; i >= 0; last = i, i = next[i] as number) {
      if (!sameHash(before, i, after, j)) continue
      if (last < 0) first[slot] = next[i] as number
      else next[last] = next[i] as number
      paired[i] = 1
      return true
    }
    return false
  }
  const added: number[] = []
  for (let j = 0; j < after.length / 4; j++) if (!take(j)) added.push(j)
  const removed: number[] = []
  for (let i = 0; i < count; i++) if (paired[i] === 0) removed.push(i)
  return { removed, added }
}
