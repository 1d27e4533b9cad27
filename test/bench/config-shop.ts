/**
 * A shop whose configuration is in Git: a repository on this disk, every room between its webhook and a
 * bucket of NATS KV at work in this process, and a reader of the log that notes when it read what.
 */
import { createHmac } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import { connect } from '@nats-io/transport-node'
import type { Event, EventType } from '@headway/schemas/events.ts'
import { openKv } from '@headway/streams/kv.ts'
import { append, startWorld, until, type World } from '../harness.ts'
import { Repository } from '../git-world.ts'
import { openRooms } from './realtime.ts'

export const at = '2026-11-21T00:00:00.000Z'
const key = 'bench-webhook-key'
const keyName = 'HEADWAY_BENCH_WEBHOOK_KEY'
const natsName = 'HEADWAY_BENCH_NATS'
const folders = fileURLToPath(new URL('../../deploy/pipelines', import.meta.url))
/** Rounds wait for nobody; a flood is met with what the product has. */
export const generous = { perSecond: 100_000, burst: 100_000 }

export type Delivered = {
  readonly status: number
  readonly task: string | undefined
  readonly ms: number
}

export const deliver = async (
  url: string,
  source: string,
  id: string,
  commit: string,
): Promise<Delivered> => {
  const body = JSON.stringify({
    ref: 'refs/heads/main',
    after: commit,
    repository: { full_name: 'acme/shop' },
    pusher: { name: 'bench' },
  })
  const signature = createHmac('sha256', key).update(body).digest('hex')
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': id,
    'x-hub-signature-256': `sha256=${signature}`,
  }
  const startedAt = performance.now()
  try {
    const reply = await fetch(`${url}/api/v1/webhooks/${source}`, { method: 'POST', headers, body })
    const { task } = (await reply.json()) as { task?: string }
    return { status: reply.status, task, ms: performance.now() - startedAt }
  } catch {
    // Nobody told it that it was accepted.
    return { status: 0, task: undefined, ms: performance.now() - startedAt }
  }
}

export const listen = async (world: World, rates?: typeof generous) => {
  const database = openDatabase(world.postgres!.url, world.doors.logger)
  const ports = { ...world.doors, db: database.db, tenant: 'default' }
  const limits = rates ? { rates: { address: rates, source: rates } } : {}
  const app = await buildApp({ ...ports, ...limits })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const end = async () => {
    await app.close()
    await database.close()
  }
  return { url, end }
}

export const defineSource = (world: World, source: string, url: string) => {
  process.env[keyName] = key
  return append(
    world.doors,
    { kind: 'source', name: source },
    {
      type: 'SourceDefined',
      v: 1,
      at,
      source,
      definition: {
        platform: 'github',
        url,
        allowPrivateHosts: true,
        webhook: { keys: [`env:${keyName}`] },
      },
    },
  )
}

/** When an event about a commit was read from the log, by the clock that rounds are measured with. */
export class Reader {
  readonly #at = new Map<string, number>()
  readonly #commitOf = new Map<string, string>()
  readonly #resolved = new Set<string>()
  readonly #running = new Set<string>()
  #waiting: (() => void)[] = []

  constructor(world: World) {
    void this.#follow(world)
  }

  /** Runs that were asked for and have not ended. */
  get running(): number {
    return this.#running.size
  }

  async #follow({ doors, signal }: World): Promise<void> {
    for await (const commits of doors.log.tail({ from: 1, signal })) {
      for (const event of commits.flatMap(({ events }) => events)) this.#heed(event)
      for (const look of this.#waiting.splice(0)) look()
    }
  }

  #heed(event: Event): void {
    if (event.type === 'PushReceived') this.#commitOf.set(event.task, event.commit ?? '')
    if (event.type === 'PushResolved') this.#resolved.add(this.#commitOf.get(event.task) ?? '')
    if (event.type === 'RunRequested') this.#running.add(event.run)
    if (event.type === 'RunCompleted' || event.type === 'RunSuperseded')
      this.#running.delete(event.run)
    if (!('commit' in event) || !('sink' in event)) return
    const name = `${event.type} ${event.commit} ${event.sink}`
    if (!this.#at.has(name)) this.#at.set(name, performance.now())
  }

  of(type: EventType, commit: string, sink: string): number | undefined {
    return this.#at.get(`${type} ${commit} ${sink}`)
  }

  async until(type: EventType, commit: string, sink: string): Promise<number> {
    for (;;) {
      const found = this.of(type, commit, sink)
      if (found !== undefined) return found
      await this.#next()
    }
  }

  async untilResolved(commit: string): Promise<void> {
    while (!this.#resolved.has(commit)) await this.#next()
  }

  #next(): Promise<void> {
    return new Promise((resolve) => void this.#waiting.push(resolve))
  }
}

export type Shop = Awaited<ReturnType<typeof openShop>>

export const openShop = async (sinks: Readonly<Record<string, { readonly relaxed: boolean }>>) => {
  const world = await startWorld({ postgres: true })
  const root = await mkdtemp(join(tmpdir(), 'headway-bench-'))
  process.env[natsName] = world.nats.url
  const repository = new Repository(root, 'acme/shop')
  const outside = openOutside(join(root, 'fetcher'))
  await openRooms(world, folders)
  world.run(runFetcher(await world.open('fetcher'), { outside, signal: world.signal }))
  const api = await listen(world, generous)
  await defineSource(world, 'acme', `file://${root}`)
  for (const [sink, { relaxed }] of Object.entries(sinks)) {
    const definition = {
      type: 'nats_kv',
      options: { bucket: sink, url: `env:${natsName}`, values: 'text', relaxed, history: 1 },
    }
    await append(
      world.doors,
      { kind: 'sink', name: sink },
      { type: 'SinkDefined', v: 1, at, sink, definition },
    )
  }
  const reader = new Reader(world)
  let pushed = 0

  const shop = {
    world,
    api,
    reader,
    repository,
    rule: (rule: string, to: readonly string[], files: string, more = {}) =>
      append(
        world.doors,
        { kind: 'rule', name: rule },
        {
          type: 'RuleDefined',
          v: 1,
          at,
          rule,
          definition: {
            source: 'acme',
            repositories: ['acme/*'],
            files: [files],
            environment: { branches: { main: 'production' } },
            sinks: [...to],
            ...more,
          },
        },
      ),
    forget: (rule: string) =>
      append(world.doors, { kind: 'rule', name: rule }, { type: 'RuleRemoved', v: 1, at, rule }),
    push: async (commit: string) => {
      const { status } = await deliver(api.url, 'acme', `push-${pushed++}`, commit)
      if (status !== 202) throw new Error(`a delivery was answered ${status}`)
      return performance.now()
    },
    bucket: (name: string, relaxed = false) =>
      openKv({
        url: world.nats.url,
        bucket: name,
        history: 1,
        replicas: 1,
        relaxed,
        timeoutMs: 5_000,
      }),
    /** What the server counts of a bucket. */
    revisions: async (name: string): Promise<number> => {
      const nc = await connect({ servers: world.nats.url })
      const answer = await nc.request(`$JS.API.STREAM.INFO.KV_${name}`)
      await nc.close()
      return answer.json<{ state: { last_seq: number } }>().state.last_seq
    },
    held: async (name: string) => {
      const bucket = await shop.bucket(name)
      const held = await bucket.all(world.signal)
      await bucket.close()
      return [...held.values()].map(({ text }) => text)
    },
    /** Every push is answered, and every run that they led to has ended. */
    settled: async (commits: readonly string[]) => {
      await Promise.all(commits.map((commit) => reader.untilResolved(commit)))
      await until('the last run', () => reader.running === 0, 120_000)
    },
    end: async () => {
      await api.end()
      await world.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
  return shop
}
