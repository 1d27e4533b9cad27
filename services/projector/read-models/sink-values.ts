/** Which key of which sink holds what by our own doing, and every change that led there. */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { TableName } from '@headway/schemas/tables.ts'
import { placeOf, recordedAt, type Group, type Key, type Placed } from './read-model.ts'

type Tables = 'sink_values' | 'value_changes'

const keysOf = ({ tenant, event }: Recorded): readonly (readonly [TableName, Key])[] =>
  event.type === 'ValuesApplied'
    ? event.entries
        .filter(({ op }) => op !== 'release')
        .map(({ key }) => ['sink_values', [tenant, event.sink, event.environment, key]])
    : []

const placed = (recorded: Recorded<EventOf<'ValuesApplied'>>): readonly Placed<Tables>[] => {
  const { tenant, seq, event } = recorded
  const { sink, environment, rule, repository, commit, run } = event
  const place = { sink, environment, rule, repository, commit, run }
  const at = recordedAt(recorded)
  return event.entries.flatMap(({ key, file, op, previous, value }, entry): Placed<Tables>[] => {
    // It is as it was, and somebody else's.
    if (op === 'release') return []
    return [
      [
        'sink_values',
        {
          tenant,
          ...place,
          key,
          file,
          held: op === 'set' ? (value ?? null) : null,
          changed_at: at,
          seq,
        },
      ],
      [
        'value_changes',
        {
          ...placeOf(recorded),
          entry,
          ...place,
          key,
          file,
          op,
          previous: previous ?? null,
          value: value ?? null,
          recorded_at: at,
        },
      ],
    ]
  })
}

export const sinkValues: Group<Tables> = {
  kind: 'group',
  tables: ['sink_values', 'value_changes'],
  version: 1,
  keys: keysOf,
  evolve: { ValuesApplied: placed },
  standing: ([table]) => (table === 'value_changes' ? 'final' : 'resting'),
  wakes: ['ValuesApplied'],
}
