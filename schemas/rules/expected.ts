/**
 * What should be in a sink: what the log says that an owner holds, never what somebody saw there before.
 * So the first look finds what was changed before it, and a sync of ours never looks like a change.
 */
import type { Held, SinkDefinition } from './definition.ts'
import { healAt } from './drift.ts'
import { othersInPlace, ownerOf, type Owner, type OwnerState, type SinkState } from './ownership.ts'

export type Standing = {
  readonly definition: SinkDefinition
  readonly owner: OwnerState
  readonly others: readonly OwnerState[]
}

/**
 * What a verdict can be made on; null when there can be none now: nothing was ever confirmed here, the
 * place is another one since, or a sync is under way. A heal that did not get through is no sync under
 * way any more when the next one may be.
 */
export const standingOf = (
  state: SinkState,
  who: Owner,
  { now, healEveryMs }: { readonly now: number; readonly healEveryMs: number },
): Standing | null => {
  const { definition } = state
  const owner = ownerOf(state, who)
  const { open, drift } = owner
  if (!definition || owner.confirmed === null) return null
  if (JSON.stringify(owner.definition) !== JSON.stringify(definition)) return null
  const isStuckHeal =
    open?.run === drift.heals.at(-1)?.run && now >= healAt(drift, healEveryMs, true)
  if (open && !isStuckHeal) return null
  return { definition, owner, others: othersInPlace(state, who, definition) }
}

/** Nobody wrote about the place in between. */
export const isSameStanding = (one: Standing, other: Standing | null): boolean =>
  one.owner === other?.owner &&
  one.others.length === other.others.length &&
  one.others.every((owner, index) => owner === other.others[index])

/** What an owner's keys should hold. Left out is what somebody else put there after it. */
export const expectedIn = (
  { owner, others }: Standing,
  isLeftAlone: (key: string) => boolean,
): ReadonlyMap<string, Held> => {
  const expected = new Map<string, Held>()
  for (const [key, { held, change }] of owner.keys) {
    const isOvertaken = others.some(({ keys }) => (keys.get(key)?.change ?? 0) > change)
    if (held && !isOvertaken && !isLeftAlone(key)) expected.set(key, held)
  }
  return expected
}

/** `open` answers null for a secret that nobody can compare: it only has to be there. */
export const driftedKeys = (
  expected: ReadonlyMap<string, Held>,
  live: ReadonlyMap<string, string>,
  open: (key: string, held: Held) => string | null,
): readonly string[] =>
  [...expected]
    .filter(([key, held]) => {
      const there = live.get(key)
      if (there === undefined) return true
      const text = open(key, held)
      return text !== null && text !== there
    })
    .map(([key]) => key)
    .toSorted()
