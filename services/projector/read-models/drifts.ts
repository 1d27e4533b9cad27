/** Where sinks differ from what was put there, where nobody can tell, and what is done about it. */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { recordedAt, type Fold } from './read-model.ts'

type DriftRow = Row<'drifts'>

/** It begins now, unless it is open. */
const opened = (
  row: DriftRow | undefined,
  recorded: Recorded<EventOf<'DriftFound' | 'DriftUnknown'>>,
  what: Pick<DriftRow, 'keys' | 'count' | 'error'>,
): DriftRow => {
  const { tenant, seq, event } = recorded
  const { sink, environment, rule, repository } = event
  return {
    tenant,
    sink,
    environment,
    rule,
    repository,
    open: true,
    ...what,
    since: row?.open ? row.since : recordedAt(recorded),
    ended_at: null,
    times: (row?.times ?? 0) + (row?.open ? 0 : 1),
    heals: row?.heals ?? 0,
    heal: row?.open ? row.heal : null,
    seq: row?.seq ?? seq,
    last_seq: seq,
  }
}

export const drifts: Fold<'drifts'> = {
  kind: 'fold',
  table: 'drifts',
  version: 2,
  keys: ({ tenant, event }) =>
    event.type === 'DriftFound' ||
    event.type === 'DriftUnknown' ||
    event.type === 'DriftEnded' ||
    event.type === 'HealRequested'
      ? [[tenant, event.sink, event.environment, event.rule, event.repository]]
      : [],
  evolve: {
    DriftFound: (row, recorded) => {
      const { keys, count } = recorded.event
      return opened(row, recorded, { keys, count, error: null })
    },
    DriftUnknown: (row, recorded) => {
      const { keys = [], count = 0 } = row?.open ? row : {}
      return opened(row, recorded, { keys, count, error: recorded.event.error })
    },
    DriftEnded: (row, recorded) =>
      row?.open
        ? {
            ...row,
            open: false,
            error: null,
            ended_at: recordedAt(recorded),
            last_seq: recorded.seq,
          }
        : row,
    HealRequested: (row, { event, seq }) =>
      row && { ...row, heals: row.heals + 1, heal: event.run, last_seq: seq },
  },
}
