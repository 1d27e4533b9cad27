import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import type { Child } from '../deploy/child.ts'
import { findNatsServer, startNats } from '../deploy/nats-server.ts'
import { assertPortsFree, commandOf } from '../deploy/ports.ts'
import { startPostgres } from '../deploy/postgres.ts'

const isRoot = process.getuid?.() === 0
const nobody = 65_534
/** Under two seconds on a machine with nothing else to do; whoever has to be killed lives for ten. */
const goneMsMax = 8_000
const root = dirname(dirname(fileURLToPath(import.meta.url)))

const children: Child[] = []
const parents: ChildProcess[] = []
const folders: string[] = []
afterEach(async () => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL')
  for (const child of children.splice(0)) await child.stop()
  for (const folder of folders.splice(0)) {
    await vi.waitFor(() => expect(processesOf(folder)).toEqual([]), { timeout: 20_000 })
    rmSync(folder, { recursive: true })
  }
})

async function started(start: Promise<Child>): Promise<Child> {
  const child = await start
  children.push(child)
  return child
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headway-'))
  folders.push(folder)
  chmodSync(folder, 0o755)
  return folder
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  await client.end()
  return rows.flat()
}

/** The answer of a nats-server to CONNECT and PING. */
function ping(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      text += String(chunk)
      if (!text.includes('PONG')) return
      socket.destroy()
      resolve(text)
    })
    socket.write('CONNECT {"verbose":false}\r\nPING\r\n')
  })
}

/** Live processes, wrappers included, that name a folder on their command line. */
function processesOf(folder: string): string[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return pids.flatMap((pid) => {
    const command = commandOf(Number(pid))
    return command?.includes(folder) === true ? [`${pid} ${command}`] : []
  })
}

/** A process that starts both servers, prints them as JSON and waits to be killed. */
async function startParent(folder: string, uid?: number) {
  const code = `Promise.all([
    import(${JSON.stringify(join(root, 'deploy/nats-server.ts'))}),
    import(${JSON.stringify(join(root, 'deploy/postgres.ts'))}),
  ]).then(async ([{ startNats }, { startPostgres }]) => {
    const folder = process.env.FOLDER
    const nats = await startNats({ dataDir: folder + '/nats', port: -1 })
    const postgres = await startPostgres({ dataDir: folder + '/pg' })
    console.log(JSON.stringify({ nats, postgres }))
  })`
  const parent = spawn(process.execPath, ['--import', 'tsx', '-e', code], {
    cwd: root,
    env: { ...process.env, FOLDER: folder, HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  parents.push(parent)
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    parent.stdout.on('data', (chunk: Buffer) => {
      text += String(chunk)
      if (text.endsWith('\n')) resolve(text)
    })
    parent.once('exit', () => reject(new Error('the parent ended')))
  })
  return { parent, ...(JSON.parse(line) as { nats: Child; postgres: Child }) }
}

test('nats-server starts on any free port, with JetStream, and stops', async () => {
  const folder = newFolder()
  const nats = await startNats({ dataDir: join(folder, 'nats'), port: -1 })
  expect(nats.version).toMatch(/^2\.\d+\.\d+/)
  const greeting = await ping(nats.url)
  expect(greeting).toContain('"jetstream":true')
  expect(greeting).toContain('"max_payload":1048576')
  await nats.stop()
  expect(await nats.exited).toBe(0)
  expect(processesOf(folder)).toEqual([])
})

test('a nats-server that lives and answers nobody is killed', async () => {
  const lines: string[] = []
  const log = (line: string) => lines.push(line)
  const nats = await startNats({ dataDir: join(newFolder(), 'nats'), port: -1, log, watchMs: 100 })
  process.kill(nats.pid, 'SIGSTOP')
  await nats.exited
  expect(lines.join('\n')).toContain('answers nobody about streams')
})

test('nats-server keeps its data where it was told and syncs every message', async () => {
  const lines: string[] = []
  const dataDir = join(newFolder(), 'na ts')
  await started(startNats({ dataDir, port: 0, log: (line) => lines.push(line) }))
  expect(existsSync(join(dataDir, 'jetstream'))).toBe(true)
  // What a child says goes through a process of its own, and may come after the greeting.
  await vi.waitFor(() => expect(lines.join('\n')).toMatch(/Strict:\s+true/), { timeout: 10_000 })
  const config = readFileSync(join(root, 'deploy/nats.conf'), 'utf8')
  expect(config).toMatch(/^\s*sync_interval: always$/m)
})

test('a taken port is an error with the last words of the server', async () => {
  const stranger = createServer((socket) => socket.end('INFO {"server_name":"x"}\r\n'))
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
  const { port } = stranger.address() as AddressInfo
  const folder = newFolder()
  await expect(startNats({ dataDir: join(folder, 'nats'), port })).rejects.toThrow(
    /nats-server stopped at start[^]*address already in use/,
  )
  await expect(startPostgres({ dataDir: join(folder, 'pg'), port })).rejects.toThrow(
    /postgres stopped at start[^]*Address already in use/,
  )
  expect(processesOf(folder)).toEqual([])
  stranger.close()
})

test('a nats-server on PATH wins when it is new enough, and an old one is passed over', () => {
  const [old, recent] = [newFolder(), newFolder()]
  const write = (folder: string, version: string) => {
    writeFileSync(join(folder, 'nats-server'), `#!/bin/sh\necho nats-server: v${version}\n`)
    chmodSync(join(folder, 'nats-server'), 0o755)
  }
  write(old, '2.9.10')
  write(recent, '2.15.1')
  expect(findNatsServer({ PATH: recent })).toBe(join(recent, 'nats-server'))
  expect(findNatsServer({ PATH: old })).toContain('node_modules')
})

test('postgres starts, speaks UTF-8 whatever the locale is, and starts again', async () => {
  const dataDir = join(newFolder(), 'pg')
  const first = await startPostgres({ dataDir })
  expect(first.version).toMatch(/^18\./)
  const sql = `select current_user::text, current_database()::text, upper('é'),
    current_setting('server_encoding'), current_setting('fsync'), current_setting('wal_level')`
  expect(await ask(first.url, sql)).toEqual(['headway', 'headway', 'É', 'UTF8', 'on', 'minimal'])
  await ask(first.url, 'create table kept as select 42 answer')
  await first.stop()
  const second = await started(startPostgres({ dataDir, port: 0 }))
  expect(await ask(second.url, 'select answer from kept')).toEqual([42])
})

test('postgres comes back after kill -9 with everything it had answered', async () => {
  const dataDir = join(newFolder(), 'pg')
  const first = await startPostgres({ dataDir })
  await ask(first.url, 'create table kept (answer int)')
  await ask(first.url, 'insert into kept values (42)')
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toBe(128 + 9)
  const second = await started(startPostgres({ dataDir }))
  expect(await ask(second.url, 'select answer from kept')).toEqual([42])
})

test('a first start that was killed half-way leaves nothing in the way', async () => {
  const folder = newFolder()
  mkdirSync(join(folder, 'pg.new'))
  writeFileSync(join(folder, 'pg.new', 'PG_VERSION'), '18\n')
  const postgres = await started(startPostgres({ dataDir: join(folder, 'pg') }))
  expect(await ask(postgres.url, 'select 1')).toEqual([1])
})

test.runIf(isRoot)('as root, postgres runs as somebody else, who owns the data', async () => {
  const dataDir = join(newFolder(), 'pg')
  const postgres = await started(startPostgres({ dataDir }))
  const owner = statSync(dataDir).uid
  expect(owner).not.toBe(0)
  expect(statSync(`/proc/${postgres.pid}`).uid).toBe(owner)
})

test.runIf(isRoot)('as root, a closed folder is named before postgres fails on it', async () => {
  const closed = newFolder()
  chmodSync(closed, 0o700)
  const start = startPostgres({ dataDir: join(closed, 'pg') })
  await expect(start).rejects.toThrow(/cannot reach[^]*chmod o\+x/)
})

test('both servers end soon after the kill of their parent, and start again', async () => {
  const folder = newFolder()
  const { parent, nats, postgres } = await startParent(folder)
  expect(commandOf(nats.pid)).toContain(folder)
  expect(commandOf(postgres.pid)).toContain(folder)
  parent.kill('SIGKILL')
  const gone = () => expect(processesOf(folder)).toEqual([])
  await vi.waitFor(gone, { timeout: goneMsMax, interval: 20 })
  expect(existsSync(join(folder, 'pg', 'postmaster.pid'))).toBe(false)
  await started(startNats({ dataDir: join(folder, 'nats'), port: -1 }))
  await started(startPostgres({ dataDir: join(folder, 'pg') }))
})

test('whoever finds the port of another start is sent to the start, not to its server', async () => {
  const { parent, nats } = await startParent(newFolder())
  const error = await assertPortsFree({ nats: Number(new URL(nats.url).port) }).catch(String)
  expect(error).toContain(`is taken by pid ${nats.pid}: `)
  expect(error).toContain(`kill ${parent.pid}\t`)
})

test('a start right after the kill of the parent waits for the old servers', async () => {
  const folder = newFolder()
  const { parent } = await startParent(folder)
  parent.kill('SIGKILL')
  const both = await Promise.all([
    started(startNats({ dataDir: join(folder, 'nats'), port: -1 })),
    started(startPostgres({ dataDir: join(folder, 'pg') })),
  ])
  expect(await ask(both[1].url, 'select 1')).toEqual([1])
  expect(await ping(both[0].url)).toContain('PONG')
})

test.runIf(isRoot)('both servers run as a normal user', async () => {
  const folder = newFolder()
  chownSync(folder, nobody, nobody)
  const { parent, nats, postgres } = await startParent(folder, nobody)
  expect(await ask(postgres.url, 'select 1')).toEqual([1])
  expect(statSync(`/proc/${postgres.pid}`).uid).toBe(nobody)
  expect(statSync(`/proc/${nats.pid}`).uid).toBe(nobody)
  parent.kill('SIGKILL')
  const gone = () => expect(processesOf(folder)).toEqual([])
  await vi.waitFor(gone, { timeout: goneMsMax, interval: 20 })
})
