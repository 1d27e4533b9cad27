/**
 * Runs, newest first. A run that nobody can take looks different from one that waits its turn:
 * `waiting_for_worker` is a pending run whose pipeline version no connected worker has announced.
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor, ErrorInfo, RunReason, VersionRef } from '@headway/schemas/definitions.ts'
import { liveSchema, type Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging } from '../list.ts'
import { momentOf, timeOf, ulidCeiling, ulidFloor } from '../moments.ts'
import { ActorShape, ErrorShape, Nullable, Seq, Time, WaitingForShape } from '../shapes.ts'

const statuses = [
  'pending',
  'waiting_for_worker',
  'running',
  'retrying',
  'completed',
  'failed',
  'dead_lettered',
] as const
export type RunStatus = (typeof statuses)[number]

export const summaryFields = {
  id: Type.String(),
  pipelineId: Type.String(),
  pipelineVersion: Nullable(Type.String()),
  status: Type.Enum([...statuses]),
  since: Type.String({ ...Time, description: 'when the present status began' }),
  reason: Type.String(),
  why: Type.String(),
  actor: Nullable(ActorShape),
  waitingFor: Nullable(WaitingForShape),
  attempt: Type.Integer(),
  worker: Nullable(Type.String()),
  requestedAt: Time,
  startedAt: Nullable(Time),
  endedAt: Nullable(Time),
  durationMs: Nullable(Type.Number()),
  windowOpenedAt: Nullable(Time),
  nextAttemptAt: Nullable(Time),
  triggerCount: Type.Integer(),
  error: Nullable(ErrorShape),
  seq: Seq,
}
export const RunSummary = Type.Object(summaryFields)

const Query = Type.Object({
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  status: Type.Optional(Type.Array(Type.Enum([...statuses]))),
  since: Type.Optional(Type.String({ description: 'requested then or later; RFC 3339 or 15m' })),
  until: Type.Optional(Type.String({ description: 'requested before; RFC 3339 or 15m' })),
  ...paging(50),
})

/** A connected worker has announced the run's pipeline version. */
const served = sql<boolean>`exists (
  select from ${sql.id(liveSchema, 'workers')} w
  where w.tenant = runs.tenant and w.status = 'connected'
    and w.pipelines ->> runs.pipeline = runs.pipeline_version)`

export const selectRuns = ({ db, tenant }: Pick<Api, 'db' | 'tenant'>) =>
  db
    .selectFrom('runs')
    .where('runs.tenant', '=', tenant)
    .select([
      ...(['run', 'pipeline', 'pipeline_version', 'status', 'since', 'reason', 'actor'] as const),
      ...(['attempt', 'worker', 'requested_at', 'started_at', 'ended_at', 'duration_ms'] as const),
      ...(['window_opened_at', 'next_attempt_at', 'error', 'seq'] as const),
    ])
    .select([
      sql<number>`jsonb_array_length(runs.triggered_by)`.as('trigger_count'),
      sql<VersionRef[]>`jsonb_path_query_array(runs.triggered_by, '$[0 to 2]')`.as('triggers'),
      sql<boolean>`runs.status <> 'pending' or ${served}`.as('served'),
    ])

type Runs = ReturnType<typeof selectRuns>

const withStatus = (query: Runs, wanted: readonly RunStatus[]): Runs => {
  const pending = wanted.includes('pending')
  const waiting = wanted.includes('waiting_for_worker')
  return query.where((eb) => {
    const plain = eb('runs.status', 'in', [...wanted])
    if (pending === waiting) return plain
    if (pending) return eb.and([plain, eb.or([eb('runs.status', '<>', 'pending'), served])])
    return eb.or([plain, eb.and([eb('runs.status', '=', 'pending'), eb.not(served)])])
  })
}

const filtered = (api: Api, filter: Static<typeof Query>): Runs => {
  const { pipeline, status, since, until } = filter
  const now = api.clock.now()
  let query = selectRuns(api)
  if (pipeline !== undefined) query = query.where('runs.pipeline', '=', pipeline)
  if (status !== undefined && status.length > 0) query = withStatus(query, status)
  if (since !== undefined) {
    const at = momentOf('since', since, now)
    query = query
      .where('runs.requested_at', '>=', timeOf(at))
      .where('runs.run', '>=', ulidFloor(at))
  }
  if (until !== undefined) {
    const at = momentOf('until', until, now)
    query = query
      .where('runs.requested_at', '<', timeOf(at))
      .where('runs.run', '<=', ulidCeiling(at))
  }
  return query
}

type RunRow = Omit<
  Row<'runs'>,
  'tenant' | 'inputs' | 'triggered_by' | 'last_seq' | 'pipeline_version'
> & {
  readonly pipeline_version: string | null
  readonly trigger_count: number
  readonly triggers: readonly VersionRef[]
  readonly served: boolean
}

const changes = ({ trigger_count: count, triggers }: RunRow): string => {
  const named = triggers.map(({ asset, ordinal }) => `${asset} #${ordinal}`).join(', ')
  const more = count > triggers.length ? ` and ${count - triggers.length} more` : ''
  return count === 0 ? 'nothing new' : `${named}${more}`
}

const whys: { readonly [R in RunReason]: (row: RunRow, actor: string) => string } = {
  triggered: (row) => `changed: ${changes(row)}`,
  manual: (row, actor) =>
    `asked for by ${actor}${row.trigger_count > 0 ? `, with ${changes(row)}` : ''}`,
  flushed: (row, actor) => `the window was flushed by ${actor}: ${changes(row)}`,
  never_run: () => 'the pipeline had never run',
  last_run_failed: () => 'the last run failed and nothing has changed since',
  inputs_changed: () => 'inputs are not those of the last success',
  code_changed: (row) => `the active code is new: version ${row.pipeline_version}`,
}

const whyOf = (row: RunRow): string => {
  const actor = row.actor as Actor | null
  const name = actor ? `${actor.name}${actor.reason ? ` (${actor.reason})` : ''}` : 'somebody'
  return whys[row.reason as RunReason]?.(row, name) ?? row.reason
}

const waitingFor = (row: RunRow): Static<typeof RunSummary>['waitingFor'] => {
  const pipelineVersion = row.pipeline_version ?? ''
  if (row.status === 'retrying') {
    const at = row.next_attempt_at
    return { what: 'retry', detail: 'the next attempt is scheduled', ...(at ? { at } : {}) }
  }
  if (row.status !== 'pending') return null
  if (row.served)
    return { what: 'turn', pipelineVersion, detail: 'a worker serves it and takes it next' }
  return {
    what: 'worker',
    pipelineVersion,
    detail:
      `no connected worker serves ${row.pipeline} ${pipelineVersion}. Start one that has this ` +
      'folder: HEADWAY_POOL=<pool> HEADWAY_PIPELINES=<folder> npm exec tsx services/worker/main.ts',
  }
}

export const presentSummary = (row: RunRow): Static<typeof RunSummary> => ({
  id: row.run,
  pipelineId: row.pipeline,
  pipelineVersion: row.pipeline_version,
  status:
    row.status === 'pending' && !row.served ? 'waiting_for_worker' : (row.status as RunStatus),
  since: row.since,
  reason: row.reason,
  why: whyOf(row),
  actor: row.actor as Actor | null,
  waitingFor: waitingFor(row),
  attempt: row.attempt,
  worker: row.worker,
  requestedAt: row.requested_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  durationMs: row.duration_ms,
  windowOpenedAt: row.window_opened_at,
  nextAttemptAt: row.next_attempt_at,
  triggerCount: row.trigger_count,
  error: row.error as ErrorInfo | null,
  seq: row.seq,
})

export const runsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/runs`,
    {
      schema: {
        summary: 'Runs, newest first',
        tags: ['runs'],
        querystring: Query,
        response: { 200: Type.Array(RunSummary) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, ''])
      let query = filtered(api, request.query)
        .orderBy('runs.seq', 'desc')
        .orderBy('runs.run', 'desc')
        .limit(page.limit + 1)
      if (page.after) {
        const [seq, run] = page.after
        query = query.where(sql<boolean>`(runs.seq, runs.run) < (${seq}, ${run})`)
      }
      const rows = await query.execute()
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.run]).map(presentSummary)
    },
  )
}
