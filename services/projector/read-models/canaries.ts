/**
 * Canaries: a candidate version beside the active one, how many runs it repeated, and what came out
 * differently. A run counts once, however often somebody redrives it.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { fenceOf, plain, recordedAt, type Fact, type Fold, type Look } from './read-model.ts'

type Canary = Row<'canaries'>
type Ending = EventOf<'RunCompleted' | 'RunFailed' | 'RunDeadLettered' | 'RunCancelled'>

const ended = (
  row: Canary | undefined,
  recorded: Recorded<Ending>,
  look: Look,
): Canary | undefined => {
  const { tenant, seq, event } = recorded
  if (!row || look('runs', tenant, event.run)?.redrives !== 0) return row
  const isGood = event.type === 'RunCompleted'
  const completed = row.completed + (isGood ? 1 : 0)
  const failed = row.failed + (isGood ? 0 : 1)
  const isDone = row.status === 'running' && completed + failed >= row.runs
  return {
    ...row,
    completed,
    failed,
    ...(isDone ? { status: 'done', ended_at: recordedAt(recorded) } : {}),
    last_seq: seq,
  }
}

export const canaries: Fold<'canaries'> = {
  kind: 'fold',
  table: 'canaries',
  version: 1,
  keys: ({ tenant, event }, look) => {
    switch (event.type) {
      case 'CanaryStarted':
      case 'CanaryStopped':
        return [[tenant, event.canary]]
      case 'RunRequested':
        return event.canary ? [[tenant, event.canary.canary]] : []
      case 'RunCompleted':
      case 'RunFailed':
      case 'RunDeadLettered':
      case 'RunCancelled': {
        const canary = look('runs', tenant, event.run)?.canary
        return canary ? [[tenant, canary]] : []
      }
      default:
        return []
    }
  },
  evolve: {
    CanaryStarted: (row, recorded) => {
      if (row) return row
      const { tenant, seq, event } = recorded
      return {
        tenant,
        canary: event.canary,
        pipeline: event.pipeline,
        pipeline_version: event.pipelineVersion,
        status: 'running',
        actor: event.actor,
        stopped_by: null,
        runs: event.runs,
        requested: 0,
        completed: 0,
        failed: 0,
        started_at: recordedAt(recorded),
        ended_at: null,
        seq,
        last_seq: seq,
      }
    },
    CanaryStopped: (row, recorded) =>
      row?.status === 'running'
        ? {
            ...row,
            status: 'stopped',
            stopped_by: recorded.event.actor,
            ended_at: recordedAt(recorded),
            last_seq: recorded.seq,
          }
        : row,
    RunRequested: (row, { seq }) => row && { ...row, requested: row.requested + 1, last_seq: seq },
    RunCompleted: ended,
    RunFailed: ended,
    RunDeadLettered: ended,
    RunCancelled: ended,
  },
}

export const comparisons: Fact<'comparisons'> = {
  kind: 'fact',
  table: 'comparisons',
  version: 1,
  rows: {
    ArtifactCompared: (recorded) => {
      const { tenant, seq, event } = recorded
      return {
        tenant,
        ...fenceOf(event),
        output: event.output,
        baseline: event.baseline ?? null,
        candidate: event.candidate ?? null,
        renditions: event.renditions,
        verdict: event.difference.verdict,
        difference: plain(event.difference),
        recorded_at: recordedAt(recorded),
        seq,
      }
    },
  },
}
