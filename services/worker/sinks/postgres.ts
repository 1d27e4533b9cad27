/**
 * A table in Postgres: one row per environment and key, with who wrote it as labels beside the value.
 *
 * The table is made when it is missing (not with `createTable: false`); one that is there needs a unique
 * index on environment and key. A batch of changes is one transaction. Rows that are right already are
 * not touched. `valueType: jsonb` keeps types, `text` takes JSON or, with `values: text`, strings as they
 * are. Names come from the configuration and are quoted, values are always parameters.
 */
import type { Client } from 'pg'
import { Type } from '../options.ts'
import { inBatches } from './batches.ts'
import { canonicalJson, rendering, valuesOption } from './rendering.ts'
import { SinkError, type Sink, type SinkChanges, type SinkPlace, type SinkType } from './sink.ts'

const options = Type.Object({
  /** `postgres://…`; it may hold a password. */
  url: Type.String({ secret: true }),
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String({ secret: true })),
  /** What stands in the environment column, usually `{environment}`. */
  environment: Type.String(),
  schema: Type.Optional(Type.String()),
  table: Type.Optional(Type.String()),
  columns: Type.Optional(
    Type.Object({
      environment: Type.Optional(Type.String()),
      key: Type.Optional(Type.String()),
      value: Type.Optional(Type.String()),
      labels: Type.Optional(Type.String()),
    }),
  ),
  /** False for a table without that column. */
  labels: Type.Optional(Type.Boolean()),
  valueType: Type.Optional(Type.Enum(['jsonb', 'text'])),
  values: valuesOption,
  createTable: Type.Optional(Type.Boolean()),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
})

const batchKeys = 5_000

type Statements = Readonly<
  Record<'readAll' | 'readSome' | 'find' | 'create' | 'upsert' | 'remove', string>
>

export const postgres: SinkType<typeof options> = {
  type: 'postgres',
  options,
  open: async (given) => {
    const { default: pg } = await import('pg')
    const { environment, timeoutMs = 10_000, valueType = 'jsonb' } = given
    const isJson = valueType === 'jsonb'
    if (isJson && given.values === 'text') {
      throw new SinkError('postgres: `values: text` needs `valueType: text`', { retryable: false })
    }
    const sql = statements(given, pg.escapeIdentifier)
    const connect = async (): Promise<Client> => {
      const client = orRefuse(
        () =>
          new pg.Client({
            connectionString: given.url,
            application_name: 'headway',
            connectionTimeoutMillis: timeoutMs,
            statement_timeout: 60_000,
            ...(given.user === undefined ? {} : { user: given.user }),
            ...(given.password === undefined ? {} : { password: given.password }),
          }),
      )
      client.on('error', () => {})
      await client.connect()
      return client
    }
    /** A connection per call: a sink is read and written a few times in a run, and idles for hours. */
    const connected = async <T>(signal: AbortSignal, act: (client: Client) => Promise<T>) => {
      signal.throwIfAborted()
      let client: Client | null = null
      try {
        client = await connect()
        return await act(client)
      } catch (error) {
        signal.throwIfAborted()
        throw error instanceof SinkError ? error : sinkErrorOf(error)
      } finally {
        await client?.end().catch(() => {})
      }
    }
    const rowsOf = async (client: Client, keys: readonly string[] | 'all') => {
      const { rows } = await client.query<{ key: string; value: string }>(
        keys === 'all' ? sql.readAll : sql.readSome,
        keys === 'all' ? [environment] : [environment, keys],
      )
      return new Map(
        rows.map(({ key, value }) => [key, isJson ? canonicalJson(JSON.parse(value)) : value]),
      )
    }
    return {
      render: rendering(given.values),
      read: (keys, signal) =>
        connected(signal, async (client) => {
          const isThere = await hasTable(client, sql)
          return isThere ? rowsOf(client, keys) : new Map<string, string>()
        }),
      write: (changes, place, signal) =>
        connected(signal, async (client) => {
          if (!(await hasTable(client, sql))) {
            if (given.createTable === false) throw noTable(given.table)
            await create(client, sql)
          }
          await writeAll(client, sql, { environment, changes, place, signal })
        }),
      close: async () => {},
    } satisfies Sink
  },
}

const statements = (given: TableOptions, quoted: (name: string) => string): Statements => {
  const { schema, table = 'headway_config', valueType = 'jsonb' } = given
  const name = [...(schema === undefined ? [] : [schema]), table].map(quoted).join('.')
  const environment = quoted(given.columns?.environment ?? 'environment')
  const key = quoted(given.columns?.key ?? 'key')
  const value = quoted(given.columns?.value ?? 'value')
  const labels = given.labels === false ? null : quoted(given.columns?.labels ?? 'labels')
  const select = `select ${key} "key", ${value}::text "value" from ${name}`
  const withLabels = (sql: string) => (labels === null ? '' : sql)
  return {
    find: `select to_regclass(${literal(name)}) is not null "found"`,
    readAll: `${select} where ${environment} = $1`,
    readSome: `${select} where ${environment} = $1 and ${key} = any($2::text[])`,
    create: `${schema === undefined ? '' : `create schema if not exists ${quoted(schema)};`}
      create table if not exists ${name} (
        ${environment} text not null, ${key} text not null, ${value} ${valueType} not null,
        ${withLabels(`${labels} jsonb not null default '{}',`)}
        primary key (${environment}, ${key}))`,
    // In one order for everybody: two writers wait for each other instead of ending each other.
    upsert: `insert into ${name} as held
        (${environment}, ${key}, ${value}${withLabels(`, ${labels}`)})
      select $1, "key", "value"::${valueType}${withLabels(', $4::jsonb')}
        from unnest($2::text[], $3::text[]) as given ("key", "value") order by "key"
      on conflict (${environment}, ${key}) do update
        set ${value} = excluded.${value}${withLabels(`, ${labels} = excluded.${labels}`)}
        where held.${value} is distinct from excluded.${value}`,
    remove: `delete from ${name} where ${environment} = $1 and ${key} in
      (select ${key} from ${name} where ${environment} = $1 and ${key} = any($2::text[])
        order by ${key} for update)`,
  }
}

type TableOptions = Parameters<(typeof postgres)['open']>[0]

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const hasTable = async (client: Client, sql: Statements): Promise<boolean> => {
  const { rows } = await client.query<{ found: boolean }>(sql.find)
  return rows[0]?.found === true
}

/** One at a time: `if not exists` alone fails for the second of two who begin at once. */
const create = (client: Client, sql: Statements) =>
  inTransaction(client, async () => {
    await client.query(`select pg_advisory_xact_lock(hashtext('headway config tables'))`)
    await client.query(sql.create)
  })

const writeAll = async (
  client: Client,
  sql: Statements,
  work: { environment: string; changes: SinkChanges; place: SinkPlace; signal: AbortSignal },
): Promise<void> => {
  const { environment, changes, place, signal } = work
  const labels = JSON.stringify({ ...place.labels, at: place.now })
  const sets = inBatches(changes.set, batchKeys).map(
    (batch) => () =>
      client.query(sql.upsert, [
        environment,
        batch.map(([key]) => key),
        batch.map(([, value]) => value),
        ...(sql.upsert.includes('$4') ? [labels] : []),
      ]),
  )
  const removals = inBatches(changes.delete, batchKeys).map(
    (batch) => () => client.query(sql.remove, [environment, batch]),
  )
  await inTransaction(client, async () => {
    for (const act of [...sets, ...removals]) {
      signal.throwIfAborted()
      await act()
    }
  })
}

const inTransaction = async (client: Client, act: () => Promise<void>): Promise<void> => {
  await client.query('begin')
  try {
    await act()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

const noTable = (table = 'headway_config'): SinkError =>
  new SinkError(`postgres: there is no table ${table}, and \`createTable\` is false`, {
    retryable: false,
  })

/** An address that cannot be understood may be quoted, password and all. */
const orRefuse = <T>(make: () => T): T => {
  try {
    return make()
  } catch {
    throw new SinkError('postgres: `url` cannot be understood', { retryable: false })
  }
}

/** The server quotes values in its messages, so only its code and the names it speaks of are kept. */
const sinkErrorOf = (error: unknown): SinkError => {
  const { code, table, column, constraint } = error as Readonly<Record<string, string | undefined>>
  const isSqlState = code !== undefined && /^[0-9A-Z]{5}$/.test(code)
  const what = [code ?? 'connection lost', table, column, constraint].filter(Boolean).join(' ')
  return new SinkError(`postgres: ${what}${meaningOf(code)}`, {
    // Connection, resources, conflicts, somebody stopped it, storage.
    retryable: !isSqlState || /^(08|25006|40|53|55P03|57|58)/.test(code),
  })
}

const meanings: Readonly<Record<string, string>> = {
  '28P01': 'wrong password',
  '28000': 'this user may not connect',
  '42501': 'this user may not do that',
  '3D000': 'there is no such database',
  '42P10': 'the table has no unique index on environment and key',
  '42703': 'the table has other columns',
  '22021': 'a key or value holds a character that Postgres cannot keep',
  '22P05': 'a key or value holds a character that Postgres cannot keep',
}
const meaningOf = (code = ''): string => (meanings[code] ? `: ${meanings[code]}` : '')
