/**
 * One run: why, on what, what each step did, what came out, what went wrong and what it asked. A run
 * that was asked for and not decided yet is shown as well: `Location` of a 202 leads somewhere at once.
 */
import type { Actor } from '@headway/schemas/definitions.ts'
import type { AcceptedRun } from '../accepted.ts'
import { traceSeedOf } from '@headway/schemas/trace.ts'
import { base, type Api, type Routes } from '../api.ts'
import { unknown } from '../problem.ts'
import { IdParams } from '../shapes.ts'
import { aboutTrace } from '../trace/tracing.ts'
import { presentRun, RunShape, type Run } from './run-detail.ts'
import { nameOf, selectRuns } from './run-summary.ts'

const findRun = async (api: Api, id: string) => {
  const { db, tenant } = api
  const run = await selectRuns(api)
    .where('runs.run', '=', id)
    .select(['runs.inputs', 'runs.own_inputs', 'runs.triggered_by', 'runs.carried_over'])
    .select(['runs.disabled_steps', 'runs.redriven_by'])
    .executeTakeFirst()
  if (!run) return null
  const [steps, outputs, artifacts, questions, errors, redrives, release, pipeline] =
    await Promise.all([
      db
        .selectFrom('steps')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('run', '=', id)
        .orderBy('epoch')
        .orderBy('attempt')
        .orderBy('index')
        .orderBy('step')
        .execute(),
      db
        .selectFrom('step_outputs')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('run', '=', id)
        .execute(),
      db
        .selectFrom('artifacts')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('run', '=', id)
        .orderBy('output')
        .execute(),
      db
        .selectFrom('interactions')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('run', '=', id)
        .orderBy('seq')
        .orderBy('interaction')
        .execute(),
      db
        .selectFrom('run_errors')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('run', '=', id)
        .orderBy('seq')
        .orderBy('index')
        .execute(),
      db
        .selectFrom('redrive_runs')
        .innerJoin('redrives', (join) =>
          join
            .onRef('redrives.tenant', '=', 'redrive_runs.tenant')
            .onRef('redrives.redrive', '=', 'redrive_runs.redrive'),
        )
        .select(['redrive_runs.redrive', 'epoch', 'redriven_at', 'redrives.actor'])
        .where('redrive_runs.tenant', '=', tenant)
        .where('redrive_runs.run', '=', id)
        .orderBy('redrive_runs.seq')
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
  return { run, steps, outputs, artifacts, questions, errors, redrives, release, pipeline }
}
export type FoundRun = NonNullable<Awaited<ReturnType<typeof findRun>>>

/** What was asked for and is on the log, but no versions are pinned yet. */
const findWish = async ({ db, tenant, accepted }: Api, id: string): Promise<AcceptedRun | null> => {
  const row = await db
    .selectFrom('run_wishes')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('request', '=', id)
    .executeTakeFirst()
  if (!row) return accepted.get(id)
  const { pipeline, seq } = row
  return { id, pipeline, actor: row.actor as Actor, at: row.asked_at, seq, pinned: !!row.inputs }
}

const nothing = {
  pipelineVersion: null,
  epoch: 0,
  attempt: 0,
  worker: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  windowOpenedAt: null,
  nextAttemptAt: null,
  triggerCount: 0,
  canary: null,
  supersededBy: null,
  redrives: 0,
  error: null,
  attemptsMax: null,
  inputs: {},
  ownInputs: {},
  triggeredBy: [],
  carriedOver: [],
  disabledSteps: [],
  cancelRequestedBy: null,
  cancelledBy: null,
  redrivenBy: null,
  steps: [],
  earlierAttempts: [],
  errors: [],
  questions: [],
  redriveHistory: [],
  artifacts: [],
}

const presentWish = ({ id, pipeline, actor, at, seq, pinned }: AcceptedRun): Run => ({
  ...nothing,
  id,
  pipelineId: pipeline,
  status: 'pending',
  since: at,
  reason: 'manual',
  why: `asked for by ${nameOf(actor)}`,
  actor,
  waitingFor: {
    what: 'decision',
    detail: `it is asked for; GET ${base}/pipelines/${pipeline}/why says what holds it up`,
  },
  requestedAt: at,
  pinned,
  seq,
})

/** Null when neither the read models nor we know it. */
export const readRun = async (api: Api, id: string): Promise<Run | null> => {
  const found = await findRun(api, id)
  if (found) return presentRun(found)
  const wish = await findWish(api, id)
  return wish && presentWish(wish)
}

export const runRoutes: Routes = (app, api) => {
  app.get(
    `${base}/runs/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One run with its steps, findings, artifacts, errors and attempts',
        tags: ['runs'],
        params: IdParams,
        response: { 200: RunShape },
      },
    },
    async (request) => {
      const run = await readRun(api, request.params.id)
      if (!run) throw unknown('run', request.params.id, 'runs')
      aboutTrace(request, traceSeedOf({ run: run.id, triggeredBy: run.triggeredBy }))
      return run
    },
  )
}
