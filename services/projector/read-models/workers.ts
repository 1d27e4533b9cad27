/**
 * Workers.
 *
 *   healthy ⇄ draining      somebody wants it to take nothing new, or changed their mind
 *   either → stale          its heartbeats ended; it may be heard again and was never away then
 *   any → unavailable       it left, or was not heard of for too long
 *   any → healthy           it joins, which also ends a drain
 */
import { keyedBy, moment, recordedAt, type Fold } from './read-model.ts'

const heard = new Set(['healthy', 'draining'])

export const workers: Fold<'workers'> = {
  kind: 'fold',
  table: 'workers',
  version: 2,
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
        also_serves: event.alsoServes ?? {},
        capabilities: event.capabilities,
        host: event.host,
        pid: event.pid,
        status: 'healthy',
        reason: null,
        drain_requested_by: null,
        last_seen_at: null,
        joined_at: row && row.status !== 'unavailable' ? row.joined_at : at,
        since: row?.status === 'healthy' ? row.since : at,
        seq,
      }
    },
    WorkerDrainRequested: (row, recorded) => {
      if (!row || row.status === 'unavailable' || row.drain_requested_by) return row
      const { seq, event } = recorded
      const drain = { ...row, drain_requested_by: event.actor, seq }
      if (row.status !== 'healthy') return drain
      const reason = event.actor.reason ?? null
      return { ...drain, status: 'draining', reason, since: recordedAt(recorded) }
    },
    WorkerResumeRequested: (row, recorded) => {
      if (!row?.drain_requested_by) return row
      const still = { ...row, drain_requested_by: null, seq: recorded.seq }
      if (row.status !== 'draining') return still
      return { ...still, status: 'healthy', reason: null, since: recordedAt(recorded) }
    },
    WorkerLost: (row, recorded) => {
      if (!row || !heard.has(row.status)) return row
      const { seq, event } = recorded
      return {
        ...row,
        status: 'stale',
        reason: 'no heartbeat',
        last_seen_at: moment(event.lastSeenAt),
        since: recordedAt(recorded),
        seq,
      }
    },
    WorkerLeft: (row, recorded) =>
      row && {
        ...row,
        status: 'unavailable',
        reason: recorded.event.reason,
        drain_requested_by: null,
        since: recordedAt(recorded),
        seq: recorded.seq,
      },
  },
}
