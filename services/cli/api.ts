/**
 * The HTTP API from a command: one address, one time limit, and endings that scripts can tell apart.
 * Rows are read with names in camel case whatever the case they came in; `--json` shows them as they are.
 */
import { userInfo } from 'node:os'
import { CliError, commandLine, type Ending } from './errors.ts'

export const apiUrl = (): string =>
  (process.env.HEADWAY_API_URL ?? 'http://127.0.0.1:4400').replace(/\/+$/, '')

export type Row = Readonly<Record<string, unknown>>

const timeoutMs = 10_000
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

const unreachable = (error: unknown): CliError => {
  const { name, cause, message } = error as Error & { cause?: { code?: string } }
  if (name === 'TimeoutError')
    return new CliError(
      'timeout',
      `${hidden(apiUrl())} did not answer within ${timeoutMs / 1_000} s`,
    )
  return new CliError(
    'unreachable',
    `no Headway API at ${hidden(apiUrl())} (${cause?.code ?? message})`,
    [
      'npm start\tstarts Headway with everything it needs',
      'HEADWAY_API_URL=http://host:4400\tnames one that runs elsewhere, or with --port-base',
    ],
  )
}

/** The problem that an answer carries (RFC 9457), else its status. */
const refusal = async (response: Response, path: string): Promise<CliError> => {
  const body = (await response.json().catch(() => ({}))) as { title?: string; detail?: string }
  const told = body.detail ?? body.title ?? response.statusText
  if (response.status === 401)
    return new CliError('denied', `${told} (401 from ${path})`, [
      'HEADWAY_TOKEN=hw_…\tsays who you are, or --token before the command',
      `${commandLine('tokens create --holder me --role admin --direct')}\tmakes one, with access to NATS`,
    ])
  const advice = response.status === 404 ? [`${commandLine('status')}\tshows what there is`] : []
  return new CliError(
    endings[response.status] ?? 'failed',
    `${told || 'refused'} (${response.status} from ${path})`,
    advice,
  )
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

/** The answer of `/api/v1/<path>` as it comes. Path parts that users give go through `part`. */
export const ask = async (path: string, options: Asking = {}): Promise<Response> => {
  const { method = 'GET', body, key } = options
  const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
  const response = await fetch(`${apiUrl()}/api/v1/${path}`, {
    method,
    headers: {
      accept: '*/*',
      ...(process.env.HEADWAY_TOKEN
        ? { authorization: `Bearer ${process.env.HEADWAY_TOKEN}` }
        : {}),
      'x-headway-actor': Buffer.from(actorName(), 'utf8').toString('latin1'),
      ...(key ? { 'idempotency-key': Buffer.from(key, 'utf8').toString('latin1') } : {}),
      ...(body ? { 'content-type': type } : {}),
    },
    ...(body ? { body: body instanceof Uint8Array ? new Blob([body]) : JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => {
    throw unreachable(error)
  })
  if (!response.ok) throw await refusal(response, `/api/v1/${path}`)
  return response
}

/** The same, as what its JSON says. */
export const call = async (path: string, options: Asking = {}): Promise<unknown> => {
  const text = await (await ask(path, options)).text()
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
