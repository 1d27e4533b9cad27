/**
 * A run in one row: where it is, why it ran, and what it waits for. A run that nobody can take looks
 * different from one that waits its turn: `waiting_for_worker` is a pending run whose pipeline version
 * no healthy worker serves.
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { Actor, ErrorInfo, RunReason, VersionRef } from '@headway/schemas/definitions.ts'
import { runStatuses } from '@headway/schemas/run.ts'
import { base, type Api } from '../api.ts'
import { ActorShape, ErrorShape, Nullable, Seq, Time, WaitingForShape } from '../shapes.ts'

export const statuses = [...runStatuses, 'waiting_for_worker'] as const
export type Status = (typeof statuses)[number]

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
  epoch: Type.Integer({ description: 'how often it was redriven or resumed' }),
  attempt: Type.Integer({ description: 'of the present epoch' }),
  worker: Nullable(Type.String()),
  requestedAt: Time,
  startedAt: Nullable(Time),
  endedAt: Nullable(Time),
  durationMs: Nullable(Type.Number()),
  windowOpenedAt: Nullable(Time),
  nextAttemptAt: Nullable(Time),
  triggerCount: Type.Integer(),
  pinned: Type.Boolean({ description: 'asked for with inputs of its own' }),
  canary: Nullable(
    Type.Object({ id: Type.String(), of: Type.String({ description: 'the run it repeats' }) }),
  ),
  supersededBy: Nullable(Type.String()),
  redrives: Type.Integer({ description: 'how often somebody had it done again' }),
  error: Nullable(ErrorShape),
  seq: Seq,
}
export const RunSummary = Type.Object(summaryFields)
export type RunSummary = Static<typeof RunSummary>

/** A healthy worker has announced the version, as its newest or as one it serves as well. */
export const servedBy = (pipeline: string, version: string) => sql<boolean>`exists (
  select from ${sql.id('workers')} w
  where w.tenant = runs.tenant and w.status = 'healthy'
    and (w.pipelines ->> ${sql.ref(pipeline)} = ${sql.ref(version)}
      or jsonb_exists(w.also_serves -> ${sql.ref(pipeline)}, ${sql.ref(version)})))`
export const served = servedBy('runs.pipeline', 'runs.pipeline_version')

export const selectRuns = ({ db, tenant }: Pick<Api, 'db' | 'tenant'>) =>
  db
    .selectFrom('runs')
    .leftJoin('pipelines', (join) =>
      join
        .onRef('pipelines.tenant', '=', 'runs.tenant')
        .onRef('pipelines.pipeline', '=', 'runs.pipeline'),
    )
    .where('runs.tenant', '=', tenant)
    .select(['pipelines.paused', 'pipelines.paused_by', 'pipelines.paused_at'])
    .select([
      ...(['runs.run', 'runs.pipeline', 'runs.pipeline_version', 'runs.status'] as const),
      ...(['runs.since', 'runs.reason', 'runs.actor', 'runs.epoch', 'runs.attempt'] as const),
      ...(['runs.worker', 'runs.requested_at', 'runs.started_at', 'runs.ended_at'] as const),
      ...(['runs.duration_ms', 'runs.window_opened_at', 'runs.next_attempt_at'] as const),
      ...(['runs.error', 'runs.seq', 'runs.pinned', 'runs.canary', 'runs.canary_of'] as const),
      ...(['runs.superseded_by', 'runs.redrives', 'runs.waiting_until'] as const),
      ...(['runs.cancel_requested_by', 'runs.cancel_requested_at', 'runs.cancelled_by'] as const),
    ])
    .select([
      sql<number>`jsonb_array_length(runs.triggered_by)`.as('trigger_count'),
      sql<VersionRef[]>`jsonb_path_query_array(runs.triggered_by, '$[0 to 2]')`.as('triggers'),
      sql<boolean>`runs.status <> 'pending' or ${served}`.as('served'),
    ])

export type RunQuery = ReturnType<typeof selectRuns>
export type RunRow = Awaited<ReturnType<RunQuery['execute']>>[number]

export const nameOf = (actor: unknown): string => {
  const { name, reason } = (actor ?? { name: 'somebody' }) as Actor
  return reason ? `${name} (${reason})` : name
}

export const changesOf = (triggers: readonly VersionRef[], count = triggers.length): string => {
  const shown = triggers.slice(0, 3)
  const named = shown.map(({ asset, ordinal }) => `${asset} #${ordinal}`).join(', ')
  const more = count > shown.length ? ` and ${count - shown.length} more` : ''
  return count === 0 ? 'nothing new' : `${named}${more}`
}

type Reasoned = Pick<RunRow, 'reason' | 'actor' | 'triggers' | 'trigger_count'> &
  Pick<RunRow, 'pipeline_version' | 'canary_of' | 'pinned'>

const whys: { readonly [R in RunReason]: (row: Reasoned) => string } = {
  triggered: (row) => `changed: ${changesOf(row.triggers, row.trigger_count)}`,
  manual: (row) =>
    `asked for by ${nameOf(row.actor)}${row.pinned ? ', on versions that were named' : ''}` +
    (row.trigger_count > 0 ? `, with ${changesOf(row.triggers, row.trigger_count)}` : ''),
  flushed: (row) =>
    `the window was flushed by ${nameOf(row.actor)}: ${changesOf(row.triggers, row.trigger_count)}`,
  never_run: () => 'the pipeline had never run',
  last_run_failed: () => 'the last run failed and nothing has changed since',
  inputs_changed: () => 'inputs are not those of the last success',
  code_changed: (row) => `the active code is new: version ${row.pipeline_version}`,
  rollback: (row) => `sinks are to hold again what they held: wanted by ${nameOf(row.actor)}`,
  drift: (row) => `sinks hold something else than we put there: found by ${nameOf(row.actor)}`,
  canary: (row) => `version ${row.pipeline_version} is tried on what run ${row.canary_of} did`,
}

export const whyOf = (row: Reasoned): string => whys[row.reason as RunReason]?.(row) ?? row.reason

const pendingFor = (row: RunRow): RunSummary['waitingFor'] => {
  const pipelineVersion = row.pipeline_version
  if (row.cancel_requested_by)
    return { what: 'cancellation', detail: `${nameOf(row.cancel_requested_by)} wants it to end` }
  if (row.paused)
    return { what: 'pause', detail: `${row.pipeline} is paused by ${nameOf(row.paused_by)}` }
  if (row.served)
    return { what: 'turn', pipelineVersion, detail: 'a worker serves it and takes it next' }
  return {
    what: 'worker',
    pipelineVersion,
    detail:
      `no healthy worker serves ${row.pipeline} ${pipelineVersion}. Start one that has this ` +
      'folder: HEADWAY_POOL=<pool> HEADWAY_PIPELINES=<folder> npm exec tsx services/worker/main.ts',
  }
}

const waitingFor = (row: RunRow): RunSummary['waitingFor'] => {
  switch (row.status) {
    case 'pending':
      return pendingFor(row)
    case 'retrying': {
      const at = row.next_attempt_at
      return { what: 'retry', detail: 'the next attempt is scheduled', ...(at ? { at } : {}) }
    }
    case 'waiting_external': {
      const at = row.waiting_until
      const detail = `GET ${base}/interactions?run=${row.run} shows what it asks`
      return { what: 'answer', detail, ...(at ? { at } : {}) }
    }
    default:
      return null
  }
}

export const presentSummary = (row: RunRow): RunSummary => ({
  id: row.run,
  pipelineId: row.pipeline,
  pipelineVersion: row.pipeline_version,
  status: row.status === 'pending' && !row.served ? 'waiting_for_worker' : (row.status as Status),
  since: row.since,
  reason: row.reason,
  why: whyOf(row),
  actor: row.actor as Actor | null,
  waitingFor: waitingFor(row),
  epoch: row.epoch,
  attempt: row.attempt,
  worker: row.worker,
  requestedAt: row.requested_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  durationMs: row.duration_ms,
  windowOpenedAt: row.window_opened_at,
  nextAttemptAt: row.next_attempt_at,
  triggerCount: row.trigger_count,
  pinned: row.pinned,
  canary: row.canary === null ? null : { id: row.canary, of: row.canary_of ?? '' },
  supersededBy: row.superseded_by,
  redrives: row.redrives,
  error: row.error as ErrorInfo | null,
  seq: row.seq,
})
