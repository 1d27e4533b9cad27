/**
 * What runs ask of people and other systems.
 *
 *   waiting     nobody has answered well so far
 *   completed   it is answered
 *   expired     nobody answered in time: its run is a dead letter
 *   cancelled   its run ended otherwise
 */
import { Type, type Static } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, olderThan, pageOf, paging } from '../list.ts'
import { momentAhead, timeOf } from '../moments.ts'
import { Problem, unknown } from '../problem.ts'
import { mintToken } from '../resume-token.ts'
import { ActorShape, IdParams, Nullable, Seq, Time } from '../shapes.ts'

const statuses = ['waiting', 'completed', 'expired', 'cancelled'] as const

export const Interaction = Type.Object({
  id: Type.String(),
  pipelineId: Type.String(),
  run: Type.String(),
  epoch: Type.Integer(),
  attempt: Type.Integer(),
  step: Type.String(),
  status: Type.Enum([...statuses]),
  correlationId: Nullable(Type.String()),
  assignee: Nullable(Type.String()),
  group: Nullable(Type.String()),
  askedAt: Time,
  deadlineAt: Time,
  since: Time,
  tokenRequired: Type.Boolean({ description: 'an answer must bring a resume token' }),
  request: Type.Unknown({ description: 'what it asks' }),
  responseSchema: Type.Unknown({ description: 'JSON Schema that an answer must fit' }),
  response: Type.Unknown({ description: 'the answer; null while there is none' }),
  answeredBy: Nullable(ActorShape),
  seq: Seq,
})
const Token = Type.Object({
  interactionId: Type.String(),
  resumeToken: Type.String(),
  expiresAt: Time,
})
const Query = Type.Object({
  status: Type.Optional(Type.Array(Type.Enum([...statuses]))),
  assignee: Type.Optional(Type.String({ maxLength: 200 })),
  group: Type.Optional(Type.String({ maxLength: 200 })),
  step: Type.Optional(Type.String({ maxLength: 200 })),
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  run: Type.Optional(Type.String({ maxLength: 26 })),
  correlationId: Type.Optional(Type.String({ maxLength: 200 })),
  dueBefore: Type.Optional(
    Type.String({ description: 'its deadline is before; RFC 3339, or 2h for in two hours' }),
  ),
  ...paging(50),
})

export const presentInteraction = (row: Row<'interactions'>): Static<typeof Interaction> => ({
  id: row.interaction,
  pipelineId: row.pipeline,
  run: row.run,
  epoch: row.epoch,
  attempt: row.attempt,
  step: row.step,
  status: row.status as 'waiting',
  correlationId: row.correlation,
  assignee: row.assignee,
  group: row.group,
  askedAt: row.asked_at,
  deadlineAt: row.deadline_at,
  since: row.since,
  tokenRequired: row.token,
  request: row.request,
  responseSchema: row.response_schema,
  response: row.response,
  answeredBy: row.actor as Actor | null,
  seq: row.seq,
})

export const findInteraction = ({ db, tenant }: Api, id: string) =>
  db
    .selectFrom('interactions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('interaction', '=', id)
    .executeTakeFirst()

const filtered = ({ db, tenant, clock }: Api, filter: Static<typeof Query>) => {
  let query = db.selectFrom('interactions').selectAll().where('tenant', '=', tenant)
  const { status, dueBefore, correlationId } = filter
  if (status !== undefined && status.length > 0) query = query.where('status', 'in', status)
  for (const column of ['assignee', 'group', 'step', 'pipeline', 'run'] as const) {
    const wanted = filter[column]
    if (wanted !== undefined) query = query.where(column, '=', wanted)
  }
  if (correlationId !== undefined) query = query.where('correlation', '=', correlationId)
  if (dueBefore !== undefined) {
    const at = timeOf(momentAhead('dueBefore', dueBefore, clock.now()))
    query = query.where('deadline_at', '<', at)
  }
  return query
}

export const interactionsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/interactions`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Questions of runs, newest first',
        tags: ['interactions'],
        querystring: Query,
        response: { 200: Type.Array(Interaction) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, ''])
      let query = filtered(api, request.query)
        .orderBy('seq', 'desc')
        .orderBy('interaction', 'desc')
        .limit(page.limit + 1)
      if (page.after) query = query.where(olderThan(['seq', 'interaction'], page.after))
      const rows = await query.execute()
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.interaction]).map(
        presentInteraction,
      )
    },
  )
  app.get(
    `${base}/interactions/:id`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One question, with its answer when there is one',
        tags: ['interactions'],
        params: IdParams,
        response: { 200: Interaction },
      },
    },
    async ({ params: { id } }) => {
      const row = await findInteraction(api, id)
      if (!row) throw unknown('interaction', id, 'interactions')
      return presentInteraction(row)
    },
  )
  app.post(
    `${base}/interactions/:id/token`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'A signed token that answers this question until its deadline',
        tags: ['interactions'],
        params: IdParams,
        response: { 200: Token },
      },
    },
    async ({ params: { id } }, reply) => {
      const [key] = api.resumeKeys
      if (!key)
        throw new Problem(
          409,
          'resume_keys_missing',
          'the API has no keys to sign with: start it with HEADWAY_RESUME_KEYS=name:secret, a ' +
            'secret of 16 characters or more; the first key signs, all of them verify',
        )
      const row = await findInteraction(api, id)
      if (!row) throw unknown('interaction', id, 'interactions')
      if (row.status !== 'waiting')
        throw new Problem(409, `interaction_${row.status}`, `it is ${row.status}: nothing is asked`)
      const { tenant } = api
      const { pipeline, run, interaction, deadline_at: deadline } = row
      if (api.clock.now() >= Date.parse(deadline))
        throw new Problem(409, 'interaction_expired', `its deadline was ${deadline}`)
      const resumeToken = mintToken(key, { tenant, pipeline, run, interaction, deadline })
      void reply.header('cache-control', 'no-store')
      return { interactionId: interaction, resumeToken, expiresAt: deadline }
    },
  )
}
