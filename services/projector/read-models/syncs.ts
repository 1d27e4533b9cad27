/** What a run meant to do to a sink, and how that ended. */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { recordedAt, type Fold } from './read-model.ts'

type About = EventOf<'SyncPlanned' | 'SyncConfirmed' | 'SyncFailed'>

/** A sync that ended without a plan on the log had nothing to do. */
const begun = ({ tenant, seq, event }: Recorded<About>): Row<'syncs'> => ({
  tenant,
  run: event.run,
  sink: event.sink,
  environment: event.environment,
  rule: event.rule,
  pipeline: null,
  repository: null,
  commit: null,
  mode: null,
  status: 'planned',
  writes: null,
  deletes: null,
  protected: null,
  written: null,
  deleted: null,
  unchanged: null,
  error: null,
  planned_at: null,
  ended_at: null,
  seq,
  last_seq: seq,
})

export const syncs: Fold<'syncs'> = {
  kind: 'fold',
  table: 'syncs',
  version: 1,
  keys: ({ tenant, event }) =>
    event.type === 'SyncPlanned' || event.type === 'SyncConfirmed' || event.type === 'SyncFailed'
      ? [[tenant, event.run, event.sink, event.environment]]
      : [],
  evolve: {
    SyncPlanned: (row, recorded) => {
      const { event } = recorded
      return {
        ...(row ?? begun(recorded)),
        pipeline: event.pipeline,
        repository: event.repository,
        commit: event.commit,
        mode: event.mode,
        status: 'planned',
        writes: event.writes,
        deletes: event.deletes,
        protected: event.protected,
        planned_at: recordedAt(recorded),
        last_seq: recorded.seq,
      }
    },
    SyncConfirmed: (row, recorded) => {
      const { commit, written, deleted, unchanged } = recorded.event
      return {
        ...(row ?? begun(recorded)),
        status: 'confirmed',
        commit,
        written,
        deleted,
        unchanged,
        error: null,
        ended_at: recordedAt(recorded),
        last_seq: recorded.seq,
      }
    },
    SyncFailed: (row, recorded) => ({
      ...(row ?? begun(recorded)),
      status: 'failed',
      error: recorded.event.error,
      ended_at: recordedAt(recorded),
      last_seq: recorded.seq,
    }),
  },
  standing: (row) => (row.status === 'planned' ? 'open' : 'resting'),
  wakes: ['SyncPlanned', 'SyncConfirmed', 'SyncFailed'],
}
