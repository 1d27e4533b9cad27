/** What people want of a run that is there: that it ends, or that it is done again. */
import { Type } from 'typebox'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { isEnded, isRedrivable } from '@headway/schemas/run.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { requireRun, requireUsable } from '../finding.ts'
import { Problem } from '../problem.ts'
import { AcceptedShape, IdParams } from '../shapes.ts'
import { actorOf, currentRow, keyOf, newId, ReasonBody, wish } from '../write.ts'
import { findRedrive, refuseOther, VersionText } from './redrives.ts'

const RedriveBody = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
    version: Type.Optional(VersionText),
    startOver: Type.Optional(
      Type.Boolean({ description: 'from the first step, whatever was recorded' }),
    ),
  },
  { additionalProperties: false },
)
const Redriven = Type.Object({
  id: Type.String({ description: 'the run' }),
  redrive: Type.String(),
  status: Type.String(),
  seq: Type.Integer(),
})

const requireRedrivable = ({ run, status, superseded_by: by }: Row<'runs'>): void => {
  if (isRedrivable(status)) return
  const why =
    status === 'superseded'
      ? `run ${by} took its triggers over`
      : status === 'completed'
        ? 'it completed; POST to the pipeline’s /runs with its inputs runs it again'
        : `it is ${status}: it has not ended`
  throw new Problem(409, 'not_redrivable', `run ${run} cannot be redriven: ${why}`, { status })
}

/** When it was asked for with this key before. */
const earlier = async (api: Api, run: string, redrive: string, options: Options) => {
  const row = await findRedrive(api, redrive)
  if (!row) return null
  refuseOther(row, { ...options, startOver: options.startOver ?? false })
  return { id: run, redrive, status: 'accepted', seq: row.seq }
}
type Options = { version?: string; startOver?: boolean; reason?: string }

const topicOf = ({ pipeline }: Row<'runs'>) => ({ kind: 'pipeline' as const, name: pipeline })

export const runWishesRoutes: Routes = (app, api) => {
  app.post(
    `${base}/runs/:id/cancel`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'End a run: at once when nobody executes it, else as soon as its worker obeys',
        tags: ['runs'],
        params: IdParams,
        body: ReasonBody,
        response: { 200: AcceptedShape, 202: AcceptedShape },
      },
    },
    async (request, reply) => {
      const { row, isCurrent } = await currentRow(
        api,
        () => requireRun(api, request.params.id),
        topicOf,
      )
      const { run, pipeline, status, last_seq: seq } = row
      if (isCurrent && status === 'cancelled') return { id: run, seq, status: 'unchanged' }
      if (isEnded(status))
        throw new Problem(409, 'run_ended', `run ${run} is ${status}: nothing is left to cancel`)
      if (isCurrent && row.cancel_requested_by) return { id: run, seq, status: 'unchanged' }
      const actor = actorOf(request, request.body)
      const at = toTimestamp(api.clock.now())
      const event = { type: 'CancelRequested' as const, v: 1 as const, at, pipeline, run, actor }
      const { seq: asked } = await wish(api, request, topicOf(row), event)
      return reply.code(202).send({ id: run, seq: asked, status: 'accepted' })
    },
  )
  app.post(
    `${base}/runs/:id/redrive`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Do a run again that ended badly, with fresh attempts',
        tags: ['runs', 'dead letters'],
        params: IdParams,
        body: RedriveBody,
        response: { 202: Redriven },
      },
    },
    async (request, reply) => {
      const row = await requireRun(api, request.params.id)
      const { run, pipeline } = row
      const { version, startOver = false } = request.body
      const redrive = newId(api, request, 'redrive', pipeline, run)
      void reply.code(202).header('location', `${base}/redrives/${redrive}`)
      const before = keyOf(request) && (await earlier(api, run, redrive, request.body))
      if (before) return before
      requireRedrivable(row)
      const advice = 'name another one, {"version": "…"}'
      await requireUsable(api, pipeline, version ?? row.pipeline_version, advice)
      const { seq } = await wish(
        api,
        request,
        { kind: 'pipeline', name: pipeline },
        {
          type: 'RedriveRequested',
          v: 1,
          at: toTimestamp(api.clock.now()),
          pipeline,
          redrive,
          runs: [run],
          ...(version === undefined ? {} : { pipelineVersion: version }),
          startOver,
          actor: actorOf(request, request.body),
        },
      )
      return { id: run, redrive, status: 'accepted', seq }
    },
  )
}
