/** Redrives: runs that ended badly and that somebody wants done again, and how far that is. */
import { Type, type Static } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import { versionPattern } from '@headway/schemas/ids.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, olderThan, pageOf, paging } from '../list.ts'
import { unknown } from '../problem.ts'
import { ActorShape, IdParams, Nullable, Seq, Time } from '../shapes.ts'
import { keyReused } from '../write.ts'

/** Of its runs, so many are shown with it. */
const runsMax = 1_000

export const VersionText = Type.String({
  pattern: versionPattern,
  description: 'run them on this version of the code instead of their own',
})

const fields = {
  id: Type.String(),
  pipelineId: Type.String(),
  status: Type.Enum(['running', 'done', 'stopped']),
  version: Nullable(Type.String()),
  startOver: Type.Boolean(),
  perMinute: Nullable(Type.Integer()),
  failuresMax: Nullable(Type.Integer()),
  actor: ActorShape,
  requested: Type.Integer({ description: 'how many runs it is about' }),
  redriven: Type.Integer(),
  passedOver: Type.Integer({ description: 'could not be redriven when their turn came' }),
  failed: Type.Integer({ description: 'ended badly again' }),
  requestedAt: Time,
  endedAt: Nullable(Time),
  seq: Seq,
}
const Redrive = Type.Object(fields)
const RedriveWithRuns = Type.Object({
  ...fields,
  runs: Type.Array(
    Type.Object({
      id: Type.String(),
      status: Type.String({ description: 'of the run now' }),
      epoch: Nullable(Type.Integer({ description: 'null while it waits, or was passed over' })),
      redrivenAt: Nullable(Time),
    }),
    { description: `in their order, at most ${runsMax}` },
  ),
})
const Query = Type.Object({
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  ...paging(50),
})

const present = (row: Row<'redrives'>): Static<typeof Redrive> => ({
  id: row.redrive,
  pipelineId: row.pipeline,
  status: row.status as 'running',
  version: row.pipeline_version,
  startOver: row.start_over,
  perMinute: row.per_minute,
  failuresMax: row.failures_max,
  actor: row.actor as Actor,
  requested: row.requested,
  redriven: row.redriven,
  passedOver: row.passed_over,
  failed: row.failed,
  requestedAt: row.requested_at,
  endedAt: row.ended_at,
  seq: row.seq,
})

export const findRedrive = ({ db, tenant }: Api, redrive: string) =>
  db
    .selectFrom('redrives')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('redrive', '=', redrive)
    .executeTakeFirst()

type Asked = {
  readonly version?: string
  readonly startOver?: boolean
  readonly perMinute?: number
  readonly failuresMax?: number
  readonly reason?: string
}

/** The same key is for the same redrive. */
export const refuseOther = (row: Row<'redrives'>, asked: Asked): void => {
  const isSame =
    row.pipeline_version === (asked.version ?? null) &&
    row.start_over === (asked.startOver ?? false) &&
    row.per_minute === (asked.perMinute ?? null) &&
    row.failures_max === (asked.failuresMax ?? null) &&
    (row.actor as Actor).reason === asked.reason
  if (!isSame) throw keyReused()
}

const runsOf = ({ db, tenant }: Api, redrive: string) =>
  db
    .selectFrom('redrive_runs')
    .innerJoin('runs', (join) =>
      join
        .onRef('runs.tenant', '=', 'redrive_runs.tenant')
        .onRef('runs.run', '=', 'redrive_runs.run'),
    )
    .select(['redrive_runs.run', 'runs.status', 'redrive_runs.epoch', 'redriven_at'])
    .where('redrive_runs.tenant', '=', tenant)
    .where('redrive_runs.redrive', '=', redrive)
    .orderBy('place')
    .limit(runsMax)
    .execute()

export const redrivesRoutes: Routes = (app, api) => {
  app.get(
    `${base}/redrives`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Redrives, newest first',
        tags: ['dead letters'],
        querystring: Query,
        response: { 200: Type.Array(Redrive) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, ''])
      const { pipeline } = request.query
      let query = api.db
        .selectFrom('redrives')
        .selectAll()
        .where('tenant', '=', api.tenant)
        .orderBy('seq', 'desc')
        .orderBy('redrive', 'desc')
        .limit(page.limit + 1)
      if (pipeline !== undefined) query = query.where('pipeline', '=', pipeline)
      if (page.after) query = query.where(olderThan(['seq', 'redrive'], page.after))
      const rows = await query.execute()
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.redrive]).map(present)
    },
  )
  app.get(
    `${base}/redrives/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One redrive: how far it is, run by run',
        tags: ['dead letters'],
        params: IdParams,
        response: { 200: RedriveWithRuns },
      },
    },
    async ({ params: { id } }) => {
      const row = await findRedrive(api, id)
      if (!row) throw unknown('redrive', id, 'redrives')
      const runs = await runsOf(api, id)
      return {
        ...present(row),
        runs: runs.map(({ run, status, epoch, redriven_at: redrivenAt }) => ({
          id: run,
          status,
          epoch,
          redrivenAt,
        })),
      }
    },
  )
}
