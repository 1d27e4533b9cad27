/** Pushes that were accepted, and the rules and environments they turned out to be for. */
import { moment, plain, recordedAt, type Fold } from './read-model.ts'

export const tasks: Fold<'tasks'> = {
  kind: 'fold',
  table: 'tasks',
  version: 1,
  keys: ({ tenant, event }) => ('task' in event ? [[tenant, event.task]] : []),
  evolve: {
    PushReceived: (row, recorded) => {
      if (row) return row
      const { tenant, seq, event } = recorded
      return {
        tenant,
        task: event.task,
        source: event.source,
        delivery: event.delivery,
        platform: event.platform,
        event: event.event,
        repository: event.repository,
        ref: event.ref,
        commit: event.commit ?? null,
        before: event.before ?? null,
        pull_request: event.pullRequest ?? null,
        pushed_at: moment(event.pushedAt),
        actor: event.actor,
        reason: event.reason ?? null,
        rule: event.rule ?? null,
        environment: event.environment ?? null,
        dry_run: event.dryRun,
        targets: null,
        note: null,
        received_at: recordedAt(recorded),
        resolved_at: null,
        seq,
        last_seq: seq,
      }
    },
    PushResolved: (row, recorded) =>
      row?.resolved_at === null
        ? {
            ...row,
            targets: plain(recorded.event.targets),
            note: recorded.event.reason ?? null,
            resolved_at: recordedAt(recorded),
            last_seq: recorded.seq,
          }
        : row,
  },
  standing: (row) => (row.resolved_at === null ? 'open' : 'final'),
  wakes: ['PushReceived', 'PushResolved'],
}
