/**
 * Postgres as the API sees it: tables that somebody else fills. Numbers and times come as the read
 * models define them (`int8` a number, `timestamptz` RFC 3339 text). The pool is small, gives up a
 * statement early and forgets connections that die, so a Postgres that comes back is simply used again.
 *
 * Statements name tables without their schema. A request for an earlier state (`view.ts`) gets a
 * connection of a pool of its own, which looks for them in the schema of that state.
 */
import { Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import pg from 'pg'
import type { Logger } from '@headway/schemas/ports.ts'
import { liveSchema, type Database } from '@headway/schemas/tables.ts'
import { viewed } from './view.ts'

/** The read models, and how far the log is in them. */
export type ApiDatabase = Database & {
  readonly position: {
    readonly incarnation: string
    readonly build: number
    readonly seq: number
  }
}

const connectionsMax = 6
const pastConnectionsMax = 3
const connectMsMax = 2_000
const statementMsMax = 5_000
const idleMsMax = 30_000

const oid = { int8: 20, timestamptz: 1184 } as const

/** `2026-01-31 04:05:06.7+00` to `2026-01-31T04:05:06.700Z`; the session's zone is UTC. */
const toRfc3339 = (text: string): string => {
  if (!text.endsWith('+00') || text.length < 22) return new Date(`${text}:00`).toISOString()
  const whole = `${text.slice(0, 10)}T${text.slice(11, 19)}`
  const fraction = text.slice(20, -3).slice(0, 3).padEnd(3, '0')
  return `${whole}.${fraction}Z`
}

const parserOf = (type: number): ((text: string) => unknown) | null => {
  if (type === oid.int8) return Number
  if (type === oid.timestamptz)
    return (text) =>
      text.length === 22 ? `${text.slice(0, 19).replace(' ', 'T')}.000Z` : toRfc3339(text)
  return null
}

const types: pg.CustomTypesConfig = {
  getTypeParser: ((type: number, format?: 'text' | 'binary') =>
    parserOf(type) ??
    (pg.types.getTypeParser as (type: number, format?: string) => unknown)(
      type,
      format,
    )) as pg.CustomTypesConfig['getTypeParser'],
}

const openPool = (url: string, max: number, logger: Logger): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMsMax,
    idleTimeoutMillis: idleMsMax,
    statement_timeout: statementMsMax,
    query_timeout: statementMsMax + 1_000,
    application_name: 'headway-api',
    options: `-c timezone=UTC -c search_path=${liveSchema}`,
    keepAlive: true,
    types,
  })
  const tell = (error: Error) => logger.warn({ error: error.message }, 'lost a Postgres connection')
  // In the pool, and in somebody's hands between two questions.
  pool.on('error', tell)
  pool.on('connect', (client) => client.on('error', tell))
  return pool
}

/** Connections that look for tables in the schema of the state that the request wants. */
const byView = (live: pg.Pool, past: pg.Pool): PostgresPool => {
  const schemas = new WeakMap<pg.PoolClient, string>()
  const lookInto = async (schema: string): Promise<pg.PoolClient> => {
    const client = await past.connect()
    if (schemas.get(client) === schema) return client
    try {
      await client.query(`set search_path to ${pg.escapeIdentifier(schema)}`)
      schemas.set(client, schema)
      return client
    } catch (error) {
      client.release(error as Error)
      throw error
    }
  }
  return {
    connect: () => {
      const view = viewed()
      return view === null ? live.connect() : lookInto(view.schema)
    },
    end: async () => void (await Promise.all([live.end(), past.end()])),
  }
}

export const openDatabase = (
  url: string,
  logger: Logger,
): { readonly db: Kysely<ApiDatabase>; close(): Promise<void> } => {
  const live = openPool(url, connectionsMax, logger)
  const pool = byView(live, openPool(url, pastConnectionsMax, logger))
  const db = new Kysely<ApiDatabase>({ dialect: new PostgresDialect({ pool }) })
  return { db, close: () => db.destroy() }
}

const away = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOSTUNREACH|08|57P|53300|28|3D000)/
const awayMessage =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered)/
/** No such table or schema: no projector has been here yet. */
const unmade = new Set(['42P01', '3F000'])

/** Status, code and sentence when Postgres, and not the request, is to blame. */
export const databaseProblem = (error: Error): readonly [number, string, string] | null => {
  const { code = '' } = error as { code?: string }
  if (unmade.has(code))
    return [503, 'not_projected_yet', 'the read models are not made yet: is the projector running?']
  if (code === '57014' || error.message === 'Query read timeout')
    return [
      503,
      'database_slow',
      'Postgres took too long: ask for less (a filter, a smaller limit)',
    ]
  if (code.startsWith('22'))
    return [400, 'bad_parameter', 'a value is not one that Postgres can compare with: correct it']
  const inner = (error as AggregateError).errors?.[0] as Error | undefined
  if (inner && away.test((inner as { code?: string }).code ?? '')) return databaseProblem(inner)
  return away.test(code) || awayMessage.test(error.message)
    ? [503, 'database_unavailable', 'Postgres does not answer; what is written still counts. Retry']
    : null
}
