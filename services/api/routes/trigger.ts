/**
 * Asking for a run. The request's id is the run's id, so the answer can name the run before anybody has
 * decided it; with `?wait=` the answer is the finished run. With an `Idempotency-Key` it is the same run
 * for ever, whichever version is active when it is asked for again.
 *
 * `inputs` names older versions to run on. Such a run leaves the window alone.
 */
import { Type, type Static } from 'typebox'
import { toTimestamp, sha256 } from '@headway/schemas/ids.ts'
import type { RenditionRef, VersionRef } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { isEnded } from '@headway/schemas/run.ts'
import { base, type Api, type Routes } from '../api.ts'
import { canonical } from '../canonical.ts'
import { requirePipeline, type DefinedPipeline } from '../finding.ts'
import { Problem } from '../problem.ts'
import { IdParams } from '../shapes.ts'
import { actorOf, append, keyOf, keyReused, newId, patience, written } from '../write.ts'
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

type Asking = { readonly id: string; readonly seq: number; readonly duplicate: boolean }

/** What was asked for under this id before, however long ago. */
const findEarlier = async ({ db, tenant }: Api, id: string, payload: string) => {
  const row = await db
    .selectFrom('run_wishes')
    .select(['seq', 'payload'])
    .where('tenant', '=', tenant)
    .where('request', '=', id)
    .executeTakeFirst()
  if (row && row.payload !== payload) throw keyReused()
  return row ? { id, seq: row.seq, duplicate: true } : null
}

const ask = async (api: Api, key: string | null, event: Wanted): Promise<Asking> => {
  const { request: id, pipeline, actor, at, payload } = event
  const { seq, repeated } = await append(
    api,
    { kind: 'pipeline', name: pipeline },
    `run-${pipeline}-${key ?? id}`,
    event,
  )
  if (repeated) {
    const first = (await written(api, api.log.at(seq)))?.events[0]
    if (first?.type !== 'RunTriggered' || first.payload !== payload) throw keyReused()
  }
  api.accepted.add({ id, pipeline, actor, at, seq, pinned: event.inputs !== undefined })
  return { id, seq, duplicate: repeated }
}
type Wanted = EventOf<'RunTriggered'>

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
      const key = keyOf(request)
      const id = newId(api, request, pipeline)
      const payload = sha256(canonical({ reason, inputs }))
      let asked = key && (await findEarlier(api, id, payload))
      asked ||= await ask(api, key, {
        type: 'RunTriggered',
        v: 1,
        at: toTimestamp(api.clock.now()),
        pipeline,
        request: id,
        actor: actorOf(request, request.body),
        ...(key ? { key, payload } : {}),
        ...(inputs ? { inputs: await pinnedInputs(api, row, inputs) } : {}),
      })
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
