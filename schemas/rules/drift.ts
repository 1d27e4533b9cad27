/**
 * Drift: a sink holds something else than was put there. Only what changes is told: that it began, that it
 * is about other keys, that nobody can look, that it ended. So what was told last, and when somebody tried
 * to put it right, is a fold of the sink's log, and all that the next look needs.
 */
import type { ErrorInfo } from '../definitions.ts'
import type { Event, EventOf } from '../events.ts'
import { driftKeysTold } from './definition.ts'

export type Told = {
  readonly keys: readonly string[]
  readonly count: number
  /** Why nobody could look; null when somebody did. */
  readonly error: string | null
}
/** A run that was asked for to put things right. */
export type Heal = {
  readonly run: string
  readonly pipeline: string
  readonly afterSeq: number
  readonly at: number
  readonly isPlanned: boolean
}
export type DriftState = {
  /** Null: there is none, as far as was told. */
  readonly told: Told | null
  /** The newest ones, oldest first. */
  readonly heals: readonly Heal[]
}
export const noDrift: DriftState = { told: null, heals: [] }

/** Of a target that nobody can read, for good. */
export const unreadable = 'unreadable'
export const healEveryMsDefault = 300_000
const pauseMsMax = 3_600_000
/** A heal may take this long before another one is asked for, whatever the rule says. */
export const healMsMax = 300_000
const healsKept = 12

type DriftEvent = EventOf<'DriftFound' | 'DriftUnknown' | 'DriftEnded' | 'HealRequested'>

export const evolveDrift = (state: DriftState, event: DriftEvent): DriftState => {
  switch (event.type) {
    case 'DriftFound':
      return { ...state, told: { keys: event.keys, count: event.count, error: null } }
    case 'DriftUnknown': {
      const { keys = [], count = 0 } = state.told ?? {}
      return { ...state, told: { keys, count, error: event.error.type } }
    }
    case 'DriftEnded':
      return { ...state, told: null }
    case 'HealRequested': {
      const { run, pipeline, afterSeq } = event
      const heal = { run, pipeline, afterSeq, at: Date.parse(event.at), isPlanned: false }
      return { ...state, heals: [...state.heals, heal].slice(-healsKept) }
    }
  }
}

/** A run has planned: a heal that it is was heard. */
export const plannedBy = (state: DriftState, run: string): DriftState =>
  state.heals.some((heal) => heal.run === run && !heal.isPlanned)
    ? {
        ...state,
        heals: state.heals.map((heal) => (heal.run === run ? { ...heal, isPlanned: true } : heal)),
      }
    : state

/** When there may be another heal: each one that follows upon the one before waits twice as long. */
export const nextHealAt = (heals: readonly Pick<Heal, 'at'>[], everyMs: number): number => {
  let pauseMs = 0
  let last = -Infinity
  for (const { at } of heals) {
    const isAgain = at - last <= 2 * pauseMs
    pauseMs = isAgain ? Math.min(2 * pauseMs, Math.max(everyMs, pauseMsMax)) : everyMs
    last = at
  }
  return last + pauseMs
}

/** When there may be another heal, after one that is under way or in the queue as far as the log knows. */
export const healAt = ({ heals }: DriftState, everyMs: number, isUnderWay: boolean): number => {
  const last = heals.at(-1)
  const next = nextHealAt(heals, everyMs)
  return last && (isUnderWay || !last.isPlanned) ? Math.max(next, last.at + healMsMax) : next
}

export type Looked = { readonly keys: readonly string[] } | { readonly error: ErrorInfo }
type Frame = Omit<EventOf<'DriftEnded'>, 'type'>

/** What a look adds to what was told. */
export const newsOf = (told: Told | null, looked: Looked, frame: Frame): readonly Event[] => {
  if ('error' in looked) {
    const { error } = looked
    return told?.error === error.type ? [] : [{ type: 'DriftUnknown', ...frame, error }]
  }
  const keys = looked.keys.slice(0, driftKeysTold)
  const count = looked.keys.length
  if (count === 0) return told ? [{ type: 'DriftEnded', ...frame }] : []
  const isKnown =
    told?.error === null &&
    told.count === count &&
    told.keys.every((key, index) => key === keys[index])
  return isKnown ? [] : [{ type: 'DriftFound', ...frame, keys, count }]
}

/** A confirmed sync was read back: whatever was wrong is over, unless nobody can read here. */
export const endedByConfirm = ({ told }: DriftState): boolean =>
  told !== null && told.error !== unreadable
