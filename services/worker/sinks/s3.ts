/**
 * Objects in S3 and everything that speaks it.
 *
 * `layout: object` keeps all keys in one JSON object and changes it by compare-and-set (`If-Match`), so
 * keys of others survive and two writers never undo each other. `layout: object_per_key` puts every value
 * below a prefix, under its own key, where `/` and `%` are escaped; what else is below the prefix is
 * neither read nor touched.
 *
 * Signed by aws4fetch, 90 kB without dependencies; the AWS SDK would bring 20 MB for the same six requests.
 */
import { createHash } from 'node:crypto'
import { Type } from '../options.ts'
import { keyOfName, nameOfKey } from './escaped-name.ts'
import { refused, send, type SinkAnswer, type SinkRequest } from './request.ts'
import { sideBySide } from './side-by-side.ts'
import { SinkError, type Sink, type SinkPlace, type SinkType } from './sink.ts'

const options = Type.Object({
  bucket: Type.String(),
  /** The object's name, or what the names of all objects begin with. */
  key: Type.String(),
  layout: Type.Optional(Type.Enum(['object', 'object_per_key'])),
  region: Type.Optional(Type.String()),
  /** Without one, Amazon's own of that region. */
  endpoint: Type.Optional(Type.String()),
  accessKeyId: Type.String({ secret: true }),
  secretAccessKey: Type.String({ secret: true }),
  sessionToken: Type.Optional(Type.String({ secret: true })),
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  encryption: Type.Optional(Type.Enum(['AES256', 'aws:kms'])),
  encryptionKeyId: Type.Optional(Type.String()),
})

type Method = SinkRequest['method']
type Bucket = {
  ask(
    method: Method,
    name: string,
    asked: { query?: string; headers?: Record<string, string>; body?: string },
    signal: AbortSignal,
  ): Promise<SinkAnswer>
  refusal(method: Method, name: string, answer: SinkAnswer): SinkError
  /** What goes with every object we write. */
  writeHeaders(place: SinkPlace): Record<string, string>
}

const width = 16
const casTries = 20
const tagsMax = 10

export const s3: SinkType<typeof options> = {
  type: 's3',
  options,
  open: async (given) => {
    const { AwsV4Signer } = await import('aws4fetch')
    const region = given.region ?? 'us-east-1'
    const endpoint = (given.endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, '')
    const tags = Object.entries(given.tags ?? {})
    if (tags.length > tagsMax) {
      throw new SinkError(`s3: ${tags.length} tags; an object takes ${tagsMax}`, {
        retryable: false,
      })
    }
    const bucket: Bucket = {
      async ask(method, name, { query = '', headers = {}, body }, signal) {
        const signed = await new AwsV4Signer({
          method,
          url: address(name) + query,
          headers: { ...headers, 'x-amz-content-sha256': sha256(body ?? '') },
          body: body ?? null,
          accessKeyId: given.accessKeyId,
          secretAccessKey: given.secretAccessKey,
          ...(given.sessionToken ? { sessionToken: given.sessionToken } : {}),
          service: 's3',
          region,
        }).sign()
        return send({
          method,
          url: signed.url.href,
          headers: Object.fromEntries(signed.headers),
          signal,
          ...(body === undefined ? {} : { body }),
        })
      },
      refusal: (method, name, answer) =>
        refused({ method, url: address(name) }, answer, inTag(answer.text, 'Code')[0]),
      writeHeaders: (place) => ({
        'content-type': 'application/json',
        ...Object.fromEntries(
          Object.entries(place.labels).map(([name, value]) => [
            `x-amz-meta-${name.toLowerCase()}`,
            encodeURIComponent(value),
          ]),
        ),
        ...(tags.length > 0 ? { 'x-amz-tagging': new URLSearchParams(tags).toString() } : {}),
        ...(given.encryption ? { 'x-amz-server-side-encryption': given.encryption } : {}),
        ...(given.encryptionKeyId
          ? { 'x-amz-server-side-encryption-aws-kms-key-id': given.encryptionKeyId }
          : {}),
      }),
    }
    const address = (name: string) =>
      [
        endpoint,
        given.bucket,
        ...(name === '' ? [] : name.split('/').map(encodeURIComponent)),
      ].join('/')
    return given.layout === 'object_per_key'
      ? objects(bucket, given.key)
      : object(bucket, given.key)
  },
}

const object = (bucket: Bucket, name: string): Sink => {
  const load = async (signal: AbortSignal) => {
    const answer = await bucket.ask('GET', name, {}, signal)
    if (isAbsent(answer)) return { etag: null, entries: new Map<string, unknown>() }
    if (answer.status !== 200) throw bucket.refusal('GET', name, answer)
    return { etag: String(answer.headers['etag']), entries: entriesIn(name, answer.text) }
  }
  return {
    render: (value) => JSON.stringify(value),
    async read(keys, signal) {
      const { entries } = await load(signal)
      const wanted = keys === 'all' ? entries.keys() : keys.filter((key) => entries.has(key))
      return new Map([...wanted].map((key) => [key, JSON.stringify(entries.get(key))]))
    },
    async write(changes, place, signal) {
      for (let attempt = 1; attempt <= casTries; attempt++) {
        const { etag, entries } = await load(signal)
        const before = textOf(entries)
        for (const key of changes.delete) entries.delete(key)
        for (const [key, stored] of changes.set) entries.set(key, JSON.parse(stored))
        const body = textOf(entries)
        if (body === before) return
        const condition = etag === null ? { 'if-none-match': '*' } : { 'if-match': etag }
        const headers = { ...bucket.writeHeaders(place), ...condition }
        const answer = await bucket.ask('PUT', name, { headers, body }, signal)
        if (answer.status === 200) return
        // Somebody was faster (412), is at it (409), or deleted the object (404): look again.
        if (![404, 409, 412].includes(answer.status) || isNoBucket(answer)) {
          throw bucket.refusal('PUT', name, answer)
        }
      }
      throw new SinkError(`s3: others changed ${name} ${casTries} times in a row`, {
        retryable: true,
      })
    },
    close: async () => {},
  }
}

const objects = (bucket: Bucket, prefix: string): Sink => {
  const get = async (key: string, into: Map<string, string>, signal: AbortSignal) => {
    const name = prefix + nameOfKey(key, forbidden)
    const answer = await bucket.ask('GET', name, {}, signal)
    if (isAbsent(answer)) return
    if (answer.status !== 200) throw bucket.refusal('GET', name, answer)
    into.set(key, answer.text)
  }
  const list = async (signal: AbortSignal): Promise<string[]> => {
    const keys: string[] = []
    let token: string | undefined
    do {
      const query = new URLSearchParams({ 'list-type': '2', 'encoding-type': 'url', prefix })
      if (token !== undefined) query.set('continuation-token', token)
      const answer = await bucket.ask('GET', '', { query: `?${query.toString()}` }, signal)
      if (answer.status !== 200) throw bucket.refusal('GET', '', answer)
      const isEncoded = inTag(answer.text, 'EncodingType')[0] === 'url'
      for (const listed of inTag(answer.text, 'Key')) {
        const name = isEncoded ? decodeURIComponent(listed.replaceAll('+', ' ')) : listed
        const key = keyOfName(name.slice(prefix.length), forbidden)
        if (key !== null) keys.push(key)
      }
      token = inTag(answer.text, 'NextContinuationToken')[0]
    } while (token !== undefined)
    return keys
  }
  return {
    render: (value) => JSON.stringify(value),
    async read(keys, signal) {
      const found = new Map<string, string>()
      const wanted = keys === 'all' ? await list(signal) : keys
      await sideBySide(wanted, width, (key) => get(key, found, signal))
      return found
    },
    async write(changes, place, signal) {
      const headers = bucket.writeHeaders(place)
      await sideBySide(changes.set, width, async ([key, body]) => {
        const name = prefix + nameOfKey(key, forbidden)
        const answer = await bucket.ask('PUT', name, { headers, body }, signal)
        if (answer.status !== 200) throw bucket.refusal('PUT', name, answer)
      })
      await sideBySide(changes.delete, width, async (key) => {
        const name = prefix + nameOfKey(key, forbidden)
        const answer = await bucket.ask('DELETE', name, {}, signal)
        if (answer.status !== 204 && !isAbsent(answer)) throw bucket.refusal('DELETE', name, answer)
      })
    },
    close: async () => {},
  }
}

const isNoBucket = ({ text }: SinkAnswer) => text.includes('NoSuchBucket')
const isAbsent = (answer: SinkAnswer) => answer.status === 404 && !isNoBucket(answer)

const entriesIn = (name: string, text: string): Map<string, unknown> => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new Map(Object.entries(value))
    }
  } catch {
    // Said below.
  }
  throw new SinkError(`s3: ${name} holds something other than a JSON object; it is left alone`, {
    retryable: false,
  })
}

const textOf = (entries: ReadonlyMap<string, unknown>): string =>
  `${JSON.stringify(Object.fromEntries([...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`

const forbidden = /[%/\p{Cc}]/gu

const inTag = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>([^<]*)</${tag}>`, 'g'))].map(([, text]) =>
    text!.replace(/&(?:#(x?)([0-9a-f]+)|(\w+));/gi, (_, hex: string, code: string, name: string) =>
      name ? (entities[name] ?? '') : String.fromCodePoint(Number.parseInt(code, hex ? 16 : 10)),
    ),
  )
const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
