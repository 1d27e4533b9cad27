/**
 * Real servers for tests: a nats-server and a Postgres of the test's own, on free ports, in a temporary
 * folder that goes away with them.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Child } from '@headway/deploy/child.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import type { AssetDefinition, PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Event } from '@headway/schemas/events.ts'
import type { Commit, Topic } from '@headway/schemas/ports.ts'
import { openDoors, type Doors, type SideDoors } from '@headway/streams/room.ts'

export type World = {
  readonly directory: string
  readonly nats: Child
  /** Null when the test asked for none. */
  readonly postgres: Child | null
  readonly doors: Doors & SideDoors
  /** Another room's own connection. */
  open(room: string): Promise<Doors & SideDoors>
  /** Ends what `signal` rules, then the servers. */
  readonly signal: AbortSignal
  run(room: Promise<void>): void
  stop(): Promise<void>
}

export const startWorld = async (options: { postgres?: boolean } = {}): Promise<World> => {
  const directory = await mkdtemp(join(tmpdir(), 'headway-test-'))
  // Postgres runs as somebody else when we are root, and must be able to get there.
  await chmod(directory, 0o755)
  const [nats, postgres] = await Promise.all([
    startNats({ dataDir: join(directory, 'nats'), port: -1 }),
    options.postgres ? startPostgres({ dataDir: join(directory, 'pg') }) : null,
  ])
  const stop = new AbortController()
  const rooms: Promise<void>[] = []
  const opened: { close(): Promise<void> }[] = []
  const open = async (room: string) => {
    const doors = await openDoors(room, nats.url)
    opened.push(doors)
    return doors
  }
  return {
    directory,
    nats,
    postgres,
    doors: await open('test'),
    open,
    signal: stop.signal,
    run: (room) =>
      void rooms.push(
        room.catch((error: unknown) => {
          // A room that was still starting loses its connection in the middle of it.
          if (!stop.signal.aborted) throw error
        }),
      ),
    stop: async () => {
      stop.abort()
      const ended = await within(30_000, 'the rooms to end', Promise.allSettled(rooms))
      await Promise.all(opened.map((doors) => doors.close()))
      await Promise.all([nats.stop(), postgres?.stop()])
      // A server that a test started again may still write there.
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
      for (const result of ended) if (result.status === 'rejected') throw result.reason
    },
  }
}

/** What hangs fails, and says what it was, before the test's own time is over. */
const within = async <T>(ms: number, what: string, promise: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms} ms: ${what}`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Waits until `condition` gives something; fails with the last error, or with what was waited for. */
export const until = async <T>(
  what: string,
  condition: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  withinMs = 20_000,
): Promise<T> => {
  const endsAt = performance.now() + withinMs
  let lastError: unknown = null
  for (;;) {
    try {
      const leftMs = Math.max(endsAt - performance.now(), 1_000)
      const found = await within(leftMs, what, Promise.resolve(condition()))
      if (found) return found
      lastError = null
    } catch (error) {
      lastError = error
    }
    if (performance.now() > endsAt) break
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
  throw lastError ?? new Error(`waited ${withinMs} ms in vain: ${what}`)
}

type Known = { readonly incarnation: string; readonly commits: Commit[] }
const known = new WeakMap<object, Known>()

/** Everything on the log so far. What was read once is not read again: tests ask all the time. */
export const history = async ({ log }: Pick<Doors, 'log'>): Promise<Commit[]> => {
  const { seq: head, incarnation } = await log.head()
  const before = known.get(log)
  const { commits } = before?.incarnation === incarnation ? before : { commits: [] as Commit[] }
  known.set(log, { incarnation, commits })
  const lastSeq = () => commits.at(-1)?.seq ?? 0
  if (lastSeq() >= head) return [...commits]
  const stop = new AbortController()
  for await (const batch of log.tail({ from: lastSeq() + 1, signal: stop.signal })) {
    commits.push(...batch.filter(({ seq }) => seq > lastSeq()))
    if (lastSeq() >= head) break
  }
  return [...commits]
}

export const eventsOf = async (doors: Pick<Doors, 'log'>): Promise<Event[]> =>
  (await history(doors)).flatMap((commit) => commit.events)

let appended = 0
/** Puts facts on the log as somebody outside would have. */
export const append = (
  doors: Pick<Doors, 'log'>,
  { tenant = 'default', ...topic }: Topic & { readonly tenant?: string },
  ...events: Event[]
) => doors.log.append({ tenant, topic, id: `given-${appended++}`, events, source: 'test' })

const at = '2026-11-21T00:00:00.000Z'

export const defineAsset = (
  doors: Pick<Doors, 'log'>,
  asset: string,
  definition: Partial<AssetDefinition>,
) =>
  append(
    doors,
    { kind: 'asset', name: asset },
    {
      type: 'AssetDefined',
      v: 1,
      at,
      asset,
      definition: { kind: 'opaque_bytes', strategy: 'content_hash', ...definition },
    },
  )

export const definePipeline = (
  doors: Pick<Doors, 'log'>,
  pipeline: string,
  definition: Partial<PipelineDefinition>,
) =>
  append(
    doors,
    { kind: 'pipeline', name: pipeline },
    {
      type: 'PipelineDefined',
      v: 1,
      at,
      pipeline,
      definition: {
        folder: pipeline,
        pool: 'default',
        slots: {},
        debounce: { quietMs: 0, maxWaitMs: 0 },
        concurrency: 1,
        retry: { attempts: 3, backoffMs: 100, backoffMsMax: 1_000 },
        stepTimeoutMs: 30_000,
        runTimeoutMs: 60_000,
        ...definition,
      },
    },
  )
