/**
 * Real repositories for tests, and a real server in front of them: git's own `http-backend` behind a small
 * HTTP server that asks for a password when told so, counts, and can be told to fail.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

type Content = string | Buffer | { readonly link: string } | { readonly submodule: string }
export type Files = Readonly<Record<string, Content>>

const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.org',
}

const entryOf = ([path, content]: readonly [string, Content]): readonly Buffer[] => {
  if (typeof content === 'object' && 'submodule' in content)
    return [Buffer.from(`M 160000 ${content.submodule} ${path}\n`)]
  const isLink = typeof content === 'object' && 'link' in content
  const bytes = Buffer.from(isLink ? content.link : (content as string | Buffer))
  return [
    Buffer.from(`M ${isLink ? '120000' : '100644'} inline ${path}\ndata ${bytes.length}\n`),
    bytes,
    Buffer.from('\n'),
  ]
}

let clock = 1_795_000_000

export class Repository {
  readonly directory: string

  constructor(root: string, name: string) {
    this.directory = join(root, `${name}.git`)
    mkdirSync(join(this.directory, '..'), { recursive: true })
    execFileSync('git', ['init', '--quiet', '--bare', '-b', 'main', this.directory], { env })
    this.git(['config', 'core.compression', '0'])
  }

  git(args: readonly string[], input?: string | Buffer): string {
    return execFileSync('git', ['-C', this.directory, ...args], {
      env,
      input: input ?? '',
      maxBuffer: 1e9,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
      .toString()
      .trim()
  }

  /** A commit with just these files, on top of `from` or of what the ref names; null: on nothing. */
  commit(
    files: Files,
    { ref = 'refs/heads/main', from = this.tip(ref), message = 'a change' } = {},
  ) {
    const head =
      `commit ${ref}\ncommitter Ann <ann@example.org> ${clock++} +0000\n` +
      `data ${Buffer.byteLength(message)}\n${message}\n${from ? `from ${from}\n` : ''}deleteall\n`
    const body = Object.entries(files).flatMap(entryOf)
    this.git(['fast-import', '--quiet', '--force'], Buffer.concat([Buffer.from(head), ...body]))
    return this.tip(ref)!
  }

  tip(ref = 'refs/heads/main'): string | null {
    try {
      return this.git(['rev-parse', '--verify', '--quiet', ref])
    } catch {
      return null
    }
  }

  move(ref: string, commit: string): void {
    this.git(['update-ref', ref, commit])
  }
}

export type GitServer = {
  readonly url: string
  /** What was asked, in order. */
  readonly asked: string[]
  /** Answers instead of git, when it says so. */
  interrupt: ((request: IncomingMessage, response: ServerResponse) => boolean) | null
  password: string | null
  close(): void
}

/** Serves the repositories below a folder. */
export const serveGit = async (root: string): Promise<GitServer> => {
  const server = createServer((request, response) => {
    told.asked.push(`${request.method} ${request.url}`)
    if (told.interrupt?.(request, response)) return
    const wanted = told.password && Buffer.from(told.password).toString('base64')
    if (wanted && request.headers.authorization !== `Basic ${wanted}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
      return
    }
    backend(root, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const told: GitServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    interrupt: null,
    password: null,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  return told
}

const backend = (root: string, request: IncomingMessage, response: ServerResponse): void => {
  const { pathname, search } = new URL(request.url!, 'http://git')
  const child = spawn('git', ['http-backend'], {
    env: {
      ...env,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method!,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  request.pipe(child.stdin)
  child.stdin.on('error', () => {})
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.on('close', () => {
    const printed = Buffer.concat(chunks)
    const end = printed.indexOf('\r\n\r\n')
    const headers = printed.subarray(0, end).toString().split('\r\n')
    for (const header of headers) {
      const [name = '', value = ''] = header.split(/: (.*)/)
      if (name === 'Status') response.statusCode = Number(value.slice(0, 3))
      else if (name) response.setHeader(name, value)
    }
    response.end(printed.subarray(end + 4))
  })
}
