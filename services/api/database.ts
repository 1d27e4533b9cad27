/**
 * Postgres as the API sees it: tables that somebody else fills. Numbers and times come as the read
 * models define them (`int8` a number, `timestamptz` RFC 3339 text). The pool is small, gives up a
 * statement early and forgets connections that die, so a Postgres that comes back is simply used again.
 */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Logger } from '@headway/schemas/ports.ts'
import { liveSchema, type Database } from '@headway/schemas/tables.ts'

/** The read models, and how far the log is in them. */
export type ApiDatabase = Database & { readonly position: { readonly seq: number } }

const connectionsMax = 6
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

export const openDatabase = (
  url: string,
  logger: Logger,
): { readonly db: Kysely<ApiDatabase>; close(): Promise<void> } => {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectMsMax,
    idleTimeoutMillis: idleMsMax,
    statement_timeout: statementMsMax,
    query_timeout: statementMsMax + 1_000,
    application_name: 'headway-api',
    options: '-c timezone=UTC',
    keepAlive: true,
    types,
  })
  pool.on('error', (error) => logger.warn({ error: error.message }, 'lost a Postgres connection'))
  const db = new Kysely<ApiDatabase>({ dialect: new PostgresDialect({ pool }) })
  return { db: db.withSchema(liveSchema), close: () => db.destroy() }
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
