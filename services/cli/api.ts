/**
 * The HTTP API from a command: one address, one time limit, and endings that scripts can tell apart.
 * Rows are read with names in camel case whatever the case they came in; `--json` shows them as they are.
 */
import { STATUS_CODES } from 'node:http'
import { userInfo } from 'node:os'
import { asOf } from './as-of.ts'
import { exchange, type Answer } from './exchange.ts'
import { CliError, commandLine, type Ending } from './errors.ts'

export const apiUrl = (): string =>
  (process.env.HEADWAY_API_URL ?? 'http://127.0.0.1:4400').replace(/\/+$/, '')

export type Row = Readonly<Record<string, unknown>>

const timeoutMs = 10_000
const readyMsMax = 60_000
const readyPauseMs = 500
const endings: Readonly<Record<number, Ending>> = {
  401: 'denied',
  403: 'denied',
  404: 'notFound',
  409: 'conflict',
  412: 'conflict',
  408: 'timeout',
  504: 'timeout',
  502: 'unreachable',
  503: 'unreachable',
}

const hidden = (url: string): string => url.replace(/\/\/[^/@]*@/, '//')

const unreachable = (error: unknown, withinMs: number): CliError => {
  const { name, code, cause, message } = error as Error & {
    readonly code?: string
    readonly cause?: { readonly code?: string }
  }
  if (name === 'TimeoutError')
    return new CliError(
      'timeout',
      `${hidden(apiUrl())} did not answer within ${withinMs / 1_000} s`,
    )
  return new CliError(
    'unreachable',
    `no Headway API at ${hidden(apiUrl())} (${cause?.code ?? code ?? message})`,
    [
      'npm start\tstarts Headway with everything it needs',
      'HEADWAY_API_URL=http://host:4400\tnames one that runs elsewhere, or with --port-base',
    ],
  )
}

/** The problem that an answer carries (RFC 9457), else its status. */
const refusal = ({ status, text, location }: Answer, path: string): CliError => {
  const { title, detail } = problemOf(text)
  const told = detail ?? title ?? STATUS_CODES[status] ?? 'refused'
  if (status === 401)
    return new CliError('denied', `${told} (401 from ${path})`, [
      'HEADWAY_TOKEN=hw_…\tsays who you are, or --token before the command',
      `${commandLine('tokens create --holder me --role admin --direct')}\tmakes one, with access to NATS`,
    ])
  const advice = [
    ...(status === 404 ? [`${commandLine('status')}\tshows what there is`] : []),
    ...(location ? [`HEADWAY_API_URL=…\tis to name where it is now: ${location}`] : []),
  ]
  return new CliError(endings[status] ?? 'failed', `${told} (${status} from ${path})`, advice)
}

type Told = { readonly title?: string; readonly detail?: string; readonly code?: string }
const problemOf = (text: string): Told => {
  try {
    return JSON.parse(text) as object
  } catch {
    // Not ours: a proxy in between has an answer of its own.
    return {}
  }
}

/** Who asks, for the log. Headers are Latin-1, names are UTF-8. */
export const actorName = (): string => {
  try {
    return userInfo().username.slice(0, 100)
  } catch {
    // A container's user may have no name.
    return 'cli'
  }
}

type Asking = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Sent as JSON; bytes as they are. */
  readonly body?: object
  /** The same key is the same request. */
  readonly key?: string
}

const questionOf = ({ method = 'GET', body, key }: Asking, accept: string) => {
  const isBytes = body instanceof Uint8Array
  const type = isBytes ? 'application/octet-stream' : 'application/json'
  const headers = {
    accept,
    ...(process.env.HEADWAY_TOKEN ? { authorization: `Bearer ${process.env.HEADWAY_TOKEN}` } : {}),
    'x-headway-actor': Buffer.from(actorName(), 'utf8').toString('latin1'),
    ...(key ? { 'idempotency-key': Buffer.from(key, 'utf8').toString('latin1') } : {}),
    ...(body ? { 'content-type': type } : {}),
  }
  return { method, headers, ...(body ? { body: isBytes ? body : JSON.stringify(body) } : {}) }
}

/** The answer of `/api/v1/<path>` as it comes. Path parts that users give go through `part`. */
export const ask = async (
  path: string,
  options: Asking = {},
  /** Until the answer begins, sending included. */
  withinMs = timeoutMs,
): Promise<Response> => {
  const { body, ...question } = questionOf(options, '*/*')
  // Not for the whole of it: what is asked for may be large, and the line slow.
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new DOMException('late', 'TimeoutError')), withinMs)
  const response = await fetch(`${apiUrl()}/api/v1/${path}`, {
    ...question,
    ...(body ? { body: new Blob([body]) } : {}),
    signal: late.signal,
  })
    .catch((error: unknown) => {
      throw unreachable(error, withinMs)
    })
    .finally(() => clearTimeout(timer))
  const { ok, status } = response
  if (ok) return response
  throw refusal({ status, text: await response.text(), location: undefined }, `/api/v1/${path}`)
}

/** An earlier state is made when somebody asks for it. */
const whenReady = async (send: () => Promise<Answer>): Promise<Answer> => {
  for (const endsAt = performance.now() + readyMsMax; ;) {
    const answer = await send()
    const isBeingMade = answer.status === 503 && problemOf(answer.text).code === 'as_of_not_ready'
    if (!isBeingMade || performance.now() > endsAt) return answer
    await new Promise((resolve) => setTimeout(resolve, readyPauseMs))
  }
}

/** The same, as what its JSON says. */
export const call = async (path: string, options: Asking = {}): Promise<unknown> => {
  const question = { ...questionOf(options, 'application/json'), timeoutMs }
  const address = `/api/v1/${asOf(path, question.method)}`
  const answer = await whenReady(() => exchange(`${apiUrl()}${address}`, question)).catch(
    (error: unknown) => {
      throw unreachable(error, timeoutMs)
    },
  )
  const { status, text } = answer
  if (status < 200 || status > 299) throw refusal(answer, address)
  return text === '' ? {} : (JSON.parse(text) as unknown)
}

/** A user's text as one part of a path. */
export const part = (text: string): string => encodeURIComponent(text)

const camel = (key: string): string =>
  key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

export const rowOf = (value: unknown): Row =>
  Object.fromEntries(
    Object.entries((value ?? {}) as object).map(([key, field]) => [camel(key), field as unknown]),
  )

/** The rows of a list, which may come bare or as `items`. */
export const rowsOf = (answer: unknown): readonly Row[] => {
  const list = Array.isArray(answer) ? answer : (answer as { items?: unknown } | null)?.items
  return Array.isArray(list) ? list.map(rowOf) : []
}

/** The first of these fields that says something, as text; `-` when none does. */
export const field = (row: Row, ...names: readonly string[]): string => {
  for (const name of names) {
    const value = row[name]
    if (value === null || value === undefined || value === '') continue
    return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number)
  }
  return '-'
}

/** How long ago a time of a row was, in milliseconds; null when there is none. */
export const ageMs = (row: Row, name: string): number | null => {
  const at = Date.parse(field(row, name))
  return Number.isNaN(at) ? null : Math.max(0, Date.now() - at)
}
