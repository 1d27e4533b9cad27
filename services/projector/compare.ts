/**
 * Two schemas, row for row. Counts and a sum of row hashes, which does not mind the order, say whether a
 * table is equal; only where it is not are the rows joined to name the ones that differ.
 */
import type { ClientBase } from 'pg'
import { tables, type TableName } from '@headway/schemas/tables.ts'
import { quote, tableNames } from './columns.ts'

const listedMax = 20

export type Difference = {
  readonly table: TableName
  readonly key: string
  readonly tenant: string
  /** The row, null where there is none. */
  readonly live: unknown
  readonly replayed: unknown
}
export type Comparison = {
  readonly equal: boolean
  /** Where in the log both were. */
  readonly seq: number
  readonly tables: number
  /** Rows of the replay. */
  readonly rows: number
  /** How many rows differ, of the tables where some do; null when the columns are others. */
  readonly differing: Readonly<Partial<Record<TableName, number | null>>>
  /** The first ones of each table. */
  readonly differences: readonly Difference[]
}

type Sum = { readonly rows: number; readonly hash: string; readonly layout: string }

const sumOf = async (client: ClientBase, schema: string, table: TableName): Promise<Sum> => {
  const { rows } = await client.query<Sum>(
    `select count(*)::float8 as rows,
            coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text as hash,
            (select string_agg(attname || ' ' || atttypid::text, ',' order by attnum)
             from pg_attribute
             where attrelid = to_regclass($1) and attnum > 0 and not attisdropped) as layout
     from ${schema}.${table} t`,
    [`${schema}.${table}`],
  )
  return rows[0]!
}

const isThere = async (client: ClientBase, schema: string, table: TableName): Promise<boolean> => {
  const { rows } = await client.query<{ there: boolean }>(
    'select to_regclass($1) is not null as there',
    [`${schema}.${table}`],
  )
  return rows[0]!.there
}

const differencesOf = async (
  client: ClientBase,
  live: string,
  replayed: string,
  table: TableName,
): Promise<{ readonly count: number; readonly listed: readonly Difference[] }> => {
  const key = tables[table].key.map(quote).join(', ')
  const { rows } = await client.query<Omit<Difference, 'table'> & { total: number }>(
    `select concat_ws(' ', ${key}) as key, tenant, to_jsonb(a) as live, to_jsonb(b) as replayed,
            (count(*) over ())::float8 as total
     from ${live}.${table} a full join ${replayed}.${table} b using (${key})
     where a::text is distinct from b::text order by ${key} limit ${listedMax}`,
  )
  const listed = rows.map(({ key: of, tenant, live: a, replayed: b }) => {
    return { table, key: of, tenant, live: a, replayed: b }
  })
  return { count: rows[0]?.total ?? 0, listed }
}

/** On two connections, because hashing rows is work for two cores. */
export const compare = async (
  client: ClientBase,
  other: ClientBase,
  live: string,
  replayed: string,
  onTable: (done: number, total: number) => void,
): Promise<Omit<Comparison, 'seq'>> => {
  const differing: Partial<Record<TableName, number | null>> = {}
  const differences: Difference[] = []
  let total = 0
  for (const [nth, table] of tableNames.entries()) {
    onTable(nth, tableNames.length)
    const [before, after] = await Promise.all([
      isThere(client, live, table).then((there) => (there ? sumOf(client, live, table) : null)),
      sumOf(other, replayed, table),
    ])
    total += after.rows
    if (before?.layout !== after.layout) {
      differing[table] = null
      continue
    }
    if (before.rows === after.rows && before.hash === after.hash) continue
    const { count, listed } = await differencesOf(client, live, replayed, table)
    differing[table] = count
    differences.push(...listed)
  }
  const equal = Object.keys(differing).length === 0
  return { equal, tables: tableNames.length, rows: total, differing, differences }
}
