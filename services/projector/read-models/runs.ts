/**
 * Runs, from their request to their end, and on when they are done again. What counts and which status
 * follows is `schemas/run.ts`; here is what else a row tells.
 *
 * A run may end without having started: its inputs were not there, it killed its workers, or somebody
 * changed their mind. When it started and ended is what its worker says; since when it is as it is, the
 * log does.
 */
import { opened } from '@headway/schemas/answer.ts'
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import { afterRunEvent, isEnded, isRedrivable } from '@headway/schemas/run.ts'
import type { RunEvent, RunFence, RunStatus } from '@headway/schemas/run.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { keyedBy, moment, recordedAt, type Fold, type Look } from './read-model.ts'

type Run = Row<'runs'>

/** A run's row is its fence and more. */
export const fenceOfRun = (row: Run): RunFence => row as Run & { readonly status: RunStatus }

/** What is known of the newest attempt, when there is none. */
const unattempted = {
  own_inputs: null,
  started_at: null,
  ended_at: null,
  duration_ms: null,
  worker: null,
  error: null,
  next_attempt_at: null,
  waiting_until: null,
}

const requested = (
  row: Run | undefined,
  recorded: Recorded<EventOf<'RunRequested'>>,
  look: Look,
): Run => {
  if (row) return row
  const { tenant, seq, event } = recorded
  const at = recordedAt(recorded)
  const wish = event.reason === 'manual' ? look('run_wishes', tenant, event.run) : undefined
  return {
    tenant,
    run: event.run,
    pipeline: event.pipeline,
    pipeline_version: event.pipelineVersion,
    status: 'pending',
    reason: event.reason,
    actor: event.actor ?? null,
    key: wish?.key ?? null,
    payload: wish?.payload ?? null,
    inputs: event.inputs,
    triggered_by: event.triggeredBy,
    carried_over: event.carriedOver ?? [],
    disabled_steps: event.disabledSteps ?? [],
    pinned: event.pinned ?? false,
    canary: event.canary?.canary ?? null,
    canary_of: event.canary?.of ?? null,
    window_opened_at: moment(event.windowOpenedAt),
    requested_at: at,
    epoch: 0,
    attempt: 0,
    ...unattempted,
    cancel_requested_by: null,
    cancel_requested_at: null,
    cancelled_by: null,
    superseded_by: null,
    redrives: 0,
    redrive: null,
    redriven_by: null,
    reuse_from: 0,
    interactions: null,
    since: at,
    seq,
    last_seq: seq,
  }
}

/** The row with the fence after an event, and with what else the event says. */
const changed =
  <E extends RunEvent>(told: (event: E, row: Run, at: number) => Partial<Run>) =>
  (row: Run | undefined, recorded: Recorded<E>): Run | undefined => {
    const fence = row && afterRunEvent(fenceOfRun(row), recorded.event)
    if (!row || !fence) return row
    const { status, epoch, attempt } = fence
    return {
      ...row,
      ...told(recorded.event, row, recorded.at),
      status,
      epoch,
      attempt,
      since: recordedAt(recorded),
      last_seq: recorded.seq,
    }
  }

type Ending = EventOf<'RunCompleted' | 'RunFailed' | 'RunDeadLettered' | 'RunCancelled'>
const ended = changed<Ending>((event) => ({
  ended_at: moment(event.at),
  duration_ms: event.durationMs,
  error: 'error' in event ? event.error : null,
  cancelled_by: 'actor' in event ? event.actor : null,
  next_attempt_at: null,
  waiting_until: null,
}))

type Sign = EventOf<
  | 'StepSucceeded'
  | 'StepFailed'
  | 'StepSkipped'
  | 'StepOutputRecorded'
  | 'ArtifactPublished'
  | 'ArtifactCompared'
>
/** Steps and artifacts tell that the attempt lives; within one commit once is enough. */
const alive = (row: Run | undefined, { seq, event }: Recorded<Sign>): Run | undefined => {
  const { epoch = 0, attempt } = event
  if (!row || (row.last_seq === seq && row.epoch === epoch && row.attempt === attempt)) return row
  return { ...row, epoch, attempt, last_seq: seq }
}

const suspended = ({ questions }: EventOf<'RunSuspended'>, _: Run, at: number): Partial<Run> => ({
  worker: null,
  interactions: questions.map(({ interaction }) => interaction),
  waiting_until: questions
    .map((question) => opened(question, at).deadlineAt)
    .reduce((a, b) => (a < b ? a : b)),
})

const redriven = (event: EventOf<'RunRedriven'>, row: Run): Partial<Run> => {
  const goesOn = !event.startOver && event.pipelineVersion === row.pipeline_version
  return {
    ...unattempted,
    pipeline_version: event.pipelineVersion,
    cancel_requested_by: null,
    cancel_requested_at: null,
    cancelled_by: null,
    redrives: row.redrives + 1,
    redrive: event.redrive,
    redriven_by: event.actor,
    reuse_from: goesOn ? row.reuse_from : event.epoch,
    interactions: null,
  }
}

export const runs: Fold<'runs'> = {
  kind: 'fold',
  table: 'runs',
  version: 2,
  keys: keyedBy('run'),
  evolve: {
    RunRequested: requested,
    CancelRequested: (row, recorded) =>
      row && !isEnded(row.status) && row.cancel_requested_by === null
        ? {
            ...row,
            cancel_requested_by: recorded.event.actor,
            cancel_requested_at: recordedAt(recorded),
            last_seq: recorded.seq,
          }
        : row,
    RunSuperseded: changed((event) => ({ superseded_by: event.by })),
    RunStarted: changed((event) => ({
      ...unattempted,
      own_inputs: event.ownInputs,
      started_at: moment(event.at),
      worker: event.worker,
    })),
    StepSucceeded: alive,
    StepFailed: alive,
    StepSkipped: alive,
    StepOutputRecorded: alive,
    ArtifactPublished: alive,
    ArtifactCompared: alive,
    RunRetried: changed((event) => ({
      error: event.error,
      next_attempt_at: moment(event.nextAttemptAt),
    })),
    RunSuspended: changed(suspended),
    RunGivenBack: changed(() => unattempted),
    RunResumed: changed(() => unattempted),
    RunRedriven: changed(redriven),
    RunCompleted: ended,
    RunFailed: ended,
    RunDeadLettered: ended,
    RunCancelled: ended,
  },
  standing: ({ status }) =>
    isEnded(status) ? (isRedrivable(status) ? 'resting' : 'final') : 'open',
  wakes: ['RunRequested', 'RunRedriven'],
}
