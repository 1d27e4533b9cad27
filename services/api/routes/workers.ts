/**
 * Workers: who serves which pipeline versions. Those that are gone are shown when asked for.
 *
 *   healthy       it is heard and takes what comes
 *   draining      it finishes what it holds and takes nothing new
 *   stale         its heartbeats ended; it may come back
 *   unavailable   it left, or was not heard of for too long
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging, type Page } from '../list.ts'
import { timeOf } from '../moments.ts'
import { Problem, unknown } from '../problem.ts'
import { AcceptedShape, ActorShape, IdParams, Nullable, Time } from '../shapes.ts'
import { actorOf, currentRow, ReasonBody, wish } from '../write.ts'

const statuses = ['healthy', 'draining', 'stale', 'unavailable'] as const

const Worker = Type.Object({
  id: Type.String(),
  pool: Type.String(),
  version: Type.String({ description: 'one version over all its pipeline folders' }),
  pipelines: Type.Record(Type.String(), Type.String({ description: 'pipeline version' })),
  alsoServes: Type.Record(Type.String(), Type.Array(Type.String()), {
    description: 'older versions that runs are pinned to',
  }),
  capabilities: Type.Array(Type.String()),
  status: Type.Enum([...statuses]),
  reason: Nullable(Type.String({ description: 'why it is so' })),
  drainRequestedBy: Nullable(ActorShape),
  lastSeenAt: Nullable(Time),
  running: Type.Integer({ description: 'runs in progress' }),
  host: Type.String(),
  pid: Type.Integer(),
  joinedAt: Time,
  since: Nullable(Time),
})
const Query = Type.Object({
  all: Type.Optional(Type.Boolean({ description: 'those that are gone as well' })),
  status: Type.Optional(Type.Array(Type.Enum([...statuses]))),
  pool: Type.Optional(Type.String()),
  ...paging(200),
})

const select = ({ db, tenant }: Api) =>
  db
    .selectFrom('workers')
    .selectAll()
    .select((eb) =>
      eb
        .selectFrom('runs')
        .select((count) => count.fn.countAll<number>().as('count'))
        .where('runs.tenant', '=', tenant)
        .where('runs.status', '=', 'running')
        .whereRef('runs.worker', '=', 'workers.worker')
        .as('running'),
    )
    .where('tenant', '=', tenant)

const list = (
  api: Api,
  { all, status, pool }: Static<typeof Query>,
  page: Page<readonly [number, string]>,
) => {
  let query = select(api)
    .orderBy('joined_at', 'desc')
    .orderBy('worker', 'desc')
    .limit(page.limit + 1)
  if (status && status.length > 0) query = query.where('status', 'in', status)
  else if (!all) query = query.where('status', '<>', 'unavailable')
  if (pool !== undefined) query = query.where('pool', '=', pool)
  if (page.after) {
    const [joinedAt, worker] = page.after
    query = query.where(
      sql<boolean>`(workers.joined_at, workers.worker)
        < (${timeOf(joinedAt)}::timestamptz, ${worker})`,
    )
  }
  return query.execute()
}

type WorkerRow = Awaited<ReturnType<typeof list>>[number]

const present = (row: WorkerRow): Static<typeof Worker> => ({
  id: row.worker,
  pool: row.pool,
  version: row.version,
  pipelines: row.pipelines as Record<string, string>,
  alsoServes: row.also_serves as Record<string, string[]>,
  capabilities: row.capabilities as string[],
  status: row.status as 'healthy',
  reason: row.reason,
  drainRequestedBy: row.drain_requested_by as Actor | null,
  lastSeenAt: row.last_seen_at,
  running: row.running ?? 0,
  host: row.host,
  pid: row.pid,
  joinedAt: row.joined_at,
  since: row.since,
})

const requireWorker = async (api: Api, id: string): Promise<WorkerRow> => {
  const row = await select(api).where('worker', '=', id).executeTakeFirst()
  if (!row) throw unknown('worker', id, 'workers?all=true')
  return row
}

const topicOf = ({ pool }: WorkerRow) => ({ kind: 'worker' as const, name: pool })

export const workersRoutes: Routes = (app, api) => {
  app.get(
    `${base}/workers`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Workers, newest first; with ?all=true every worker there was',
        tags: ['workers'],
        querystring: Query,
        response: { 200: Type.Array(Worker) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 200, [0, ''])
      const rows = await list(api, request.query, page)
      return cutPage(request, reply, page, rows, (row) => [
        Date.parse(row.joined_at),
        row.worker,
      ]).map(present)
    },
  )
  app.get(
    `${base}/workers/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One worker',
        tags: ['workers'],
        params: IdParams,
        response: { 200: Worker },
      },
    },
    async ({ params: { id } }) => present(await requireWorker(api, id)),
  )
  for (const [verb, type, summary] of [
    ['drain', 'WorkerDrainRequested', 'Let a worker finish what it holds and take nothing new'],
    ['resume', 'WorkerResumeRequested', 'Let a worker that drains take runs again'],
  ] as const)
    app.post(
      `${base}/workers/:id/${verb}`,
      {
        config: { role: 'operator' },
        schema: {
          summary,
          tags: ['workers'],
          params: IdParams,
          body: ReasonBody,
          response: { 200: AcceptedShape, 202: AcceptedShape },
        },
      },
      async (request, reply) => {
        const { row, isCurrent } = await currentRow(
          api,
          () => requireWorker(api, request.params.id),
          topicOf,
        )
        const { worker, pool, status, drain_requested_by: drained, seq: known } = row
        if (status === 'unavailable')
          throw new Problem(409, 'worker_unavailable', `${worker} is gone: ${row.reason}`)
        if (isCurrent && (drained !== null) === (verb === 'drain'))
          return { id: worker, seq: known, status: 'unchanged' }
        const actor = actorOf(request, request.body)
        const at = toTimestamp(api.clock.now())
        const event = { type, v: 1 as const, at, worker, pool, actor }
        const { seq } = await wish(api, request, topicOf(row), event)
        return reply.code(202).send({ id: worker, seq, status: 'accepted' })
      },
    )
}
