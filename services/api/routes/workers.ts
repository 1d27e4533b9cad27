/** Workers: who serves which pipeline versions. Those that left or were lost are shown when asked for. */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging, type Page } from '../list.ts'
import { timeOf } from '../moments.ts'
import { Nullable, Time } from '../shapes.ts'

const statuses = ['connected', 'left', 'lost'] as const

const Worker = Type.Object({
  id: Type.String(),
  pool: Type.String(),
  version: Type.String({ description: 'one version over all its pipeline folders' }),
  pipelines: Type.Record(Type.String(), Type.String({ description: 'pipeline version' })),
  capabilities: Type.Array(Type.String()),
  status: Type.String(),
  running: Type.Integer({ description: 'runs in progress' }),
  host: Type.String(),
  pid: Type.Integer(),
  joinedAt: Time,
  since: Nullable(Time),
})
const Query = Type.Object({
  all: Type.Optional(Type.Boolean({ description: 'those that left or were lost as well' })),
  status: Type.Optional(Type.Array(Type.Enum([...statuses]))),
  pool: Type.Optional(Type.String()),
  ...paging(200),
})

const query = (
  { db, tenant }: Api,
  { all, status, pool }: Static<typeof Query>,
  page: Page<readonly [number, string]>,
) => {
  let select = db
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
    .orderBy('joined_at', 'desc')
    .orderBy('worker', 'desc')
    .limit(page.limit + 1)
  if (status && status.length > 0) select = select.where('status', 'in', status)
  else if (!all) select = select.where('status', '=', 'connected')
  if (pool !== undefined) select = select.where('pool', '=', pool)
  if (page.after) {
    const [joinedAt, worker] = page.after
    select = select.where(
      sql<boolean>`(workers.joined_at, workers.worker)
        < (${timeOf(joinedAt)}::timestamptz, ${worker})`,
    )
  }
  return select.execute()
}

const present = (row: Awaited<ReturnType<typeof query>>[number]): Static<typeof Worker> => ({
  id: row.worker,
  pool: row.pool,
  version: row.version,
  pipelines: row.pipelines as Record<string, string>,
  capabilities: row.capabilities as string[],
  status: row.status,
  running: row.running ?? 0,
  host: row.host,
  pid: row.pid,
  joinedAt: row.joined_at,
  since: row.since,
})

export const workersRoutes: Routes = (app, api) => {
  app.get(
    `${base}/workers`,
    {
      schema: {
        summary: 'Connected workers, newest first; with ?all=true every worker there was',
        tags: ['workers'],
        querystring: Query,
        response: { 200: Type.Array(Worker) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 200, [0, ''])
      const rows = await query(api, request.query, page)
      return cutPage(request, reply, page, rows, (row) => [
        Date.parse(row.joined_at),
        row.worker,
      ]).map(present)
    },
  )
}
