/**
 * Asking for a run: a fact on its pipeline's subject, whose id is the run's, so the answer can name the
 * run before anybody has decided it. With an `Idempotency-Key` it is the same run for ever, and the same
 * key with another question is an error.
 */
import type { FastifyRequest } from 'fastify'
import type { EventOf } from '@headway/schemas/events.ts'
import { sha256, toTimestamp } from '@headway/schemas/ids.ts'
import type { Api } from './api.ts'
import { canonical } from './canonical.ts'
import { actorOf, append, keyOf, keyReused, newId, written } from './write.ts'

type Wanted = EventOf<'RunTriggered'>
export type Asked = { readonly id: string; readonly seq: number; readonly duplicate: boolean }

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

const ask = async (api: Api, key: string | null, event: Wanted): Promise<Asked> => {
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
  const pinned = event.inputs !== undefined || event.sync !== undefined
  api.accepted.add({ id, pipeline, actor, at, seq, pinned })
  return { id, seq, duplicate: repeated }
}

/** `question` is all that the answer depends on; `details` is what the log is told of it. */
export const askForRun = async (
  api: Api,
  request: FastifyRequest,
  pipeline: string,
  question: unknown,
  details: () => Promise<Pick<Wanted, 'inputs' | 'sync' | 'reason'>>,
): Promise<Asked> => {
  const key = keyOf(request)
  const id = newId(api, request, pipeline)
  const payload = sha256(canonical(question))
  const earlier = key === null ? null : await findEarlier(api, id, payload)
  if (earlier) return earlier
  return ask(api, key, {
    type: 'RunTriggered',
    v: 1,
    at: toTimestamp(api.clock.now()),
    pipeline,
    request: id,
    actor: actorOf(request, request.body),
    ...(key ? { key, payload } : {}),
    ...(await details()),
  })
}
