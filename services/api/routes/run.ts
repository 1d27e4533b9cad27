/** One run, the same shape whatever its cadence: why, on what, what each step did, what came out. */
import { Type, type Static } from 'typebox'
import type {
  ErrorInfo,
  FindingRecord,
  RenditionRef,
  VersionRef,
  PipelineDefinition,
} from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import type { AcceptedRun } from '../accepted.ts'
import { base, type Api, type Routes } from '../api.ts'
import { unknown } from '../problem.ts'
import { ErrorShape, IdParams, Nullable, Time, VersionRefShape } from '../shapes.ts'
import { presentSummary, selectRuns, summaryFields } from './runs.ts'

const Finding = Type.Object({
  code: Type.String(),
  severity: Type.String(),
  message: Type.String(),
  subject: Type.Optional(Type.Record(Type.String(), Type.String())),
  count: Type.Integer(),
})
const Step = Type.Object({
  id: Type.String(),
  index: Type.Integer(),
  attempt: Type.Integer(),
  status: Type.String({ description: 'pending, succeeded, failed or skipped' }),
  reason: Nullable(Type.String()),
  startedAt: Nullable(Time),
  endedAt: Nullable(Time),
  durationMs: Nullable(Type.Number()),
  rowsIn: Nullable(Type.Integer()),
  rowsOut: Nullable(Type.Integer()),
  findings: Type.Array(Finding),
  logs: Type.Array(Type.String()),
  error: Nullable(ErrorShape),
})
export const RenditionShape = Type.Object({
  name: Type.String(),
  mediaType: Type.String(),
  digest: Type.String(),
  sizeBytes: Type.Integer(),
  href: Type.String(),
})
const Artifact = Type.Object({
  output: Type.String(),
  asset: Type.String(),
  version: Type.String(),
  ordinal: Type.Integer(),
  changed: Type.Boolean(),
  sizeBytes: Type.Integer(),
  attempt: Type.Integer(),
  renditions: Type.Array(RenditionShape),
})
export const RunShape = Type.Object({
  ...summaryFields,
  attemptsMax: Nullable(Type.Integer()),
  inputs: Type.Record(Type.String(), VersionRefShape),
  triggeredBy: Type.Array(VersionRefShape),
  steps: Type.Array(Step),
  earlierAttempts: Type.Array(Type.Object({ attempt: Type.Integer(), steps: Type.Array(Step) })),
  artifacts: Type.Array(Artifact),
})
export type Run = Static<typeof RunShape>

const query = async ({ db, tenant, ...api }: Api, id: string) => {
  const run = await selectRuns({ db, tenant, ...api })
    .where('runs.run', '=', id)
    .select(['runs.inputs', 'runs.triggered_by'])
    .executeTakeFirst()
  if (!run) return null
  const [steps, artifacts, release, pipeline] = await Promise.all([
    db
      .selectFrom('steps')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('run', '=', id)
      .orderBy('attempt')
      .orderBy('index')
      .orderBy('step')
      .execute(),
    db
      .selectFrom('artifacts')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('run', '=', id)
      .orderBy('output')
      .execute(),
    db
      .selectFrom('releases')
      .select('steps')
      .where('tenant', '=', tenant)
      .where('pipeline', '=', run.pipeline)
      .where('pipeline_version', '=', run.pipeline_version)
      .executeTakeFirst(),
    db
      .selectFrom('pipelines')
      .select('definition')
      .where('tenant', '=', tenant)
      .where('pipeline', '=', run.pipeline)
      .executeTakeFirst(),
  ])
  return { run, steps, artifacts, release, pipeline }
}

const presentStep = (row: Row<'steps'>): Static<typeof Step> => ({
  id: row.step,
  index: row.index,
  attempt: row.attempt,
  status: row.status,
  reason: row.reason,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  durationMs: row.duration_ms,
  rowsIn: row.rows_in,
  rowsOut: row.rows_out,
  findings: row.findings as FindingRecord[],
  logs: row.logs as string[],
  error: row.error as ErrorInfo | null,
})

/** A step that the log has not told of yet. */
const pendingStep = (id: string, index: number, attempt: number): Static<typeof Step> => ({
  id,
  index,
  attempt,
  status: 'pending',
  reason: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  rowsIn: null,
  rowsOut: null,
  findings: [],
  logs: [],
  error: null,
})

export const presentRenditions = (asset: string, version: string, renditions: unknown) =>
  (renditions as RenditionRef[]).map((rendition) => ({
    ...rendition,
    href:
      `${base}/assets/${asset}/versions/${version}/content` +
      `?rendition=${encodeURIComponent(rendition.name)}`,
  }))

export const isEnded = (status: string): boolean =>
  status === 'completed' || status === 'failed' || status === 'dead_lettered'

const present = (found: NonNullable<Awaited<ReturnType<typeof query>>>): Run => {
  const { run, release, pipeline } = found
  const summary = presentSummary(run)
  const told = found.steps.map(presentStep)
  const steps = told.filter(({ attempt }) => attempt === run.attempt)
  if (!isEnded(run.status))
    ((release?.steps ?? []) as { id: string }[]).forEach(({ id }, index) => {
      if (!steps.some((step) => step.id === id)) steps.push(pendingStep(id, index, run.attempt))
    })
  const earlier = new Set(told.map(({ attempt }) => attempt).filter((n) => n !== run.attempt))
  return {
    ...summary,
    attemptsMax: (pipeline?.definition as PipelineDefinition | null)?.retry.attempts ?? null,
    inputs: run.inputs as Record<string, VersionRef>,
    triggeredBy: run.triggered_by as VersionRef[],
    steps: steps.toSorted((a, b) => a.index - b.index),
    earlierAttempts: [...earlier].map((attempt) => ({
      attempt,
      steps: told.filter((step) => step.attempt === attempt),
    })),
    artifacts: found.artifacts.map((row) => ({
      output: row.output,
      asset: row.asset,
      version: row.version,
      ordinal: row.ordinal,
      changed: row.changed,
      sizeBytes: row.size_bytes,
      attempt: row.attempt,
      renditions: presentRenditions(row.asset, row.version, row.renditions),
    })),
  }
}

/** Asked for and on the log, but no versions are pinned yet. */
const presentAccepted = ({ id, pipeline, actor, at, seq }: AcceptedRun): Run => ({
  ...presentSummary({
    run: id,
    pipeline,
    pipeline_version: null,
    status: 'pending',
    reason: 'manual',
    actor,
    since: at,
    requested_at: at,
    started_at: null,
    ended_at: null,
    duration_ms: null,
    window_opened_at: null,
    next_attempt_at: null,
    attempt: 0,
    worker: null,
    error: null,
    seq,
    trigger_count: 0,
    triggers: [],
    served: true,
  }),
  waitingFor: {
    what: 'decision',
    detail: `it is asked for; GET ${base}/pipelines/${pipeline}/window says what holds it up`,
  },
  attemptsMax: null,
  inputs: {},
  triggeredBy: [],
  steps: [],
  earlierAttempts: [],
  artifacts: [],
})

/** Null when neither the read models nor we know it. */
export const readRun = async (api: Api, id: string): Promise<Run | null> => {
  const found = await query(api, id)
  if (found) return present(found)
  const accepted = api.accepted.get(id)
  return accepted && presentAccepted(accepted)
}

export const runRoutes: Routes = (app, api) => {
  app.get(
    `${base}/runs/:id`,
    {
      schema: {
        summary: 'One run with its steps, findings, artifacts and attempts',
        tags: ['runs'],
        params: IdParams,
        response: { 200: RunShape },
      },
    },
    async (request) => {
      const run = await readRun(api, request.params.id)
      if (!run) throw unknown('run', request.params.id, 'runs')
      return run
    },
  )
}
