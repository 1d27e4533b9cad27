/**
 * HTTP and HTTPS. One look is at most `redirectsMax` redirects, one body of at most `sizeBytesMax`
 * after decompression, and `timeoutMs` in all. Credentials go to the host they were configured for and
 * to no other, whatever a redirect says, and nothing that is reported carries them: a URL is told
 * without its query, and a library's message is never passed on.
 */
import { Agent, request, type Dispatcher } from 'undici'
import type { Auth } from '@headway/schemas/definitions.ts'
import { SecretError } from '@headway/streams/secrets.ts'
import { discard, firstOf, HttpError, readBody, TooLarge } from './http-body.ts'
import { defaults, tellableUrl, type Polled, type PollRequest, type Source } from './source.ts'

const redirectStatuses = new Set([301, 302, 303, 307, 308])
/** A server that asks for more patience than this is asked again all the same. */
const retryAfterMsMax = 6 * 3_600_000

const agent = new Agent({ connect: { timeout: 10_000 }, keepAliveTimeout: 30_000 })

/** Puts the credentials where they belong; what they are worth is the return value. */
const withAuth = async (
  url: URL,
  headers: Record<string, string>,
  auth: Auth,
  secret: PollRequest['secret'],
): Promise<string> => {
  switch (auth.type) {
    case 'header':
      return (headers[auth.name.toLowerCase()] = await secret(auth.value))
    case 'query': {
      const value = await secret(auth.value)
      url.searchParams.set(auth.name, value)
      return value
    }
    case 'basic': {
      const password = await secret(auth.password)
      const pair = Buffer.from(`${auth.username}:${password}`).toString('base64')
      headers.authorization = `Basic ${pair}`
      return password
    }
    case 'bearer': {
      const token = await secret(auth.token)
      headers.authorization = `Bearer ${token}`
      return token
    }
  }
}

/** Seconds or an HTTP date, to a moment; undefined when absent or not understood. */
export const retryAfter = (value: string | undefined, now: number): number | undefined => {
  if (!value) return undefined
  const at = /^\d+$/.test(value) ? now + Number(value) * 1_000 : Date.parse(value)
  return Number.isFinite(at) && at > now ? Math.min(at, now + retryAfterMsMax) : undefined
}

/** Whether `url` is still at the host that credentials were given for; https may replace http. */
export const isHome = (home: URL, url: URL): boolean =>
  url.origin === home.origin || (home.port === '' && url.origin === `https://${home.host}`)

/** Shorter secrets are found in any address by chance. */
const secretLengthMin = 8

const carries = (url: URL, secret: string): boolean =>
  [...url.searchParams.values()].includes(secret) ||
  (secret.length >= secretLengthMin && url.href.includes(secret))

type Answer = { readonly response: Dispatcher.ResponseData; readonly isHome: boolean }

/** Follows redirects by hand, so that their number and where credentials go stay ours. */
const send = async (poll: PollRequest, signal: AbortSignal): Promise<Answer> => {
  const { definition, validators } = poll
  const home = new URL(definition.url)
  let url = new URL(definition.url)
  let credentials = ''
  for (let redirects = 0; ; redirects++) {
    const headers: Record<string, string> = {
      'user-agent': 'Headway/0.1 (feed pipeline orchestrator)',
      'accept-encoding': 'gzip, deflate, br',
      accept: '*/*',
    }
    const atHome = isHome(home, url)
    if (atHome) {
      for (const [name, value] of Object.entries(definition.headers ?? {}))
        headers[name.toLowerCase()] = value
      if (definition.auth) credentials = await withAuth(url, headers, definition.auth, poll.secret)
    }
    if (validators?.etag) headers['if-none-match'] = validators.etag
    if (validators?.lastModified) headers['if-modified-since'] = validators.lastModified
    const response = await request(url, { headers, signal, dispatcher: agent })
    const location = firstOf(response.headers.location)
    if (!redirectStatuses.has(response.statusCode) || !location) return { response, isHome: atHome }
    discard(response)
    const redirectsMax = definition.redirectsMax ?? defaults.redirectsMax
    if (redirects >= redirectsMax)
      throw new HttpError('redirects', `more than ${redirectsMax} redirects`)
    if (!URL.canParse(location, url.href))
      throw new HttpError('redirects', 'a redirect leads nowhere')
    url = new URL(location, url)
    if (!['http:', 'https:'].includes(url.protocol))
      throw new HttpError('redirects', `a redirect leads to ${url.protocol}, which is not followed`)
    if (credentials && !isHome(home, url) && carries(url, credentials))
      throw new HttpError('redirects', `a redirect would carry the credentials to ${url.host}`)
  }
}

const failureOfStatus = ({ response, isHome: atHome }: Answer, poll: PollRequest): Polled => {
  const { definition, now } = poll
  const status = response.statusCode
  const notBefore = retryAfter(firstOf(response.headers['retry-after']), now)
  const why =
    !atHome && definition.auth
      ? ' after a redirect to another host, where credentials do not go'
      : ''
  return {
    outcome: 'failed',
    error: {
      type: `http_${status}`,
      message: `${tellableUrl(definition.url)} answered ${status}${why}`,
    },
    status,
    ...(notBefore === undefined ? {} : { notBefore }),
  }
}

const outcomeOf = async (answer: Answer, poll: PollRequest): Promise<Polled> => {
  const { response } = answer
  const { definition, validators } = poll
  const status = response.statusCode
  if (status !== 200) {
    discard(response)
    return status === 304 && validators ? { outcome: 'unchanged' } : failureOfStatus(answer, poll)
  }
  const bytes = await readBody(response, definition.sizeBytesMax ?? defaults.sizeBytesMax)
  const etag = firstOf(response.headers.etag)
  const lastModified = firstOf(response.headers['last-modified'])
  return {
    outcome: 'content',
    bytes,
    status,
    ...(etag ? { etag } : {}),
    ...(lastModified ? { lastModified } : {}),
  }
}

const failureOf = (error: unknown, poll: PollRequest, isTimeout: boolean): Polled => {
  const where = tellableUrl(poll.definition.url)
  const failed = (type: string, message: string): Polled => ({
    outcome: 'failed',
    error: { type, message },
  })
  if (error instanceof TooLarge) {
    const max = poll.definition.sizeBytesMax ?? defaults.sizeBytesMax
    const detail = `${where} sent more than the ${max} bytes that are allowed`
    return { outcome: 'too_large', sizeBytes: error.sizeBytes, detail }
  }
  if (error instanceof SecretError) return failed('secret_missing', error.message)
  if (isTimeout) {
    const limit = poll.definition.timeoutMs ?? defaults.timeoutMs
    return failed('timeout', `${where} did not answer completely within ${limit} ms`)
  }
  if (error instanceof HttpError) return failed(error.type, `${where}: ${error.message}`)
  const code = (error as { code?: unknown }).code
  if (code === 'ERR_INVALID_URL') return failed('invalid_url', 'the URL cannot be read')
  if (code === 'UND_ERR_INVALID_ARG')
    return failed('invalid_request', `${where}: a header or secret holds what HTTP cannot carry`)
  if (typeof code === 'string')
    return failed(code.toLowerCase(), `${where}: the connection failed (${code})`)
  return failed('fetch_failed', `${where}: the request failed (${(error as Error).name})`)
}

export const http: Source = {
  schemes: ['http', 'https'],
  poll: async (poll) => {
    const stop = new AbortController()
    const abort = () => stop.abort()
    let isTimeout = false
    const timer = setTimeout(() => {
      isTimeout = true
      abort()
    }, poll.definition.timeoutMs ?? defaults.timeoutMs)
    poll.signal.addEventListener('abort', abort, { once: true })
    if (poll.signal.aborted) abort()
    try {
      return await outcomeOf(await send(poll, stop.signal), poll)
    } catch (error) {
      return failureOf(error, poll, isTimeout)
    } finally {
      clearTimeout(timer)
      poll.signal.removeEventListener('abort', abort)
    }
  },
}
