/**
 * The demo agency: an HTTP server on loopback that behaves like the ones Headway is made for, so
 * that something happens in the first minute without a network or an account.
 *
 *   /prod/schedule.zip            /qa/schedule.zip
 *   /prod/vehicle_positions.pb    trip_updates.pb, alerts.pb; and the same under /qa
 *
 * Each environment has its own token (header `X-Api-Key`). Conditional requests, compression and
 * HEAD work as RFC 9110 says. About every 40th answer is a hiccup as real agencies have them: an
 * overloaded backend, an error page that claims to be fine, a body that stops half-way. Which
 * requests are hit depends on the seed and the count of requests alone.
 */
import { createHash } from 'node:crypto'
import { STATUS_CODES, createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { makeNetwork } from './network.ts'
import type { Environment } from './network.ts'
import { feedNames, hash, makeFeed } from './realtime.ts'
import type { FeedName } from './realtime.ts'
import { makeScheduleZip, publishedAt } from './schedule.ts'

export type AgencyOptions = {
  /** 0 for any free one. */
  readonly port: number
  readonly seed?: number
  readonly now?: () => number
  readonly env?: NodeJS.ProcessEnv
  /** False for a server that is always in good health. */
  readonly hiccups?: boolean
}

export type Agency = { readonly url: string; readonly close: () => Promise<void> }

/** What the demo uses when the environment gives no tokens; nothing is protected by them. */
export const demoTokens: Readonly<Record<Environment, string>> = {
  prod: 'demo-prod-token',
  qa: 'demo-qa-token',
}

/** How long a realtime feed stays the same. */
export const tickMs = 5_000
const hiccupEvery = 40

type Content = {
  readonly bytes: Uint8Array
  readonly type: string
  readonly modifiedAt: Date
  readonly maxAge_s: number
}

export async function startAgency(options: AgencyOptions): Promise<Agency> {
  const { port, seed = 1, now = Date.now, env = process.env, hiccups = true } = options
  const tokens: Record<Environment, string> = {
    prod: env.PIMS_PROD_TOKEN ?? demoTokens.prod,
    qa: env.PIMS_QA_TOKEN ?? demoTokens.qa,
  }
  const contentOf = makeContents(seed, now)
  let count = 0
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://agency')
    const [, environment, file] = /^\/(prod|qa)\/([a-z_]+\.(?:zip|pb))$/.exec(pathname) ?? []
    if (!isEnvironment(environment)) return problem(response, 404, 'no such feed')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problem(response, 405, 'feeds can only be read', { Allow: 'GET, HEAD' })
    }
    if (request.headers['x-api-key'] !== tokens[environment]) {
      const scheme = { 'WWW-Authenticate': `ApiKey realm="${environment}"` }
      return problem(response, 401, `header X-Api-Key needs the token of ${environment}`, scheme)
    }
    const content = contentOf(environment, file ?? '')
    if (content === undefined) return problem(response, 404, 'no such feed')
    count++
    const fate = hiccups ? fateOf(seed, count) : 'healthy'
    return fates[fate](request, response, content)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What there is to read at this moment; a realtime feed is made once per tick. */
function makeContents(seed: number, now: () => number) {
  const networks = { prod: makeNetwork('prod'), qa: makeNetwork('qa') }
  const schedules = { prod: makeScheduleZip('prod'), qa: makeScheduleZip('qa') }
  const made = new Map<string, Content>()
  return (environment: Environment, file: string): Content | undefined => {
    if (file === 'schedule.zip') {
      const bytes = schedules[environment]
      return { bytes, type: 'application/zip', modifiedAt: publishedAt, maxAge_s: 60 }
    }
    const feed = file.slice(0, -'.pb'.length)
    if (!file.endsWith('.pb') || !isFeedName(feed)) return undefined
    const nowMs = Math.floor(now() / tickMs) * tickMs
    const key = `${environment}/${feed}`
    const last = made.get(key)
    if (last?.modifiedAt.getTime() === nowMs) return last
    const scene = { environment, network: networks[environment], seed, nowMs }
    const bytes = makeFeed(feed, scene)
    const modifiedAt = new Date(nowMs)
    const content = { bytes, type: 'application/x-protobuf', modifiedAt, maxAge_s: tickMs / 1_000 }
    made.set(key, content)
    return content
  }
}

type Fate = 'healthy' | 'overloaded' | 'errorPage' | 'cut'
type Answer = (request: IncomingMessage, response: ServerResponse, content: Content) => void

function fateOf(seed: number, count: number): Fate {
  const number = hash(`${seed}/${count}`)
  if (number % hiccupEvery !== 0) return 'healthy'
  return (
    (['overloaded', 'errorPage', 'cut'] as const)[Math.floor(number / hiccupEvery) % 3] ?? 'cut'
  )
}

/** Hiccups come from something in front of the feed, so they know nothing of its validators. */
const fates: Record<Fate, Answer> = {
  healthy,
  overloaded(_request, response) {
    problem(response, 503, 'the backend is overloaded', { 'Retry-After': '2' })
  },
  errorPage(_request, response) {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
    response.end('<!doctype html><title>Oops</title><h1>We will be right back</h1>\n')
  },
  cut(_request, response, { bytes, type }) {
    response.writeHead(200, { 'Content-Type': type })
    response.end(bytes.subarray(0, Math.floor(bytes.length / 2)))
  },
}

function healthy(request: IncomingMessage, response: ServerResponse, content: Content): void {
  const isGzip = acceptsGzip(request.headers['accept-encoding'])
  const digest = createHash('sha256').update(content.bytes).digest('hex').slice(0, 24)
  // A strong tag names exact bytes, so each encoding has its own.
  const tags = { identity: `"${digest}"`, gzip: `"${digest}-gzip"` }
  const headers: Record<string, string> = {
    ETag: isGzip ? tags.gzip : tags.identity,
    'Last-Modified': content.modifiedAt.toUTCString(),
    'Cache-Control': `private, max-age=${content.maxAge_s}`,
    Vary: 'Accept-Encoding',
  }
  if (isUnchanged(request, Object.values(tags), content.modifiedAt)) {
    response.writeHead(304, headers)
    response.end()
    return
  }
  const body = isGzip ? gzipSync(content.bytes) : content.bytes
  response.writeHead(200, {
    ...headers,
    'Content-Type': content.type,
    'Content-Length': body.length,
    ...(isGzip ? { 'Content-Encoding': 'gzip' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** If-None-Match decides alone when it is there; the date only counts in its absence. */
function isUnchanged(request: IncomingMessage, tags: readonly string[], modifiedAt: Date): boolean {
  const wanted = request.headers['if-none-match']
  if (wanted !== undefined) {
    const given = wanted.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    return given.some((tag) => tag === '*' || tags.includes(tag))
  }
  const since = Date.parse(request.headers['if-modified-since'] ?? '')
  return Math.floor(modifiedAt.getTime() / 1_000) * 1_000 <= since
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((coding) => /^\s*(gzip|\*)\s*(;|$)/i.test(coding) && !/q=0(\.0*)?\s*$/i.test(coding))
}

function problem(
  response: ServerResponse,
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const title = STATUS_CODES[status]
  response.writeHead(status, { ...headers, 'Content-Type': 'application/problem+json' })
  response.end(`${JSON.stringify({ type: 'about:blank', title, status, detail })}\n`)
}

function isEnvironment(text: string | undefined): text is Environment {
  return text === 'prod' || text === 'qa'
}

function isFeedName(text: string): text is FeedName {
  return (feedNames as readonly string[]).includes(text)
}
