/**
 * `?asOf=`: any list and any single answer that comes from the read models, as of an earlier commit of
 * the log. The projector keeps tables of such states (the API does not fold) and says where they are;
 * the same statements are run on them, so the answer is the one that was given then.
 *
 * A time means the last commit recorded by then. What is older than the log is the oldest state there
 * is; a commit that the log does not have yet is refused.
 */
import type { FastifyRequest, RouteOptions } from 'fastify'
import { Type, type TObject } from 'typebox'
import { asOfService, isAsOfAnswer, type AsOfWish } from '@headway/schemas/as-of.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit, Log } from '@headway/schemas/ports.ts'
import { base, type Api, type App } from './api.ts'
import { momentOf } from './moments.ts'
import { Problem } from './problem.ts'
import { lookingAt, type View } from './view.ts'

const waitMs = 3_000
/** More than the projector takes to say that it is not done. */
const answerMsMax = waitMs + 1_000
const retryAfterS = 1

const AsOf = Type.String({
  maxLength: 40,
  description: 'the state after this commit of the log, or at this time: 1234, RFC 3339 or 15m',
})

/** Answers from the read models have another one for each state; others do not. */
const hasStates = ({ method, url, config }: RouteOptions): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  url.startsWith(base) &&
  !(config?.unprojected || config?.current || config?.anyMedia)

export const addAsOf = (route: RouteOptions): void => {
  if (route.schema?.hide || !hasStates(route)) return
  const { properties = {} } = (route.schema?.querystring ?? {}) as Partial<TObject>
  const querystring = Type.Object({ ...properties, asOf: Type.Optional(AsOf) })
  route.schema = { ...route.schema, querystring }
}

/** Registered before the hook that reads the position: it is another one. */
export const serveAsOf = (app: App, api: Api): void => {
  app.addHook('preHandler', (request, reply, done) => {
    const asOf = asOfOf(request)
    if (asOf === undefined) return done()
    viewOf(api, asOf).then((view) => {
      void reply.header('x-projected-seq', view.seq).header('x-projected-at', toTimestamp(view.at))
      lookingAt(view, done)
    }, done)
  })
}

export const asOfOf = ({ is404, query }: FastifyRequest): string | undefined =>
  is404 ? undefined : (query as { asOf?: string } | undefined)?.asOf

const viewOf = async (api: Api, asOf: string): Promise<View> => {
  const { seq, at } = await commitOf(api, asOf)
  return { seq, at, schema: await schemaOf(api, seq) }
}

const commitOf = async ({ log, clock }: Api, asOf: string): Promise<Commit> => {
  const head = await log.head()
  const isSeq = /^\d{1,15}$/.test(asOf)
  if (head.seq === 0 || (isSeq && Number(asOf) > head.seq))
    throw new Problem(
      422,
      'as_of_beyond_head',
      `the log ends at ${head.seq}: ask for that state, or for an earlier one`,
      { head: head.seq },
    )
  if (isSeq) return (await log.at(Number(asOf))) ?? (await oldest(log))
  return byTime(log, head.seq, momentOf('asOf', asOf, clock.now()))
}

const oldest = async (log: Log): Promise<Commit> => {
  const signal = AbortSignal.timeout(answerMsMax)
  for await (const [commit] of log.tail({ from: 1, signal })) if (commit) return commit
  throw unavailable()
}

const unavailable = (): Problem =>
  new Problem(503, 'log_unavailable', 'the log does not answer: retry', {
    headers: { 'retry-after': String(retryAfterS) },
  })

const readCommit = async (log: Log, seq: number): Promise<Commit> => {
  const commit = await log.at(seq)
  if (!commit) throw unavailable()
  return commit
}

/** The last commit recorded by then: commits stand in the order of their times. */
const byTime = async (log: Log, head: number, at: number): Promise<Commit> => {
  let found = await oldest(log)
  for (let low = found.seq + 1, high = head; low <= high;) {
    const commit = await readCommit(log, Math.floor((low + high) / 2))
    if (commit.at <= at) {
      found = commit
      low = commit.seq + 1
    } else high = commit.seq - 1
  }
  return found
}

const schemaOf = async ({ services, tenant }: Api, seq: number): Promise<string> => {
  const wish: AsOfWish = { seq, withinMs: waitMs }
  const answer = await services
    ?.ask(tenant, asOfService, wish, answerMsMax)
    .catch((error: Error) => error)
  if (!isAsOfAnswer(answer))
    throw notReady(
      answer instanceof Error && (answer as { code?: string }).code !== 'nobody_answers'
        ? `the projector does not make it: ${answer.message}`
        : 'no projector answers that could make it: is one running?',
    )
  const { schema, done, total } = answer
  if (schema !== null) return schema
  throw notReady(`the state as of ${seq} is being made: ${done} of ${total} commits`, answer)
}

const notReady = (detail: string, progress: { done?: number; total?: number } = {}): Problem =>
  new Problem(503, 'as_of_not_ready', detail, {
    headers: { 'retry-after': String(retryAfterS) },
    ...(progress.total === undefined ? {} : { done: progress.done, total: progress.total }),
  })
