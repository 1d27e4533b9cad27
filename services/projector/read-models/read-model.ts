/**
 * What a read model is: how the rows of one table follow from the log, and nothing else. No clock, no
 * database, no memory of its own, so a replay gives the same rows as the day they were made.
 *
 *   fact   every event makes one row by itself; the newest row of a key stands. Nothing is read back,
 *          so facts cost one write, live and in a rebuild.
 *   fold   an event and the row before it make the row after it. A `settled` row never changes again,
 *          which is what lets a rebuild write it out and forget it.
 *
 * Only effective events come here: what an old fence or an ended run says was dropped before
 * (`fence.ts`). A row holds what the database can hold: moments that came from outside pass `moment`.
 *
 * A new model is one file, one line in `index.ts` and one table in schemas/tables.ts. `version` goes up
 * with every change of meaning; the projector then rebuilds by itself at its next start.
 */
import type { Event, EventOf, EventType, Recorded } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Row, TableName } from '@headway/schemas/tables.ts'

/** Values of a table's key columns, in their order. */
export type Key = readonly string[]

export type Fact<T extends TableName> = {
  readonly kind: 'fact'
  readonly table: T
  readonly version: number
  readonly rows: { readonly [E in EventType]?: (recorded: Recorded<EventOf<E>>) => Row<T> }
}

export type Fold<T extends TableName> = {
  readonly kind: 'fold'
  readonly table: T
  readonly version: number
  /** The rows that an event touches. */
  keys(recorded: Recorded): readonly Key[]
  /** The row after the event; the very same row, or nothing, when the event does not change it. */
  readonly evolve: {
    readonly [E in EventType]?: (
      row: Row<T> | undefined,
      recorded: Recorded<EventOf<E>>,
      key: Key,
    ) => Row<T> | undefined
  }
  settled?(row: Row<T>): boolean
}

export type ReadModel<T extends TableName = TableName> = { [N in T]: Fact<N> | Fold<N> }[T]

/** The key of models that keep one row per run, pipeline, asset… */
export const keyedBy =
  (field: 'run' | 'pipeline' | 'worker') =>
  ({ tenant, event }: Recorded): readonly Key[] =>
    field in event ? [[tenant, (event as Event & Record<typeof field, string>)[field]]] : []

let lastAt = Number.NaN
let lastText = ''

/** The moment the log recorded an event, as text. Neighbours share it, so the last one is kept. */
export const recordedAt = ({ at }: Recorded): string => {
  if (at !== lastAt) {
    lastText = toTimestamp(at)
    lastAt = at
  }
  return lastText
}

const usual =
  /^20\d\d-(0[1-9]|1[012])-([01][1-9]|10|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** A moment that somebody wrote, in the one form rows use; null for what is none. */
export const moment = (text: string | undefined): string | null => {
  if (text === undefined) return null
  if (usual.test(text)) return text
  const ms = rfc3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) return null
  const normal = toTimestamp(ms)
  return /^(000[1-9]|00[1-9]|0[1-9]|[1-9])\d*-/.test(normal) ? normal : null
}
