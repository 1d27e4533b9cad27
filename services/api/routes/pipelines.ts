/** Pipelines: what is defined, which code is active, how the last run went, what waits. */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor, PipelineDefinition } from '@headway/schemas/definitions.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging, type Page } from '../list.ts'
import { unknown } from '../problem.ts'
import { ActorShape, IdParams, Nullable, Seq, Time } from '../shapes.ts'
import { presentSummary, RunSummary, selectRuns } from './run-summary.ts'
import { readWindow, WindowShape } from './windows.ts'

const Millis = Type.Integer()
const Definition = Type.Object({
  folder: Type.String(),
  pool: Type.String(),
  slots: Type.Record(Type.String(), Type.String()),
  debounce: Type.Object({ quietMs: Millis, maxWaitMs: Millis }),
  concurrency: Type.Integer(),
  retry: Type.Object({
    attempts: Type.Integer(),
    backoffMs: Millis,
    backoffMsMax: Millis,
    nonRetryable: Type.Optional(Type.Array(Type.String())),
  }),
  stepTimeoutMs: Millis,
  runTimeoutMs: Millis,
  disabledSteps: Type.Optional(Type.Array(Type.String())),
  priority: Type.Optional(Type.Integer()),
  newestWins: Type.Optional(Type.Boolean()),
  activation: Type.Optional(Type.String()),
})
const Held = Type.Object({ by: ActorShape, since: Time })
const fields = {
  id: Type.String(),
  activeVersion: Nullable(Type.String()),
  previousVersion: Nullable(Type.String({ description: 'where a rollback goes' })),
  paused: Nullable(Held),
  disabledSteps: Type.Array(Type.String(), { description: 'what the next run leaves out' }),
  stepWishes: Type.Record(
    Type.String(),
    Type.Object({ disabled: Type.Boolean(), actor: ActorShape, at: Time }),
    { description: 'what people said of steps, over the definition' },
  ),
  definition: Definition,
  runs: Type.Integer({ description: 'requested ever' }),
  lastRequestedAt: Nullable(Time),
  lastRun: Nullable(RunSummary),
  seq: Seq,
}
const Pipeline = Type.Object(fields)
const PipelineWithWindow = Type.Object({ ...fields, window: WindowShape })

const Query = Type.Object(paging(200))

const select = ({ db, tenant }: Api) =>
  db
    .selectFrom('pipelines')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('removed', '=', false)
    .where('definition', 'is not', null)

type PipelineRow = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

/** Names do not change and are few, so they are the order: newest would move while somebody pages. */
const list = (api: Api, { limit, after }: Page<readonly [string]>) => {
  const query = select(api)
    .orderBy('pipeline')
    .limit(limit + 1)
  return (after ? query.where('pipeline', '>', after[0]) : query).execute()
}

const present = async (
  api: Api,
  rows: readonly PipelineRow[],
): Promise<Static<typeof Pipeline>[]> => {
  const ids = rows.flatMap(({ last_run: run }) => (run === null ? [] : [run]))
  const runs = await selectRuns(api)
    .where('runs.run', '=', sql<string>`any(${ids})`)
    .execute()
  const runOf = new Map(runs.map((run) => [run.run, presentSummary(run)]))
  return rows.map((row) => ({
    id: row.pipeline,
    activeVersion: row.active_version,
    previousVersion: row.previous_version,
    paused:
      row.paused && row.paused_at !== null
        ? { by: row.paused_by as Actor, since: row.paused_at }
        : null,
    disabledSteps: row.disabled_steps as string[],
    stepWishes: row.step_wishes as Static<typeof Pipeline>['stepWishes'],
    definition: row.definition as PipelineDefinition,
    runs: row.runs,
    lastRequestedAt: row.last_requested_at,
    lastRun: (row.last_run !== null && runOf.get(row.last_run)) || null,
    seq: row.seq,
  }))
}

export const pipelinesRoutes: Routes = (app, api) => {
  app.get(
    `${base}/pipelines`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Pipelines by name',
        tags: ['pipelines'],
        querystring: Query,
        response: { 200: Type.Array(Pipeline) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 200, [''])
      const rows = await list(api, page)
      return present(
        api,
        cutPage(request, reply, page, rows, ({ pipeline }) => [pipeline]),
      )
    },
  )
  app.get(
    `${base}/pipelines/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One pipeline with its last run and its window',
        tags: ['pipelines'],
        params: IdParams,
        response: { 200: PipelineWithWindow },
      },
    },
    async ({ params: { id } }) => {
      const rows = await select(api).where('pipeline', '=', id).execute()
      const [pipeline] = await present(api, rows)
      if (!pipeline) throw unknown('pipeline', id, 'pipelines')
      return { ...pipeline, window: await readWindow(api, id) }
    },
  )
}
