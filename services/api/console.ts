/**
 * The console at the address of the API: files that were built once from `services/console`, kept outside
 * of Git under a digest of their sources. A file's name tells its content, so browsers keep it for good;
 * only the page that names the files is asked for anew. What is missing is built when somebody first
 * wants it, by a process of its own: nobody who only uses the API pays for that.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { App } from './api.ts'
import { Problem } from './problem.ts'
import { matches } from './range.ts'

const rooms = fileURLToPath(new URL('..', import.meta.url))
const sources = ['client', 'console'].map((name) => join(rooms, name))
const outdir = fileURLToPath(new URL('../../node_modules/.headway', import.meta.url))

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const pageHeaders = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
}
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

const walk = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true })
  const kept = entries.filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
  const paths = kept.map(async (entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? await walk(path) : [path]
  })
  return (await Promise.all(paths)).flat().toSorted()
}

/** The folder of the built console; building it takes seconds, and only once per change. */
export const builtConsole = async (): Promise<string> => {
  const hash = createHash('sha256')
  for (const path of (await Promise.all(sources.map(walk))).flat())
    hash.update(`${relative(rooms, path)}\0`).update(await readFile(path))
  const directory = join(outdir, `console-${hash.digest('hex').slice(0, 16)}`)
  if (!existsSync(directory))
    await promisify(execFile)(process.execPath, [join(rooms, 'console/build.mjs'), directory])
  return directory
}

/** A person's browser on a path that is not the API's: the console's own paths are such. */
export const isPage = ({ method, url, headers }: FastifyRequest): boolean =>
  method === 'GET' &&
  !/^\/(api|docs|openapi\.json|health|metrics)\b/.test(url) &&
  (headers.accept ?? '').includes('text/html')

type File = { readonly bytes: Uint8Array; readonly etag: string }

const etagOf = (bytes: Uint8Array): string =>
  `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`

export const serveConsole = (app: App) => {
  let directory: Promise<string> | null = null
  const built = () =>
    (directory ??= builtConsole().catch((error: Error) => {
      directory = null
      throw new Problem(503, 'console_unavailable', `the console cannot be built: ${error.message}`)
    }))

  /** What was read once is kept: a built file never changes. */
  const kept = new Map<string, Promise<File>>()
  const fileAt = (path: string): Promise<File> => {
    const known = kept.get(path)
    if (known) return known
    const read = readFile(path).then((bytes) => ({ bytes, etag: etagOf(bytes) }))
    kept.set(path, read)
    read.catch(() => kept.delete(path))
    return read
  }

  const send = async (request: FastifyRequest, reply: FastifyReply, name: string) => {
    const path = join(await built(), name)
    const accepted = String(request.headers['accept-encoding'] ?? '')
    const encoding = encodings.find(([token]) => new RegExp(`\\b${token}\\b`).test(accepted))
    const file = await fileAt(`${path}${encoding?.[1] ?? ''}`).catch(() => null)
    if (!file) throw new Problem(404, 'not_found', 'the console has no such file: load it again')
    const { bytes, etag } = file
    void reply
      .headers(pageHeaders)
      .type(types[extname(name)] ?? 'application/octet-stream')
      .header('etag', etag)
      .header('vary', 'accept-encoding')
      .header(
        'cache-control',
        name === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable',
      )
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
    if (encoding) void reply.header('content-encoding', encoding[0])
    return reply.send(bytes)
  }

  const config = { role: 'public' as const, anyMedia: true, unprojected: true }
  const hidden = { schema: { hide: true }, config }
  app.get('/', hidden, (request, reply) => send(request, reply, 'index.html'))
  app.get<{ Params: { name: string } }>('/console/:name', hidden, (request, reply) =>
    send(request, reply, `console/${request.params.name.replaceAll(/[^\w.-]/g, '')}`),
  )
  return (request: FastifyRequest, reply: FastifyReply) =>
    send(request, reply.code(200), 'index.html')
}
