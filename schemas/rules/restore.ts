/**
 * What has to be in a sink for it to hold again what it held when a commit was confirmed: the keys of its
 * owner as of then, and of keys that the owner took since what was there before it did. Such a key is let
 * go of: it is not ours any more, and no later restore takes it away. A fold of the sink's log, like
 * ownership; the newest confirmation of a commit counts.
 */
import type { SyncWish } from '../definitions.ts'
import type { Event, EventOf } from '../events.ts'
import type { Held } from './definition.ts'
import {
  evolveSink,
  initialSink,
  ownerOf,
  type Owned,
  type Owner,
  type OwnerState,
  type SinkState,
} from './ownership.ts'

export type RestoredKey = {
  readonly key: string
  readonly file: string
  readonly held: Held | null
  /** It was never ours then: it gets back what it held and is let go of. */
  readonly isReturned: boolean
}
type Touched = { readonly file: string; readonly previous: Held | null }

export type Restoring = {
  readonly sink: SinkState
  /** As of the confirmation; null while it was not met. */
  readonly keys: ReadonlyMap<string, Owned> | null
  /** What keys held when they were touched first since. */
  readonly since: ReadonlyMap<string, Touched>
}
export const nothingRestored: Restoring = { sink: initialSink, keys: null, since: new Map() }

const isOf = (owner: Owner, event: EventOf<'ValuesApplied'>): boolean =>
  event.rule === owner.rule &&
  event.repository === owner.repository &&
  event.environment === owner.environment

export const evolveRestoring = (
  { sink, keys, since }: Restoring,
  event: Event,
  owner: Owner,
  target: NonNullable<SyncWish['restore']>,
): Restoring => {
  const after = evolveSink(sink, event)
  if (event.type === 'SyncConfirmed') {
    const isOurs = ownerOf(sink, owner).open?.run === event.run
    const isMeant =
      event.commit === target.commit && (target.run === undefined || event.run === target.run)
    return isOurs && isMeant
      ? { sink: after, keys: ownerOf(after, owner).keys, since: new Map() }
      : { sink: after, keys, since }
  }
  if (event.type !== 'ValuesApplied' || !isOf(owner, event)) return { sink: after, keys, since }
  const touched = event.entries.flatMap(({ key, file, op, previous = null }) =>
    op === 'release' || since.has(key) ? [] : [[key, { file, previous }] as const],
  )
  return { sink: after, keys, since: new Map([...touched, ...since]) }
}

/**
 * The wish for a sink to hold again what was confirmed last, be it a push or a rollback. None when a
 * secret among it was not sealed: then the newest input has to do, which names it.
 */
export const asConfirmed = ({ confirmed, keys }: OwnerState): Pick<SyncWish, 'restore'> => {
  const isKept = ({ held }: Owned) =>
    held !== null && ('plain' in held || held.sealed !== undefined)
  return confirmed && [...keys.values()].every(isKept) ? { restore: confirmed } : {}
}

/**
 * Every key with what it held; null when the sink never heard of the commit. `open` is what a plan that
 * was not confirmed may have touched.
 */
export const restoredKeys = (
  { keys, since }: Restoring,
  open: readonly (readonly [string, Touched])[],
  others: ReadonlySet<string>,
): readonly RestoredKey[] | null => {
  if (!keys) return null
  const touched = new Map([...open, ...since])
  return [
    ...[...keys].map(([key, { file, held }]) => ({ key, file, held, isReturned: false })),
    ...[...touched].flatMap(([key, { file, previous }]) =>
      previous && !keys.has(key) && !others.has(key)
        ? [{ key, file, held: previous, isReturned: true }]
        : [],
    ),
  ]
}
