/**
 * BullMQ on Redis: four chained jobs per run, the results kept with the jobs. Redis answers after its
 * append-only file was written, and with `appendfsync always` after it was synced.
 *
 * In its favour: the end of a run is heard from the worker's own event in the same process instead of
 * from the queue's event stream, which costs less; requests of one tick travel together;
 * the file is not rewritten during the run.
 * What it does not have: one thing that is the run. Its history are four jobs that know their parent.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createConnection } from 'node:net'
import { startChild, untilReady } from '@headway/deploy/child.ts'
import { freePort } from '@headway/deploy/ports.ts'
import {
  batched,
  Completions,
  inFlight,
  inGroups,
  load,
  steps,
  versionOf,
  type Durability,
  type OpenPeer,
} from './peer.ts'

type Job = { readonly data: { readonly run: number; readonly step: number } }
type Flow = {
  readonly name: string
  readonly queueName: string
  readonly data: Job['data']
  readonly children?: readonly Flow[]
}
type Queue = {
  addBulk(jobs: readonly { name: string; data: Job['data'] }[]): Promise<unknown>
  add(name: string, data: Job['data']): Promise<unknown>
  getJobCounts(...types: string[]): Promise<Record<string, number>>
  close(): Promise<void>
}
type Worker = {
  on(event: 'completed', listener: (job: Job) => void): void
  on(event: 'failed' | 'error', listener: (...problem: unknown[]) => void): void
  waitUntilReady(): Promise<unknown>
  close(): Promise<void>
}
type BullMq = {
  readonly Queue: new (name: string, options: object) => Queue
  readonly FlowProducer: new (options: object) => {
    addBulk(flows: readonly Flow[]): Promise<unknown>
    close(): Promise<void>
  }
  readonly Worker: new (
    name: string,
    work: (job: Job) => Promise<unknown>,
    options: object,
  ) => Worker
}

const name = 'runs'
const fsync = { second: 'everysec', nothing: 'always' } as const

/** `flow`: all four jobs are asked for at once; `chain`: each worker asks for the next job. */
type Recipe = 'flow' | 'chain'

const openWith =
  (recipe: Recipe): OpenPeer =>
  async ({ durability, directory }) => {
    const { Queue, FlowProducer, Worker } = load<BullMq>('bullmq')
    const redis = await startRedis(directory, durability)
    const connection = { host: '127.0.0.1', port: redis.port }
    const queue = new Queue(name, { connection })
    const flows = new FlowProducer({ connection })
    const completions = new Completions()
    let executed = 0
    let worker: Worker | null = null
    let enqueued = 0

    const ask = (runs: readonly number[]) =>
      recipe === 'flow'
        ? flows.addBulk(runs.map(flowOf))
        : queue.addBulk(runs.map((run) => ({ name, data: { run, step: 1 } })))
    const askSoon = batched(ask, inFlight)
    const work = async ({ data: { run, step } }: Job) => {
      executed++
      if (recipe === 'chain' && step < steps) await queue.add(name, { run, step: step + 1 })
      return step
    }
    const start = async () => {
      worker = new Worker(name, work, { connection, concurrency: inFlight })
      worker.on('completed', ({ data }) => {
        if (data.step === steps) completions.complete(data.run)
      })
      worker.on('failed', (...problem) => fail(problem))
      worker.on('error', (...problem) => fail(problem))
      await worker.waitUntilReady()
    }
    return {
      versions: {
        bullmq: versionOf('bullmq'),
        ioredis: versionOf('ioredis'),
        redis: redis.version,
      },
      start,
      submit: async (n) => {
        const completed = completions.of(n)
        await askSoon(n)
        await completed
      },
      enqueue: async (count) => {
        await inGroups(count, 500, ask)
        enqueued += count
      },
      drain: async () => {
        const reached = completions.reach(enqueued)
        await start()
        await reached
      },
      executed: () => executed,
      history: async () => {
        const { completed = 0 } = await queue.getJobCounts('completed')
        return { runs: completed / steps, steps: completed }
      },
      close: async () => {
        await worker?.close()
        await Promise.all([queue.close(), flows.close()])
        await redis.stop()
      },
    }
  }

export const openFlow = openWith('flow')
export const openChain = openWith('chain')

const fail = (problem: readonly unknown[]): void => {
  process.stderr.write(`bullmq: ${problem.map(String).join(' ')}\n`)
}

/** The outermost job runs last: its child must be done before it. */
const flowOf = (run: number): Flow => {
  const at = (step: number): Flow => ({
    name,
    queueName: name,
    data: { run, step },
    ...(step > 1 ? { children: [at(step - 1)] } : {}),
  })
  return at(steps)
}

const startRedis = async (directory: string, durability: Durability) => {
  const found = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  const version = /v=(\S+)/.exec(found.stdout ?? '')?.[1]
  if (version === undefined)
    throw new Error('no redis-server on PATH\n  apt-get install -y redis-server\tinstalls one')
  const port = await freePort()
  mkdirSync(directory, { recursive: true })
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: directory,
    save: '',
    appendonly: 'yes',
    appendfsync: fsync[durability],
    'auto-aof-rewrite-percentage': '0',
  }
  const child = await startChild({
    name: 'redis-server',
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
    cwd: directory,
  })
  await untilReady(child, async () => ((await answersPing(port)) ? true : undefined))
  return { port, version, stop: child.stop }
}

const answersPing = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    const settle = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('error', () => settle(false))
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')))
    socket.once('connect', () => socket.write('PING\r\n'))
  })
