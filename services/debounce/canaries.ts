/**
 * A candidate version beside the active one: runs of the active version are repeated on the candidate
 * with the same inputs, and compared. The newest completed run is the first to be repeated, then those
 * that complete next, one after the other.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { Run } from './runs.ts'

/** A run that completed, as far as it takes to repeat it. */
export type Baseline = {
  readonly run: string
  readonly version: string
  readonly since: number
  readonly inputs: Readonly<Record<string, VersionRef>>
}

export type Canary = {
  readonly asked: EventOf<'CanaryStarted'>
  readonly left: number
  /** Runs to repeat, oldest first. */
  readonly due: readonly Baseline[]
}
export type Canaries = {
  readonly active: readonly Canary[]
  readonly newest: Baseline | null
}
export const noCanaries: Canaries = { active: [], newest: null }

/** A wished sync is about sinks, not about inputs: repeated it would say nothing of the code. */
const baselineOf = ({ run, request, version, ownInputs }: Run): Baseline | null =>
  request && !request.sync
    ? {
        run,
        version,
        since: request.throughSeq,
        inputs: { ...request.inputs, ...ownInputs },
      }
    : null

const takes = (canary: Canary, baseline: Baseline | null): Canary =>
  baseline && baseline.version !== canary.asked.pipelineVersion && canary.due.length < canary.left
    ? { ...canary, due: [...canary.due, baseline] }
    : canary

export const evolveCanaries = (
  canaries: Canaries,
  { event }: Recorded,
  ended: Run | null,
): Canaries => {
  const { active, newest } = canaries
  switch (event.type) {
    case 'CanaryStarted': {
      const canary = takes({ asked: event, left: event.runs, due: [] }, newest)
      return { newest, active: [...active, canary] }
    }
    case 'CanaryStopped':
      return { newest, active: active.filter(({ asked }) => asked.canary !== event.canary) }
    case 'RunRequested': {
      const { canary: one } = event
      if (!one) return canaries
      const after = active.map((canary) =>
        canary.asked.canary === one.canary
          ? {
              ...canary,
              left: canary.left - 1,
              due: canary.due.filter(({ run }) => run !== one.of),
            }
          : canary,
      )
      return { newest, active: after.filter(({ left }) => left > 0) }
    }
    case 'RunCompleted': {
      const baseline = ended && !ended.isCanary ? baselineOf(ended) : null
      if (!baseline) return canaries
      return { newest: baseline, active: active.map((canary) => takes(canary, baseline)) }
    }
    default:
      return canaries
  }
}
