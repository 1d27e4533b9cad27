/** What people hold back: a whole pipeline, or single steps of it. */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { base, type Api, type Routes } from '../api.ts'
import { requirePipeline, type DefinedPipeline } from '../finding.ts'
import { Problem } from '../problem.ts'
import { AcceptedShape, IdParams } from '../shapes.ts'
import { actorOf, currentRow, ReasonBody, wish } from '../write.ts'

const StepParams = Type.Object({ id: Type.String(), step: Type.String() })
const response = { 200: AcceptedShape, 202: AcceptedShape }

/** Steps of the active code, or of the newest when none is active; those that are left out as well. */
const requireStep = async ({ db, tenant }: Api, row: DefinedPipeline, step: string) => {
  const { pipeline, active_version: active } = row
  const releases = db
    .selectFrom('releases')
    .select('steps')
    .where('tenant', '=', tenant)
    .where('pipeline', '=', pipeline)
  const release = await (
    active === null
      ? releases.orderBy('registered_at', 'desc')
      : releases.where('pipeline_version', '=', active)
  ).executeTakeFirst()
  const steps = ((release?.steps ?? []) as { id: string }[]).map(({ id }) => id)
  if (steps.includes(step) || (row.disabled_steps as string[]).includes(step)) return
  throw new Problem(
    404,
    'unknown_step',
    `${pipeline} has no step ${JSON.stringify(step.slice(0, 200))}; it has ${steps.join(', ') || 'none yet'}`,
  )
}

const topicOf = ({ pipeline }: DefinedPipeline) => ({ kind: 'pipeline' as const, name: pipeline })

export const pipelineWishesRoutes: Routes = (app, api) => {
  const currentPipeline = (id: string) => currentRow(api, () => requirePipeline(api, id), topicOf)
  const head = (request: FastifyRequest, pipeline: string) => ({
    v: 1 as const,
    at: toTimestamp(api.clock.now()),
    pipeline,
    actor: actorOf(request, request.body),
  })
  for (const [verb, type, summary] of [
    ['pause', 'PipelinePaused', 'Start no runs until it is resumed; what runs goes on'],
    ['resume', 'PipelineResumed', 'Start runs again, those first that waited'],
  ] as const)
    app.post(
      `${base}/pipelines/:id/${verb}`,
      {
        config: { role: 'operator' },
        schema: { summary, tags: ['pipelines'], params: IdParams, body: ReasonBody, response },
      },
      async (request, reply) => {
        const { row, isCurrent } = await currentPipeline(request.params.id)
        const { pipeline, paused, seq: known } = row
        if (isCurrent && paused === (verb === 'pause')) return { seq: known, status: 'unchanged' }
        const { seq } = await wish(api, request, topicOf(row), { type, ...head(request, pipeline) })
        return reply.code(202).send({ seq, status: 'accepted' })
      },
    )
  for (const [verb, type, summary] of [
    ['disable', 'StepDisabled', 'Leave a step out of the runs that are asked for from now on'],
    ['enable', 'StepEnabled', 'Have a step done again, also one that the definition leaves out'],
  ] as const)
    app.post(
      `${base}/pipelines/:id/steps/:step/${verb}`,
      {
        config: { role: 'operator' },
        schema: { summary, tags: ['pipelines'], params: StepParams, body: ReasonBody, response },
      },
      async (request, reply) => {
        const { id, step } = request.params
        const { row, isCurrent } = await currentPipeline(id)
        await requireStep(api, row, step)
        const isDisabled = (row.disabled_steps as string[]).includes(step)
        if (isCurrent && isDisabled === (verb === 'disable'))
          return { seq: row.seq, status: 'unchanged' }
        const { seq } = await wish(api, request, topicOf(row), { type, ...head(request, id), step })
        return reply.code(202).send({ seq, status: 'accepted' })
      },
    )
}
