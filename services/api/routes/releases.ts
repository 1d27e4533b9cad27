/**
 * Releases: every version of every pipeline's code that a worker has seen.
 *
 *   inactive   it never was the active one
 *   active     new runs use it
 *   draining   it was active, and runs pinned to it have not ended
 *   drained    it was active, and nothing runs on it any more
 *   retired    nothing may be pinned to it
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { openStatuses, requirePipeline } from '../finding.ts'
import { cutPage, olderThan, pageOf, paging, type Page } from '../list.ts'
import { timeOf } from '../moments.ts'
import { unknown } from '../problem.ts'
import { ActorShape, IdParams, Nullable, Seq, Time } from '../shapes.ts'
import { presentSummary, RunSummary, selectRuns } from './run-summary.ts'

/** Of the runs that are open on a version, so many are shown with it. */
const runsMax = 200
const activationsMax = 200

export const states = ['inactive', 'active', 'draining', 'drained', 'retired'] as const
export type ReleaseState = (typeof states)[number]

const Step = Type.Object({
  id: Type.String(),
  type: Type.String(),
  builtin: Type.Boolean(),
  description: Type.Optional(Type.String()),
})
const fields = {
  pipelineId: Type.String(),
  version: Type.String(),
  active: Type.Boolean({ description: 'new runs use it' }),
  state: Type.Enum([...states]),
  openRunCount: Type.Integer({ description: 'runs pinned to it that have not ended' }),
  workers: Type.Integer({ description: 'healthy workers that serve it' }),
  feedType: Type.String(),
  folder: Type.String(),
  inputs: Type.Record(
    Type.String(),
    Type.Object({ kind: Type.String(), optional: Type.Boolean() }),
  ),
  outputs: Type.Record(Type.String(), Type.Object({ kind: Type.String(), step: Type.String() })),
  steps: Type.Array(Step),
  edges: Type.Array(Type.Array(Type.String())),
  artifacts: Nullable(
    Type.Array(
      Type.Object({ path: Type.String(), digest: Type.String(), sizeBytes: Type.Integer() }),
    ),
  ),
  contract: Nullable(Type.String({ description: 'the same for versions that fit each other' })),
  registeredAt: Time,
  activatedAt: Nullable(Time),
  activatedBy: Nullable(ActorShape),
  retiredAt: Nullable(Time),
  retiredBy: Nullable(ActorShape),
  seq: Seq,
}
const Release = Type.Object(fields)
const Activation = Type.Object({
  version: Type.String(),
  at: Time,
  actor: ActorShape,
  seq: Seq,
})
const ReleaseDetail = Type.Object({
  ...fields,
  openRuns: Type.Array(RunSummary, { description: `the oldest ${runsMax}` }),
  activations: Type.Array(Activation, { description: 'newest first' }),
})
type Release = Static<typeof Release>

const Query = Type.Object({
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  ...paging(50),
})

const table = (name: string) => sql.id(name)
const openRuns = sql<number>`(
  select count(*) from ${table('runs')} r
  where r.tenant = releases.tenant and r.status in (${sql.join([...openStatuses])})
    and r.pipeline = releases.pipeline and r.pipeline_version = releases.pipeline_version)`
const serving = sql<number>`(
  select count(*) from ${table('workers')} w
  where w.tenant = releases.tenant and w.status = 'healthy'
    and (w.pipelines ->> releases.pipeline = releases.pipeline_version
      or jsonb_exists(w.also_serves -> releases.pipeline, releases.pipeline_version)))`

const select = ({ db, tenant }: Api) =>
  db
    .selectFrom('releases')
    .leftJoin('pipelines', (join) =>
      join
        .onRef('pipelines.tenant', '=', 'releases.tenant')
        .onRef('pipelines.pipeline', '=', 'releases.pipeline'),
    )
    .selectAll('releases')
    .select('pipelines.active_version')
    .select([openRuns.as('open_runs'), serving.as('serving')])
    .where('releases.tenant', '=', tenant)
export type ReleaseRow = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

const list = (
  api: Api,
  pipeline: string | undefined,
  { limit, after }: Page<readonly [number, string]>,
) => {
  let query = select(api)
    .orderBy('releases.registered_at', 'desc')
    .orderBy('releases.pipeline_version', 'desc')
    .limit(limit + 1)
  if (pipeline !== undefined) query = query.where('releases.pipeline', '=', pipeline)
  if (after)
    query = query.where(
      sql<boolean>`(releases.registered_at, releases.pipeline_version)
        < (${timeOf(after[0])}::timestamptz, ${after[1]})`,
    )
  return query.execute()
}

/** All releases of a pipeline, for who decides about one of them. */
export const releasesOf = (api: Api, pipeline: string) =>
  select(api).where('releases.pipeline', '=', pipeline).execute()

export const stateOf = (row: ReleaseRow): ReleaseState => {
  if (row.retired_at !== null) return 'retired'
  if (row.active_version === row.pipeline_version) return 'active'
  if (row.activated_at === null) return 'inactive'
  return row.open_runs > 0 ? 'draining' : 'drained'
}

const present = (row: ReleaseRow): Release => ({
  pipelineId: row.pipeline,
  version: row.pipeline_version,
  active: row.active_version === row.pipeline_version,
  state: stateOf(row),
  openRunCount: row.open_runs,
  workers: row.serving,
  feedType: row.feed_type,
  folder: row.folder,
  inputs: row.inputs as Release['inputs'],
  outputs: row.outputs as Release['outputs'],
  steps: row.steps as Release['steps'],
  edges: row.edges as string[][],
  artifacts: row.artifacts as Release['artifacts'],
  contract: row.contract,
  registeredAt: row.registered_at,
  activatedAt: row.activated_at,
  activatedBy: row.activated_by as Actor | null,
  retiredAt: row.retired_at,
  retiredBy: row.retired_by as Actor | null,
  seq: row.seq,
})

const presentActivation = (row: Row<'activations'>): Static<typeof Activation> => ({
  version: row.pipeline_version,
  at: row.activated_at,
  actor: row.actor as Actor,
  seq: row.seq,
})

const activationsOf = async ({ db, tenant }: Api, pipeline: string, version: string) => {
  const rows = await db
    .selectFrom('activations')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('pipeline', '=', pipeline)
    .where('pipeline_version', '=', version)
    .orderBy('seq', 'desc')
    .orderBy('index', 'desc')
    .limit(activationsMax)
    .execute()
  return rows.map(presentActivation)
}

/** What still runs on it, oldest first. */
const openRunsOf = async (api: Api, pipeline: string, version: string) => {
  const rows = await selectRuns(api)
    .where('runs.status', 'in', openStatuses)
    .where('runs.pipeline', '=', pipeline)
    .where('runs.pipeline_version', '=', version)
    .orderBy('runs.seq')
    .limit(runsMax)
    .execute()
  return rows.map(presentSummary)
}

const ReleaseParams = Type.Object({ pipeline: Type.String(), version: Type.String() })

export const releasesRoutes: Routes = (app, api) => {
  app.get(
    `${base}/releases`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Releases, newest first',
        tags: ['releases'],
        querystring: Query,
        response: { 200: Type.Array(Release) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, ''])
      const rows = await list(api, request.query.pipeline, page)
      return cutPage(request, reply, page, rows, (row) => [
        Date.parse(row.registered_at),
        row.pipeline_version,
      ]).map(present)
    },
  )
  app.get(
    `${base}/releases/:pipeline/:version`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One release: its graph, what still runs on it, when it was active',
        tags: ['releases'],
        params: ReleaseParams,
        response: { 200: ReleaseDetail },
      },
    },
    async ({ params: { pipeline, version } }) => {
      const [row] = await select(api)
        .where('releases.pipeline', '=', pipeline)
        .where('releases.pipeline_version', '=', version)
        .execute()
      if (!row) throw unknown('release', `${pipeline}/${version}`, `releases?pipeline=${pipeline}`)
      const [openRuns, activations] = await Promise.all([
        openRunsOf(api, pipeline, version),
        activationsOf(api, pipeline, version),
      ])
      return { ...present(row), openRuns, activations }
    },
  )
  app.get(
    `${base}/pipelines/:id/activations`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Which version was made active when, by whom and why, newest first',
        tags: ['releases'],
        params: IdParams,
        querystring: Type.Object(paging(50)),
        response: { 200: Type.Array(Activation) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, 0])
      const { id: pipeline } = request.params
      await requirePipeline(api, pipeline)
      let query = api.db
        .selectFrom('activations')
        .selectAll()
        .where('tenant', '=', api.tenant)
        .where('pipeline', '=', pipeline)
        .orderBy('seq', 'desc')
        .orderBy('index', 'desc')
        .limit(page.limit + 1)
      if (page.after) query = query.where(olderThan(['seq', 'index'], page.after))
      const rows = await query.execute()
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.index]).map(
        presentActivation,
      )
    },
  )
}
