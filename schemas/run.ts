/**
 * The life of a run as every reader of the log sees it, and which events of it count.
 *
 *   pending ─→ running ─→ completed | failed | dead_lettered | cancelled
 *      │        ↑↓  ↓
 *      │    retrying  waiting_external ─→ pending (resumed) | dead_lettered (deadline) | cancelled
 *      └─→ superseded
 *   failed | dead_lettered | cancelled ─→ pending (redriven)
 *
 * Epoch and attempt are the fence of everything a worker says: what an attempt says after a newer one
 * was heard of, or after the run ended, changes nothing anywhere. A new epoch begins only by an event
 * on the pipeline's own subject, so there is one order of epochs.
 */
import type { Event, EventOf } from './events.ts'

export const runStatuses = [
  'pending',
  'running',
  'waiting_external',
  'retrying',
  'completed',
  'failed',
  'dead_lettered',
  'cancelled',
  'superseded',
] as const
export type RunStatus = (typeof runStatuses)[number]

export type RunFence = {
  readonly status: RunStatus
  /** 0 for the first. */
  readonly epoch: number
  /** The newest attempt of the epoch that was heard of; 0 for none. */
  readonly attempt: number
}
export const requestedFence: RunFence = { status: 'pending', epoch: 0, attempt: 0 }

/** What is said about a run that was requested. */
export type RunEvent =
  | Exclude<Extract<Event, { run: string; attempt: number }>, EventOf<'SyncPlanned'>>
  | RunDecision
/** What is decided about a run on its pipeline's subject. */
export type RunDecision = EventOf<'RunSuperseded' | 'RunRedriven' | 'RunResumed'>

const decisions = new Set(['RunSuperseded', 'RunRedriven', 'RunResumed'])
export const isRunEvent = (event: Event): event is RunEvent =>
  ('attempt' in event && 'run' in event && !('sink' in event)) || decisions.has(event.type)

const endStatuses: ReadonlySet<RunStatus> = new Set([
  'completed',
  'failed',
  'dead_lettered',
  'cancelled',
  'superseded',
])
export const isEnded = (status: string): boolean => endStatuses.has(status as RunStatus)

/** Ended in a way that it can be done again. */
export const isRedrivable = (status: string): boolean =>
  status === 'failed' || status === 'dead_lettered' || status === 'cancelled'

const statusAfter: { readonly [T in RunEvent['type']]?: RunStatus } = {
  RunStarted: 'running',
  RunRetried: 'retrying',
  RunSuspended: 'waiting_external',
  RunGivenBack: 'pending',
  RunCompleted: 'completed',
  RunFailed: 'failed',
  RunDeadLettered: 'dead_lettered',
  RunCancelled: 'cancelled',
  RunSuperseded: 'superseded',
  RunRedriven: 'pending',
  RunResumed: 'pending',
}

const isEffective = (fence: RunFence, event: RunEvent): boolean => {
  switch (event.type) {
    case 'RunSuperseded':
      return fence.status === 'pending' && fence.epoch === 0 && fence.attempt === 0
    case 'RunRedriven':
      return isRedrivable(fence.status) && event.epoch === fence.epoch + 1
    case 'RunResumed':
      return fence.status === 'waiting_external' && event.epoch === fence.epoch + 1
    default: {
      if (isEnded(fence.status)) return false
      const epoch = event.epoch ?? 0
      const isCurrent = epoch === fence.epoch && event.attempt === fence.attempt
      // While it waits outside, nobody executes it: only a decision about this very attempt ends it.
      if (fence.status === 'waiting_external')
        return isCurrent && (event.type === 'RunDeadLettered' || event.type === 'RunCancelled')
      return epoch > fence.epoch || (epoch === fence.epoch && event.attempt >= fence.attempt)
    }
  }
}

/** The fence after an event, or null when the event changes nothing. */
export const afterRunEvent = (fence: RunFence, event: RunEvent): RunFence | null => {
  if (!isEffective(fence, event)) return null
  const status = statusAfter[event.type] ?? fence.status
  if (event.type === 'RunSuperseded') return { ...fence, status }
  const attempt = 'attempt' in event ? event.attempt : 0
  return { status, epoch: event.epoch ?? 0, attempt }
}
