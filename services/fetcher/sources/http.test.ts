import { createServer, type RequestListener } from 'node:http'
import { createServer as createSocketServer, type AddressInfo, type Server } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { AssetDefinition, Auth } from '@headway/schemas/definitions.ts'
import { SecretError } from '@headway/streams/secrets.ts'
import { http, isHome, retryAfter } from './http.ts'
import { sourceOf } from './index.ts'
import { tellableUrl, type Polled, type PollRequest } from './source.ts'

/** Given a server that behaves so, when it is looked at once, then this outcome. */
const servers: { readonly server: Server; readonly end: () => void }[] = []
afterEach(async () => {
  for (const { server, end } of servers.splice(0)) {
    end()
    await new Promise((resolve) => server.close(resolve))
  }
})

const listen = async (server: Server, end: () => void): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push({ server, end })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const serve = (handle: RequestListener): Promise<string> => {
  const server = createServer(handle)
  return listen(server, () => server.closeAllConnections())
}
/** Answers every connection with these bytes, then ends or breaks it. */
const serveRaw = (answer: string, last: 'end' | 'reset' | 'hold' = 'end'): Promise<string> => {
  const sockets = new Set<{ destroy(): void }>()
  const server = createSocketServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(answer, () => {
        if (last === 'end') socket.end()
        if (last === 'reset') socket.resetAndDestroy()
      })
    })
  })
  return listen(server, () => {
    for (const socket of sockets) socket.destroy()
  })
}

const now = Date.parse('2026-11-21T12:00:00Z')
type Options = Partial<AssetDefinition> & Pick<PollRequest, 'validators'> & { signal?: AbortSignal }
const canary = 'canary-5f2e0b/+&=x'
const secret = async (ref: string) => {
  if (ref === 'env:CANARY') return canary
  throw new SecretError(`nothing behind ${ref}`)
}
const poll = async (url: string, options: Options = {}): Promise<Polled> => {
  const { validators, signal = new AbortController().signal, ...rest } = options
  const definition = { kind: 'opaque_bytes' as const, strategy: 'content_hash' as const, ...rest }
  const polled = await http.poll({
    definition: { timeoutMs: 5_000, ...definition, url },
    ...(validators ? { validators } : {}),
    now,
    signal,
    secret,
  })
  const told = JSON.stringify(polled, (key, value: unknown) => (key === 'bytes' ? '' : value))
  expect(told).not.toContain('canary')
  return polled
}
const failure = (polled: Polled) => (polled.outcome === 'failed' ? polled.error.type : polled)
const textOf = (polled: Polled) =>
  polled.outcome === 'content' ? Buffer.from(polled.bytes).toString() : polled

describe('an answer', () => {
  test('is bytes with its validators', async () => {
    const url = await serve((_, response) => {
      response.setHeader('etag', '"1"').setHeader('last-modified', 'then').end('bytes')
    })
    expect(await poll(url)).toEqual({
      outcome: 'content',
      bytes: Buffer.from('bytes'),
      status: 200,
      etag: '"1"',
      lastModified: 'then',
    })
  })

  test('of nothing is content of no bytes: whether that is good is for inspection', async () => {
    const url = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip').end()
    })
    expect(textOf(await poll(url))).toBe('')
  })

  test('304 is unchanged when validators were sent, and a failure when none were', async () => {
    let asked = {}
    const url = await serve(({ headers }, response) => {
      const { 'if-none-match': etag, 'if-modified-since': since } = headers
      asked = { etag, since }
      response.writeHead(304).end()
    })
    const validators = { etag: '"1"', lastModified: 'then' }
    expect(await poll(url, { validators })).toEqual({ outcome: 'unchanged' })
    expect(asked).toEqual({ etag: '"1"', since: 'then' })
    expect(failure(await poll(url))).toBe('http_304')
    expect(asked).toEqual({ etag: undefined, since: undefined })
  })

  test.each([204, 206, 401, 404, 429, 500])('with status %i is a failure', async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end('sorry'))
    expect(await poll(`${url}/feed?key=canary`)).toEqual({
      outcome: 'failed',
      error: { type: `http_${status}`, message: `${url}/feed answered ${status}` },
      status,
    })
  })

  test('with an endless error page is a failure at once', async () => {
    const url = await serve((_, response) => {
      response.writeHead(500).write('and so on ')
    })
    expect(failure(await poll(url))).toBe('http_500')
  })

  test('names a browser-like client and the configured headers, which win', async () => {
    const seen: unknown[] = []
    const url = await serve(({ headers }, response) => {
      seen.push([headers['user-agent'], headers['x-more']])
      response.end('x')
    })
    await poll(url)
    await poll(url, { headers: { 'User-Agent': 'mine', 'X-More': 'yes' } })
    expect(seen).toEqual([
      [expect.stringMatching(/^Headway\//), undefined],
      ['mine', 'yes'],
    ])
  })
})

describe('Retry-After', () => {
  test.each([
    ['120', now + 120_000],
    ['Sat, 21 Nov 2026 12:05:00 GMT', now + 300_000],
    ['999999999', now + 6 * 3_600_000],
    ['Sat, 21 Nov 2020 12:05:00 GMT', undefined],
    ['0', undefined],
    ['-5', undefined],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is a moment within six hours, or nothing', (value, moment) => {
    expect(retryAfter(value, now)).toBe(moment)
  })

  test('comes with the failure', async () => {
    const url = await serve((_, response) => response.writeHead(429, { 'retry-after': '60' }).end())
    expect(await poll(url)).toMatchObject({ status: 429, notBefore: now + 60_000 })
  })
})

describe('a body', () => {
  const text = 'stop_id,stop_name\n'.repeat(1_000)
  const encoded = (name: string, body: Uint8Array) =>
    serve((_, response) => response.setHeader('content-encoding', name).end(body))

  test.each([
    ['gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['gzip, br', brotliCompressSync(gzipSync(text))],
  ])('in %s is unpacked', async (name, body) => {
    expect(textOf(await poll(await encoded(name, body)))).toBe(text)
  })

  test.each([
    ['gzip', gzipSync(text).subarray(0, 40), 'encoding_broken'],
    ['gzip', Buffer.from(text), 'encoding_broken'],
    ['br', brotliCompressSync(text).subarray(0, 20), 'encoding_broken'],
    ['zstd', Buffer.from(text), 'encoding_unknown'],
    ['gzip,gzip,gzip,gzip', gzipSync(text), 'encoding_unknown'],
  ])('in broken %s is a failure and no content', async (name, body, type) => {
    expect(failure(await poll(await encoded(name, body)))).toBe(type)
  })

  test.each([
    ['gzip', gzipSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
  ])('that is a bomb in %s is too large, before it is unpacked', async (name, body) => {
    const before = process.memoryUsage().rss
    const polled = await poll(await encoded(name, body), { sizeBytesMax: 1_000_000 })
    expect(polled).toMatchObject({ outcome: 'too_large', sizeBytes: 1_000_001 })
    expect(process.memoryUsage().rss - before).toBeLessThan(30_000_000)
  })

  test('announced too large is not read; one that turns out so is not read to its end', async () => {
    const announced = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nx', 'hold')
    expect(await poll(announced, { sizeBytesMax: 100 })).toMatchObject({
      outcome: 'too_large',
      sizeBytes: 9_999,
      detail: `${announced}/ sent more than the 100 bytes that are allowed`,
    })
    let sent = 0
    const endless = await serve((_, response) => {
      const more = () => {
        while (sent < 1e9 && response.write('x'.repeat(65_536))) sent += 65_536
      }
      response.on('drain', more)
      more()
    })
    expect(await poll(endless, { sizeBytesMax: 100 })).toMatchObject({ outcome: 'too_large' })
    expect(sent).toBeLessThan(50_000_000)
  })

  test.each([
    ['shorter than announced', 'Content-Length: 100\r\n\r\nshort', 'end'],
    ['cut within a chunk', 'Transfer-Encoding: chunked\r\n\r\n64\r\nshort', 'end'],
    ['cut between chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n', 'end'],
    ['reset', 'Content-Length: 100\r\n\r\nshort', 'reset'],
  ] as const)('%s is a failure and no content', async (_, rest, last) => {
    const polled = await poll(await serveRaw(`HTTP/1.1 200 OK\r\n${rest}`, last))
    expect(failure(polled)).toMatch(/^(und_err_socket|econnreset|hpe_\w+)$/)
  })

  test('longer than announced ends where it was announced to end', async () => {
    const url = await serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nshort and more')
    expect(textOf(await poll(url))).toBe('short')
  })
})

describe('time', () => {
  test.each([
    ['nobody answers', '', 'hold'],
    ['the head does not end', 'HTTP/1.1 200 OK\r\nX-', 'hold'],
    ['the body does not end', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', 'hold'],
  ] as const)('is up when %s', async (_, answer, last) => {
    const url = await serveRaw(answer, last)
    const polled = await poll(`${url}/feed?key=canary`, { timeoutMs: 100 })
    expect(polled).toEqual({
      outcome: 'failed',
      error: { type: 'timeout', message: `${url}/feed did not answer completely within 100 ms` },
    })
  })

  test('is counted over all: a drip that never pauses long is up as well', async () => {
    const url = await serve((_, response) => {
      const drip = setInterval(() => response.write('x'), 10)
      response.on('close', () => clearInterval(drip))
    })
    expect(failure(await poll(url, { timeoutMs: 150 }))).toBe('timeout')
  })

  test('is counted over redirects too', async () => {
    const url = await serve(({ url: path }, response) => {
      setTimeout(() => response.writeHead(302, { location: `${path}x` }).end(), 40)
    })
    expect(failure(await poll(url, { timeoutMs: 100, redirectsMax: 1_000 }))).toBe('timeout')
  })

  test('is cut short by the room that stops [I16]', async () => {
    const stop = new AbortController()
    const url = await serve(() => stop.abort())
    for (const _ of ['while it waits', 'before it asks'])
      expect(failure(await poll(url, { signal: stop.signal }))).not.toBe('timeout')
  })
})

describe('what is not there', () => {
  test.each([
    ['http://127.0.0.1:1/feed', 'econnrefused'],
    ['http://nowhere.invalid/feed', /^(enotfound|eai_again)$/],
    ['http://', 'invalid_url'],
  ])('is a failure: %s', async (url, type) => {
    expect(failure(await poll(url))).toMatch(type)
  })

  test('speaks something else', async () => {
    expect(failure(await poll(await serveRaw('SSH-2.0-OpenSSH_9.2\r\n')))).toBe('fetch_failed')
  })

  test('has no source for its scheme', () => {
    expect(sourceOf('https://a/b')).toBe(http)
    for (const url of ['ftp://a/b', 'file:///etc/passwd', 'nothing'])
      expect(sourceOf(url)).toBeNull()
  })
})

describe('redirects', () => {
  const chain = (length: number) =>
    serve(({ url = '' }, response) => {
      const step = Number(url.slice(1))
      if (step >= length) return void response.end('there')
      response.writeHead([301, 302, 303, 307, 308][step % 5]!, { location: `/${step + 1}` }).end()
    })

  test('are followed, five by default and as many as configured', async () => {
    expect(textOf(await poll(`${await chain(5)}/0`))).toBe('there')
    expect(failure(await poll(`${await chain(6)}/0`))).toBe('redirects')
    expect(textOf(await poll(`${await chain(6)}/0`, { redirectsMax: 6 }))).toBe('there')
    expect(failure(await poll(`${await chain(1)}/0`, { redirectsMax: 0 }))).toBe('redirects')
  })

  test.each([
    ['a loop', '/'],
    ['another scheme', 'file:///etc/passwd'],
    ['nonsense', 'http://[canary'],
  ])('into %s are a failure', async (_, location) => {
    const url = await serve((__, response) => response.writeHead(302, { location }).end())
    expect(failure(await poll(url))).toBe('redirects')
  })

  test('without a Location are what they are', async () => {
    const url = await serve((_, response) => response.writeHead(302).end())
    expect(failure(await poll(url))).toBe('http_302')
  })
})

describe('credentials', () => {
  const auths: Record<Auth['type'], [Auth, (seen: string) => boolean]> = {
    header: [
      { type: 'header', name: 'X-Api-Key', value: 'env:CANARY' },
      (seen) => seen.includes(`"x-api-key":"${canary}"`),
    ],
    query: [
      { type: 'query', name: 'key', value: 'env:CANARY' },
      (seen) => seen.startsWith('/feed?a=1&key=canary-5f2e0b%2F%2B%26%3Dx '),
    ],
    basic: [
      { type: 'basic', username: 'me', password: 'env:CANARY' },
      (seen) => seen.includes(`Basic ${Buffer.from(`me:${canary}`).toString('base64')}`),
    ],
    bearer: [{ type: 'bearer', token: 'env:CANARY' }, (seen) => seen.includes(`Bearer ${canary}`)],
  }
  const kinds = Object.keys(auths) as Auth['type'][]

  test.each(kinds)('in the %s arrive', async (kind) => {
    const [auth, isThere] = auths[kind]
    let seen = ''
    const url = await serve(({ url: path, headers }, response) => {
      seen = `${path} ${JSON.stringify(headers)}`
      response.end('x')
    })
    await poll(`${url}/feed?a=1`, { auth })
    expect(isThere(seen), seen).toBe(true)
  })

  test.each(kinds)(
    'in the %s go along a redirect at home and never elsewhere [I14]',
    async (kind) => {
      const [auth, isThere] = auths[kind]
      let elsewhere = ''
      const other = await serve(({ url, headers }, response) => {
        elsewhere = `${url} ${JSON.stringify(headers)}`
        response.writeHead(401).end()
      })
      let atHome = ''
      const home = await serve(({ url = '', headers }, response) => {
        const isMoved = url.startsWith('/feed')
        if (isMoved) atHome = `${url} ${JSON.stringify(headers)}`
        response.writeHead(302, { location: isMoved ? `${other}/there` : '/feed?a=1' }).end()
      })
      const polled = await poll(`${home}/`, { auth, headers: { 'x-mine': 'canary' } })
      expect(isThere(atHome), atHome).toBe(true)
      expect(elsewhere).toMatch(/^\/there /)
      expect(elsewhere).not.toMatch(/canary|authorization|x-api-key|x-mine/i)
      expect(polled).toMatchObject({
        error: { message: expect.stringContaining('where credentials do not go') },
      })
    },
  )

  test('that a redirect carries away itself are not taken there [I14]', async () => {
    let isCalled = false
    const other = await serve((_, response) => {
      isCalled = true
      response.end('x')
    })
    const home = await serve(({ url }, response) =>
      response.writeHead(302, { location: `${other}${url}` }).end(),
    )
    const polled = await poll(`${home}/feed`, { auth: auths.query[0] })
    expect(failure(polled)).toBe('redirects')
    expect(isCalled).toBe(false)
  })

  test('stay with the host when it moves from http to https', () => {
    const from = new URL('http://agency.org/feed')
    expect(isHome(from, new URL('https://agency.org/feed'))).toBe(true)
    expect(isHome(from, new URL('http://agency.org/other'))).toBe(true)
    for (const url of [
      'https://agency.org:8443/',
      'https://www.agency.org/',
      'http://agency.org:81/',
    ])
      expect(isHome(from, new URL(url))).toBe(false)
    expect(isHome(new URL('https://agency.org/'), new URL('http://agency.org/'))).toBe(false)
    expect(isHome(new URL('http://a:8080/'), new URL('https://a:8080/'))).toBe(false)
  })

  test('that cannot be resolved are named by reference, and nothing is asked', async () => {
    let isCalled = false
    const url = await serve(() => (isCalled = true))
    const auth = { type: 'bearer', token: 'env:MISSING' } as const
    expect(await poll(url, { auth })).toEqual({
      outcome: 'failed',
      error: { type: 'secret_missing', message: 'nothing behind env:MISSING' },
    })
    expect(isCalled).toBe(false)
  })

  test('that HTTP cannot carry are a failure that does not quote them [I14]', async () => {
    const url = await serve((_, response) => response.end())
    const polled = await http.poll({
      definition: { kind: 'opaque_bytes', strategy: 'content_hash', url, auth: auths.header[0] },
      now,
      signal: new AbortController().signal,
      secret: async () => 'canary\nx',
    })
    expect(failure(polled)).toBe('invalid_request')
    expect(JSON.stringify(polled)).not.toContain('canary')
  })

  test.each(kinds)('in the %s are told by no failure [I14]', async (kind) => {
    const [auth] = auths[kind]
    const urls = await Promise.all([
      serve((_, response) => void response.writeHead(401).end(canary)),
      serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx', 'reset'),
      serveRaw('HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nx', 'hold'),
      serveRaw('', 'hold'),
    ])
    for (const url of [...urls, 'http://127.0.0.1:1/feed'])
      expect((await poll(url, { auth, timeoutMs: 100, sizeBytesMax: 100 })).outcome).not.toBe(
        'content',
      )
  })
})

test('of a URL only scheme, host and path may be told [I14]', () => {
  expect(tellableUrl('https://me:canary@agency.org:8443/feed.pb?key=canary#canary')).toBe(
    'https://agency.org:8443/feed.pb',
  )
  expect(tellableUrl('canary')).toBe('the configured URL')
})
