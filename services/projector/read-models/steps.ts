/** Steps per attempt: what each did, found and logged. A step's own clock tells its times. */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { fenceOf, moment, type Fact } from './read-model.ts'

const ran = (recorded: Recorded<EventOf<'StepSucceeded' | 'StepFailed'>>): Row<'steps'> => {
  const { tenant, seq, event } = recorded
  const isFailed = event.type === 'StepFailed'
  return {
    tenant,
    ...fenceOf(event),
    step: event.step,
    index: event.index,
    status: isFailed ? 'failed' : 'succeeded',
    reason: null,
    started_at: moment(event.startedAt),
    ended_at: moment(event.endedAt),
    duration_ms: event.durationMs,
    rows_in: event.rowsIn,
    rows_out: isFailed ? null : event.rowsOut,
    logs: event.logs,
    findings: event.findings,
    error: isFailed ? event.error : null,
    seq,
  }
}

export const steps: Fact<'steps'> = {
  kind: 'fact',
  table: 'steps',
  version: 2,
  rows: {
    StepSucceeded: ran,
    StepFailed: ran,
    StepSkipped: ({ tenant, seq, event }) => ({
      tenant,
      ...fenceOf(event),
      step: event.step,
      index: event.index,
      status: 'skipped',
      reason: event.reason,
      started_at: null,
      ended_at: null,
      duration_ms: null,
      rows_in: null,
      rows_out: null,
      logs: [],
      findings: [],
      error: null,
      seq,
    }),
  },
}

const recorded = ({
  tenant,
  seq,
  event,
}: Recorded<EventOf<'StepSucceeded' | 'StepOutputRecorded'>>): Row<'step_outputs'> | undefined =>
  event.output && {
    tenant,
    ...fenceOf(event),
    step: event.step,
    kind: event.output.kind,
    size_bytes: event.output.sizeBytes,
    digest: event.output.digest ?? null,
    seq,
  }

/** What steps made and later attempts need not make again; the newest of each step. */
export const stepOutputs: Fact<'step_outputs'> = {
  kind: 'fact',
  table: 'step_outputs',
  version: 1,
  rows: { StepSucceeded: recorded, StepOutputRecorded: recorded },
}
