/** Dead letters: the list, and each with everything that is known about how it came to that. */
import { Type, type Static } from 'typebox'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging } from '../list.ts'
import { unknown } from '../problem.ts'
import { IdParams, Nullable, Seq, Time } from '../shapes.ts'
import { filterFields, kinds, listDead, type DeadRow } from './dead-letter-rows.ts'
import { ErrorEntry, presentError } from './run-detail.ts'
import { presentSummary, RunSummary, selectRuns } from './run-summary.ts'

const fields = {
  id: Type.String({ description: 'of runs, the run' }),
  kind: Type.Enum([...kinds]),
  pipelineId: Nullable(Type.String()),
  version: Nullable(Type.String()),
  status: Nullable(Type.String({ description: 'of runs, how it ended' })),
  epoch: Nullable(Type.Integer()),
  attempt: Nullable(Type.Integer()),
  type: Type.String({ description: 'of the error' }),
  message: Type.String(),
  fingerprint: Nullable(Type.String()),
  at: Time,
  href: Type.String(),
  seq: Seq,
}
const DeadLetter = Type.Object(fields)
const DeadLetterDetail = Type.Object({
  kind: Type.Enum([...kinds]),
  id: Type.String(),
  run: Type.Optional(RunSummary),
  errors: Type.Optional(Type.Array(ErrorEntry, { description: 'all there ever were' })),
  queue: Type.Optional(Type.String({ description: 'of commands: run, due or fetch' })),
  about: Type.Optional(Type.String({ description: 'of commands: the pipeline or the asset' })),
  subject: Type.Optional(Type.String({ description: 'of messages' })),
  problem: Type.Optional(Type.String()),
  deliveries: Type.Optional(Type.Integer()),
  sample: Type.Optional(Type.String({ description: 'how the command begins, base64' })),
  at: Time,
  seq: Seq,
})
type Detail = Static<typeof DeadLetterDetail>

const Query = Type.Object({
  kind: Type.Optional(Type.Array(Type.Enum([...kinds]))),
  ...filterFields,
  ...paging(50),
})

export const presentDead = (row: DeadRow): Static<typeof DeadLetter> => ({
  id: row.id,
  kind: row.kind,
  pipelineId: row.pipeline,
  version: row.version,
  status: row.status,
  epoch: row.epoch,
  attempt: row.attempt,
  type: row.type,
  message: row.message,
  fingerprint: row.fingerprint,
  at: row.at,
  href: `${base}/dead-letters/${row.id}`,
  seq: row.seq,
})

const ofRun = async (api: Api, id: string): Promise<Detail | null> => {
  const run = await selectRuns(api).where('runs.run', '=', id).executeTakeFirst()
  const isDead = run && ['dead_lettered', 'failed', 'cancelled'].includes(run.status)
  if (!isDead) return null
  const errors = await api.db
    .selectFrom('run_errors')
    .selectAll()
    .where('tenant', '=', api.tenant)
    .where('run', '=', id)
    .orderBy('seq')
    .orderBy('index')
    .execute()
  const { since: at, seq } = run
  return { kind: 'run', id, run: presentSummary(run), errors: errors.map(presentError), at, seq }
}

const ofCommand = async ({ db, tenant }: Api, id: string): Promise<Detail | null> => {
  const [, seq, index] = /^command-(\d{1,15})-(\d{1,9})$/.exec(id) ?? []
  if (seq === undefined) return null
  const row = await db
    .selectFrom('refused_commands')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('seq', '=', Number(seq))
    .where('index', '=', Number(index))
    .executeTakeFirst()
  if (!row) return null
  const { queue, about, problem, deliveries, sample, recorded_at: at } = row
  return { kind: 'command', id, queue, about, problem, deliveries, sample, at, seq: row.seq }
}

const ofMessage = async ({ db, tenant }: Api, id: string): Promise<Detail | null> => {
  const [, seq] = /^message-(\d{1,15})$/.exec(id) ?? []
  if (seq === undefined) return null
  const row = await db
    .selectFrom('unreadable')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('seq', '=', Number(seq))
    .executeTakeFirst()
  if (!row) return null
  const { subject, problem, recorded_at: at } = row
  return { kind: 'message', id, subject, problem, at, seq: row.seq }
}

export const deadLettersRoutes: Routes = (app, api) => {
  app.get(
    `${base}/dead-letters`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Runs that ended badly, refused commands and unreadable messages, newest first',
        tags: ['dead letters'],
        querystring: Query,
        response: { 200: Type.Array(DeadLetter) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, 0])
      const { kind = [], limit: _, cursor: __, ...filter } = request.query
      const rows = await listDead(api, filter, kind, page.limit + 1, page.after)
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.index]).map(presentDead)
    },
  )
  app.get(
    `${base}/dead-letters/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One dead letter with its whole history of errors',
        tags: ['dead letters'],
        params: IdParams,
        response: { 200: DeadLetterDetail },
      },
    },
    async ({ params: { id } }) => {
      const found =
        (await ofCommand(api, id)) ?? (await ofMessage(api, id)) ?? (await ofRun(api, id))
      if (!found) throw unknown('dead letter', id, 'dead-letters')
      return found
    },
  )
}
