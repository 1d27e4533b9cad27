/**
 * Asking for a run. The request's id is the run's id, so the answer can name the run before anybody has
 * decided it; with `?wait=` the answer is the finished run.
 */
import { sql } from 'kysely'
import { Type } from 'typebox'
import { toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import type { Actor } from '@headway/schemas/definitions.ts'
import { base, type Api, type Routes } from '../api.ts'
import { unknown } from '../problem.ts'
import { IdParams } from '../shapes.ts'
import {
  actorOf,
  append,
  keyOf,
  keyRememberedMs,
  keyReused,
  patience,
  ReasonBody,
  written,
} from '../write.ts'
import { isEnded, readRun, RunShape, type Run } from './run.ts'

const pollMs = 25
const pollMsMax = 250

const Query = Type.Object({
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 120, description: 'seconds to wait for its end' }),
  ),
})
const Asked = Type.Object({
  id: Type.String({ description: 'the run' }),
  pipelineId: Type.String(),
  status: Type.String(),
  seq: Type.Integer(),
})

const requirePipeline = async ({ db, tenant }: Api, pipeline: string): Promise<void> => {
  const row = await db
    .selectFrom('pipelines')
    .select('pipeline')
    .where('tenant', '=', tenant)
    .where('pipeline', '=', pipeline)
    .where('removed', '=', false)
    .where('definition', 'is not', null)
    .executeTakeFirst()
  if (!row) throw unknown('pipeline', pipeline, 'pipelines')
}

/**
 * The run that this key asked for within the day, when the log's own memory (two minutes) is over: an
 * id ends in a hash of what it stands for, and begins with its time.
 */
const findEarlier = async ({ db, tenant, clock }: Api, pipeline: string, id: string) =>
  db
    .selectFrom('runs')
    .select(['run', 'seq', 'actor'])
    .where('tenant', '=', tenant)
    .where('run', '>=', ulidOf(Math.max(0, clock.now() - keyRememberedMs)).slice(0, 10))
    .where('pipeline', '=', pipeline)
    .where(sql<boolean>`right(runs.run, 16) = ${id.slice(10)}`)
    .executeTakeFirst()

type Asking = { readonly id: string; readonly seq: number }

const ask = async (
  api: Api,
  pipeline: string,
  actor: Actor,
  key: string | null,
  requestId: string,
): Promise<Asking> => {
  const now = api.clock.now()
  const at = toTimestamp(now)
  const id = ulidOf(now, api.tenant, pipeline, key ?? requestId)
  const earlier = key && (await findEarlier(api, pipeline, id))
  if (earlier) {
    if ((earlier.actor as Actor | null)?.reason !== actor.reason) throw keyReused()
    return { id: earlier.run, seq: earlier.seq }
  }
  const { seq, repeated } = await append(
    api,
    { kind: 'pipeline', name: pipeline },
    `run-${pipeline}-${key ?? id}`,
    { type: 'RunTriggered', v: 1, at, pipeline, request: id, actor },
  )
  if (!repeated) {
    api.accepted.add({ id, pipeline, actor, at, seq })
    return { id, seq }
  }
  const first = (await written(api, api.log.at(seq)))?.events[0]
  if (first?.type !== 'RunTriggered' || first.actor.reason !== actor.reason) throw keyReused()
  api.accepted.add({ id: first.request, pipeline, actor: first.actor, at: first.at, seq })
  return { id: first.request, seq }
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
      schema: {
        summary: 'Ask for a run; with ?wait= the answer is the finished run',
        tags: ['pipelines', 'runs'],
        params: IdParams,
        querystring: Query,
        body: ReasonBody,
        response: { 200: RunShape, 202: Type.Union([Asked, RunShape]) },
      },
    },
    async (request, reply) => {
      const { id: pipeline } = request.params
      await requirePipeline(api, pipeline)
      const actor = actorOf(request, request.body)
      const { id, seq } = await ask(api, pipeline, actor, keyOf(request), request.id)
      void reply.header('location', `${base}/runs/${id}`)
      const { wait = 0 } = request.query
      if (wait > 0) {
        const run = await untilEnded(api, id, patience(api, reply, wait * 1_000))
        if (run) return reply.code(isEnded(run.status) ? 200 : 202).send(run)
      }
      return reply.code(202).send({ id, pipelineId: pipeline, status: 'accepted', seq })
    },
  )
}
