/**
 * Workers.
 *
 *   connected → left
 *       ↑↓
 *      lost      its heartbeats ended; it may be heard again and was never away then
 */
import { keyedBy, recordedAt, type Fold } from './read-model.ts'

export const workers: Fold<'workers'> = {
  kind: 'fold',
  table: 'workers',
  version: 1,
  keys: keyedBy('worker'),
  evolve: {
    WorkerJoined: (row, recorded) => {
      const { tenant, seq, event } = recorded
      const at = recordedAt(recorded)
      return {
        tenant,
        worker: event.worker,
        pool: event.pool,
        version: event.version,
        pipelines: event.pipelines,
        capabilities: event.capabilities,
        host: event.host,
        pid: event.pid,
        status: 'connected',
        joined_at: row && row.status !== 'left' ? row.joined_at : at,
        since: row?.status === 'connected' ? row.since : at,
        seq,
      }
    },
    WorkerLeft: (row, recorded) =>
      row && { ...row, status: 'left', since: recordedAt(recorded), seq: recorded.seq },
    WorkerLost: (row, recorded) =>
      row?.status === 'connected'
        ? { ...row, status: 'lost', since: recordedAt(recorded), seq: recorded.seq }
        : row,
  },
}
