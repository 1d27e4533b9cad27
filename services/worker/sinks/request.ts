/**
 * One HTTP request of a sink, and what its failure means: nobody there, too busy or broken is worth
 * another attempt, a refusal is not. A server that says `Retry-After` is waited for here, for a short
 * while, because 10,000 keys should not fail on the one request that came too early.
 *
 * Errors name the method, the address without its query and the status. Never a header, never a body:
 * that is where secrets are.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { withDeadline } from '@headway/streams/deadline.ts'
import type { Dispatcher } from 'undici'
import { SinkError } from './sink.ts'

export type SinkRequest = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly dispatcher?: Dispatcher | undefined
  readonly signal: AbortSignal
}

export type SinkAnswer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

const timeoutMs = 30_000
const tries = 4
const waitMsMax = 10_000

export const send = async (asked: SinkRequest): Promise<SinkAnswer> => {
  for (let attempt = 1; ; attempt++) {
    const answer = await sendOnce(asked)
    if (!(answer.status === 429 || answer.status === 503) || attempt === tries) return answer
    await delay(waitMs(answer, attempt), undefined, { signal: asked.signal })
  }
}

const sendOnce = async ({ url, signal, ...asked }: SinkRequest): Promise<SinkAnswer> => {
  const { request } = await import('undici')
  const limit = withDeadline(timeoutMs, signal)
  try {
    const { statusCode, headers, body } = await request(url, {
      method: asked.method,
      headers: { ...asked.headers },
      signal: limit,
      ...(asked.body === undefined ? {} : { body: asked.body }),
      ...(asked.dispatcher ? { dispatcher: asked.dispatcher } : {}),
    })
    return { status: statusCode, headers, text: await body.text() }
  } catch (cause) {
    signal.throwIfAborted()
    const why = limit.aborted ? `no answer within ${timeoutMs} ms` : codeOf(cause)
    throw new SinkError(`${named(asked.method, url)}: cannot be reached: ${why}`, {
      retryable: true,
    })
  }
}

/** What a status that nobody wanted says. `detail` is the server's own short code, if it has one. */
export const refused = (
  { method, url }: Pick<SinkRequest, 'method' | 'url'>,
  { status }: SinkAnswer,
  detail?: string,
): SinkError =>
  new SinkError(`${named(method, url)}: ${[status, detail].filter(Boolean).join(' ')}`, {
    retryable: status >= 500 || status === 408 || status === 425 || status === 429,
  })

const named = (method: string, url: string): string => {
  const { origin, pathname } = new URL(url)
  return `${method} ${origin}${pathname}`
}

const codeOf = (error: unknown): string => {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return typeof code === 'string' ? code : String(message)
}

/** `Retry-After` in seconds or as a date; without it a pause that doubles. */
const waitMs = ({ headers }: SinkAnswer, attempt: number): number => {
  const said = String(headers['retry-after'] ?? '')
  const asked = /^\d+$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - Date.now()
  return Math.min(Number.isNaN(asked) ? 100 * 2 ** attempt : Math.max(asked, 0), waitMsMax)
}
