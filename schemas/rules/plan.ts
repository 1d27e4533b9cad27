/**
 * What a sync does to one sink, decided from what is wanted, what is owned and what is there.
 *
 *   upsert_all     writes every key
 *   smart_repair   writes what differs from what is there
 *   live_state     the same, and with pruning on whatever else is in the place goes as well
 *   auto           the first up to 500 keys, the second above
 *
 * Pruned is what this rule owned here and no file of it has any more, unless somebody else has it or it
 * is protected. Protection fails closed: a glob that cannot be read is an error, not a hole.
 */
import picomatch from 'picomatch'
import type { SyncMode } from './definition.ts'

export type Wanted = {
  readonly key: string
  readonly file: string
  readonly text: string
  /** It gets back what it held before it was ours, and is ours no longer. */
  readonly isReturned?: boolean
}
export type Had = { readonly file: string; readonly text: string | null }
export type Prune = {
  readonly enabled: boolean
  readonly dryRun?: boolean | undefined
  readonly protect?: readonly string[] | undefined
}

export type PlanGiven = {
  readonly desired: readonly Wanted[]
  /** Keys of this owner with what they should hold; null when that is not known. */
  readonly owned: ReadonlyMap<string, Had>
  /** Keys in the same place that somebody else has. */
  readonly others: ReadonlySet<string>
  /** What is there, of all keys that were asked for; null when nobody looked. */
  readonly live: ReadonlyMap<string, string> | null
  readonly mode: SyncMode
  readonly prune: Prune | undefined
  /** Back to what was: what came since goes, whether or not pruning is on. */
  readonly isRestore?: boolean
}

export type Doomed = { readonly key: string; readonly file: string }
export type SyncPlan = {
  readonly mode: Exclude<SyncMode, 'auto'>
  readonly set: readonly Wanted[]
  /** Right as they are, but not known to be ours: nothing to write, something to remember. */
  readonly adopt: readonly Wanted[]
  readonly delete: readonly Doomed[]
  /** Would be deleted if pruning were no dry run. */
  readonly spared: readonly Doomed[]
  readonly protected: readonly Doomed[]
  /** No longer wanted here: they stay, because of others, and are only not ours any more. */
  readonly release: readonly Doomed[]
  readonly unchanged: number
  /** What each key that is touched held before; null when it was not there. */
  readonly previous: ReadonlyMap<string, string | null>
}

export const keysMaxUpsert = 500

export const modeOf = (mode: SyncMode, keys: number): SyncPlan['mode'] => {
  if (mode !== 'auto') return mode
  return keys <= keysMaxUpsert ? 'upsert_all' : 'smart_repair'
}

export class ProtectionError extends Error {
  override readonly name = 'ProtectionError'
}

const matcherOf = (glob: string): ((key: string) => boolean) => {
  const open = glob.split('[').length
  const closed = glob.split(']').length
  if (glob.trim() === '' || open !== closed)
    throw new ProtectionError(`protect: ${JSON.stringify(glob)} is no glob: nothing is deleted`)
  const matches = picomatch(glob, { dot: true, nonegate: true, bash: true })
  return (key) => key === glob || matches(key)
}

/** Whether a key may never be deleted. Throws when a glob cannot be read. */
export const protection = (globs: readonly string[]): ((key: string) => boolean) => {
  const matchers = globs.map(matcherOf)
  return (key) => matchers.some((matches) => matches(key))
}

/** Which keys have to be read before a plan can be made. */
export const keysToRead = (
  given: Pick<PlanGiven, 'desired' | 'owned' | 'mode'>,
): readonly string[] | 'all' => {
  const { desired, owned } = given
  const mode = modeOf(given.mode, desired.length)
  if (mode === 'live_state') return 'all'
  const wanted = desired.map(({ key }) => key)
  if (mode === 'smart_repair') return [...new Set([...wanted, ...owned.keys()])]
  // What the log does not know must be known before it is written over.
  return [...new Set([...wanted, ...owned.keys()])].filter(
    (key) => (owned.get(key)?.text ?? null) === null,
  )
}

export const planSync = (given: PlanGiven): SyncPlan => {
  const { desired, owned, others, live, prune, isRestore = false } = given
  const mode = modeOf(given.mode, desired.length)
  const isProtected = protection(prune?.protect ?? [])
  const wanted = new Set(desired.map(({ key }) => key))
  const isThere = ({ key, text }: Wanted): boolean =>
    mode !== 'upsert_all' && live?.get(key) === text
  const isOurs = ({ key, file, text }: Wanted): boolean => {
    const had = owned.get(key)
    return had?.file === file && had.text === text
  }
  const set = desired.filter((one) => !isThere(one))
  const adopt = desired.filter((one) => isThere(one) && !isOurs(one) && !one.isReturned)

  const gone = [...owned].flatMap(([key, { file }]) => (wanted.has(key) ? [] : [{ key, file }]))
  const foreign =
    mode === 'live_state' && live
      ? [...live.keys()].filter((key) => !wanted.has(key) && !owned.has(key) && !others.has(key))
      : []
  const returned = desired.filter(({ isReturned }) => isReturned)
  const release = [...gone.filter(({ key }) => others.has(key)), ...returned].map(
    ({ key, file }) => ({ key, file }),
  )
  const doomed = [
    ...(prune?.enabled || isRestore ? gone.filter(({ key }) => !others.has(key)) : []),
    ...(prune?.enabled ? foreign.map((key) => ({ key, file: '' })) : []),
  ]
  const kept = doomed.filter(({ key }) => isProtected(key))
  const free = doomed.filter(({ key }) => !isProtected(key))

  const there = (key: string): string | null => live?.get(key) ?? null
  const held = (key: string): string | null =>
    mode === 'upsert_all' ? (owned.get(key)?.text ?? there(key)) : there(key)
  const touched = [...set, ...adopt, ...free].map(({ key }) => [key, held(key)] as const)
  return {
    mode,
    set,
    adopt,
    delete: prune?.dryRun ? [] : free,
    spared: prune?.dryRun ? free : [],
    protected: kept,
    release,
    unchanged: desired.length - set.length,
    previous: new Map(touched),
  }
}
