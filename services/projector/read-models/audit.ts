/** Who asked for what and why: one row for every event that names an actor, whatever it is about. */
import { schemas, type Event, type EventType, type Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { plain, recordedAt, type Fact } from './read-model.ts'

const kinds = [
  'token',
  'projection',
  'worker',
  'rule',
  'source',
  'asset',
  'pipeline',
  'run',
] as const

type Told = Event & { readonly actor?: { name: string; reason?: string } | string }

const textOf = (event: object, field: string): string | null => {
  const value = (event as Record<string, unknown>)[field]
  return typeof value === 'string' ? value : null
}

const row = (recorded: Recorded): Row<'audit'> | undefined => {
  const event = recorded.event as Told
  const { type, v: _v, at: _at, actor, hash: _hash, ...fields } = event as Told & { hash?: string }
  if (actor === undefined) return undefined
  const named = typeof actor === 'string' ? { name: actor } : actor
  const kind = kinds.find((one) => textOf(event, one) !== null) ?? 'other'
  return {
    tenant: recorded.tenant,
    seq: recorded.seq,
    index: recorded.index,
    type,
    actor: named.name,
    reason: ('reason' in named ? named.reason : textOf(event, 'reason')) ?? null,
    kind,
    about: textOf(event, kind) ?? '',
    fields: plain(fields),
    recorded_at: recordedAt(recorded),
  }
}

const named = (Object.keys(schemas) as EventType[]).filter(
  (type) => 'actor' in schemas[type].properties,
)

export const audit: Fact<'audit'> = {
  kind: 'fact',
  table: 'audit',
  version: 1,
  rows: Object.fromEntries(named.map((type) => [type, row])),
}
