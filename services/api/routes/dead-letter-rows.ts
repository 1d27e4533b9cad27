/**
 * Dead letters as rows, newest first: runs that ended badly with the error that ended them, commands
 * that nobody could carry out, messages of the log that nobody could read. One list, because whoever
 * looks wants to know what is wrong and not which table it is in.
 */
import { sql, type SqlBool } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Api } from '../api.ts'
import { momentOf, timeOf } from '../moments.ts'

export const kinds = ['run', 'command', 'message'] as const
export const deadStatuses = ['dead_lettered', 'failed', 'cancelled'] as const

/** What dead letters are chosen by, in queries and in the bodies of redrives alike. */
export const filterFields = {
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  version: Type.Optional(Type.String({ maxLength: 12, description: 'the run is pinned to' })),
  type: Type.Optional(Type.String({ maxLength: 200, description: 'of the error' })),
  fingerprint: Type.Optional(
    Type.String({ maxLength: 16, description: 'one for errors that differ in particulars only' }),
  ),
  status: Type.Optional(
    Type.Array(Type.Enum([...deadStatuses]), {
      description: 'how the run ended; dead_lettered when left out',
    }),
  ),
  since: Type.Optional(Type.String({ description: 'ended then or later; RFC 3339 or 15m' })),
  until: Type.Optional(Type.String({ description: 'ended before; RFC 3339 or 15m' })),
}
const Filter = Type.Object(filterFields)
export type Filter = Static<typeof Filter>

export type DeadRow = {
  readonly kind: (typeof kinds)[number]
  readonly id: string
  readonly pipeline: string | null
  readonly version: string | null
  readonly status: string | null
  readonly epoch: number | null
  readonly attempt: number | null
  readonly type: string
  readonly message: string
  readonly fingerprint: string | null
  readonly at: string
  readonly seq: number
  readonly index: number
}

const table = (name: string) => sql.id(name)

const all = (conditions: readonly ReturnType<typeof sql<SqlBool>>[]) =>
  sql.join(conditions.length > 0 ? conditions : [sql<SqlBool>`true`], sql` and `)

const timesOf = ({ since, until }: Filter, now: number) => ({
  from: since === undefined ? null : timeOf(momentOf('since', since, now)),
  to: until === undefined ? null : timeOf(momentOf('until', until, now)),
})

/** Runs that are dead now, each with the error that ended it. */
export const deadRuns = ({ tenant, clock }: Api, filter: Filter) => {
  const { pipeline, version, type, fingerprint, status = ['dead_lettered'] } = filter
  const { from, to } = timesOf(filter, clock.now())
  const wanted = status.length > 0 ? status : ['dead_lettered']
  const conditions = [
    sql<SqlBool>`e.tenant = ${tenant}`,
    sql<SqlBool>`e.outcome in (${sql.join(wanted)})`,
    ...(pipeline === undefined ? [] : [sql<SqlBool>`e.pipeline = ${pipeline}`]),
    ...(version === undefined ? [] : [sql<SqlBool>`r.pipeline_version = ${version}`]),
    ...(type === undefined ? [] : [sql<SqlBool>`e.type = ${type}`]),
    ...(fingerprint === undefined ? [] : [sql<SqlBool>`e.fingerprint = ${fingerprint}`]),
    ...(from === null ? [] : [sql<SqlBool>`e.recorded_at >= ${from}`]),
    ...(to === null ? [] : [sql<SqlBool>`e.recorded_at < ${to}`]),
  ]
  return sql<DeadRow>`
    select 'run' as kind, e.run as id, e.pipeline, r.pipeline_version as version, r.status,
           e.epoch, e.attempt, e.type, e.message, e.fingerprint, e.recorded_at as at, e.seq, e.index
    from ${table('run_errors')} e
    join ${table('runs')} r on r.tenant = e.tenant and r.run = e.run and r.status = e.outcome
      and r.epoch = e.epoch and r.attempt = e.attempt
    where ${all(conditions)}`
}

const refusedCommands = ({ tenant, clock }: Api, filter: Filter) => {
  const { from, to } = timesOf(filter, clock.now())
  const conditions = [
    sql<SqlBool>`tenant = ${tenant}`,
    ...(filter.pipeline === undefined
      ? []
      : [sql<SqlBool>`about = ${filter.pipeline} and queue <> 'fetch'`]),
    ...(filter.type === undefined ? [] : [sql<SqlBool>`'CommandRefused' = ${filter.type}`]),
    ...(from === null ? [] : [sql<SqlBool>`recorded_at >= ${from}`]),
    ...(to === null ? [] : [sql<SqlBool>`recorded_at < ${to}`]),
  ]
  return sql<DeadRow>`
    select 'command', 'command-' || seq || '-' || index,
           case when queue = 'fetch' then null else about end, null, null, null, null,
           'CommandRefused', problem, null, recorded_at, seq, index
    from ${table('refused_commands')} where ${all(conditions)}`
}

/** `run/p` is about pipeline p. */
const subjectPipeline = sql`substring(subject from '^(?:pipeline|run|interaction|release)/(.+)$')`

const unreadableMessages = ({ tenant, clock }: Api, filter: Filter) => {
  const { from, to } = timesOf(filter, clock.now())
  const conditions = [
    sql<SqlBool>`tenant = ${tenant}`,
    ...(filter.pipeline === undefined
      ? []
      : [sql<SqlBool>`${subjectPipeline} = ${filter.pipeline}`]),
    ...(filter.type === undefined ? [] : [sql<SqlBool>`'Unreadable' = ${filter.type}`]),
    ...(from === null ? [] : [sql<SqlBool>`recorded_at >= ${from}`]),
    ...(to === null ? [] : [sql<SqlBool>`recorded_at < ${to}`]),
  ]
  return sql<DeadRow>`
    select 'message', 'message-' || seq, ${subjectPipeline}, null, null, null, null,
           'Unreadable', problem, null, recorded_at, seq, 0
    from ${table('unreadable')} where ${all(conditions)}`
}

/** Which of the three the filters can be about. */
const partsOf = (api: Api, filter: Filter, wanted: readonly (typeof kinds)[number][]) => {
  const { version, fingerprint, status } = filter
  const isOfRuns = version !== undefined || fingerprint !== undefined || status !== undefined
  const has = (kind: (typeof kinds)[number]) => wanted.length === 0 || wanted.includes(kind)
  return [
    ...(has('run') ? [deadRuns(api, filter)] : []),
    ...(has('command') && !isOfRuns ? [refusedCommands(api, filter)] : []),
    ...(has('message') && !isOfRuns ? [unreadableMessages(api, filter)] : []),
  ]
}

export const listDead = async (
  api: Api,
  filter: Filter,
  wanted: readonly (typeof kinds)[number][],
  limit: number,
  after: readonly [number, number] | null,
): Promise<readonly DeadRow[]> => {
  const parts = partsOf(api, filter, wanted)
  if (parts.length === 0) return []
  const beyond = after ? sql`where (seq, index) < (${after[0]}, ${after[1]})` : sql``
  const { rows } = await sql<DeadRow>`
    select * from (${sql.join(parts, sql` union all `)})
      as dead (kind, id, pipeline, version, status, epoch, attempt, type, message, fingerprint,
               at, seq, index)
    ${beyond} order by seq desc, index desc limit ${limit}`.execute(api.db)
  return rows
}

/** Dead runs in the order of their deaths, with whether the version they would run on is there. */
export type Candidate = DeadRow & { readonly usable: boolean }

export const candidates = async (
  api: Api,
  filter: Filter,
  version: string | undefined,
  beforeSeq: number | null,
): Promise<readonly Candidate[]> => {
  const before = beforeSeq === null ? sql`true` : sql`dead.seq < ${beforeSeq}`
  const { rows } = await sql<Candidate>`
    select dead.*, exists (
      select from ${table('releases')} v where v.tenant = ${api.tenant}
        and v.pipeline = dead.pipeline and v.retired_at is null
        and v.pipeline_version = coalesce(${version ?? null}::text, dead.version)) as usable
    from (${deadRuns(api, filter)}) dead
    where ${before} order by dead.seq, dead.index limit ${candidatesMax}`.execute(api.db)
  return rows
}

/** More than this are not looked at in one request. */
export const candidatesMax = 50_000
