/**
 * Answers to what runs ask. An answer names its question by id, by the asker's own correlation id within
 * a pipeline, or by a resume token. It is judged twice: here before it is recorded, so that whoever
 * answers hears what is wrong, and by the log's own order, which decides between two who answer at once.
 *
 * An answer to a question that is not asked yet is held for it. The same answer again changes nothing.
 */
import { Type, type Static } from 'typebox'
import type { FastifyRequest } from 'fastify'
import { problemOf, type OpenQuestion } from '@headway/schemas/answer.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { toTimestamp, ulidPattern } from '@headway/schemas/ids.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { isSame } from '../canonical.ts'
import { requirePipeline } from '../finding.ts'
import { Problem, unknown } from '../problem.ts'
import { verifyToken, type ResumeClaim } from '../resume-token.ts'
import { Nullable } from '../shapes.ts'
import { actorOf, wish } from '../write.ts'
import { findInteraction } from './interactions.ts'

const projectedMs = 3_000

const Body = Type.Object(
  {
    interactionId: Type.Optional(Type.String({ pattern: ulidPattern })),
    correlationId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    pipelineId: Type.Optional(Type.String({ maxLength: 64 })),
    resumeToken: Type.Optional(Type.String({ maxLength: 4_000 })),
    response: Type.Unknown({ description: 'must fit the question’s JSON Schema' }),
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  { additionalProperties: false },
)
type Body = Static<typeof Body>
const Answered = Type.Object({
  status: Type.Enum(['completed', 'held', 'accepted']),
  duplicate: Type.Boolean({ description: 'the same answer was there before' }),
  interactionId: Nullable(Type.String()),
  pipelineId: Type.String(),
  run: Nullable(Type.String()),
  seq: Type.Integer(),
})
type Answered = Static<typeof Answered>
type Question = Row<'interactions'>
type AnswerRow = Row<'answers'>

/** What is answered, as far as it is known. */
type Target = {
  readonly pipeline: string
  readonly question: Question | null
  readonly claim: ResumeClaim | null
}

const tokenRefused = (why: string): Problem =>
  new Problem(
    403,
    why === 'expired' ? 'resume_token_expired' : 'resume_token_invalid',
    {
      expired: 'the resume token has expired',
      malformed: 'this is no resume token of ours',
      unknown_key: 'the key that signed the resume token is not known here any more',
      bad_signature: 'the resume token was changed or signed by somebody else',
      other: 'the resume token is for another question',
    }[why]!,
  )

const claimOf = (
  api: Api,
  { resumeToken, interactionId, pipelineId }: Body,
): ResumeClaim | null => {
  if (resumeToken === undefined) return null
  const { claim, problem } = verifyToken(api.resumeKeys, resumeToken, api.clock.now()) as {
    claim?: ResumeClaim
    problem?: string
  }
  if (!claim) throw tokenRefused(problem!)
  const isOther =
    claim.tenant !== api.tenant ||
    (interactionId !== undefined && interactionId !== claim.interaction) ||
    (pipelineId !== undefined && pipelineId !== claim.pipeline)
  if (isOther) throw tokenRefused('other')
  return claim
}

/** Of the questions under one name the one that an answer is tried on first, else the newest. */
const byCorrelation = async ({ db, tenant }: Api, pipeline: string, correlation: string) => {
  const rows = await db
    .selectFrom('interactions')
    .innerJoin('runs', (join) =>
      join
        .onRef('runs.tenant', '=', 'interactions.tenant')
        .onRef('runs.run', '=', 'interactions.run'),
    )
    .selectAll('interactions')
    .select('runs.seq as run_seq')
    .where('interactions.tenant', '=', tenant)
    .where('interactions.pipeline', '=', pipeline)
    .where('correlation', '=', correlation)
    .execute()
  const waiting = rows
    .filter(({ status }) => status === 'waiting')
    .toSorted((a, b) => a.run_seq - b.run_seq || (a.run < b.run ? -1 : 1))
  return waiting[0] ?? rows.toSorted((a, b) => b.seq - a.seq)[0] ?? null
}

const targetOf = async (api: Api, body: Body): Promise<Target> => {
  const claim = claimOf(api, body)
  const id = body.interactionId ?? claim?.interaction
  const { correlationId, pipelineId } = body
  if (id !== undefined) {
    const question = (await findInteraction(api, id)) ?? null
    const pipeline = question?.pipeline ?? pipelineId ?? claim?.pipeline
    if (pipeline === undefined) throw unknown('interaction', id, 'interactions?status=waiting')
    if (pipelineId !== undefined && pipelineId !== pipeline)
      throw new Problem(409, 'other_pipeline', `interaction ${id} belongs to ${pipeline}`)
    if (correlationId !== undefined && question && question.correlation !== correlationId)
      throw new Problem(409, 'other_correlation', `interaction ${id} has another correlation id`)
    return { pipeline, question, claim }
  }
  if (correlationId === undefined)
    throw new Problem(
      400,
      'bad_body',
      'name what is answered: interactionId, correlationId with pipelineId, or resumeToken',
    )
  if (pipelineId === undefined)
    throw new Problem(
      400,
      'bad_body',
      'a correlationId is a name within a pipeline: give pipelineId',
    )
  await requirePipeline(api, pipelineId)
  const question = await byCorrelation(api, pipelineId, correlationId)
  return { pipeline: pipelineId, question, claim }
}

const openOf = (row: Question): OpenQuestion => ({
  interaction: row.interaction,
  step: row.step,
  timeoutMs: 0,
  deadlineAt: row.deadline_at,
  request: row.request,
  response: row.response_schema as OpenQuestion['response'],
  token: row.token,
})

const problems = {
  too_late: ({ deadline_at: at }: Question) =>
    new Problem(409, 'interaction_expired', `the deadline was ${at}`),
  token_missing: ({ interaction }: Question) =>
    new Problem(
      403,
      'resume_token_required',
      `an answer needs a resume token: POST ${base}/interactions/${interaction}/token gives one`,
    ),
  misfit: (_: Question, detail: string) =>
    new Problem(422, 'response_misfit', `the response does not fit what is asked: ${detail}`, {
      errors: [{ pointer: '#/response', detail }],
    }),
}

/** The answer that a question has already, or the reason why it takes none. */
const closed = (question: Question, response: unknown): Answered => {
  const { interaction, pipeline, run, status } = question
  if (status === 'completed' && isSame(question.response, response))
    return completedBy(question, question.answer_seq ?? question.last_seq, true)
  const detail =
    status === 'completed'
      ? 'it is answered otherwise already'
      : status === 'expired'
        ? `the deadline was ${question.deadline_at}`
        : `run ${run} of ${pipeline} ended before it was answered`
  throw new Problem(409, `interaction_${status}`, detail, { interaction, status })
}

const completedBy = (question: Question, seq: number, duplicate: boolean): Answered => ({
  status: 'completed',
  duplicate,
  interactionId: question.interaction,
  pipelineId: question.pipeline,
  run: question.run,
  seq,
})

const held = (pipelineId: string, seq: number, duplicate: boolean): Answered => ({
  status: 'held',
  duplicate,
  interactionId: null,
  pipelineId,
  run: null,
  seq,
})

/** The same answer, held already. */
const heldBefore = async ({ db, tenant }: Api, event: EventOf<'InteractionCompleted'>) => {
  const { pipeline, interaction, correlation, response } = event
  const name = interaction === undefined ? 'named_correlation' : 'named_interaction'
  const rows = await db
    .selectFrom('answers')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('pipeline', '=', pipeline)
    .where('status', '=', 'held')
    .where(name, '=', interaction ?? correlation ?? '')
    .execute()
  return rows.find((row) => isSame(row.response, response) && row.token === event.token)
}

/** What became of an answer that was recorded: the log's order decides, not ours. */
const outcomeOf = async (api: Api, seq: number, event: EventOf<'InteractionCompleted'>) => {
  const { db, tenant } = api
  const { pipeline } = event
  const accepted: Answered = { ...held(pipeline, seq, false), status: 'accepted' }
  if ((await api.position.reached(seq, projectedMs, api.signal)) < seq) return accepted
  const row: AnswerRow | undefined = await db
    .selectFrom('answers')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('seq', '=', seq)
    .executeTakeFirst()
  if (!row) return accepted
  if (row.status === 'held') return held(pipeline, seq, false)
  const about = row.interaction ?? event.interaction
  const question = about === undefined ? undefined : await findInteraction(api, about)
  if (!question) throw new Problem(409, 'not_waiting', 'nothing is asked under this name any more')
  if (row.status === 'counted') return completedBy(question, seq, false)
  if (row.code === 'too_late') throw problems.too_late(question)
  if (row.code === 'token_missing') throw problems.token_missing(question)
  if (row.code === 'misfit') throw problems.misfit(question, row.detail ?? '')
  return closed(question, event.response)
}

const answer = async (api: Api, request: FastifyRequest, body: Body): Promise<Answered> => {
  const { pipeline, question, claim } = await targetOf(api, body)
  const { response = null, correlationId } = body
  const interaction = question?.interaction ?? body.interactionId ?? claim?.interaction
  const event: EventOf<'InteractionCompleted'> = {
    type: 'InteractionCompleted',
    v: 1,
    at: toTimestamp(api.clock.now()),
    pipeline,
    ...(interaction === undefined ? { correlation: correlationId! } : { interaction }),
    response,
    actor: actorOf(request, body),
    token: claim !== null && claim.interaction === interaction,
  }
  if (question) {
    if (question.token && !event.token) throw problems.token_missing(question)
    if (claim && !event.token) throw tokenRefused('other')
    if (question.status !== 'waiting') return closed(question, response)
    const problem = problemOf(openOf(question), { event, at: api.clock.now() })
    if (problem) throw problems[problem.code](question, 'detail' in problem ? problem.detail : '')
  } else {
    await requirePipeline(api, pipeline)
    const before = await heldBefore(api, event)
    if (before) return held(pipeline, before.seq, true)
  }
  const topic = { kind: 'interaction' as const, name: pipeline }
  const { seq } = await wish(api, request, topic, event)
  return outcomeOf(api, seq, event)
}

export const answersRoutes: Routes = (app, api) => {
  app.post(
    `${base}/interactions/complete`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Answer a question of a run, by id, correlation id or resume token',
        tags: ['interactions'],
        body: Body,
        response: { 200: Answered, 202: Answered },
      },
    },
    async (request, reply) => {
      const answered = await answer(api, request, request.body)
      return reply.code(answered.status === 'completed' ? 200 : 202).send(answered)
    },
  )
}
