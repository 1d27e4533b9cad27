import type { ClientBase } from 'pg'
import { tables, type TableName } from '@headway/schemas/tables.ts'

/**
 * Two schemas, row for row. Counts and an order-independent sum of row hashes say whether a table is
 * equal; only where it is not are the rows themselves joined to name the ones that differ.
 */
const listedMax = 20

export type Difference = {
  readonly table: TableName
  readonly key: string
  /** The row as JSON, null where there is none. */
  readonly live: unknown
  readonly replayed: unknown
}
export type Comparison = {
  readonly equal: boolean
  readonly tables: number
  readonly rows: number
  readonly differing: Readonly<Partial<Record<TableName, number>>>
  /** The first ones of each table. */
  readonly differences: readonly Difference[]
}

type Sum = { readonly rows: string; readonly hash: string | null }

const sumOf = async (client: ClientBase, schema: string, name: TableName): Promise<Sum> => {
  const { rows } = await client.query<Sum>(
    `select count(*)::text as rows, sum(hashtextextended(t::text, 0)::numeric)::text as hash
     from ${schema}.${name} t`,
  )
  return rows[0]!
}

const differencesOf = async (
  client: ClientBase,
  live: string,
  replayed: string,
  name: TableName,
): Promise<{ count: number; listed: readonly Difference[] }> => {
  const key = tables[name].key.map((column) => `"${column}"`)
  const { rows } = await client.query<Omit<Difference, 'table'> & { total: string }>(
    `select concat_ws(' ', ${key.join(', ')}) as key, to_jsonb(a) as live, to_jsonb(b) as replayed,
            count(*) over ()::text as total
     from ${live}.${name} a full join ${replayed}.${name} b using (${key.join(', ')})
     where a is distinct from b order by 1 limit ${listedMax}`,
  )
  const listed = rows.map(({ key: id, live: was, replayed: is }) => ({
    table: name,
    key: id,
    live: was,
    replayed: is,
  }))
  return { count: Number(rows[0]?.total ?? 0), listed }
}

export const compare = async (
  client: ClientBase,
  live: string,
  replayed: string,
): Promise<Comparison> => {
  const names = Object.keys(tables) as TableName[]
  const differing: Partial<Record<TableName, number>> = {}
  const differences: Difference[] = []
  let rows = 0
  for (const name of names) {
    const [a, b] = [await sumOf(client, live, name), await sumOf(client, replayed, name)]
    rows += Number(b.rows)
    if (a.rows === b.rows && a.hash === b.hash) continue
    const { count, listed } = await differencesOf(client, live, replayed, name)
    differing[name] = count
    differences.push(...listed)
  }
  return { equal: differences.length === 0, tables: names.length, rows, differing, differences }
}
