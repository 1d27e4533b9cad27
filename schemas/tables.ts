/**
 * The read models' tables as data: columns, key, indexes. The projector makes the tables and fills
 * them, the API reads them, and the row types below follow from the same lines. Every value comes from
 * the log alone, so a replay gives the same rows; nothing here knows when it was projected.
 *
 * Times are `timestamptz` of the log unless the name says otherwise, and travel as RFC 3339 text;
 * `int8` travels as a number; `jsonb` as plain values.
 */
import { assetTables } from './tables/assets.ts'
import { auditTables } from './tables/audit.ts'
import { configTables } from './tables/config.ts'
import { interactionTables } from './tables/interactions.ts'
import { pipelineTables } from './tables/pipelines.ts'
import { refusedTables } from './tables/refused.ts'
import { runTables } from './tables/runs.ts'

export type { ColumnType, Table } from './tables/shape.ts'

export const tables = {
  ...assetTables,
  ...pipelineTables,
  ...runTables,
  ...interactionTables,
  ...refusedTables,
  ...configTables,
  ...auditTables,
} as const

type Plain<T extends string> = T extends 'text' | 'timestamptz'
  ? string
  : T extends 'bool'
    ? boolean
    : T extends 'jsonb'
      ? unknown
      : number
type ValueOf<T extends string> = T extends `${infer S}?` ? Plain<S> | null : Plain<T>
export type TableName = keyof typeof tables
export type Row<T extends TableName> = {
  -readonly [C in keyof (typeof tables)[T]['columns']]: ValueOf<
    (typeof tables)[T]['columns'][C] & string
  >
}
/** What Kysely needs to know. */
export type Database = { [T in TableName]: Row<T> }

/** Tables that tell of the same things. */
export const tableGroups = {
  assets: Object.keys(assetTables),
  pipelines: Object.keys(pipelineTables),
  runs: Object.keys(runTables),
  interactions: Object.keys(interactionTables),
  refused: Object.keys(refusedTables),
  config: Object.keys(configTables),
  audit: Object.keys(auditTables),
} as const as Readonly<Record<string, readonly TableName[]>>

/** The schema that serves; a rebuild makes another one beside it and swaps. */
export const liveSchema = 'headway'
export const shadowSchema = `${liveSchema}_shadow`
