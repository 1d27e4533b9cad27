/**
 * The read models' home in Postgres. One schema holds all tables and one row that says how far they are;
 * rows and position move in one transaction or not at all.
 *
 * Writers take a transaction-scoped advisory lock first, so a rebuild can hold the live tables still for
 * the moment of the swap, and move the position by compare-and-set, so a second projector loses the
 * race visibly instead of writing twice. Names are resolved after the lock is held: a writer that waited
 * through a swap writes to the new tables.
 */
import pg from 'pg'
import {
  liveSchema,
  tables,
  type ColumnType,
  type Table,
  type TableName,
} from '@headway/schemas/tables.ts'
import type { AnyRow, Changes, FullKey, RowSource } from './fold.ts'

/** How far the tables are, and in which log. */
export type Position = {
  readonly incarnation: string
  readonly seq: number
  /** Id of the commit at `seq`: another one there means another log. */
  readonly commitId: string
  /** Which read models wrote the tables. */
  readonly models: string
}
export type Committed = 'advanced' | 'overtaken'

export type Store = RowSource & {
  /** Makes what is missing. */
  prepare(): Promise<void>
  position(): Promise<Position | null>
  commit(changes: Changes, from: Position | null, to: Position): Promise<Committed>
  close(): Promise<void>
}

/** Any number that nobody else uses as an advisory lock. */
export const projectorLock = 4_402_001

const quote = (name: string): string => `"${name}"`
const columnsOf = (table: TableName): readonly (readonly [string, ColumnType])[] =>
  Object.entries((tables[table] as Table).columns)
const typeOf = (type: ColumnType): string => type.replace('?', '')

/** Values travel as JSON: timestamps as RFC 3339 text, int8 as numbers. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  20: Number,
  1184: (text) => new Date(text).toISOString(),
}
export const poolOf = (url: string, application: string, max: number): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: `headway-${application}`,
    max,
    types: {
      getTypeParser: (oid: number, format?: string) =>
        parsers[oid] ?? pg.types.getTypeParser(oid, format as 'text'),
    } as pg.CustomTypesConfig,
  })
  // A connection that dies while idle is replaced by the next query.
  pool.on('error', () => {})
  return pool
}

export const createTables = (schema: string, withIndexes: boolean): string => {
  const statements = [`create schema if not exists ${schema}`]
  for (const name of Object.keys(tables) as TableName[]) {
    const table: Table = tables[name]
    const columns = columnsOf(name).map(
      ([column, type]) =>
        `${quote(column)} ${typeOf(type)}${type.endsWith('?') ? '' : ' not null'}`,
    )
    const key = `primary key (${table.key.map(quote).join(', ')})`
    statements.push(
      `create table if not exists ${schema}.${name} (${[...columns, key].join(', ')})`,
    )
    if (withIndexes) statements.push(...createIndexes(schema, name))
  }
  statements.push(
    `create table if not exists ${schema}.position (
       one bool primary key default true check (one),
       incarnation text not null, seq int8 not null, commit_id text not null, models text not null)`,
  )
  return statements.join(';\n')
}

export const createIndexes = (schema: string, name: TableName): string[] =>
  ((tables[name] as Table).indexes ?? []).map(
    (columns, i) =>
      `create index if not exists ${name}_${i} on ${schema}.${name} (${columns.map(quote).join(', ')})`,
  )

/** One statement for any number of rows: `$1` is a JSON array of them. */
export const upsert = (schema: string, name: TableName, once: boolean): string => {
  const { key } = tables[name] as Table
  const columns = columnsOf(name)
  const names = columns.map(([column]) => quote(column)).join(', ')
  const typed = columns.map(([column, type]) => `${quote(column)} ${typeOf(type)}`).join(', ')
  const others = columns.map(([column]) => column).filter((column) => !key.includes(column))
  const update = others.map((column) => `${quote(column)} = excluded.${quote(column)}`).join(', ')
  return (
    `insert into ${schema}.${name} (${names}) ` +
    `select ${names} from json_to_recordset($1::json) as rows(${typed}) ` +
    `on conflict (${key.map(quote).join(', ')}) do ${once ? 'nothing' : `update set ${update}`}`
  )
}

export const select = (schema: string, name: TableName): string => {
  const { key } = tables[name] as Table
  const types = Object.fromEntries(columnsOf(name))
  const typed = key.map((column) => `${quote(column)} ${typeOf(types[column]!)}`).join(', ')
  const columns = columnsOf(name)
    .map(([column]) => `t.${quote(column)}`)
    .join(', ')
  return (
    `select ${columns} from ${schema}.${name} t ` +
    `join json_to_recordset($1::json) as keys(${typed}) using (${key.map(quote).join(', ')})`
  )
}

const keyObjects = (name: TableName, keys: readonly FullKey[]): string => {
  const { key } = tables[name] as Table
  return JSON.stringify(
    keys.map((values) => Object.fromEntries(key.map((column, i) => [column, values[i]]))),
  )
}

export const openStore = (url: string, schema: string = liveSchema): Store => {
  const pool = poolOf(url, 'projector', 2)
  return {
    prepare: async () => {
      await pool.query(createTables(schema, true))
    },
    position: async () => {
      const { rows } = await pool.query<Position>(
        `select incarnation, seq, commit_id as "commitId", models from ${schema}.position`,
      )
      return rows[0] ?? null
    },
    load: async (name, keys) => {
      const { rows } = await pool.query<AnyRow>(select(schema, name), [keyObjects(name, keys)])
      return rows
    },
    commit: async (changes, from, to) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        await client.query('select pg_advisory_xact_lock($1)', [projectorLock])
        const moved = await movePosition(client, schema, from, to)
        if (!moved) {
          await client.query('rollback')
          return 'overtaken'
        }
        for (const [name, { once, rows }] of changes)
          await client.query(upsert(schema, name, once), [JSON.stringify(rows)])
        await client.query('commit')
        return 'advanced'
      } catch (error) {
        await client.query('rollback').catch(() => {})
        throw error
      } finally {
        client.release()
      }
    },
    close: () => pool.end(),
  }
}

const movePosition = async (
  client: pg.PoolClient,
  schema: string,
  from: Position | null,
  to: Position,
): Promise<boolean> => {
  const values = [to.incarnation, to.seq, to.commitId, to.models]
  const { rowCount } = from
    ? await client.query(
        `update ${schema}.position set incarnation = $1, seq = $2, commit_id = $3, models = $4
         where seq = $5 and incarnation = $6`,
        [...values, from.seq, from.incarnation],
      )
    : await client.query(
        `insert into ${schema}.position (incarnation, seq, commit_id, models)
         values ($1, $2, $3, $4) on conflict do nothing`,
        values,
      )
  return rowCount === 1
}
