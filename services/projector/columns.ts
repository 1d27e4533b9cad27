/**
 * Rows on their way into Postgres, from the tables as data: DDL, one line of COPY, one array per column
 * for `unnest`, and what a row must hold to be storable at all. Both ways of writing clean values alike,
 * so a rebuild cannot differ from the live tables by how it wrote them.
 *
 * Postgres cannot keep NUL in text or jsonb, nor lone surrogates in jsonb; both become U+FFFD. What
 * cannot be kept in any form (a number beyond its type, a key too long for an index) is a `RowError`
 * when the row is made, while it is still known which commit is to blame.
 */
import { tables, type Row, type Table, type TableName } from '@headway/schemas/tables.ts'

export type AnyRow = Row<TableName>
type Values = Readonly<Record<string, unknown>>

/** An index entry holds 2,704 bytes; a character takes up to four. */
const keyCharactersMax = 600
const intMax = { int4: 2 ** 31 - 1, int8: Number.MAX_SAFE_INTEGER } as const

export class RowError extends Error {
  override readonly name = 'RowError'
}

export const tableNames = Object.keys(tables) as TableName[]
export const quote = (name: string): string => `"${name}"`

export type Column = {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
}
export const columnsOf = (table: TableName): readonly Column[] =>
  Object.entries((tables[table] as Table).columns).map(([name, type]) => ({
    name,
    type: type.replace('?', ''),
    nullable: type.endsWith('?'),
  }))

export const keyColumns = (table: TableName): readonly string[] => tables[table].key

/** Separates the parts of an id; no part may hold it. */
const separator = '\u0000'
export const idOf = (parts: readonly unknown[]): string => parts.join(separator)
export const rowId = (table: TableName, row: AnyRow): string =>
  idOf(tables[table].key.map((name) => (row as Values)[name]))

const cleanText = (text: string): string =>
  text.includes('\u0000') ? text.replaceAll('\u0000', '\ufffd') : text

/** JSON escapes exactly what must not come through: control characters and lone surrogates. */
const toJson = (value: unknown): string => {
  if (Array.isArray(value) && value.length === 0) return '[]'
  const text = JSON.stringify(value)
  if (!text.includes('\\u')) return text
  return text.replace(/\\\\|\\u(0000|d[89a-f]..)/g, (one) => (one === '\\\\' ? one : '\ufffd'))
}

const special = /[\\\t\n\r\0]/
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\ufffd',
}
const copyText = (text: string): string =>
  special.test(text) ? text.replace(/[\\\t\n\r\0]/g, (one) => escapes[one]!) : text

const copyValue = (type: string, value: unknown): string => {
  if (value === null) return '\\N'
  if (type === 'text') return copyText(value as string)
  if (type === 'jsonb') {
    const json = toJson(value)
    return json.includes('\\') ? json.replaceAll('\\', '\\\\') : json
  }
  return `${value as number | boolean | string}`
}

const typesOf = Object.fromEntries(
  tableNames.map((table) => [table, columnsOf(table).map(({ name, type }) => [name, type])]),
) as unknown as Readonly<Record<TableName, readonly (readonly [name: string, type: string])[]>>

/** A row as a line of COPY's text format. */
export const copyLine = (table: TableName, row: AnyRow): string => {
  let line = ''
  for (const [name, type] of typesOf[table])
    line += (line === '' ? '' : '\t') + copyValue(type, (row as Values)[name])
  return `${line}\n`
}

/** One array per column, for `unnest`. */
export const columnArrays = (table: TableName, rows: readonly AnyRow[]): unknown[][] =>
  typesOf[table].map(([name, type]) =>
    (rows as readonly Values[]).map((row) => {
      const value = row[name]
      if (value === null) return null
      if (type === 'jsonb') return toJson(value)
      return type === 'text' ? cleanText(value as string) : value
    }),
  )

const intsOf = Object.fromEntries(
  tableNames.map((table) => [
    table,
    typesOf[table].flatMap(([name, type]) =>
      type === 'int4' || type === 'int8' ? [[name, intMax[type]]] : [],
    ),
  ]),
) as unknown as Readonly<Record<TableName, readonly (readonly [name: string, max: number])[]>>

/** The text columns of the key and of each index, and of all of them together. */
const indexedOf = Object.fromEntries(
  tableNames.map((table) => {
    const { key, indexes = [] } = tables[table] as Table
    const types = new Map(typesOf[table])
    const each = [key, ...indexes].map((names) =>
      names.filter((name) => types.get(name) === 'text'),
    )
    return [table, { each, all: [...new Set(each.flat())] }]
  }),
) as unknown as Readonly<
  Record<
    TableName,
    { readonly each: readonly (readonly string[])[]; readonly all: readonly string[] }
  >
>

const charactersOf = (row: AnyRow, names: readonly string[]): number => {
  let characters = 0
  for (const name of names) {
    const text = (row as Values)[name]
    if (typeof text === 'string') characters += text.length
  }
  return characters
}

/** Throws what is wrong with a row that no table could keep. */
export const checkRow = (table: TableName, row: AnyRow): void => {
  for (const [name, max] of intsOf[table]) {
    const value = (row as Values)[name] as number | null
    if (value !== null && (value > max || value < -max))
      throw new RowError(`${table}.${name}: ${value} does not fit`)
  }
  for (const name of tables[table].key) {
    const part = (row as Values)[name]
    if (typeof part === 'string' && part.includes(separator))
      throw new RowError(`${table}.${name} holds a NUL character`)
  }
  const { all, each } = indexedOf[table]
  if (charactersOf(row, all) <= keyCharactersMax) return
  const longest = Math.max(...each.map((names) => charactersOf(row, names)))
  if (longest > keyCharactersMax)
    throw new RowError(`${table}: a key of ${longest} characters is too long to be found again`)
}
