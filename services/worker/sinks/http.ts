/**
 * A service of somebody's own over HTTP: one request per key (`layout: keys`, with `{key}` in the address)
 * or one JSON document with all of them (`layout: document`).
 *
 * Every change carries an `Idempotency-Key`, the same for the same change of the same run, and with
 * `signingKey` a `Headway-Signature`: HMAC-SHA256 over method, path, that key and the body, with line
 * feeds between. What is there is read by GET: a document from where it is written, and under the
 * condition of its ETag if it has one; all keys at once from `readUrl`, an object of keys and values.
 *
 * With `readable: false` nothing is ever read; a 2xx is all that confirms a change, and `confirmedBy` of
 * the sink says so.
 */
import { createHash, createHmac } from 'node:crypto'
import { Type } from '../options.ts'
import { canonicalJson, rendering } from './rendering.ts'
import { refused, send, type SinkAnswer, type SinkRequest } from './request.ts'
import { sideBySide } from './side-by-side.ts'
import { SinkError, type Sink, type SinkPlace, type SinkType } from './sink.ts'

// A password in an address would show in errors; it has options of its own.
const address = Type.String({ pattern: '^https?://[^@]*$' })

const options = Type.Object({
  url: address,
  layout: Type.Enum(['keys', 'document']),
  /** A document sent by PATCH or POST is a merge patch: only what changes, null for what goes. */
  method: Type.Optional(Type.Enum(['PUT', 'POST', 'PATCH'])),
  readUrl: Type.Optional(address),
  readable: Type.Optional(Type.Boolean()),
  headers: Type.Optional(Type.Record(Type.String(), Type.String())),
  bearerToken: Type.Optional(Type.String({ secret: true })),
  username: Type.Optional(Type.String()),
  password: Type.Optional(Type.String({ secret: true })),
  signingKey: Type.Optional(Type.String({ secret: true })),
})

type Options = Parameters<(typeof http)['open']>[0]
type Method = SinkRequest['method']
type Service = {
  get(url: string, signal: AbortSignal): Promise<SinkAnswer>
  change(asked: Change, place: SinkPlace, signal: AbortSignal): Promise<SinkAnswer>
}
type Change = {
  readonly method: Method
  readonly url: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

const width = 16
const casTries = 20

export const http: SinkType<typeof options> = {
  type: 'http',
  options,
  open: async (given) => {
    if (given.layout === 'keys' && !given.url.includes('{key}')) {
      throw wrong('`layout: keys` needs {key} in `url`')
    }
    if (given.layout === 'document' && given.readable === false && isWhole(given)) {
      throw wrong('a document that cannot be read is changed by PATCH or POST, not by PUT')
    }
    const service = serviceOf(given)
    const sink = given.layout === 'keys' ? perKey(service, given) : document(service, given)
    const guarded = { ...sink, render: rendering(), close: async () => {} }
    if (given.readable !== false) return guarded
    return {
      ...guarded,
      confirmedBy: 'answer',
      read: async () => {
        throw wrong('this target cannot be read')
      },
    }
  },
}

const wrong = (what: string): SinkError => new SinkError(`http: ${what}`, { retryable: false })
const isWhole = ({ method = 'PUT' }: Options): boolean => method === 'PUT'
const isGood = ({ status }: SinkAnswer): boolean => status >= 200 && status < 300
const isAbsent = ({ status }: SinkAnswer): boolean => status === 404 || status === 410

const serviceOf = (given: Options): Service => {
  const basic = `${given.username ?? ''}:${given.password ?? ''}`
  const fixed = {
    accept: 'application/json',
    'user-agent': 'headway',
    ...given.headers,
    ...(given.bearerToken === undefined ? {} : { authorization: `Bearer ${given.bearerToken}` }),
    ...(given.username === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
  }
  return {
    get: (url, signal) => {
      signal.throwIfAborted()
      return send({ method: 'GET', url, headers: fixed, signal })
    },
    change: ({ method, url, body, headers }, place, signal) => {
      signal.throwIfAborted()
      const once = idempotencyKey([method, url, body ?? ''], place)
      const said = [method, new URL(url).pathname, once, body ?? ''].join('\n')
      return send({
        method,
        url,
        signal,
        ...(body === undefined ? {} : { body }),
        headers: {
          ...fixed,
          ...labelHeaders(place),
          ...headers,
          'idempotency-key': once,
          ...(body === undefined || headers?.['content-type']
            ? {}
            : { 'content-type': 'application/json' }),
          ...(given.signingKey === undefined
            ? {}
            : { 'headway-signature': `sha256=${hmac(given.signingKey, said)}` }),
        },
      })
    },
  }
}

const perKey = (service: Service, given: Options): Pick<Sink, 'read' | 'write'> => {
  const at = (key: string) => given.url.replaceAll('{key}', () => inPath(key))
  const write = async (change: Change, place: SinkPlace, signal: AbortSignal) => {
    const answer = await service.change(change, place, signal)
    if (isGood(answer) || (change.method === 'DELETE' && isAbsent(answer))) return
    throw refused(change, answer)
  }
  return {
    async read(keys, signal) {
      if (keys === 'all') return (await load(service, given.readUrl, signal)).entries
      const found = new Map<string, string>()
      await sideBySide(keys, width, async (key) => {
        const answer = await service.get(at(key), signal)
        if (isAbsent(answer)) return
        if (!isGood(answer)) throw refused({ method: 'GET', url: at(key) }, answer)
        found.set(key, canonicalJson(parsed(at(key), answer.text)))
      })
      return found
    },
    async write(changes, place, signal) {
      const { method = 'PUT' } = given
      signal.throwIfAborted()
      await sideBySide(changes.set, width, ([key, body]) =>
        write({ method, url: at(key), body }, place, signal),
      )
      await sideBySide(changes.delete, width, (key) =>
        write({ method: 'DELETE', url: at(key) }, place, signal),
      )
    },
  }
}

const document = (service: Service, given: Options): Pick<Sink, 'read' | 'write'> => {
  const { url, readUrl = url, method = 'PUT' } = given
  const replace = async (
    changes: Parameters<Sink['write']>[0],
    place: SinkPlace,
    signal: AbortSignal,
  ): Promise<void> => {
    for (let attempt = 1; attempt <= casTries; attempt++) {
      const { entries, etag, isThere } = await load(service, readUrl, signal)
      const before = objectOf(entries)
      for (const key of changes.delete) entries.delete(key)
      for (const [key, stored] of changes.set) entries.set(key, stored)
      const body = objectOf(entries)
      if (isThere && body === before) return
      const condition = isThere ? (etag ? { 'if-match': etag } : {}) : { 'if-none-match': '*' }
      const answer = await service.change({ method, url, body, headers: condition }, place, signal)
      if (isGood(answer)) return
      // Somebody was faster: look again.
      if (answer.status !== 412 && answer.status !== 409) throw refused({ method, url }, answer)
    }
    const what = `http: others changed ${new URL(url).pathname} ${casTries} times in a row`
    throw new SinkError(what, { retryable: true })
  }
  const patch = async (
    changes: Parameters<Sink['write']>[0],
    place: SinkPlace,
    signal: AbortSignal,
  ): Promise<void> => {
    const gone = changes.delete.map((key) => [key, 'null'] as const)
    const body = objectOf(new Map([...gone, ...changes.set]))
    const headers = { 'content-type': 'application/merge-patch+json' }
    const answer = await service.change({ method, url, body, headers }, place, signal)
    if (!isGood(answer)) throw refused({ method, url }, answer)
  }
  return {
    async read(keys, signal) {
      const { entries } = await load(service, readUrl, signal)
      if (keys === 'all') return entries
      const wanted = new Set(keys)
      return new Map([...entries].filter(([key]) => wanted.has(key)))
    },
    write: isWhole(given) ? replace : patch,
  }
}

const load = async (service: Service, url: string | undefined, signal: AbortSignal) => {
  if (url === undefined) throw wrong('reading everything needs `readUrl`')
  const answer = await service.get(url, signal)
  if (isAbsent(answer)) return { entries: new Map<string, string>(), isThere: false, etag: null }
  if (!isGood(answer)) throw refused({ method: 'GET', url }, answer)
  const value = parsed(url, answer.text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw noObject(url)
  const etag = answer.headers['etag']
  return {
    entries: new Map(Object.entries(value).map(([key, one]) => [key, canonicalJson(one)])),
    isThere: true,
    // A weak one is no condition.
    etag: typeof etag === 'string' && !etag.startsWith('W/') ? etag : null,
  }
}

const parsed = (url: string, text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw noObject(url)
  }
}
const noObject = (url: string): SinkError =>
  wrong(`GET ${new URL(url).origin}${new URL(url).pathname} answers with something else than JSON`)

/** As one part of a path. Dots alone would vanish from it, however they are written. */
const inPath = (key: string): string => {
  if (/^\.{0,2}$/.test(key)) throw wrong(`the key "${key}" cannot be a part of an address`)
  return encodeURIComponent(key)
}

const objectOf = (entries: ReadonlyMap<string, string>): string => {
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, stored]) => `${JSON.stringify(key)}:${stored}`).join(',')}}`
}

const labelHeaders = ({ labels }: SinkPlace): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [
      `headway-${name}`.toLowerCase(),
      encodeURIComponent(value),
    ]),
  )

/** The same value set again later is another change, and must not pass for a repetition. */
const idempotencyKey = (change: readonly string[], { labels, now }: SinkPlace): string =>
  createHash('sha256')
    .update(JSON.stringify([change, labels, now]))
    .digest('hex')
const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex')
