/**
 * Asking for a run. The request's id is the run's id, so the answer can name the run before anybody has
 * decided it; with `?wait=` the answer is the finished run. With an `Idempotency-Key` it is the same run
 * for ever, whichever version is active when it is asked for again.
 *
 * `inputs` names older versions to run on. Such a run leaves the window alone.
 */
import { Type, type Static } from 'typebox'
import type { RenditionRef, VersionRef } from '@headway/schemas/definitions.ts'
import { isEnded } from '@headway/schemas/run.ts'
import { base, type Api, type Routes } from '../api.ts'
import { askForRun } from '../asking.ts'
import { requirePipeline, type DefinedPipeline } from '../finding.ts'
import { Problem } from '../problem.ts'
import { IdParams } from '../shapes.ts'
import { patience } from '../write.ts'
import { RunShape, type Run } from './run-detail.ts'
import { readRun } from './run.ts'

const pollMs = 25
const pollMsMax = 250
const slotsMax = 100

const Query = Type.Object({
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 120, description: 'seconds to wait for its end' }),
  ),
})
const Body = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
    inputs: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 26 }), {
        maxProperties: slotsMax,
        description: 'slot → version id to run on instead of the newest',
      }),
    ),
  },
  { additionalProperties: false },
)
const Asked = Type.Object({
  id: Type.String({ description: 'the run' }),
  pipelineId: Type.String(),
  status: Type.String(),
  duplicate: Type.Boolean({ description: 'it was asked for before, with the same key' }),
  seq: Type.Integer(),
})

const badInput = (slot: string, code: string, detail: string): Problem =>
  new Problem(422, code, `inputs.${slot}: ${detail}`, {
    errors: [{ pointer: `#/inputs/${slot}`, detail }],
  })

/** The versions that were named, each of its slot's asset. */
const pinnedInputs = async (
  { db, tenant }: Api,
  { pipeline, definition }: DefinedPipeline,
  inputs: NonNullable<Static<typeof Body>['inputs']>,
): Promise<Record<string, VersionRef>> => {
  const rows = await db
    .selectFrom('asset_versions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('version', 'in', ['', ...Object.values(inputs)])
    .execute()
  const pinned = Object.entries(inputs).map(([slot, version]): [string, VersionRef] => {
    const asset = Object.hasOwn(definition.slots, slot) ? definition.slots[slot] : undefined
    if (asset === undefined) {
      const slots = Object.keys(definition.slots).join(', ') || 'none'
      throw badInput(slot, 'unknown_slot', `${pipeline} has no such slot; it has ${slots}`)
    }
    if (asset.startsWith(`output/${pipeline}/`))
      throw badInput(slot, 'own_output', 'it reads an output of the pipeline itself when it starts')
    const row = rows.find((one) => one.version === version && one.asset === asset)
    if (!row)
      throw badInput(slot, 'unknown_version', `${asset} has no version ${JSON.stringify(version)}`)
    const { ordinal, kind, size_bytes: sizeBytes, renditions } = row
    const { digest } = (renditions as RenditionRef[])[0]!
    return [slot, { asset, version, ordinal, digest, sizeBytes, kind: kind as VersionRef['kind'] }]
  })
  return Object.fromEntries(pinned)
}

/** The run when it has ended, or as it is when patience ends. */
const untilEnded = async (api: Api, id: string, signal: AbortSignal): Promise<Run | null> => {
  for (let waitMs = pollMs; ; waitMs = Math.min(waitMs * 1.5, pollMsMax)) {
    const run = await readRun(api, id)
    if (signal.aborted || (run && isEnded(run.status))) return run
    await api.clock.sleep(waitMs, signal)
  }
}

export const triggerRoutes: Routes = (app, api) => {
  app.post(
    `${base}/pipelines/:id/runs`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Ask for a run; with ?wait= the answer is the finished run',
        tags: ['pipelines', 'runs'],
        params: IdParams,
        querystring: Query,
        body: Body,
        response: { 200: RunShape, 202: Type.Union([Asked, RunShape]) },
      },
    },
    async (request, reply) => {
      const { id: pipeline } = request.params
      const { reason, inputs } = request.body
      const row = await requirePipeline(api, pipeline)
      const asked = await askForRun(api, request, pipeline, { reason, inputs }, async () =>
        inputs ? { inputs: await pinnedInputs(api, row, inputs) } : {},
      )
      const { id } = asked
      void reply.header('location', `${base}/runs/${id}`)
      const { wait = 0 } = request.query
      if (wait > 0) {
        const run = await untilEnded(api, id, patience(api, reply, wait * 1_000))
        if (run) return reply.code(isEnded(run.status) ? 200 : 202).send(run)
      }
      return reply.code(202).send({ ...asked, pipelineId: pipeline, status: 'accepted' })
    },
  )
}
