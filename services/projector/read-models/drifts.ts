/** Where sinks differ from what was put there, and the rollbacks that somebody asked for. */
import { placeOf, recordedAt, type Fact, type Fold } from './read-model.ts'

export const drifts: Fold<'drifts'> = {
  kind: 'fold',
  table: 'drifts',
  version: 1,
  keys: ({ tenant, event }) =>
    event.type === 'DriftFound' || event.type === 'DriftEnded'
      ? [[tenant, event.sink, event.environment, event.rule]]
      : [],
  evolve: {
    DriftFound: (row, recorded) => {
      const { tenant, seq, event } = recorded
      const { sink, environment, rule, keys, count } = event
      return {
        tenant,
        sink,
        environment,
        rule,
        open: true,
        keys,
        count,
        since: row?.open ? row.since : recordedAt(recorded),
        ended_at: null,
        times: (row?.times ?? 0) + (row?.open ? 0 : 1),
        seq: row?.seq ?? seq,
        last_seq: seq,
      }
    },
    DriftEnded: (row, recorded) =>
      row?.open
        ? { ...row, open: false, ended_at: recordedAt(recorded), last_seq: recorded.seq }
        : row,
  },
}

export const rollbacks: Fact<'rollbacks'> = {
  kind: 'fact',
  table: 'rollbacks',
  version: 1,
  rows: {
    RollbackRequested: (recorded) => {
      const { rule, environment, sink = null, to, actor } = recorded.event
      return {
        ...placeOf(recorded),
        rule,
        environment,
        sink,
        wanted: to,
        actor,
        recorded_at: recordedAt(recorded),
      }
    },
  },
}
