/**
 * What people want of runs that they chose by hand: that they are done again, or that they end. A dry run
 * tells what would become of each; the real one records a wish for those it can be done to, and leaves
 * the rest as it is.
 */
import { Type, type Static } from 'typebox'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { isEnded, isRedrivable } from '@headway/schemas/run.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { actorOf, append, keyOf, newId } from '../write.ts'

const runsMax = 500

const fields = {
  runs: Type.Array(Type.String({ maxLength: 26 }), { minItems: 1, maxItems: runsMax }),
  dryRun: Type.Optional(Type.Boolean({ description: 'only tell' })),
  reason: Type.Optional(Type.String({ maxLength: 1_000 })),
}
const CancelBody = Type.Object(fields, { additionalProperties: false })
const RedriveBody = Type.Object(
  {
    ...fields,
    startOver: Type.Optional(
      Type.Boolean({ description: 'from the first step, whatever was recorded' }),
    ),
  },
  { additionalProperties: false },
)
const Verdict = Type.Object({
  id: Type.String(),
  pipelineId: Type.String(),
  status: Type.String({ description: 'as it is now' }),
  does: Type.Boolean({ description: 'it is among those that it is done to' }),
  why: Type.String({ description: 'why not; empty when it is' }),
})
const Plan = Type.Object({
  dryRun: Type.Boolean(),
  count: Type.Integer({ description: 'runs that it is done to' }),
  unknown: Type.Array(Type.String({ description: 'ids that no run has' })),
  runs: Type.Array(Verdict),
  seq: Type.Optional(Type.Integer({ description: 'of the last wish that was recorded' })),
})
type Plan = Static<typeof Plan>
type Run = Row<'runs'> & { readonly usable: boolean }

const find = async ({ db, tenant }: Api, ids: readonly string[]): Promise<readonly Run[]> => {
  const rows = await db
    .selectFrom('runs')
    .leftJoin('releases', (join) =>
      join
        .onRef('releases.tenant', '=', 'runs.tenant')
        .onRef('releases.pipeline', '=', 'runs.pipeline')
        .onRef('releases.pipeline_version', '=', 'runs.pipeline_version')
        .on('releases.retired_at', 'is', null),
    )
    .selectAll('runs')
    .select('releases.registered_at as usable_since')
    .where('runs.tenant', '=', tenant)
    .where('runs.run', 'in', [...ids])
    .orderBy('runs.seq')
    .orderBy('runs.run')
    .execute()
  return rows.map(({ usable_since: since, ...row }) => ({ ...row, usable: since !== null }))
}

/** Why it cannot be done to a run; empty when it can. */
type Judge = (run: Run) => string
const cannotCancel: Judge = ({ status, cancel_requested_by: by }) =>
  isEnded(status) ? 'it has ended' : by ? 'somebody wants it to end already' : ''
const cannotRedrive: Judge = ({ status, usable }) => {
  if (status === 'superseded') return 'a newer run took its triggers over'
  if (status === 'completed') return 'it completed'
  if (!isRedrivable(status)) return 'it has not ended'
  return usable ? '' : 'its version is retired: redrive it by itself on another one'
}

const planOf = (
  asked: { readonly runs: readonly string[]; readonly dryRun?: boolean },
  rows: readonly Run[],
  judge: Judge,
): Plan => {
  const found = new Set(rows.map(({ run }) => run))
  const runs = rows.map((row) => {
    const why = judge(row)
    return { id: row.run, pipelineId: row.pipeline, status: row.status, does: why === '', why }
  })
  return {
    dryRun: asked.dryRun ?? false,
    count: runs.filter(({ does }) => does).length,
    unknown: asked.runs.filter((id) => !found.has(id)),
    runs,
  }
}

export const chosenRunsRoutes: Routes = (app, api) => {
  const response = { 200: Plan, 202: Plan }
  const config = { role: 'operator' as const }
  const at = () => toTimestamp(api.clock.now())
  app.post(
    `${base}/runs/cancel`,
    {
      config,
      schema: {
        summary: 'End the runs that are named',
        tags: ['runs'],
        body: CancelBody,
        response,
      },
    },
    async (request, reply) => {
      const { body } = request
      const plan = planOf(body, await find(api, body.runs), cannotCancel)
      if (plan.dryRun) return plan
      const actor = actorOf(request, body)
      const wishes = plan.runs.filter(({ does }) => does)
      const appended = await Promise.all(
        wishes.map(({ id: run, pipelineId: pipeline }) =>
          append(
            api,
            { kind: 'pipeline', name: pipeline },
            `cancel-${run}-${keyOf(request) ?? request.id}`,
            { type: 'CancelRequested', v: 1, at: at(), pipeline, run, actor },
          ),
        ),
      )
      const seq = Math.max(0, ...appended.map((one) => one.seq))
      return reply.code(202).send({ ...plan, seq })
    },
  )
  app.post(
    `${base}/runs/redrive`,
    {
      config,
      schema: {
        summary: 'Do the runs that are named again, with fresh attempts',
        tags: ['runs', 'dead letters'],
        body: RedriveBody,
        response,
      },
    },
    async (request, reply) => {
      const { body } = request
      const plan = planOf(body, await find(api, body.runs), cannotRedrive)
      if (plan.dryRun) return plan
      const actor = actorOf(request, body)
      const chosen = plan.runs.filter(({ does }) => does)
      let seq = 0
      for (const pipeline of new Set(chosen.map(({ pipelineId }) => pipelineId))) {
        const redrive = newId(api, request, 'chosen', pipeline)
        const appended = await append(
          api,
          { kind: 'pipeline', name: pipeline },
          `chosen-${pipeline}-${redrive}`,
          {
            type: 'RedriveRequested',
            v: 1,
            at: at(),
            pipeline,
            redrive,
            runs: chosen.filter(({ pipelineId }) => pipelineId === pipeline).map(({ id }) => id),
            startOver: body.startOver ?? false,
            actor,
          },
        )
        seq = Math.max(seq, appended.seq)
      }
      return reply.code(202).send({ ...plan, seq })
    },
  )
}
