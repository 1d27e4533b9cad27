/** What a table is as data. A type with `?` may be null. */
type Scalar = 'text' | 'int4' | 'int8' | 'float8' | 'bool' | 'timestamptz' | 'jsonb'
export type ColumnType = Scalar | `${Scalar}?`
export type Table = {
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly key: readonly string[]
  /** Columns of each secondary index. */
  readonly indexes?: readonly (readonly string[])[]
}
export type Tables = Readonly<Record<string, Table>>
