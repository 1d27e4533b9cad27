/**
 * HTTP and HTTPS. One look is at most `redirectsMax` redirects, one body of at most `sizeBytesMax`
 * after decompression, and `timeoutMs` in all. Credentials go to the host they were configured for and
 * to no other, whatever a redirect says, and nothing that is reported carries them: a URL is told
 * without its query, and a library's message is never passed on with one.
 */
import { Agent, request, type Dispatcher } from 'undici'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import type { Auth } from '@headway/schemas/definitions.ts'
import { SecretError } from '../secrets.ts'
import { defaults, type Polled, type PollRequest, type Source } from './source.ts'

const decoders = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const
const redirectStatuses = new Set([301, 302, 303, 307, 308])
/** A server that asks for more patience than this is asked again all the same. */
const retryAfterMsMax = 6 * 3_600_000

const agent = new Agent({ connect: { timeout: 10_000 }, keepAliveTimeout: 30_000 })

class TooLarge extends Error {
  override readonly name = 'TooLarge'
  readonly sizeBytes: number
  constructor(sizeBytes: number) {
    super('too large')
    this.sizeBytes = sizeBytes
  }
}

/** What may be told of a URL: no query, no user, no fragment. */
export const tellableUrl = (url: string | URL): string => {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

const withAuth = async (
  url: URL,
  headers: Record<string, string>,
  auth: Auth,
  secret: (ref: string) => Promise<string>,
): Promise<void> => {
  switch (auth.type) {
    case 'header':
      headers[auth.name.toLowerCase()] = await secret(auth.value)
      return
    case 'query':
      url.searchParams.set(auth.name, await secret(auth.value))
      return
    case 'basic': {
      const pair = `${auth.username}:${await secret(auth.password)}`
      headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`
      return
    }
    case 'bearer':
      headers.authorization = `Bearer ${await secret(auth.token)}`
  }
}

/** Seconds or an HTTP date, to a moment; undefined when absent or not understood. */
export const retryAfter = (value: string | undefined, now: number): number | undefined => {
  if (!value) return undefined
  const seconds = Number(value)
  const at = Number.isFinite(seconds) ? now + seconds * 1_000 : Date.parse(value)
  return Number.isFinite(at) && at > now ? Math.min(at, now + retryAfterMsMax) : undefined
}

const first = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

const readBody = async (response: Dispatcher.ResponseData, max: number): Promise<Uint8Array> => {
  const announced = Number(first(response.headers['content-length']) ?? 0)
  if (announced > max) throw new TooLarge(announced)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > max) throw new TooLarge(size)
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks, size)
  const encoding = first(response.headers['content-encoding'])?.toLowerCase() ?? 'identity'
  const decode = Object.hasOwn(decoders, encoding)
    ? decoders[encoding as keyof typeof decoders]
    : null
  if (!decode || size === 0) return body
  try {
    return await decode(body, { maxOutputLength: max })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge(max + 1)
    throw new Error(`the ${encoding} encoding of the body is broken`, { cause: error })
  }
}

/** Follows redirects by hand, so that their number and where credentials go stay ours. */
const send = async (poll: PollRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> => {
  const { definition, validators } = poll
  const origin = new URL(definition.url).origin
  let url = new URL(definition.url)
  for (let redirects = 0; ; redirects++) {
    const headers: Record<string, string> = {
      'user-agent': 'Headway/0.1 (feed pipeline orchestrator)',
      'accept-encoding': 'gzip, deflate, br',
      accept: '*/*',
    }
    if (url.origin === origin) {
      for (const [name, value] of Object.entries(definition.headers ?? {}))
        headers[name.toLowerCase()] = value
      if (definition.auth) await withAuth(url, headers, definition.auth, poll.secret)
    }
    if (validators?.etag) headers['if-none-match'] = validators.etag
    if (validators?.lastModified) headers['if-modified-since'] = validators.lastModified
    const response = await request(url, { headers, signal, dispatcher: agent })
    const location = first(response.headers.location)
    if (!redirectStatuses.has(response.statusCode) || !location) return response
    await response.body.dump()
    const redirectsMax = definition.redirectsMax ?? defaults.redirectsMax
    if (redirects >= redirectsMax) throw new Error(`more than ${redirectsMax} redirects`)
    url = new URL(location, url)
    if (!['http:', 'https:'].includes(url.protocol))
      throw new Error(`a redirect leads to ${url.protocol}, which is not followed`)
  }
}

const outcomeOf = async (
  response: Dispatcher.ResponseData,
  { definition, validators, now }: PollRequest,
): Promise<Polled> => {
  const status = response.statusCode
  if (status === 304 && validators) {
    await response.body.dump()
    return { outcome: 'unchanged' }
  }
  if (status !== 200) {
    await response.body.dump()
    const notBefore = retryAfter(first(response.headers['retry-after']), now)
    return {
      outcome: 'failed',
      error: {
        type: `http_${status}`,
        message: `${tellableUrl(definition.url)} answered ${status}`,
      },
      status,
      ...(notBefore === undefined ? {} : { notBefore }),
    }
  }
  const bytes = await readBody(response, definition.sizeBytesMax ?? defaults.sizeBytesMax)
  const etag = first(response.headers.etag)
  const lastModified = first(response.headers['last-modified'])
  return {
    outcome: 'content',
    bytes,
    status,
    ...(etag ? { etag } : {}),
    ...(lastModified ? { lastModified } : {}),
  }
}

const failureOf = (error: unknown, poll: PollRequest, timedOut: boolean): Polled => {
  const where = tellableUrl(poll.definition.url)
  if (error instanceof TooLarge) {
    const max = poll.definition.sizeBytesMax ?? defaults.sizeBytesMax
    const detail = `${where} sent more than the ${max} bytes that are allowed`
    return { outcome: 'too_large', sizeBytes: error.sizeBytes, detail }
  }
  if (error instanceof SecretError)
    return { outcome: 'failed', error: { type: 'secret_missing', message: error.message } }
  if (timedOut) {
    const limit = poll.definition.timeoutMs ?? defaults.timeoutMs
    const message = `${where} did not answer completely within ${limit} ms`
    return { outcome: 'failed', error: { type: 'timeout', message } }
  }
  const code = (error as { code?: unknown }).code
  const type = typeof code === 'string' ? code.toLowerCase() : 'fetch_failed'
  const told = code === undefined ? (error as Error).message : 'the connection failed'
  const message = `${where}: ${told}${typeof code === 'string' ? ` (${code})` : ''}`
  return { outcome: 'failed', error: { type, message } }
}

export const http: Source = {
  schemes: ['http', 'https'],
  poll: async (poll) => {
    const timeout = AbortSignal.timeout(poll.definition.timeoutMs ?? defaults.timeoutMs)
    const signal = AbortSignal.any([poll.signal, timeout])
    try {
      return await outcomeOf(await send(poll, signal), poll)
    } catch (error) {
      return failureOf(error, poll, timeout.aborted)
    }
  },
}
