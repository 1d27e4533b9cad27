/**
 * What a read model is: how the rows of its tables follow from the log, and nothing else. No clock, no
 * database, no memory of its own, so a replay gives the same rows as the day they were made.
 *
 *   fact    every event makes one row by itself, or none; the newest row of a key stands. Nothing is
 *           read back, so facts cost one write, live and in a rebuild.
 *   fold    an event and the row before it make the row after it.
 *   group   an event and rows of several tables make rows of these tables.
 *
 * Folds and groups may look at rows of other models, which are as the models before them in `index.ts`
 * left them. What they look at must be in memory: it is what `keys` names, or what the models that own
 * it name for the same event, and it may not be final.
 *
 * Only effective events of runs come here: what `schemas/run.ts` says changes nothing was dropped
 * before. A row holds what the database can hold: moments that came from outside pass `moment`, values
 * of any shape pass `plain`.
 *
 * A new model is one file, one line in `index.ts` and one table in schemas/tables. `version` goes up
 * with every change of meaning; the projector then rebuilds by itself at its next start.
 */
import type { Event, EventOf, EventType, Recorded } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Row, TableName } from '@headway/schemas/tables.ts'

/** Values of a table's key columns, in their order. */
export type Key = readonly (string | number)[]

/** A row that is in memory. */
export type Look = <T extends TableName>(table: T, ...key: Key) => Row<T> | undefined

/**
 * What may still become of a row, which is what lets a rebuild write it out and forget it.
 *
 *   open      the next event may change it
 *   resting   only the events in `wakes` may; it is forgotten when there are too many
 *   final     no event changes it; those in `wakes` must find it all the same
 */
export type Standing = 'open' | 'resting' | 'final'

export type Fact<T extends TableName> = {
  readonly kind: 'fact'
  readonly table: T
  readonly version: number
  readonly rows: {
    readonly [E in EventType]?: (recorded: Recorded<EventOf<E>>) => Row<T> | undefined
  }
}

export type Fold<T extends TableName> = {
  readonly kind: 'fold'
  readonly table: T
  readonly version: number
  /** The rows that an event touches. */
  keys(recorded: Recorded, look: Look): readonly Key[]
  /** The row after the event; the very same row, or nothing, when the event does not change it. */
  readonly evolve: {
    readonly [E in EventType]?: (
      row: Row<T> | undefined,
      recorded: Recorded<EventOf<E>>,
      look: Look,
      key: Key,
    ) => Row<T> | undefined
  }
  /** Left out: its rows stay open. */
  standing?(row: Row<T>): Standing
  readonly wakes?: readonly EventType[]
}

/** A row of one of a group's tables. */
export type Placed<T extends TableName> = { [N in T]: readonly [table: N, row: Row<N>] }[T]

export type Group<T extends TableName> = {
  readonly kind: 'group'
  readonly tables: readonly T[]
  readonly version: number
  /** The rows that an event touches, of any table. */
  keys(recorded: Recorded, look: Look): readonly (readonly [table: TableName, key: Key])[]
  /** The rows that are others after the event. */
  readonly evolve: {
    readonly [E in EventType]?: (recorded: Recorded<EventOf<E>>, look: Look) => readonly Placed<T>[]
  }
  standing(placed: Placed<T>): Standing
  readonly wakes?: readonly EventType[]
}

export type ReadModel<T extends TableName = TableName> = { [N in T]: Fact<N> | Fold<N> }[T]

/** The key of models that keep one row per run, pipeline, asset… */
export const keyedBy =
  (field: 'run' | 'pipeline' | 'worker') =>
  ({ tenant, event }: Recorded): readonly Key[] =>
    field in event ? [[tenant, (event as Event & Record<typeof field, string>)[field]]] : []

/** The place of an event in the log, as columns. */
export const placeOf = ({ tenant, seq, index }: Recorded) => ({ tenant, seq, index })

/** The fence of an event of a run, as columns. */
export const fenceOf = (event: { run: string; epoch?: number; attempt: number }) => ({
  run: event.run,
  epoch: event.epoch ?? 0,
  attempt: event.attempt,
})

let lastAt = Number.NaN
let lastText = ''

/** The moment the log recorded an event, as text. Neighbours share it, so the last one is kept. */
export const recordedAt = ({ at }: Pick<Recorded, 'at'>): string => {
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

const depthMax = 200

const ordered = (value: unknown, depth: number): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (depth > depthMax) throw new Error(`nested deeper than ${depthMax} levels`)
  if (Array.isArray(value)) return value.map((one) => ordered(one, depth + 1))
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, ordered(one, depth + 1)]),
  )
}

/**
 * A value of any shape as JSON keeps it, names in order: the same whether it comes from an event or
 * from the database. Throws for what JSON cannot keep.
 */
export const plain = (value: unknown): unknown =>
  ordered(value === undefined ? null : JSON.parse(JSON.stringify(value)), 0)
