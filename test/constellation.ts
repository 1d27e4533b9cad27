/**
 * Every room as a process of its own, with a real nats-server and Postgres, each started again when it
 * dies: what a storm needs. Rooms reach NATS over wires of their own, which can be cut.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '@headway/deploy/child.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import { freePort } from '@headway/deploy/ports.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { keepRunning } from '@headway/deploy/supervise.ts'
import { openDoors, type Doors } from '@headway/streams/room.ts'
import { openDisk, type Disk } from './storm/disk.ts'
import { layWire, type Wire } from './storm/wire.ts'

const headway = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
/** The last lines of each process that are kept for a verdict. */
const linesMax = 40
/** What dies once a second must not wait as long as what dies of its own fault. */
const pauseMsMax = 200

type Mortal = {
  readonly pid: number
  readonly stop: () => Promise<void>
  readonly exited: Promise<number | null>
}

export type Constellation = {
  /** A connection of our own, over no wire. */
  readonly doors: Doors
  readonly natsUrl: string
  readonly apiUrl: string
  readonly pgUrl: string
  readonly disk: Disk
  /** Names of everything that can be killed. */
  readonly names: readonly string[]
  readonly wires: ReadonlyMap<string, Wire>
  /** Those that are dead or stand still at this moment. */
  down(): readonly string[]
  /** SIGKILLs it; false when it is down already. */
  kill(name: string): boolean
  /** SIGSTOPs it until the returned function is called; null when it is down already. */
  freeze(name: string): (() => void) | null
  /** Asks it to end in good order; it is started again. False when it is down already. */
  restart(name: string): boolean
  /** What each process said last. */
  lastLines(name: string): readonly string[]
  /** Runs a command of the CLI to its end. */
  command(...args: string[]): Promise<{ code: number | null; output: string }>
  stop(): Promise<void>
}

const signalTo = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}

export const startConstellation = async (options: {
  readonly pipelines: string
  readonly rooms: Readonly<Record<string, number>>
  readonly env?: NodeJS.ProcessEnv
}): Promise<Constellation> => {
  const directory = await mkdtemp(join(tmpdir(), 'headway-storm-'))
  // Postgres runs as somebody else when we are root, and must be able to get there.
  await chmod(directory, 0o755)
  const [natsPort, pgPort, apiPort] = [await freePort(), await freePort(), await freePort()]
  const natsUrl = `nats://127.0.0.1:${natsPort}`
  const pgUrl = `postgres://headway@127.0.0.1:${pgPort}/headway`
  const disk = await openDisk(directory, natsUrl)
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...options.env,
    HEADWAY_NATS_URL: natsUrl,
    HEADWAY_PG_URL: pgUrl,
    HEADWAY_API_PORT: String(apiPort),
    HEADWAY_PIPELINES: options.pipelines,
    HEADWAY_POOL: 'default',
  }
  const alive = new Map<string, Mortal>()
  const frozen = new Set<Mortal>()
  const lines = new Map<string, string[]>()
  const stops: (() => Promise<void>)[] = []
  const hear = (name: string) => (line: string) => {
    const said = lines.get(name) ?? []
    lines.set(name, said)
    if (said.push(line) > linesMax) said.shift()
  }
  const keep = async (name: string, start: () => Promise<Mortal>) => {
    const started = async () => {
      const child = await start()
      alive.set(name, child)
      void child.exited.then(() => {
        frozen.delete(child)
        if (alive.get(name) === child) alive.delete(name)
      })
      return child
    }
    stops.push((await keepRunning(name, started, hear(name), pauseMsMax)).stop)
  }
  await Promise.all([
    keep('nats', () =>
      startNats({
        dataDir: disk.directory,
        port: natsPort,
        log: hear('nats'),
      }),
    ),
    keep('postgres', () =>
      startPostgres({ dataDir: join(directory, 'pg'), port: pgPort, log: hear('postgres') }),
    ),
  ])
  const doors = await openDoors('storm', natsUrl)
  const names = ['nats', 'postgres']
  const wires = new Map<string, Wire>()
  // The first one of a kind makes the bundle; the others find it.
  for (const [command, count] of Object.entries(options.rooms))
    for (let i = 0; i < count; i++) {
      const name = `${command}-${i}`
      const wire = await layWire(natsPort)
      const roomEnv = { ...env, HEADWAY_NATS_URL: `nats://127.0.0.1:${wire.port}` }
      const program = { command: process.execPath, args: [headway, command], env: roomEnv }
      await keep(name, () => startChild({ name, ...program, onLine: hear(name) }))
      names.push(name)
      wires.set(name, wire)
    }
  return {
    doors,
    natsUrl,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    pgUrl,
    disk,
    names,
    wires,
    down: () =>
      names.filter((name) => {
        const child = alive.get(name)
        return !child || frozen.has(child)
      }),
    kill: (name) => {
      const child = alive.get(name)
      return child !== undefined && signalTo(child.pid, 'SIGKILL')
    },
    freeze: (name) => {
      const child = alive.get(name)
      if (!child || !signalTo(child.pid, 'SIGSTOP')) return null
      frozen.add(child)
      return () => {
        if (frozen.delete(child)) signalTo(child.pid, 'SIGCONT')
      }
    },
    restart: (name) => {
      const child = alive.get(name)
      void child?.stop()
      return child !== undefined
    },
    lastLines: (name) => lines.get(name) ?? [],
    command: async (...args) => {
      const said: string[] = []
      const child = await startChild({
        name: args.join(' '),
        command: process.execPath,
        args: [headway, ...args],
        env,
        onLine: (line) => said.push(line),
      })
      return { code: await child.exited, output: said.join('\n') }
    },
    stop: async () => {
      for (const child of frozen) signalTo(child.pid, 'SIGCONT')
      await Promise.all(stops.slice(2).map((stop) => stop()))
      await doors.close()
      await Promise.all(stops.slice(0, 2).map((stop) => stop()))
      await Promise.all([...wires.values()].map((wire) => wire.close()))
      await disk.remove()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
