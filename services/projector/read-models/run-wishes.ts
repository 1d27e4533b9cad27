/** What people asked for, until it is a run and after. The first of an id stands: asking is idempotent. */
import { recordedAt, type Fold } from './read-model.ts'

const isWish: ReadonlySet<string> = new Set(['manual', 'rollback', 'drift'])

export const runWishes: Fold<'run_wishes'> = {
  kind: 'fold',
  table: 'run_wishes',
  version: 1,
  keys: ({ tenant, event }) => {
    if (event.type === 'RunTriggered') return [[tenant, event.request]]
    return event.type === 'RunRequested' && isWish.has(event.reason) ? [[tenant, event.run]] : []
  },
  evolve: {
    RunTriggered: (row, recorded) => {
      if (row) return row
      const { tenant, seq, event } = recorded
      return {
        tenant,
        request: event.request,
        pipeline: event.pipeline,
        actor: event.actor,
        key: event.key ?? null,
        payload: event.payload ?? null,
        inputs: event.inputs ?? null,
        asked_at: recordedAt(recorded),
        requested_seq: null,
        seq,
      }
    },
    RunRequested: (row, { seq }) =>
      row?.requested_seq === null ? { ...row, requested_seq: seq } : row,
  },
  standing: (row) => (row.requested_seq === null ? 'open' : 'final'),
  wakes: ['RunTriggered'],
}
