/**
 * Debounce windows as the read models know them: the versions of a pipeline's assets that were recorded
 * after the last request, cancellation and definition. Own outputs never open a window.
 *
 *   idle     nothing waits
 *   open     due at `dueAt` unless another change comes first
 *   blocked  something waits, and there is no release or a required slot has no version yet
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { PipelineDefinition, RenditionRef } from '@headway/schemas/definitions.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging } from '../list.ts'
import { timeOf } from '../moments.ts'
import { Problem, unknown } from '../problem.ts'
import {
  AcceptedShape,
  IdParams,
  Nullable,
  Time,
  VersionRefShape,
  WaitingForShape,
} from '../shapes.ts'
import { actorOf, append, keyOf, ReasonBody } from '../write.ts'

/** A window that nobody empties may hold weeks of versions: only the newest are listed. */
const triggersMax = 200

const Trigger = Type.Object({
  ...VersionRefShape.properties,
  recordedAt: Time,
  seq: Type.Integer(),
})
export const WindowShape = Type.Object({
  pipelineId: Type.String(),
  state: Type.Enum(['idle', 'open', 'blocked']),
  openedAt: Nullable(Time),
  lastTriggerAt: Nullable(Time),
  dueAt: Nullable(Time),
  flushed: Type.Boolean(),
  quietMs: Type.Integer(),
  maxWaitMs: Type.Integer(),
  triggerCount: Type.Integer(),
  triggers: Type.Array(Trigger, { description: `in log order, the newest ${triggersMax}` }),
  waitingFor: Nullable(WaitingForShape),
})
export type Window = Static<typeof WindowShape>

type TriggerJson = Omit<Static<typeof Trigger>, 'digest' | 'recordedAt'> & {
  readonly renditions: readonly RenditionRef[]
  readonly recordedAt: string
}
type WindowRow = {
  readonly pipeline: string
  readonly definition: PipelineDefinition
  readonly active_version: string | null
  readonly flushed: boolean
  readonly seq: number
  readonly count: number
  readonly opened_at: string | null
  readonly last_at: string | null
  readonly triggers: readonly TriggerJson[] | null
  readonly missing: readonly string[] | null
}

/** The windows of all pipelines or of one, by name. */
const query = async ({ db, tenant }: Api, pipeline: string | null): Promise<WindowRow[]> => {
  const table = (name: string) => sql.id(name)
  const { rows } = await sql<WindowRow>`
    with bound as (
      select distinct p.pipeline, slot.asset,
             greatest(p.through_seq, p.cancelled_seq, p.defined_seq) as after_seq
      from ${table('pipelines')} p,
           lateral (select value as asset from jsonb_each_text(p.definition -> 'slots')) slot
      where p.tenant = ${tenant} and not p.removed
        and (${pipeline}::text is null or p.pipeline = ${pipeline})
        and not starts_with(slot.asset, 'output/' || p.pipeline || '/')
    ), waiting as (
      select b.pipeline, v.*,
             row_number() over (partition by b.pipeline order by v.seq desc, v.ordinal desc) as nth
      from bound b
      join ${table('asset_versions')} v
        on v.tenant = ${tenant} and v.asset = b.asset and v.seq > b.after_seq
    ), windows as (
      select pipeline, count(*) as count, min(recorded_at) as opened_at,
             max(recorded_at) as last_at,
             jsonb_agg(jsonb_build_object(
               'asset', asset, 'version', version, 'ordinal', ordinal, 'sizeBytes', size_bytes,
               'kind', kind, 'renditions', renditions, 'recordedAt', recorded_at, 'seq', seq
             ) order by seq, ordinal) filter (where nth <= ${triggersMax}) as triggers
      from waiting group by pipeline
    )
    select p.pipeline, p.definition, p.active_version, p.flushed, p.seq,
           coalesce(w.count, 0) as count, w.opened_at, w.last_at, w.triggers,
           (select jsonb_agg(distinct slot.value)
            from jsonb_each_text(p.definition -> 'slots') slot
            left join ${table('assets')} a on a.tenant = ${tenant} and a.asset = slot.value
            where a.version is null and not starts_with(slot.value, 'output/' || p.pipeline || '/')
              and coalesce(r.inputs -> slot.key ->> 'optional', 'false') = 'false') as missing
    from ${table('pipelines')} p left join windows w on w.pipeline = p.pipeline
    left join ${table('releases')} r on r.tenant = ${tenant} and r.pipeline = p.pipeline
      and r.pipeline_version = p.active_version
    where p.tenant = ${tenant} and not p.removed and p.definition is not null
      and (${pipeline}::text is null or p.pipeline = ${pipeline})
    order by p.pipeline collate "C"`.execute(db)
  return rows
}

/** What keeps a pipeline from running, however long its window has been due. */
const hindrance = (row: WindowRow): Window['waitingFor'] => {
  if (row.active_version === null)
    return {
      what: 'release',
      detail: `no worker has registered the folder ${row.definition.folder}; start one that has it`,
    }
  if (!row.missing) return null
  return { what: 'input', detail: `no version yet of ${row.missing.join(', ')}` }
}

const present = (row: WindowRow): Window => {
  const { quietMs, maxWaitMs } = row.definition.debounce
  const open = row.opened_at !== null && row.last_at !== null
  const dueAt = open
    ? row.flushed
      ? row.last_at
      : timeOf(Math.min(Date.parse(row.last_at) + quietMs, Date.parse(row.opened_at) + maxWaitMs))
    : null
  const waitingFor = hindrance(row)
  return {
    pipelineId: row.pipeline,
    state: !open ? 'idle' : waitingFor ? 'blocked' : 'open',
    openedAt: row.opened_at,
    lastTriggerAt: row.last_at,
    dueAt,
    flushed: open && row.flushed,
    quietMs,
    maxWaitMs,
    triggerCount: row.count,
    triggers: (row.triggers ?? []).map(({ renditions, recordedAt, ...trigger }) => ({
      ...trigger,
      digest: renditions[0]?.digest ?? '',
      recordedAt: timeOf(Date.parse(recordedAt)),
    })),
    waitingFor,
  }
}

export const readWindow = async (api: Api, pipeline: string): Promise<Window> => {
  const [row] = await query(api, pipeline)
  if (!row) throw unknown('pipeline', pipeline, 'pipelines')
  return present(row)
}

const requireOpen = async (api: Api, pipeline: string): Promise<void> => {
  const { state } = await readWindow(api, pipeline)
  if (state !== 'idle') return
  throw new Problem(
    409,
    'window_not_open',
    `no change waits; POST /api/v1/pipelines/${pipeline}/runs asks for a run all the same`,
  )
}

export const windowsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/windows`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'All open windows by pipeline',
        tags: ['windows'],
        querystring: Type.Object(paging(200)),
        response: { 200: Type.Array(WindowShape) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 200, [''])
      const from = page.after?.[0] ?? ''
      const rows = (await query(api, null)).filter((row) => row.count > 0 && row.pipeline > from)
      const shown = cutPage(request, reply, page, rows, ({ pipeline }) => [pipeline])
      return shown.map(present)
    },
  )
  const path = `${base}/pipelines/:id/window`
  app.get(
    path,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The pipeline’s window',
        tags: ['windows'],
        params: IdParams,
        response: { 200: WindowShape },
      },
    },
    ({ params: { id } }) => readWindow(api, id),
  )
  for (const [method, url, type, summary] of [
    ['POST', `${path}/flush`, 'WindowFlushed', 'Run what waits now'],
    ['DELETE', path, 'WindowCancelled', 'Forget what waits'],
  ] as const)
    app.route({
      method,
      url,
      config: { role: 'operator' },
      schema: {
        summary,
        tags: ['windows'],
        params: IdParams,
        body: ReasonBody,
        response: { 202: AcceptedShape },
      },
      handler: async (request, reply) => {
        const { id: pipeline } = request.params
        await requireOpen(api, pipeline)
        const { seq } = await append(
          api,
          { kind: 'pipeline', name: pipeline },
          `${type}-${pipeline}-${keyOf(request) ?? request.id}`,
          {
            type,
            v: 1,
            at: timeOf(api.clock.now()),
            pipeline,
            actor: actorOf(request, request.body),
          },
        )
        return reply.code(202).send({ seq, status: 'accepted' })
      },
    })
}
