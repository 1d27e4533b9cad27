/**
 * How the API says no: problem details (RFC 9457) with a code that never changes and a sentence that
 * says what to do. Whoever throws a `Problem` is understood; whatever else is thrown is ours to blame,
 * is logged with its request, and tells the caller nothing of our inside.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { databaseProblem } from './database.ts'
import { problemUrl } from './problems.ts'

type Extras = {
  /** What is wrong with which part of the request. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
  readonly headers?: Readonly<Record<string, string>>
  readonly [extension: string]: unknown
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly extras: Extras
  constructor(status: number, code: string, detail: string, extras: Extras = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.extras = extras
  }
}

/** There is no such thing (for this tenant, which is the same). `list` shows what there is. */
export const unknown = (what: string, id: string, list: string): Problem =>
  new Problem(
    404,
    `unknown_${what.replaceAll(' ', '_')}`,
    `there is no ${what} ${JSON.stringify(id.slice(0, 200))}; GET /api/v1/${list} lists what there is`,
  )

/** What the HTTP layer refuses before a route sees it: status, code, what to do. */
const refusals: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'the body is larger than is accepted here'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'unsupported_media_type',
    "send JSON and say so: -H 'Content-Type: application/json'",
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'malformed_json', 'the body is not JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    'content_length_mismatch',
    'the body is not as long as Content-Length says: nothing was taken, send it again',
  ],
  FST_ERR_BAD_URL: [400, 'bad_url', 'the path is not valid: encode each part of it'],
  FST_ERR_MAX_PARAM_LENGTH: [404, 'not_found', 'no id is that long'],
}

const asProblem = (error: FastifyError | Error): Problem | null => {
  if (error instanceof Problem) return error
  const database = databaseProblem(error)
  if (database) return new Problem(...database, { headers: { 'retry-after': '1' } })
  const { code = '', statusCode = 500 } = error as Partial<FastifyError>
  const refusal = refusals[code]
  if (refusal) return new Problem(...refusal)
  if (statusCode >= 500) return null
  return new Problem(statusCode, statusCode === 404 ? 'not_found' : 'bad_request', error.message)
}

const sentence = (code: string): string => {
  const words = code.replaceAll('_', ' ')
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

const transient = new Set([408, 425, 429, 502, 503, 504])

/** Writes the answer to whatever was thrown. `tell` hears of what is our fault. */
export const sendProblem = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  tell: (error: Error, request: FastifyRequest) => void,
): FastifyReply => {
  const thrown = error instanceof Error ? error : new Error(String(error))
  const known = asProblem(thrown)
  if (!known || known.status === 500) tell(thrown, request)
  const problem =
    known ??
    new Problem(
      500,
      'internal_error',
      `this is our fault; the log has it under request ${request.id}`,
    )
  const { headers = {}, ...extensions } = problem.extras
  return reply
    .code(problem.status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .type('application/problem+json')
    .send({
      type: problemUrl(problem.code),
      title: sentence(problem.code),
      status: problem.status,
      detail: problem.message,
      instance: `urn:request:${request.id}`,
      traceId: request.traceId,
      code: problem.code,
      retryable: transient.has(problem.status),
      ...extensions,
    })
}
