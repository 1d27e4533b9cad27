/** A service that keeps configuration: single keys, all of them at once, and documents with ETags. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type HttpService = {
  readonly url: string
  readonly requests: { method: string; path: string; headers: IncomingHttpHeaders; body: string }[]
  /** What it answers next, instead of doing what it is asked. */
  readonly busy: { status: number; headers: Record<string, string> }[]
  stop(): void
}

type Answer = { status: number; body?: string; etag?: string }
type Values = Record<string, unknown>

const etagOf = (body: string) => `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`

/** Nobody waits for the answer to a request that was never said to its end. */
const whoeverLeft = () => {}

export const startHttpService = async (token: string): Promise<HttpService> => {
  const places = new Map<string, Map<string, string>>()
  const documents = new Map<string, string>()
  const requests: HttpService['requests'] = []
  const busy: HttpService['busy'] = []

  const single = (method: string, where: string, key: string, body: string): Answer => {
    const held = places.get(where) ?? new Map<string, string>()
    places.set(where, held)
    if (method === 'GET') {
      const value = held.get(key)
      return value === undefined ? { status: 404 } : { status: 200, body: value }
    }
    if (method === 'DELETE') return { status: held.delete(key) ? 204 : 404 }
    held.set(key, body)
    return { status: 204 }
  }
  const all = (where: string): Answer => {
    const entries = [...(places.get(where) ?? [])].map(([key, one]) => [key, JSON.parse(one)])
    return { status: 200, body: JSON.stringify(Object.fromEntries(entries)) }
  }
  const document = (request: IncomingMessage, where: string, body: string): Answer => {
    const held = documents.get(where)
    if (request.method === 'GET') {
      return held === undefined ? { status: 404 } : { status: 200, body: held, etag: etagOf(held) }
    }
    const { 'if-match': match, 'if-none-match': none } = request.headers
    if (match !== undefined && (held === undefined || match !== etagOf(held)))
      return { status: 412 }
    if (none !== undefined && held !== undefined) return { status: 412 }
    if (request.method === 'PUT') documents.set(where, body)
    else {
      const patch = { ...(JSON.parse(held ?? '{}') as Values), ...(JSON.parse(body) as Values) }
      const kept = Object.entries(patch).filter(([, value]) => value !== null)
      documents.set(where, JSON.stringify(Object.fromEntries(kept)))
    }
    return { status: 200 }
  }
  const answerTo = (request: IncomingMessage, body: string): Answer => {
    if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, body: 'go away' }
    const [, kind, where, key] = request.url!.split('?')[0]!.split('/')
    if (kind === 'document') return document(request, where!, body)
    if (kind === 'all') return all(where!)
    return single(request.method!, where!, decodeURIComponent(key!), body)
  }

  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method, url, headers } = request
      requests.push({ method: method!, path: url!, headers, body })
      const unwilling = busy.shift()
      if (unwilling) return response.writeHead(unwilling.status, unwilling.headers).end()
      const { status, body: answer, etag } = answerTo(request, body)
      return response.writeHead(status, etag ? { etag } : {}).end(answer)
    }, whoeverLeft)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    busy,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
