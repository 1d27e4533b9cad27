/**
 * What the end of an attempt means for the run, and what the log says of a run. Pure: the attempt's
 * number, the policy and the moment come in, events come out.
 *
 *   completed                        → RunCompleted
 *   failed, terminal error           → RunFailed, never tried again
 *   failed, attempts left            → RunRetried with the moment of the next attempt
 *   failed, no attempts left         → RunDeadLettered
 *   taken more often than allowed    → RunDeadLettered: it takes its workers down with it
 *
 * The first terminal event of the newest attempt ends a run. What an older attempt says after a newer
 * one was heard of changes nothing.
 */
import type { PipelineDefinition, VersionRef } from '@headway/schemas/definitions.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256, toTimestamp } from '@headway/schemas/ids.ts'
import type { StepError } from './executor.ts'

export type Attempt = {
  readonly pipeline: string
  readonly run: string
  /** 1 for the first. */
  readonly attempt: number
  readonly startedAt: number
  readonly now: number
  readonly policy: PipelineDefinition['retry']
}

/** Exponential, capped, spread over the upper half by a hash of run and attempt. */
export const backoffMs = ({ run, attempt, policy }: Attempt): number => {
  const full = Math.min(policy.backoffMs * 2 ** (attempt - 1), policy.backoffMsMax)
  const spread = Number.parseInt(sha256(`${run}/${attempt}`).slice(0, 8), 16) / 2 ** 32
  return Math.round(full * (0.5 + spread / 2))
}

const base = ({ pipeline, run, attempt, now }: Attempt) => ({
  v: 1 as const,
  at: toTimestamp(now),
  run,
  attempt,
  pipeline,
})
const durationMs = ({ startedAt, now }: Attempt): number =>
  Math.round((now - startedAt) * 1_000) / 1_000

export const completed = (attempt: Attempt): Event => ({
  type: 'RunCompleted',
  ...base(attempt),
  durationMs: durationMs(attempt),
})

export type AfterFailure =
  | { readonly event: Event; readonly retryMs: number }
  | { readonly event: Event; readonly retryMs: null }

export const failed = (attempt: Attempt, step: string, error: StepError): AfterFailure => {
  const told = { type: error.type, message: `${step}: ${error.message}`.slice(0, 4_000) }
  const ended = { ...base(attempt), error: told, durationMs: durationMs(attempt) }
  if (error.terminal) return { event: { type: 'RunFailed', ...ended }, retryMs: null }
  if (attempt.attempt >= attempt.policy.attempts)
    return { event: { type: 'RunDeadLettered', ...ended }, retryMs: null }
  const retryMs = error.afterMs ?? backoffMs(attempt)
  const nextAttemptAt = toTimestamp(attempt.now + retryMs)
  return { event: { type: 'RunRetried', ...base(attempt), error: told, nextAttemptAt }, retryMs }
}

/** Every attempt took its worker down: the run is not tried again by itself. */
export const gaveUp = (attempt: Attempt): Event => ({
  type: 'RunDeadLettered',
  ...base(attempt),
  error: {
    type: 'WorkerLost',
    message: `all ${attempt.policy.attempts} attempts ended with the loss of their worker`,
  },
  durationMs: 0,
})

/** A run as the log tells it. */
export type RunState = {
  /** The newest attempt heard of; 0 for none. */
  readonly attempt: number
  readonly isEnded: boolean
  /** The own outputs that the first attempt read; the others read the same. Null before it started. */
  readonly ownInputs: Readonly<Record<string, VersionRef>> | null
}
export const initial: RunState = { attempt: 0, isEnded: false, ownInputs: null }

export const evolve = (run: string, state: RunState, event: Event): RunState => {
  if (!('run' in event) || event.run !== run || !('attempt' in event)) return state
  const attempt = Math.max(state.attempt, event.attempt)
  switch (event.type) {
    case 'RunStarted':
      return { ...state, attempt, ownInputs: state.ownInputs ?? event.ownInputs }
    case 'RunRetried':
      return { ...state, attempt }
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunDeadLettered':
      return { ...state, attempt, isEnded: state.isEnded || event.attempt >= state.attempt }
    default:
      return state
  }
}
