/**
 * How a request becomes a fact: who asks, under which id, and an append that is waited for only so
 * long. With an `Idempotency-Key` the same request is recorded once however often it is sent, so a
 * client that got no answer may simply send it again.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Actor } from '@headway/schemas/definitions.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import type { Topic } from '@headway/schemas/ports.ts'
import { withDeadline } from '@headway/streams/deadline.ts'
import type { Api } from './api.ts'
import { canonical } from './canonical.ts'
import { projectedWaitMs } from './position.ts'
import { Problem } from './problem.ts'

const appendMsMax = 10_000
export const ReasonBody = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1_000 })) },
  { additionalProperties: false },
)

const header = (request: FastifyRequest, name: string, lengthMax: number): string | null => {
  const value = request.headers[name]
  if (value === undefined) return null
  // Node reads headers as Latin-1; people's names come as UTF-8.
  const text = Buffer.from(String(value), 'latin1').toString('utf8').trim()
  if (text === '' || text.length > lengthMax)
    throw new Problem(400, 'bad_header', `${name} must be 1 to ${lengthMax} characters long`)
  return text
}

/**
 * Who asks, as the log will show it. Somebody who proved who they are is that one, whatever a header
 * says; where nobody has to, the header names them.
 */
export const actorOf = (request: FastifyRequest, body: unknown): Actor => {
  const identity = request.identity as FastifyRequest['identity'] | null
  const isKnown = identity !== null && !identity.open
  const name = isKnown ? identity.name : (header(request, 'x-headway-actor', 200) ?? 'api')
  const { reason: told } = (body ?? {}) as { reason?: string }
  const reason = told ?? header(request, 'x-headway-reason', 1_000)
  return reason ? { name, reason } : { name }
}

/** The client's key in a form that fits ids; null when it gave none. */
export const keyOf = (request: FastifyRequest): string | null => {
  const key = header(request, 'idempotency-key', 200)
  return key && sha256(key)
}

/**
 * The id of what a request brings about: with a key the same for ever, whoever answers and whichever
 * version is active then; its time is 0. Without one it is new.
 */
export const newId = (api: Api, request: FastifyRequest, ...parts: readonly string[]): string => {
  const key = keyOf(request)
  return key === null
    ? ulidOf(api.clock.now(), api.tenant, ...parts, request.id)
    : ulidOf(0, api.tenant, ...parts, key)
}

export const keyReused = (): Problem =>
  new Problem(
    409,
    'idempotency_key_reused',
    'this Idempotency-Key was used for another request: take a new one for each thing you ask for',
  )

const inTime = <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${appendMsMax} ms`)), appendMsMax)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Runs a write against the log or the content store; what goes wrong there is a 503. */
export const written = async <T>(api: Api, work: Promise<T>): Promise<T> => {
  try {
    return await inTime(work)
  } catch (error) {
    api.logger.error({ error: String(error) }, 'a write got no answer')
    throw new Problem(
      503,
      'log_unavailable',
      'the log did not answer, so this may be recorded or not: repeat it with an Idempotency-Key',
      { headers: { 'retry-after': '2' } },
    )
  }
}

/** Another request with the same id is being stored at this moment: it is known in an instant. */
const sameIdTries = 20
const sameIdPauseMs = 25

export type Written = { readonly seq: number; readonly repeated: boolean }

/** Appends one event; `repeated` says that the log has had this id before. */
export const append = async (
  api: Api,
  topic: Topic,
  id: string,
  event: Event,
): Promise<Written> => {
  const { log, tenant, clock } = api
  const commit = { tenant, topic, id: `api-${tenant}-${id}`, events: [event], source: 'api' }
  for (let i = 0; i < sameIdTries; i++) {
    const appended = await written(api, log.append(commit))
    if (appended.outcome !== 'conflict')
      return { seq: appended.seq, repeated: appended.outcome === 'duplicate' }
    await clock.sleep(sameIdPauseMs)
  }
  throw new Error(`${commit.id} was refused without condition`)
}

const withoutMoment = (event: Event): string => canonical({ ...event, at: '' })

/** The id of what somebody wants: by their key, else by the request itself. */
export const wishId = (request: FastifyRequest, topic: Topic, type: string): string =>
  `${type}-${topic.name}-${keyOf(request) ?? request.id}`

/** Refuses when the log knows this id for something else. */
export const requireSame = async (api: Api, { seq, repeated }: Written, event: Event) => {
  if (!repeated) return
  const first = (await written(api, api.log.at(seq)))?.events[0]
  if (first && withoutMoment(first) !== withoutMoment(event)) throw keyReused()
}

/** Records what somebody wants: once per key, and the same key is for the same wish. */
export const wish = async (
  api: Api,
  request: FastifyRequest,
  topic: Topic,
  event: Event,
): Promise<Written> => {
  const appended = await append(api, topic, wishId(request, topic, event.type), event)
  await requireSame(api, appended, event)
  return appended
}

/**
 * A row that knows all that was recorded about a topic before this request, so that who pauses and resumes
 * at once is not told that nothing changes; `isCurrent` is false when the read models are too far behind.
 */
export const currentRow = async <Row>(
  api: Api,
  read: () => Promise<Row>,
  topicOf: (row: Row) => Topic,
): Promise<{ readonly row: Row; readonly isCurrent: boolean }> => {
  const last = await written(api, api.log.last(api.tenant, topicOf(await read())))
  const seq = last?.seq ?? 0
  const projected = await api.position.reached(seq, projectedWaitMs, api.signal)
  return { row: await read(), isCurrent: projected >= seq }
}

/** Fires when the client has gone, the room stops, or `ms` have passed. */
export const patience = (
  api: Api,
  reply: { readonly raw: { once(name: 'close', listener: () => void): unknown } },
  ms: number,
): AbortSignal => {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return withDeadline(ms, gone.signal, api.signal)
}
