/** Releases: every version of every pipeline's code that a worker has seen. */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging, type Page } from '../list.ts'
import { timeOf } from '../moments.ts'
import { ActorShape, Nullable, Seq, Time } from '../shapes.ts'

const Step = Type.Object({
  id: Type.String(),
  type: Type.String(),
  builtin: Type.Boolean(),
  description: Type.Optional(Type.String()),
})
const Release = Type.Object({
  pipelineId: Type.String(),
  version: Type.String(),
  active: Type.Boolean({ description: 'new runs use it' }),
  feedType: Type.String(),
  folder: Type.String(),
  inputs: Type.Record(
    Type.String(),
    Type.Object({ kind: Type.String(), optional: Type.Boolean() }),
  ),
  outputs: Type.Record(Type.String(), Type.Object({ kind: Type.String(), step: Type.String() })),
  steps: Type.Array(Step),
  edges: Type.Array(Type.Array(Type.String())),
  registeredAt: Time,
  activatedAt: Nullable(Time),
  activatedBy: Nullable(ActorShape),
  seq: Seq,
})
type Release = Static<typeof Release>

const Query = Type.Object({
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  ...paging(50),
})

const query = (
  { db, tenant }: Api,
  pipeline: string | undefined,
  { limit, after }: Page<readonly [number, string]>,
) => {
  let select = db
    .selectFrom('releases')
    .leftJoin('pipelines', (join) =>
      join
        .onRef('pipelines.tenant', '=', 'releases.tenant')
        .onRef('pipelines.pipeline', '=', 'releases.pipeline'),
    )
    .selectAll('releases')
    .select('pipelines.active_version')
    .where('releases.tenant', '=', tenant)
    .orderBy('releases.registered_at', 'desc')
    .orderBy('releases.pipeline_version', 'desc')
    .limit(limit + 1)
  if (pipeline !== undefined) select = select.where('releases.pipeline', '=', pipeline)
  if (after)
    select = select.where(
      sql<boolean>`(releases.registered_at, releases.pipeline_version)
        < (${timeOf(after[0])}::timestamptz, ${after[1]})`,
    )
  return select.execute()
}

const present = (row: Awaited<ReturnType<typeof query>>[number]): Release => ({
  pipelineId: row.pipeline,
  version: row.pipeline_version,
  active: row.active_version === row.pipeline_version,
  feedType: row.feed_type,
  folder: row.folder,
  inputs: row.inputs as Release['inputs'],
  outputs: row.outputs as Release['outputs'],
  steps: row.steps as Release['steps'],
  edges: row.edges as string[][],
  registeredAt: row.registered_at,
  activatedAt: row.activated_at,
  activatedBy: row.activated_by as Actor | null,
  seq: row.seq,
})

export const releasesRoutes: Routes = (app, api) => {
  app.get(
    `${base}/releases`,
    {
      schema: {
        summary: 'Releases, newest first',
        tags: ['pipelines'],
        querystring: Query,
        response: { 200: Type.Array(Release) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, ''])
      const rows = await query(api, request.query.pipeline, page)
      return cutPage(request, reply, page, rows, (row) => [
        Date.parse(row.registered_at),
        row.pipeline_version,
      ]).map(present)
    },
  )
}
