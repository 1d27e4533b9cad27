/**
 * Ourselves: a run is asked for with `RunTriggered` on the log, decided by the debounce room, executed by a
 * worker and projected. Those who ask at the same time share a commit. A run is completed when the
 * tables have reached its end; only one run at a time is followed to the log alone, where that is on disk.
 *
 * Each room has a process of its own: two cores are used best by more than one thread of JavaScript, and
 * NATS and Postgres need the least of them. The first run of a new pipeline, which nobody asked for, is
 * not counted.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild, type RunningChild } from '@headway/deploy/child.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { liveSchema } from '@headway/schemas/tables.ts'
import { openDoors, type Doors } from '@headway/streams/room.ts'
import { append, defineAsset, definePipeline, until } from '../../harness.ts'
import { startDatabase, type Database } from './database.ts'
import { batched, inFlight, inGroups, type Durability, type OpenPeer } from './peer.ts'

const asset = 'bench/value'
export const pipeline = 'noop'
const tenant = 'default'
const topic = { kind: 'pipeline' as const, name: pipeline }
const pollMs = 4
const processes = [['debounce'], ['projector']]
const whereTables = `select seq from ${liveSchema}.position`
export const asked = `${liveSchema}.runs where pipeline = '${pipeline}' and reason = 'manual'`

export const open: OpenPeer = async ({ durability, directory }) => {
  const [nats, database] = await Promise.all([
    startNats({
      dataDir: join(directory, 'nats'),
      port: -1,
      config: confOf(directory, durability),
    }),
    startDatabase(directory, durability),
  ])
  const env = { ...process.env, HEADWAY_NATS_URL: nats.url, HEADWAY_PG_URL: database.url }
  const doors = await openDoors('bench', nats.url)
  const started = await Promise.all(processes.map((rooms) => startRooms(rooms, env)))
  const firstWorker = await startRooms(['worker'], env)
  process.kill(firstWorker.pid, 'SIGUSR2')
  await prepare(doors, database)
  await firstWorker.stop()
  const worker = await startRooms(['worker'], env)
  started.unshift(worker)

  const stop = new AbortController()
  const tables = new Projected(database)
  let ends: Promise<Ends> | null = null
  let enqueued = 0
  const trigger = (requests: readonly string[]) =>
    doors.log.append({
      tenant,
      topic,
      id: `asked-${requests[0]}`,
      events: requests.map((request) => ({
        type: 'RunTriggered' as const,
        v: 1 as const,
        at: new Date().toISOString(),
        pipeline,
        request,
        actor: { name: 'bench' },
      })),
      source: 'bench',
    })
  const triggerSoon = batched(trigger, 2)
  const start = async () => void process.kill(worker.pid, 'SIGUSR2')
  return {
    versions: { headway: '0.1.0', 'nats-server': nats.version, postgres: database.version },
    start,
    submit: async (n) => {
      const request = requestOf(n)
      ends ??= watchEnds(doors, stop.signal)
      const ended = (await ends).of(request)
      await triggerSoon(request)
      await tables.reached(await ended)
    },
    submitToLog: async (n) => {
      const request = requestOf(n)
      ends ??= watchEnds(doors, stop.signal)
      const ended = (await ends).of(request)
      await trigger([request])
      await ended
    },
    enqueue: async (count) => {
      await inGroups(count, 500, (group) => trigger(group.map(requestOf)))
      enqueued += count
      await until('all runs wait', async () => (await database.count(asked)) === enqueued, 120_000)
    },
    drain: async () => {
      await start()
      // Counting all the time would cost more than the projector itself.
      do await projected(doors, database)
      while ((await database.count(`${asked} and status = 'completed'`)) < enqueued)
    },
    executed: async () => {
      await projected(doors, database)
      return recordedSteps(database)
    },
    history: async () => ({
      runs: await database.count(`${asked} and status = 'completed'`),
      steps: await recordedSteps(database),
    }),
    close: async () => {
      stop.abort()
      tables.stop()
      for (const child of started) await child.stop()
      await doors.close()
      await Promise.all([nats.stop(), database.stop()])
    },
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, pollMs))
export const requestOf = (n: number): string => ulidOf(Date.now(), pipeline, n)

export const projected = async ({ log }: Doors, database: Database): Promise<void> => {
  const { seq } = await log.head()
  await until('the tables are at the head', async () => {
    const [row] = await database.query<{ seq: string }>(`select seq from ${liveSchema}.position`)
    return Number(row!.seq) >= seq
  })
}

export const recordedSteps = (database: Database): Promise<number> =>
  database.count(
    `${liveSchema}.steps where status = 'succeeded' and run in (select run from ${asked})`,
  )

/** The configuration of the product, but for the interval. */
export const confOf = (directory: string, durability: Durability): string => {
  const ours = fileURLToPath(new URL('../../../deploy/nats.conf', import.meta.url))
  const text = readFileSync(ours, 'utf8')
  const always = 'sync_interval: always'
  if (!text.includes(always)) throw new Error(`${ours} does not say ${always}`)
  const file = join(directory, 'nats.conf')
  writeFileSync(file, durability === 'second' ? text.replace(always, 'sync_interval: 1s') : text)
  return file
}

export const startRooms = async (
  rooms: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<RunningChild> => {
  let tell = () => {}
  const ready = new Promise<void>((resolve) => (tell = resolve))
  const child = await startChild({
    name: rooms.join(' and '),
    command: process.execPath,
    args: [fileURLToPath(new URL('./rooms.ts', import.meta.url)), ...rooms],
    env,
    onLine: (line) => {
      if (line === 'ready') tell()
      else process.stderr.write(`${line}\n`)
    },
  })
  const died = child.exited.then(() => {
    throw new Error(`${child.name} ended\n${child.lastLines()}`)
  })
  await Promise.race([ready, died])
  died.catch(() => {})
  return child
}

/** One input, one pipeline, and its first run, which nobody asks for. */
const prepare = async (doors: Doors, database: Database): Promise<void> => {
  await defineAsset(doors, asset, {})
  const digest = await doors.content.put(tenant, Buffer.from('value'))
  await append(
    doors,
    { kind: 'asset', name: asset },
    {
      type: 'AssetVersioned',
      v: 1,
      at: new Date().toISOString(),
      asset,
      version: ulidOf(1, asset),
      ordinal: 1,
      kind: 'opaque_bytes',
      rawDigest: digest,
      contentDigest: digest,
      sizeBytes: 5,
      rows: 0,
      facts: {},
      renditions: [{ name: 'value', mediaType: 'text/plain', digest, sizeBytes: 5 }],
      origin: { by: 'fetch', url: 'bench', status: 200 },
    },
  )
  await definePipeline(doors, pipeline, { slots: { value: asset }, concurrency: inFlight })
  const done = `${liveSchema}.runs where status = 'completed'`
  await until('the first run', async () => (await database.count(done)) === 1, 60_000)
}

/** Who waits for the tables to have reached which position. One query at a time serves all. */
export class Projected {
  readonly #database: Database
  #waiting: { readonly seq: number; readonly reached: () => void }[] = []
  #isStopped = false
  #isAsking = false

  constructor(database: Database) {
    this.#database = database
  }

  reached(seq: number): Promise<void> {
    if (!this.#isAsking) void this.#ask()
    return new Promise((reached) => this.#waiting.push({ seq, reached }))
  }

  stop(): void {
    this.#isStopped = true
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    do {
      await pause()
      const [row] = await this.#database.query<{ seq: string }>(whereTables)
      const at = Number(row!.seq)
      for (const { seq, reached } of this.#waiting) if (seq <= at) reached()
      this.#waiting = this.#waiting.filter(({ seq }) => seq > at)
    } while (this.#waiting.length > 0 && !this.#isStopped)
    this.#isAsking = false
  }
}

/** Where in the log a run has ended. */
type Ends = { of(run: string): Promise<number> }

/** Who waits for the end of which run to be read from the log. */
const watchEnds = async ({ log }: Doors, signal: AbortSignal): Promise<Ends> => {
  const waiting = new Map<string, (seq: number) => void>()
  const { seq: head } = await log.head()
  void (async () => {
    for await (const commits of log.tail({ from: head + 1, kinds: ['run'], signal }))
      for (const { events, seq } of commits)
        for (const event of events)
          if (event.type === 'RunCompleted') {
            waiting.get(event.run)?.(seq)
            waiting.delete(event.run)
          }
  })()
  return { of: (run) => new Promise((resolve) => waiting.set(run, resolve)) }
}
