/**
 * Who owns which key of a sink, as its log tells: a fold of nothing but what was confirmed and what is
 * still under way. A key may have several owners (two rules, two repositories); it may go when the last
 * one lets go of it.
 */
import type { Digest } from '../ids.ts'
import type { Event, EventOf } from '../events.ts'
import type { AppliedEntry, Held, SinkDefinition } from './definition.ts'
import { evolveDrift, noDrift, plannedBy, type DriftState } from './drift.ts'

export type Owner = {
  readonly rule: string
  readonly repository: string
  readonly environment: string
}
export type Owned = {
  readonly file: string
  readonly commit: string
  readonly held: Held | null
  /** Of two owners the one with the higher number wrote last. */
  readonly change: number
}
/** A plan that was not confirmed: whatever of it is in the sink, nobody knows. */
export type OpenPlan = {
  readonly run: string
  readonly pipeline: string
  readonly epoch: number
  readonly attempt: number
  readonly plan: Digest
  /** Keys that this run told of since it began, in this plan or in one that it made before. */
  readonly told: ReadonlySet<string>
}
export type OwnerState = {
  readonly owner: Owner
  readonly keys: ReadonlyMap<string, Owned>
  readonly open: OpenPlan | null
  /** The run whose plan was confirmed last, and the commit it was about. */
  readonly confirmed: { readonly run: string; readonly commit: string } | null
  /** The sink as it was defined when the newest plan was made. */
  readonly definition: SinkDefinition | null
  readonly drift: DriftState
}
export type SinkState = {
  readonly definition: SinkDefinition | null
  readonly owners: ReadonlyMap<string, OwnerState>
  readonly changes: number
}

export const initialSink: SinkState = { definition: null, owners: new Map(), changes: 0 }

const idOf = ({ rule, repository, environment }: Owner): string =>
  JSON.stringify([environment, rule, repository])

export const ownerOf = (state: SinkState, owner: Owner): OwnerState =>
  state.owners.get(idOf(owner)) ?? {
    owner: { rule: owner.rule, repository: owner.repository, environment: owner.environment },
    keys: new Map(),
    open: null,
    confirmed: null,
    definition: null,
    drift: noDrift,
  }

const withOwner = (state: SinkState, next: OwnerState, changes = state.changes): SinkState => {
  const owners = new Map(state.owners).set(idOf(next.owner), next)
  return { ...state, owners, changes }
}

const applied = (state: SinkState, event: EventOf<'ValuesApplied'>): SinkState => {
  const known = ownerOf(state, event)
  const keys = new Map(known.keys)
  let { changes } = state
  for (const { key, file, op, value } of event.entries) {
    changes++
    if (op === 'set')
      keys.set(key, { file, commit: event.commit, held: value ?? null, change: changes })
    else keys.delete(key)
  }
  const { open } = known
  if (open?.run !== event.run) return withOwner(state, { ...known, keys }, changes)
  const told = new Set([...open.told, ...event.entries.map(({ key }) => key)])
  return withOwner(state, { ...known, keys, open: { ...open, told } }, changes)
}

const planned = (state: SinkState, event: EventOf<'SyncPlanned'>): SinkState => {
  const { run, pipeline, epoch, attempt, plan } = event
  const known = ownerOf(state, event)
  const told = known.open?.run === run ? known.open.told : new Set<string>()
  const open = { run, pipeline, epoch, attempt, plan, told }
  const drift = plannedBy(known.drift, run)
  return withOwner(state, { ...known, open, drift, definition: state.definition })
}

/** A run is about one repository: the plan that it confirms is the one it opened. */
const confirmed = (state: SinkState, event: EventOf<'SyncConfirmed'>): SinkState => {
  const { run, commit, rule, environment } = event
  const ended = [...state.owners.values()].find(
    ({ owner, open }) =>
      open?.run === run && owner.rule === rule && owner.environment === environment,
  )
  return ended ? withOwner(state, { ...ended, open: null, confirmed: { run, commit } }) : state
}

export const evolveSink = (state: SinkState, event: Event): SinkState => {
  switch (event.type) {
    case 'SinkDefined':
      return { ...state, definition: event.definition }
    case 'SinkRemoved':
      return { ...state, definition: null }
    case 'SyncPlanned':
      return planned(state, event)
    case 'ValuesApplied':
      return applied(state, event)
    case 'SyncConfirmed':
      return confirmed(state, event)
    case 'DriftFound':
    case 'DriftUnknown':
    case 'DriftEnded':
    case 'HealRequested': {
      const known = ownerOf(state, event)
      return withOwner(state, { ...known, drift: evolveDrift(known.drift, event) })
    }
    default:
      return state
  }
}

const isSame = (one: Held | null, other: Held | undefined): boolean => {
  if (!one || !other) return false
  if ('plain' in one) return 'plain' in other && one.plain === other.plain
  return 'digest' in other && one.digest === other.digest
}

/** Whether the log has it from the run whose plan is open that the key is as the entry says. */
export const isTold = (
  { keys, open }: OwnerState,
  { key, file, op, value }: AppliedEntry,
): boolean => {
  if (!open?.told.has(key)) return false
  const now = keys.get(key)
  return op === 'set' ? now?.file === file && isSame(now.held, value) : !now
}

/** Options that name the rule or the repository give each its own place, where nobody else has keys. */
const isSamePlace = (options: string, one: Owner, other: Owner): boolean =>
  one.environment === other.environment &&
  (one.rule === other.rule || !options.includes('{rule}')) &&
  (one.repository === other.repository || !options.includes('{repository}'))

export const othersInPlace = (
  state: SinkState,
  owner: Owner,
  definition: SinkDefinition,
): readonly OwnerState[] => {
  const options = JSON.stringify(definition.options)
  return [...state.owners.values()].filter(
    (one) => idOf(one.owner) !== idOf(owner) && isSamePlace(options, owner, one.owner),
  )
}

/** Keys in the same place of the sink that somebody else has. */
export const keysOfOthers = (
  state: SinkState,
  owner: Owner,
  definition: SinkDefinition,
): ReadonlySet<string> =>
  new Set(othersInPlace(state, owner, definition).flatMap(({ keys }) => [...keys.keys()]))
