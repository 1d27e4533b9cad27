/**
 * Runs, from their request to their end.
 *
 *   pending → running → completed | failed | dead_lettered
 *                ↑↓
 *             retrying
 *
 * A run may also end without having started: its inputs were not there, or it killed its workers. When it
 * started and ended is what its worker says; since when it is as it is, the log does.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { isEnded } from './fence.ts'
import { keyedBy, moment, recordedAt, type Fold } from './read-model.ts'

type Run = Row<'runs'>
type Ending = EventOf<'RunCompleted' | 'RunFailed' | 'RunDeadLettered'>

const requested = (row: Run | undefined, recorded: Recorded<EventOf<'RunRequested'>>): Run => {
  if (row) return row
  const { tenant, seq, event } = recorded
  const at = recordedAt(recorded)
  return {
    tenant,
    run: event.run,
    pipeline: event.pipeline,
    pipeline_version: event.pipelineVersion,
    status: 'pending',
    reason: event.reason,
    actor: event.actor ?? null,
    inputs: event.inputs,
    triggered_by: event.triggeredBy,
    window_opened_at: moment(event.windowOpenedAt),
    requested_at: at,
    started_at: null,
    ended_at: null,
    duration_ms: null,
    attempt: 0,
    worker: null,
    error: null,
    next_attempt_at: null,
    since: at,
    seq,
    last_seq: seq,
  }
}

const ended =
  (status: 'completed' | 'failed' | 'dead_lettered') =>
  (row: Run | undefined, recorded: Recorded<Ending>): Run | undefined => {
    if (!row) return undefined
    const { seq, event } = recorded
    const at = recordedAt(recorded)
    return {
      ...row,
      status,
      ended_at: moment(event.at),
      duration_ms: event.durationMs,
      attempt: event.attempt,
      error: 'error' in event ? event.error : null,
      next_attempt_at: null,
      since: at,
      last_seq: seq,
    }
  }

/** Steps and artifacts tell that the attempt lives; within one commit once is enough. */
const alive = (
  row: Run | undefined,
  {
    seq,
    event,
  }: Recorded<EventOf<'StepSucceeded' | 'StepFailed' | 'StepSkipped' | 'ArtifactPublished'>>,
): Run | undefined => {
  if (!row || (row.last_seq === seq && row.attempt === event.attempt)) return row
  return { ...row, attempt: event.attempt, last_seq: seq }
}

export const runs: Fold<'runs'> = {
  kind: 'fold',
  table: 'runs',
  version: 1,
  keys: keyedBy('run'),
  evolve: {
    RunRequested: requested,
    RunStarted: (row, recorded) =>
      row && {
        ...row,
        status: 'running',
        started_at: moment(recorded.event.at),
        attempt: recorded.event.attempt,
        worker: recorded.event.worker,
        error: null,
        next_attempt_at: null,
        since: recordedAt(recorded),
        last_seq: recorded.seq,
      },
    StepSucceeded: alive,
    StepFailed: alive,
    StepSkipped: alive,
    ArtifactPublished: alive,
    RunRetried: (row, recorded) =>
      row && {
        ...row,
        status: 'retrying',
        attempt: recorded.event.attempt,
        error: recorded.event.error,
        next_attempt_at: moment(recorded.event.nextAttemptAt),
        since: recordedAt(recorded),
        last_seq: recorded.seq,
      },
    RunCompleted: ended('completed'),
    RunFailed: ended('failed'),
    RunDeadLettered: ended('dead_lettered'),
  },
  settled: isEnded,
}
