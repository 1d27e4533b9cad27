/**
 * The read models' home in Postgres. One schema holds all tables and one row that says how far they are
 * in which log; rows and position move in one transaction or not at all.
 *
 * A writer first takes an advisory lock for the length of its transaction, so a rebuild can hold the
 * tables still while it compares and swaps. Then it moves the position by compare-and-set, so a second
 * projector, or one that slept through a swap, loses the race visibly instead of writing twice. Table
 * names are resolved after the lock is held: who waited through a swap meets the new tables.
 */
import pg from 'pg'
import { liveSchema, tables, type Table, type TableName } from '@headway/schemas/tables.ts'
import { columnArrays, columnsOf, keyColumns, quote, tableNames, type AnyRow } from './columns.ts'
import type { Changes, Wanted } from './projection.ts'

export type Position = {
  readonly incarnation: string
  readonly seq: number
  /** Id of the commit at `seq`, empty at 0: another one there means another log. */
  readonly commit: string
  /** Which read models and table layout made the rows. */
  readonly models: string
  /** Counts rebuilds: rows remembered from before one are worth nothing. */
  readonly build: number
}
export type Committed = 'stored' | 'overtaken'

/** What the room needs; the simulator has a weak one of its own. */
export type Store = {
  /** Where the tables are; null when there are none. */
  position(): Promise<Position | null>
  /** Makes tables that are at the beginning. Nothing happens when there are some. */
  create(position: Position): Promise<void>
  load(wanted: Wanted): Promise<ReadonlyMap<TableName, readonly AnyRow[]>>
  /** All or nothing; `overtaken` when the tables are not at `from`. */
  commit(changes: Changes, from: Position, to: Position): Promise<Committed>
  close(): Promise<void>
}

/** Advisory locks of this database: two numbers, the first one ours. */
export const lockSpace = 4_402
export const lockOf = (schema: string): number => (schema === liveSchema ? 1 : 2)
export const rebuildLock = 3
export const pastLock = 4

const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  20: Number,
  1184: (text) => new Date(text).toISOString(),
}

/** Options of every connection: UTC, int8 as numbers, moments as RFC 3339 text. */
export const clientOptions = (url: string, application: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: `headway-${application}`,
  connectionTimeoutMillis: 10_000,
  keepAlive: true,
  options: '-c timezone=UTC -c datestyle=ISO',
  types: {
    getTypeParser: (oid: number, format?: string) =>
      parsers[oid] ?? pg.types.getTypeParser(oid, format as 'text'),
  } as pg.CustomTypesConfig,
})

export const createTables = (schema: string): string =>
  [
    `create schema if not exists ${schema}`,
    ...tableNames.map((table) => {
      const columns = columnsOf(table).map(
        ({ name, type, nullable }) => `${quote(name)} ${type}${nullable ? '' : ' not null'}`,
      )
      return `create table if not exists ${schema}.${table} (${columns.join(', ')})`
    }),
    `create table if not exists ${schema}.position (one bool primary key default true check (one),
       incarnation text not null, seq int8 not null, commit text not null, models text not null,
       build int8 not null)`,
  ].join(';\n')

export const createKey = (schema: string, table: TableName): string =>
  `alter table ${schema}.${table} add constraint ${table}_key
   primary key (${keyColumns(table).map(quote).join(', ')})`

export const createIndexes = (schema: string, table: TableName): readonly string[] =>
  ((tables[table] as Table).indexes ?? []).map(
    (columns) =>
      `create index ${table}_by_${columns.slice(1).join('_')}
       on ${schema}.${table} (${columns.map(quote).join(', ')})`,
  )

/**
 * Tables of somebody else that lie among ours move along: a sink without a schema of its own writes into
 * the one that is named like its user, and that is ours where the user is called `headway`.
 */
export const moveStrangers = (from: string, to: string): string => `do $$
  declare stranger text;
  begin
    for stranger in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = '${from}' and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname not in (${[...tableNames, 'position'].map((name) => `'${name}'`).join(', ')})
    loop execute format('alter table %I.%I set schema %I', '${from}', stranger, '${to}');
    end loop;
  end $$`

export const insertPosition = (schema: string): string =>
  `insert into ${schema}.position (incarnation, seq, commit, models, build)
   values ($1, $2, $3, $4, $5) on conflict do nothing`
export const positionValues = (p: Position): readonly unknown[] => [
  p.incarnation,
  p.seq,
  p.commit,
  p.models,
  p.build,
]

export const readPosition = async (
  client: Pick<pg.Pool, 'query'>,
  schema: string,
): Promise<Position | null> => {
  try {
    const { rows } = await client.query<Position>(
      `select incarnation, seq, commit, models, build from ${schema}.position`,
    )
    return rows[0] ?? null
  } catch (error) {
    // No such table or schema: nothing was ever projected here.
    if (['42P01', '3F000'].includes((error as { code?: string }).code ?? '')) return null
    throw error
  }
}

const upsert = (schema: string, table: TableName): string => {
  const columns = columnsOf(table)
  const key = keyColumns(table)
  const arrays = columns.map(({ type }, i) => `$${i + 1}::${type}[]`).join(', ')
  const update = columns
    .filter(({ name }) => !key.includes(name))
    .map(({ name }) => `${quote(name)} = excluded.${quote(name)}`)
  return `insert into ${schema}.${table} (${columns.map(({ name }) => quote(name)).join(', ')})
    select * from unnest(${arrays})
    on conflict (${key.map(quote).join(', ')}) do update set ${update.join(', ')}`
}

export const selectByKey = (schema: string, table: TableName): string => {
  const types = new Map(columnsOf(table).map(({ name, type }) => [name, type]))
  const key = keyColumns(table)
  const arrays = key.map((name, i) => `$${i + 1}::${types.get(name)}[]`).join(', ')
  return `select t.* from ${schema}.${table} t join unnest(${arrays})
    as wanted(${key.map(quote).join(', ')}) using (${key.map(quote).join(', ')})`
}

const transaction = async (
  pool: pg.Pool,
  run: (client: pg.PoolClient) => Promise<boolean>,
): Promise<boolean> => {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    await client.query('begin')
    const isDone = await run(client)
    await client.query(isDone ? 'commit' : 'rollback')
    return isDone
  } catch (error) {
    failure = error as Error
    throw error
  } finally {
    // A connection that failed in the middle is not used again; the server rolls back.
    client.release(failure)
  }
}

export const openStore = (url: string, schema: string = liveSchema): Store => {
  const pool = new pg.Pool({ ...clientOptions(url, 'projector'), max: 2 })
  // A connection that dies while nobody asks it anything, in the pool or in somebody's hands, is told to
  // whoever asks next.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  const lock = `select pg_advisory_xact_lock(${lockSpace}, ${lockOf(schema)})`
  return {
    position: () => readPosition(pool, schema),
    create: async (position) => {
      await transaction(pool, async (client) => {
        await client.query(lock)
        if (await hasTables(client, schema)) return false
        await client.query(createTables(schema))
        for (const table of tableNames)
          for (const statement of [createKey(schema, table), ...createIndexes(schema, table)])
            await client.query(statement)
        await client.query(insertPosition(schema), [...positionValues(position)])
        return true
      })
    },
    load: async (wanted) => {
      const found = new Map<TableName, readonly AnyRow[]>()
      for (const [table, keys] of wanted) {
        const values = [...keys.values()]
        const arrays = keyColumns(table).map((_, i) => values.map((key) => key[i]))
        const text = selectByKey(schema, table)
        found.set(
          table,
          (await pool.query<AnyRow>({ name: `select-${table}`, text, values: arrays })).rows,
        )
      }
      return found
    },
    commit: async (changes, from, to) => {
      const isStored = await transaction(pool, async (client) => {
        await client.query(lock)
        const { rowCount } = await client.query(
          `update ${schema}.position set seq = $1, commit = $2
           where seq = $3 and incarnation = $4 and models = $5 and build = $6`,
          [to.seq, to.commit, from.seq, from.incarnation, from.models, from.build],
        )
        if (rowCount !== 1) return false
        // Named, so that the server plans it once for each connection and not for each batch.
        for (const [table, rows] of changes)
          await client.query({
            name: `upsert-${table}`,
            text: upsert(schema, table),
            values: columnArrays(table, [...rows.values()]),
          })
        return true
      })
      return isStored ? 'stored' : 'overtaken'
    },
    close: () => pool.end(),
  }
}

const hasTables = async (client: pg.PoolClient, schema: string): Promise<boolean> => {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass($1) is not null as there`,
    [`${schema}.position`],
  )
  return rows[0]!.there
}
