/**
 * What became of a push: its task with every rule and environment it was for, the run that each led to,
 * and what that run did to every sink and file. A task has no state of its own; it is where its runs are.
 */
import { sql } from 'kysely'
import { isEnded, type RunStatus } from '@headway/schemas/run.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import type { SyncReport } from '@headway/schemas/content/sync-report.ts'
import type { RenditionRef } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import type { Static } from 'typebox'
import type { Api } from './api.ts'
import type { ErrorShape } from './shapes.ts'
import type { ShownTarget, SinkShape, Task, TaskStatus } from './task-shape.ts'
import { viewed } from './view.ts'

type Target = EventOf<'PushResolved'>['targets'][number]

type TaskRow = Row<'tasks'>
type RunRow = Pick<Row<'runs'>, 'run' | 'status' | 'error'>
type SyncRow = Row<'syncs'>

export const isTaskEnded = ({ status }: Pick<Task, 'status'>): boolean =>
  status !== 'pending' && status !== 'running'

const targetsOf = (row: TaskRow): readonly Target[] => (row.targets ?? []) as readonly Target[]

/** Version → the newest run that was triggered by it or took it over. */
const readRuns = async (
  { db, tenant }: Api,
  rows: readonly TaskRow[],
): Promise<ReadonlyMap<string, RunRow>> => {
  const wanted = rows.flatMap((row) =>
    targetsOf(row).filter(({ outcome, version }) => outcome === 'versioned' && version),
  )
  const versions = wanted.map(({ version }) => version!)
  if (versions.length === 0) return new Map()
  const found = await db
    .selectFrom('runs')
    .select(['run', 'status', 'error', 'triggered_by', 'carried_over'])
    .where('tenant', '=', tenant)
    .where('pipeline', 'in', [...new Set(wanted.flatMap(({ pipeline }) => pipeline ?? []))])
    .where('seq', '>', Math.min(...rows.map(({ seq }) => seq)))
    .where(
      sql<boolean>`jsonb_path_query_array(triggered_by || carried_over, '$[*].version')
        ?| ${versions}::text[]`,
    )
    .orderBy('seq')
    .execute()
  const runs = new Map<string, RunRow>()
  for (const row of found)
    for (const { version } of [row.triggered_by, row.carried_over].flat() as { version: string }[])
      runs.set(version, row)
  return runs
}

const readSyncs = async (
  { db, tenant }: Api,
  runs: readonly string[],
): Promise<readonly SyncRow[]> => {
  if (runs.length === 0) return []
  return db
    .selectFrom('syncs')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('run', 'in', [...new Set(runs)])
    .orderBy('sink')
    .execute()
}

const ended = (outcome: Target['outcome'], run: RunRow | undefined): TaskStatus => {
  if (outcome === 'failed' || outcome === 'refused') return 'failed'
  if (outcome !== 'versioned') return 'succeeded'
  if (!run || run.status === 'pending') return 'pending'
  const status = run.status as RunStatus
  if (!isEnded(status)) return 'running'
  return status === 'completed' || status === 'superseded' ? 'succeeded' : 'failed'
}

const statusOf = (row: TaskRow, runs: ReadonlyMap<string, RunRow>): TaskStatus => {
  if (row.resolved_at === null) return 'pending'
  const all = targetsOf(row).map(({ outcome, version }) => ended(outcome, runs.get(version ?? '')))
  if (all.length === 0) return 'ignored'
  if (all.includes('pending') || all.includes('running')) return 'running'
  return all.includes('failed') ? 'failed' : 'succeeded'
}

const presentSync = (row: SyncRow): Static<typeof SinkShape> => ({
  sink: row.sink,
  environment: row.environment,
  status: row.status,
  mode: row.mode,
  written: row.written,
  deleted: row.deleted,
  unchanged: row.unchanged,
  protected: row.protected,
  error: row.error as Static<typeof ErrorShape> | null,
})

const presentTarget = (
  target: Target,
  run: RunRow | undefined,
  syncs: readonly SyncRow[],
): ShownTarget => ({
  rule: target.rule,
  environment: target.environment,
  outcome: target.outcome,
  reason: target.reason ?? null,
  asset: target.asset ?? null,
  pipeline: target.pipeline ?? null,
  version: target.version ?? null,
  run: run?.run ?? null,
  runStatus: run?.status ?? null,
  error: (run?.error ?? null) as Static<typeof ErrorShape> | null,
  sinks: syncs.filter((sync) => sync.run === run?.run).map(presentSync),
})

const present = (
  row: TaskRow,
  runs: ReadonlyMap<string, RunRow>,
  syncs: readonly SyncRow[],
): Task => ({
  id: row.task,
  status: statusOf(row, runs),
  source: row.source,
  delivery: row.delivery,
  event: row.event,
  repository: row.repository,
  ref: row.ref,
  commit: row.commit,
  pullRequest: row.pull_request,
  actor: row.actor,
  reason: row.reason,
  dryRun: row.dry_run,
  receivedAt: row.received_at,
  resolvedAt: row.resolved_at,
  note: row.note,
  targets: targetsOf(row).map((one) => presentTarget(one, runs.get(one.version ?? ''), syncs)),
  seq: row.seq,
})

export const presentTasks = async (api: Api, rows: readonly TaskRow[]): Promise<Task[]> => {
  const runs = await readRuns(api, rows)
  const syncs = await readSyncs(
    api,
    [...runs.values()].map(({ run }) => run),
  )
  return rows.map((row) => present(row, runs, syncs))
}

/** A push that the log has and the read models have not. */
const presentRecent = (api: Api, id: string): Task | null => {
  const push = viewed() ? null : api.sources.recent(id)
  if (!push) return null
  const { source, delivery, event, repository, ref, commit = null, actor, dryRun } = push
  return {
    id,
    status: 'pending',
    source,
    delivery,
    event,
    repository,
    ref,
    commit,
    actor,
    dryRun,
    pullRequest: push.pullRequest ?? null,
    reason: push.reason ?? null,
    receivedAt: push.at,
    resolvedAt: null,
    note: null,
    targets: [],
    seq: api.sources.get(source)?.seq ?? 0,
  }
}

/** What the run itself reported: per file, and what it would have done. */
const readReport = async (api: Api, run: string): Promise<SyncReport | null> => {
  const row = await api.db
    .selectFrom('artifacts')
    .innerJoin('asset_versions', (join) =>
      join
        .onRef('asset_versions.version', '=', 'artifacts.version')
        .onRef('asset_versions.tenant', '=', 'artifacts.tenant'),
    )
    .select('artifacts.renditions')
    .where('artifacts.tenant', '=', api.tenant)
    .where('artifacts.run', '=', run)
    .where('asset_versions.kind', '=', 'sync_report')
    .executeTakeFirst()
  const digest = (row?.renditions as readonly RenditionRef[] | undefined)?.[0]?.digest
  const bytes = digest === undefined ? null : await api.content.get(api.tenant, digest)
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as SyncReport)
}

const withReport = async (api: Api, target: ShownTarget): Promise<ShownTarget> => {
  const report = target.run === null ? null : await readReport(api, target.run)
  if (!report) return target
  const told = report.sinks.map((one) => {
    const known = target.sinks.find(({ sink }) => sink === one.sink)
    return {
      sink: one.sink,
      environment: one.environment,
      status: known?.status ?? 'planned',
      mode: known?.mode ?? one.mode,
      written: known?.written ?? one.written,
      deleted: known?.deleted ?? one.deleted,
      unchanged: known?.unchanged ?? one.unchanged,
      protected: known?.protected ?? one.protected,
      protectedKeys: one.protected_keys,
      wouldWrite: one.would_write,
      wouldDelete: one.would_delete,
      error: known?.error ?? null,
    }
  })
  const others = target.sinks.filter((one) => !told.some(({ sink }) => sink === one.sink))
  return { ...target, sinks: [...told, ...others], files: report.files }
}

export const readTask = async (api: Api, id: string): Promise<Task | null> => {
  const row = await api.db
    .selectFrom('tasks')
    .selectAll()
    .where('tenant', '=', api.tenant)
    .where('task', '=', id)
    .executeTakeFirst()
  if (!row) return presentRecent(api, id)
  const [task] = await presentTasks(api, [row])
  const targets = await Promise.all(task!.targets.map((target) => withReport(api, target)))
  return { ...task!, targets }
}

const pollMs = 20
const pollMsMax = 250

/** The task when it has ended, or as it is when patience ends. */
export const untilTaskEnded = async (
  api: Api,
  id: string,
  signal: AbortSignal,
): Promise<Task | null> => {
  for (let waitMs = pollMs; ; waitMs = Math.min(waitMs * 1.5, pollMsMax)) {
    const task = await readTask(api, id)
    if (signal.aborted || (task && isTaskEnded(task))) return task
    await api.clock.sleep(waitMs, signal)
  }
}
