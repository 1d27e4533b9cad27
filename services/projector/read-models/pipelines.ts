/**
 * Pipelines: what they are, which code is active, and where their open window begins. The window itself
 * is a question to `asset_versions`: what was recorded after `through_seq`, `cancelled_seq` and
 * `defined_seq`. A pipeline that is removed and defined again begins anew.
 */
import type { Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { keyedBy, recordedAt, type Fold } from './read-model.ts'

type Pipeline = Row<'pipelines'>

const rowOf = (row: Pipeline | undefined, { tenant, seq }: Recorded, pipeline: string): Pipeline =>
  row
    ? { ...row, seq }
    : {
        tenant,
        pipeline,
        definition: null,
        removed: false,
        active_version: null,
        through_seq: 0,
        cancelled_seq: 0,
        defined_seq: 0,
        flushed: false,
        last_run: null,
        last_requested_at: null,
        runs: 0,
        seq,
      }

export const pipelines: Fold<'pipelines'> = {
  kind: 'fold',
  table: 'pipelines',
  version: 1,
  keys: keyedBy('pipeline'),
  evolve: {
    PipelineDefined: (before, recorded) => {
      const { seq, event } = recorded
      const row = rowOf(before, recorded, event.pipeline)
      const defined_seq = row.definition === null ? seq : row.defined_seq
      return { ...row, definition: event.definition, removed: false, defined_seq }
    },
    PipelineRemoved: (row, { seq }) =>
      row && { ...row, definition: null, removed: true, flushed: false, seq },
    WindowFlushed: (row, { seq }) => row && { ...row, flushed: true, seq },
    WindowCancelled: (row, { seq }) => row && { ...row, flushed: false, cancelled_seq: seq, seq },
    RunRequested: (before, recorded) => {
      const { event } = recorded
      const row = rowOf(before, recorded, event.pipeline)
      return {
        ...row,
        through_seq: event.throughSeq,
        flushed: false,
        last_run: event.run,
        last_requested_at: recordedAt(recorded),
        runs: row.runs + 1,
      }
    },
    ReleaseActivated: (before, recorded) => ({
      ...rowOf(before, recorded, recorded.event.pipeline),
      active_version: recorded.event.pipelineVersion,
    }),
  },
}
