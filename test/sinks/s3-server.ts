/**
 * S3's REST protocol, as far as a sink asks: objects with conditions and metadata, listing in pages, and
 * every request's signature (version 4) checked with the secret. Written from Amazon's reference and held
 * against a real gateway, which runs the same tests where it is installed.
 */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const credentials = { accessKeyId: 'access-key', secretAccessKey: 'right-secret' }

type Reply = { status: number; body?: string; headers?: Record<string, string> }
type Stored = { readonly body: string; readonly headers: Record<string, string> }

const pageSize = 1_000

/** Nobody waits for the answer to a request that was never said to its end. */
const whoeverLeft = () => {}

export const startS3 = async (bucket: string) => {
  const objects = new Map<string, Stored>()
  const answer = (request: IncomingMessage, body: string): Reply => {
    const url = new URL(request.url!, 'http://s3')
    const [, named, ...rest] = url.pathname.split('/')
    const problem = wrongIn(request, url, body)
    if (problem) return fault(403, problem)
    if (named !== bucket) return fault(404, 'NoSuchBucket')
    const name = rest.map(decodeURIComponent).join('/')
    if (name === '') return list(objects, url.searchParams)
    const stored = objects.get(name)
    if (request.method === 'GET') {
      if (!stored) return fault(404, 'NoSuchKey')
      return { status: 200, body: stored.body, headers: { ...stored.headers, etag: tagOf(stored) } }
    }
    if (request.method === 'DELETE') {
      objects.delete(name)
      return { status: 204 }
    }
    const { 'if-match': match, 'if-none-match': noneMatch } = request.headers
    if (match !== undefined && !stored) return fault(404, 'NoSuchKey')
    const isMet =
      (match === undefined || match === tagOf(stored!)) && (noneMatch === undefined || !stored)
    if (!isMet) return fault(412, 'PreconditionFailed')
    const kept = Object.entries(request.headers).filter(([header]) =>
      /^x-amz-|^content-type/.test(header),
    )
    const made = { body, headers: Object.fromEntries(kept) as Record<string, string> }
    objects.set(name, made)
    return { status: 200, headers: { etag: tagOf(made) } }
  }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { status, body: content = '', headers = {} } = answer(request, body)
      response.writeHead(status, headers).end(content)
    }, whoeverLeft)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const fault = (status: number, code: string): Reply => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`,
})

const tagOf = ({ body }: Stored): string => `"${createHash('md5').update(body).digest('hex')}"`

const list = (objects: ReadonlyMap<string, Stored>, query: URLSearchParams): Reply => {
  const after = query.get('continuation-token') ?? ''
  const names = [...objects.keys()]
    .filter((name) => name.startsWith(query.get('prefix') ?? '') && name > after)
    .toSorted((a, b) => (a < b ? -1 : 1))
  const page = names.slice(0, pageSize)
  const keys = page.map((name) => {
    const encoded = encodeURIComponent(name).replaceAll('%20', '+').replaceAll('%2F', '/')
    return `<Contents><Key>${encoded}</Key></Contents>`
  })
  const next =
    names.length > pageSize ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
  return {
    status: 200,
    body: `<ListBucketResult><EncodingType>url</EncodingType>${keys.join('')}${next}</ListBucketResult>`,
  }
}

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')
const hmac = (key: string | Buffer, content: string) =>
  createHmac('sha256', key).update(content).digest()
const strict = (part: string) =>
  encodeURIComponent(part).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** The code of what is wrong with a request's signature, if anything. */
const wrongIn = (request: IncomingMessage, url: URL, body: string): string | null => {
  const pattern = new RegExp(
    '^AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d+)/([^/]+)/s3/aws4_request, ?' +
      'SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)$',
  )
  const [, keyId, day, region, names, signature] =
    pattern.exec(request.headers.authorization ?? '') ?? []
  if (signature === undefined) return 'AccessDenied'
  if (keyId !== credentials.accessKeyId) return 'InvalidAccessKeyId'
  if (request.headers['x-amz-content-sha256'] !== sha256(body)) return 'XAmzContentSHA256Mismatch'
  const query = [...url.searchParams]
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
  const canonical = [
    request.method,
    url.pathname.split('/').map(decodeURIComponent).map(strict).join('/'),
    query.join('&'),
    ...names!.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}`),
    '',
    names,
    request.headers['x-amz-content-sha256'],
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const time = String(request.headers['x-amz-date'])
  const signed = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const key = [day!, region!, 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${credentials.secretAccessKey}`,
  )
  return hmac(key, signed).toString('hex') === signature ? null : 'SignatureDoesNotMatch'
}
