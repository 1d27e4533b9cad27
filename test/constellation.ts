/**
 * Every room as a process of its own, with a real nats-server and Postgres, each started again when it
 * dies: what a storm needs.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild, type RunningChild } from '@headway/deploy/child.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import { freePort } from '@headway/deploy/ports.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { keepRunning } from '@headway/deploy/supervise.ts'
import { openDoors, type Doors } from '@headway/streams/room.ts'

const headway = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))

type Mortal = {
  readonly pid: number
  readonly stop: () => Promise<void>
  readonly exited: Promise<number | null>
}

export type Constellation = {
  readonly doors: Doors
  readonly apiUrl: string
  readonly env: NodeJS.ProcessEnv
  /** Names of everything that can be killed. */
  readonly names: readonly string[]
  /** SIGKILLs it; false when it is down already. */
  kill(name: string): boolean
  /** Runs a command of the CLI to its end. */
  command(...args: string[]): Promise<{ code: number | null; output: string }>
  stop(): Promise<void>
}

export const startConstellation = async (options: {
  readonly pipelines: string
  readonly rooms: Readonly<Record<string, number>>
}): Promise<Constellation> => {
  const directory = await mkdtemp(join(tmpdir(), 'headway-storm-'))
  // Postgres runs as somebody else when we are root, and must be able to get there.
  await chmod(directory, 0o755)
  const [natsPort, pgPort, apiPort] = [await freePort(), await freePort(), await freePort()]
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HEADWAY_NATS_URL: `nats://127.0.0.1:${natsPort}`,
    HEADWAY_PG_URL: `postgres://headway@127.0.0.1:${pgPort}/headway`,
    HEADWAY_API_PORT: String(apiPort),
    HEADWAY_PIPELINES: options.pipelines,
    HEADWAY_POOL: 'default',
  }
  const alive = new Map<string, Mortal>()
  const stops: (() => Promise<void>)[] = []
  const keep = async (name: string, start: () => Promise<Mortal>) => {
    const started = async () => {
      const child = await start()
      alive.set(name, child)
      void child.exited.then(() => alive.get(name) === child && alive.delete(name))
      return child
    }
    stops.push((await keepRunning(name, started, () => {})).stop)
  }
  await Promise.all([
    keep('nats', () => startNats({ dataDir: join(directory, 'nats'), port: natsPort })),
    keep('postgres', () => startPostgres({ dataDir: join(directory, 'pg'), port: pgPort })),
  ])
  const doors = await openDoors('storm', env.HEADWAY_NATS_URL)
  const room = (command: string): Promise<RunningChild> =>
    startChild({ name: command, command: process.execPath, args: [headway, command], env })
  // The first one makes the bundles; the others find them.
  for (const [command, count] of Object.entries(options.rooms))
    for (let i = 0; i < count; i++) await keep(`${command}-${i}`, () => room(command))
  return {
    doors,
    env,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    names: [
      'nats',
      'postgres',
      ...Object.entries(options.rooms).flatMap(([command, count]) =>
        Array.from({ length: count }, (_, i) => `${command}-${i}`),
      ),
    ],
    kill: (name) => {
      const child = alive.get(name)
      if (!child) return false
      try {
        process.kill(child.pid, 'SIGKILL')
        return true
      } catch {
        return false
      }
    },
    command: async (...args) => {
      const lines: string[] = []
      const child = await startChild({
        name: args.join(' '),
        command: process.execPath,
        args: [headway, ...args],
        env,
        onLine: (line) => lines.push(line),
      })
      return { code: await child.exited, output: lines.join('\n') }
    },
    stop: async () => {
      await Promise.all(stops.slice(2).map((stop) => stop()))
      await doors.close()
      await Promise.all(stops.slice(0, 2).map((stop) => stop()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}
