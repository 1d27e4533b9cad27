/** Why something ran, did not run, or waits: an answer in sentences, from the read models alone. */
import { sql } from 'kysely'
import type { VersionRef } from '@headway/schemas/definitions.ts'
import { base, type Api, type Routes } from '../api.ts'
import { openStatuses, requirePipeline, type DefinedPipeline } from '../finding.ts'
import { LiveChecks } from '../live-checks.ts'
import { unknown } from '../problem.ts'
import { IdParams, KeyParams } from '../shapes.ts'
import { whyAsset, type AssetFacts } from '../why/asset.ts'
import { whyPipeline, type PipelineFacts } from '../why/pipeline.ts'
import { whyRun, type RunFacts } from '../why/run.ts'
import { WhyShape } from '../why/shape.ts'
import { presentAsset } from './asset-shape.ts'
import { findAsset } from './assets.ts'
import { presentSummary, selectRuns } from './run-summary.ts'
import { readRun } from './run.ts'
import { readWindow } from './windows.ts'

const openMax = 50
const failuresLooked = 20
const runsShown = 5
const pipelinesMax = 20

const pausedOf = ({ paused, paused_by: by, paused_at: since }: DefinedPipeline) =>
  paused ? { by, since } : null

const runFacts = async (api: Api, id: string): Promise<RunFacts> => {
  const { db, tenant } = api
  const run = await readRun(api, id)
  if (!run) throw unknown('run', id, 'runs')
  const ofPipeline = () =>
    db.selectFrom('runs').where('tenant', '=', tenant).where('pipeline', '=', run.pipelineId)
  const [pipeline, underWay, ahead, superseded] = await Promise.all([
    requirePipeline(api, run.pipelineId).catch(() => null),
    ofPipeline()
      .select(['run', 'started_at'])
      .where('status', 'in', ['running', 'retrying'])
      .where('canary', run.canary ? 'is not' : 'is', null)
      .orderBy('seq')
      .limit(openMax)
      .execute(),
    ofPipeline()
      .select(['run', 'seq'])
      .where('status', '=', 'pending')
      .where('canary', run.canary ? 'is not' : 'is', null)
      .where('seq', '<', run.seq)
      .orderBy('seq')
      .limit(openMax)
      .execute(),
    ofPipeline()
      .select(['run', 'seq'])
      .where('status', '=', 'superseded')
      .where('superseded_by', '=', id)
      .orderBy('seq')
      .limit(openMax)
      .execute(),
  ])
  const concurrency = run.canary ? 1 : (pipeline?.definition.concurrency ?? 1)
  return { run, paused: pipeline && pausedOf(pipeline), concurrency, underWay, ahead, superseded }
}

/** Runs that say something about the inputs and the code: canaries and pinned ones do not. */
const endedRuns = (api: Api, pipeline: string) =>
  selectRuns(api)
    .select('runs.inputs')
    .where('runs.pipeline', '=', pipeline)
    .where('runs.canary', 'is', null)
    .where('runs.pinned', '=', false)
    .where('runs.status', 'not in', [...openStatuses, 'superseded'])
    .orderBy('runs.ended_at', 'desc')
    .orderBy('runs.seq', 'desc')
    .limit(failuresLooked)
    .execute()

type Ended = Awaited<ReturnType<typeof endedRuns>>[number]

const signatureOf = ({ pipeline_version: version, inputs }: Ended): string =>
  JSON.stringify([
    version,
    ...Object.entries(inputs as Record<string, VersionRef>)
      .map(([slot, ref]) => `${slot} ${ref.version}`)
      .toSorted(),
  ])

/** How many runs in a row failed on the same inputs and code as the newest. */
const failuresOf = (runs: readonly Ended[], activeVersion: string | null): number => {
  const [newest] = runs
  if (!newest || newest.pipeline_version !== activeVersion) return 0
  const signature = signatureOf(newest)
  const end = runs.findIndex(
    (run) =>
      (run.status !== 'failed' && run.status !== 'dead_lettered') || signatureOf(run) !== signature,
  )
  return end < 0 ? runs.length : end
}

const pipelineFacts = async (api: Api, id: string): Promise<PipelineFacts> => {
  const { db, tenant } = api
  const row = await requirePipeline(api, id)
  const [window, wishes, open, ended, questions] = await Promise.all([
    readWindow(api, id),
    db
      .selectFrom('run_wishes')
      .select(['request', 'actor', 'asked_at', 'seq'])
      .where('tenant', '=', tenant)
      .where('pipeline', '=', id)
      .where('requested_seq', 'is', null)
      .orderBy('seq')
      .limit(openMax)
      .execute(),
    selectRuns(api)
      .where('runs.pipeline', '=', id)
      .where('runs.status', 'in', openStatuses)
      .orderBy('runs.seq')
      .limit(openMax)
      .execute(),
    endedRuns(api, id),
    db
      .selectFrom('interactions')
      .select(['step', 'assignee', 'interaction'])
      .where('tenant', '=', tenant)
      .where('pipeline', '=', id)
      .where('status', '=', 'waiting')
      .orderBy('seq')
      .limit(openMax)
      .execute(),
  ])
  return {
    id,
    folder: row.definition.folder,
    concurrency: row.definition.concurrency,
    activeVersion: row.active_version,
    paused: pausedOf(row),
    disabledSteps: row.disabled_steps as string[],
    window,
    wishes,
    open: open.map(presentSummary),
    last: ended[0] ? presentSummary(ended[0]) : null,
    failures: failuresOf(ended, row.active_version),
    questions,
  }
}

/** Pipelines with a slot that is bound to it. */
const fedBy = async ({ db, tenant }: Api, asset: string): Promise<readonly string[]> => {
  const { rows } = await sql<{ pipeline: string }>`
    select pipeline from ${sql.id('pipelines')} p
    where p.tenant = ${tenant} and not p.removed and exists (
      select from jsonb_each_text(p.definition -> 'slots') slot where slot.value = ${asset})
    order by pipeline limit ${pipelinesMax}`.execute(db)
  return rows.map(({ pipeline }) => pipeline)
}

const triggeredBy = async (api: Api, asset: string, pipelines: readonly string[]) => {
  if (pipelines.length === 0) return []
  const rows = await selectRuns(api)
    .where('runs.pipeline', 'in', pipelines)
    .where(sql<boolean>`runs.triggered_by @> ${JSON.stringify([{ asset }])}::jsonb`)
    .orderBy('runs.seq', 'desc')
    .limit(runsShown)
    .execute()
  return rows.map(presentSummary)
}

const assetFacts = async (api: Api, checks: LiveChecks, key: string): Promise<AssetFacts> => {
  const row = await findAsset(api, key)
  const pipelines = await fedBy(api, key)
  const [live, version, windows, runs] = await Promise.all([
    checks.of([key]),
    api.db
      .selectFrom('asset_versions')
      .select(['origin', 'seq'])
      .where('tenant', '=', api.tenant)
      .where('version', '=', row.version ?? '')
      .executeTakeFirst(),
    Promise.all(pipelines.map((pipeline) => readWindow(api, pipeline))),
    triggeredBy(api, key, pipelines),
  ])
  return {
    asset: presentAsset(row, live.get(key) ?? null, api.clock.now()),
    origin: (version?.origin as AssetFacts['origin']) ?? null,
    versionSeq: version?.seq ?? null,
    windows,
    runs,
  }
}

export const whyRoutes: Routes = (app, api) => {
  const checks = new LiveChecks(api)
  const schema = { tags: ['why'], response: { 200: WhyShape } }
  app.get(
    `${base}/runs/:id/why`,
    {
      config: { role: 'viewer' },
      schema: { summary: 'Why it ran, and why it is where it is', params: IdParams, ...schema },
    },
    async ({ params: { id } }) => whyRun(await runFacts(api, id)),
  )
  app.get(
    `${base}/pipelines/:id/why`,
    {
      config: { role: 'viewer' },
      schema: { summary: 'Why it runs or does not', params: IdParams, ...schema },
    },
    async ({ params: { id } }) => whyPipeline(await pipelineFacts(api, id)),
  )
  app.get(
    `${base}/assets/:key/why`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Why it is stale or well, and what it led to',
        params: KeyParams,
        ...schema,
      },
    },
    async ({ params: { key } }) => whyAsset(await assetFacts(api, checks, key)),
  )
}
