/**
 * A real Postgres 18 as our child, from the binaries that npm brings.
 *
 * - The locale is the built-in C.UTF-8, whatever the machine has; with `LANG` unset initdb would
 *   silently make an ASCII database.
 * - initdb works in a folder beside and is renamed when complete: a start that was killed half-way
 *   leaves nothing that looks like a database.
 * - Ready means that a query was answered by the server of this very directory: on a port that
 *   somebody else took, a stranger would answer too.
 * - kill -9 of the server costs a recovery at the next start and no answered transaction.
 *
 * Any local program may connect (loopback only, no password). It is for development, tests and
 * single machines with one user; everywhere else HEADWAY_PG_URL names a real server.
 */
import { chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startChild, untilReady } from './child.ts'
import type { Child, RunningChild } from './child.ts'
import { untilReleased } from './holder.ts'
import { freePort } from './ports.ts'
import { preparePlace } from './postgres-place.ts'
import type { Place } from './postgres-place.ts'

export type PostgresOptions = {
  readonly dataDir: string
  /** 0 or nothing for any free one. */
  readonly port?: number
  /** Server settings that differ from ours. */
  readonly settings?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

type Log = PostgresOptions['log']

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
  log_destination: 'stderr',
  logging_collector: 'off',
  lc_messages: 'C',
} as const

const readyLine = 'database system is ready to accept connections'
/** A recovery after kill -9 reads up to `max_wal_size`, and a slow disk is no error. */
const readyWithinMs = 120_000

const initdbFlags = [
  '--username=headway',
  '--auth=trust',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--wal-segsize=4',
  '--no-instructions',
]

export async function startPostgres(options: PostgresOptions): Promise<Child> {
  const startedAt = performance.now()
  const dataDir = resolve(options.dataDir)
  const place = preparePlace(dataDir)
  if (!existsSync(dataDir)) await initialise(place, options.log)
  const { server, version, port } = await startServer(place, options)
  return {
    url: urlOf(port),
    pid: server.pid,
    version,
    startedMs: Math.round(performance.now() - startedAt),
    stop: server.stop,
    exited: server.exited,
  }
}

async function startServer(place: Place, options: PostgresOptions) {
  await untilReleased('postgres', join(place.dataDir, 'postmaster.pid'), place.dataDir)
  const given = options.port !== undefined && options.port > 0 ? options.port : null
  for (let attempt = 1; ; attempt++) {
    const port = given ?? (await freePort())
    const all = Object.entries({ ...settings, ...options.settings })
    const flags = all.flatMap(([key, value]) => ['-c', `${key}=${value}`])
    const server = await run(
      place,
      'postgres',
      ['-D', place.dataDir, '-p', String(port), ...flags],
      options.log,
    )
    // Asking earlier only fills the log with refusals while a recovery runs.
    const probeWhenUp = async () =>
      server.lastLines().includes(readyLine) ? probe(place.dataDir, port) : undefined
    try {
      return { server, port, version: await untilReady(server, probeWhenUp, readyWithinMs) }
    } catch (error) {
      // After kill -9 of the postmaster its last backends need a moment to notice; and what was a free
      // port may be somebody's by now.
      const isEnding = server.lastLines().includes('is still in use')
      const isLost = given === null && server.lastLines().includes('Address already in use')
      if (!(isEnding || isLost) || attempt === 20) throw error
      await delay(100)
    }
  }
}

async function initialise(place: Place, log: Log): Promise<void> {
  const draft = `${place.dataDir}.new`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  if (place.user !== undefined) chownSync(draft, place.user.uid, place.user.gid)
  const initdb = await run(place, 'initdb', [...initdbFlags, '--pgdata', draft], log)
  const code = await initdb.exited
  if (code !== 0) throw new Error(`initdb failed (exit code ${code})\n${initdb.lastLines()}`)
  renameSync(draft, place.dataDir)
}

function run(
  place: Place,
  program: string,
  args: readonly string[],
  log: Log,
): Promise<RunningChild> {
  const { libDir, native, user } = place
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
      const { rows } = await client.query<{ directory: string; version: string }>(
        `select current_setting('data_directory') directory,
                current_setting('server_version') version`,
      )
      return rows[0]?.directory === dataDir ? rows[0].version : undefined
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
