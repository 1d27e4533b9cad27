/**
 * Canaries: a candidate version beside the active one. It repeats runs on the same inputs, publishes
 * nothing, and what it made is held against what had been published.
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import { Difference } from '@headway/schemas/content/difference/shape.ts'
import { toTimestamp, versionPattern } from '@headway/schemas/ids.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { requirePipeline, requireUsable } from '../finding.ts'
import { cutPage, pageOf, paging } from '../list.ts'
import { Problem, unknown } from '../problem.ts'
import { AcceptedShape, ActorShape, IdParams, Nullable, Seq, Time } from '../shapes.ts'
import { actorOf, keyOf, keyReused, newId, ReasonBody, wish } from '../write.ts'
import { presentSummary, RunSummary, selectRuns } from './run-summary.ts'

const runsMax = 100

const Body = Type.Object(
  {
    version: Type.String({ pattern: versionPattern, description: 'the candidate' }),
    runs: Type.Integer({ minimum: 1, maximum: runsMax, description: 'how many runs to repeat' }),
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  { additionalProperties: false },
)
const fields = {
  id: Type.String(),
  pipelineId: Type.String(),
  version: Type.String(),
  status: Type.Enum(['running', 'done', 'stopped']),
  actor: ActorShape,
  stoppedBy: Nullable(ActorShape),
  runs: Type.Integer({ description: 'to repeat' }),
  requested: Type.Integer(),
  completed: Type.Integer(),
  failed: Type.Integer(),
  startedAt: Time,
  endedAt: Nullable(Time),
  seq: Seq,
}
const Canary = Type.Object(fields)
const Comparison = Type.Object({
  output: Type.String(),
  verdict: Type.Enum(['identical', 'same_content', 'different']),
  baseline: Nullable(Type.String({ description: 'digest of what had been published' })),
  candidate: Nullable(Type.String({ description: 'digest of what the candidate made' })),
  difference: Difference,
})
const CanaryDetail = Type.Object({
  ...fields,
  verdicts: Type.Record(Type.String(), Type.Integer(), { description: 'outputs by verdict' }),
  comparisons: Type.Array(
    Type.Object({ run: RunSummary, of: Type.String(), outputs: Type.Array(Comparison) }),
  ),
})

const present = (row: Row<'canaries'>): Static<typeof Canary> => ({
  id: row.canary,
  pipelineId: row.pipeline,
  version: row.pipeline_version,
  status: row.status as 'running',
  actor: row.actor as Actor,
  stoppedBy: row.stopped_by as Actor | null,
  runs: row.runs,
  requested: row.requested,
  completed: row.completed,
  failed: row.failed,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  seq: row.seq,
})

const select = ({ db, tenant }: Api) =>
  db.selectFrom('canaries').selectAll().where('tenant', '=', tenant)

const requireCanary = async (api: Api, id: string): Promise<Row<'canaries'>> => {
  const row = await select(api).where('canary', '=', id).executeTakeFirst()
  if (!row) throw unknown('canary', id, 'pipelines/{id}/canaries')
  return row
}

const presentComparison = (row: Row<'comparisons'>): Static<typeof Comparison> => ({
  output: row.output,
  verdict: row.verdict as 'identical',
  baseline: row.baseline,
  candidate: row.candidate,
  difference: row.difference as Difference,
})

const comparisonsOf = async (api: Api, canary: Row<'canaries'>) => {
  const runs = await selectRuns(api)
    .where('runs.pipeline', '=', canary.pipeline)
    .where('runs.seq', '>', canary.seq)
    .where('runs.canary', '=', canary.canary)
    .orderBy('runs.seq')
    .execute()
  const outputs = await api.db
    .selectFrom('comparisons')
    .selectAll()
    .where('tenant', '=', api.tenant)
    .where('run', '=', sql<string>`any(${runs.map(({ run }) => run)})`)
    .orderBy('output')
    .execute()
  const verdicts: Record<string, number> = {}
  for (const { verdict } of outputs) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
  const comparisons = runs.map((run) => ({
    run: presentSummary(run),
    of: run.canary_of ?? '',
    outputs: outputs.filter((row) => row.run === run.run).map(presentComparison),
  }))
  return { verdicts, comparisons }
}

/** When it was asked for with this key before. */
const findEarlier = async (
  api: Api,
  id: string,
  { version, runs, reason }: Static<typeof Body>,
) => {
  const row = await select(api).where('canary', '=', id).executeTakeFirst()
  if (!row) return null
  const isSame =
    row.pipeline_version === version && row.runs === runs && (row.actor as Actor).reason === reason
  if (!isSame) throw keyReused()
  return { id, seq: row.seq, status: 'accepted' }
}

const refuse = async (api: Api, pipeline: string, version: string): Promise<void> => {
  const { active_version: active } = await requirePipeline(api, pipeline)
  await requireUsable(api, pipeline, version, 'try another one')
  if (version === active)
    throw new Problem(409, 'release_active', `${version} is active: what it makes is what counts`)
  const running = await select(api)
    .where('pipeline', '=', pipeline)
    .where('pipeline_version', '=', version)
    .where('status', '=', 'running')
    .executeTakeFirst()
  if (!running) return
  const { canary } = running
  const detail = `canary ${canary} tries ${version} already: DELETE ${base}/canaries/${canary} ends it`
  throw new Problem(409, 'canary_running', detail, { canary })
}

export const canariesRoutes: Routes = (app, api) => {
  app.post(
    `${base}/pipelines/:id/canaries`,
    {
      config: { role: 'releaser' },
      schema: {
        summary: 'Try a version on the runs of the active one, without publishing',
        tags: ['releases'],
        params: IdParams,
        body: Body,
        response: { 202: AcceptedShape },
      },
    },
    async (request, reply) => {
      const { id: pipeline } = request.params
      const { version, runs } = request.body
      const canary = newId(api, request, 'canary', pipeline)
      void reply.code(202).header('location', `${base}/canaries/${canary}`)
      const before = keyOf(request) && (await findEarlier(api, canary, request.body))
      if (before) return before
      await refuse(api, pipeline, version)
      const { seq } = await wish(
        api,
        request,
        { kind: 'pipeline', name: pipeline },
        {
          type: 'CanaryStarted',
          v: 1,
          at: toTimestamp(api.clock.now()),
          pipeline,
          canary,
          pipelineVersion: version,
          runs,
          actor: actorOf(request, request.body),
        },
      )
      return { id: canary, seq, status: 'accepted' }
    },
  )
  app.get(
    `${base}/pipelines/:id/canaries`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Canaries of a pipeline, newest first',
        tags: ['releases'],
        params: IdParams,
        querystring: Type.Object(paging(50)),
        response: { 200: Type.Array(Canary) },
      },
    },
    async (request, reply) => {
      const { id: pipeline } = request.params
      await requirePipeline(api, pipeline)
      const page = pageOf(request, 50, [0])
      let query = select(api)
        .where('pipeline', '=', pipeline)
        .orderBy('seq', 'desc')
        .limit(page.limit + 1)
      if (page.after) query = query.where('seq', '<', page.after[0])
      return cutPage(request, reply, page, await query.execute(), ({ seq }) => [seq]).map(present)
    },
  )
  app.get(
    `${base}/canaries/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One canary: what its runs made beside what had been published',
        tags: ['releases'],
        params: IdParams,
        response: { 200: CanaryDetail },
      },
    },
    async ({ params: { id } }) => {
      const row = await requireCanary(api, id)
      return { ...present(row), ...(await comparisonsOf(api, row)) }
    },
  )
  app.delete(
    `${base}/canaries/:id`,
    {
      config: { role: 'releaser' },
      schema: {
        summary: 'End a canary',
        tags: ['releases'],
        params: IdParams,
        body: ReasonBody,
        response: { 200: AcceptedShape, 202: AcceptedShape },
      },
    },
    async (request, reply) => {
      const { canary, pipeline, status, last_seq } = await requireCanary(api, request.params.id)
      if (status === 'stopped') return { id: canary, seq: last_seq, status: 'unchanged' }
      if (status === 'done')
        throw new Problem(409, 'canary_ended', 'all its runs have ended: there is nothing to stop')
      const { seq } = await wish(
        api,
        request,
        { kind: 'pipeline', name: pipeline },
        {
          type: 'CanaryStopped',
          v: 1,
          at: toTimestamp(api.clock.now()),
          pipeline,
          canary,
          actor: actorOf(request, request.body),
        },
      )
      return reply.code(202).send({ id: canary, seq, status: 'accepted' })
    },
  )
}
