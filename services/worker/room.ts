/**
 * The worker room: serves the pipelines of one pool with the code it finds in their folders.
 *
 * It follows definitions, requests and releases on the log. For each pipeline of its pool it takes a copy
 * of the folder, registers the version (steps, DAG, inputs, outputs) unless the log knows it, and takes
 * runs from the queue of exactly that version; `serving.ts` says which others are served.
 *
 * Presence is a heartbeat in memory; joining, changing and leaving are events. After its signal the room
 * takes nothing new; what runs may finish for a while and is given back then.
 */
import { setMaxListeners } from 'node:events'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { Catalog, type Known } from './catalog.ts'
import type { Code } from './code.ts'
import { DriftChecks } from './drift.ts'
import { LoadError, versionOfAll } from './folder.ts'
import { Serving } from './serving.ts'

const heartbeatMs = 3_000
const heartbeatTtlMs = 10_000
/** How long runs in progress may go on after the stop signal before they are given back. */
const drainMs = 8_000
const retryMs = 1_000

export type WorkerOptions = {
  readonly worker: string
  readonly pool: string
  readonly code: Code
  readonly host: string
  readonly pid: number
  readonly signal: AbortSignal
  readonly drainMs?: number
  /** Called when a version cannot be loaded, with the author's error. */
  readonly onUnloadable?: (pipeline: string, message: string) => void
}

export const runWorker = async (doors: Doors, options: WorkerOptions): Promise<void> => {
  const room = new WorkerRoom(doors, options)
  await Promise.all([room.follow(), room.beat(), room.watchFolders(), room.checkDrift()])
  await room.leave()
}

class WorkerRoom {
  readonly #doors: Doors
  readonly #options: WorkerOptions
  readonly #catalog = new Catalog()
  readonly #servings = new Map<Known, Serving>()
  readonly #giveBack = new AbortController()
  /** Tenant → what was told last of what is served. */
  readonly #announced = new Map<string, string>()
  #announcements = 0
  readonly #drift: DriftChecks
  #isDraining = false
  #settling: Promise<void> = Promise.resolve()

  constructor(doors: Doors, options: WorkerOptions) {
    this.#doors = doors
    this.#options = options
    this.#drift = new DriftChecks({ doors, ...options })
    // Everything that is served and every run that is held listens to them.
    setMaxListeners(0, options.signal, this.#giveBack.signal)
  }

  async follow(): Promise<void> {
    const { log } = this.#doors
    const { signal } = this.#options
    const kinds = ['pipeline', 'release', 'worker'] as const
    const head = await log.head(kinds)
    let isCaughtUp = head.seq === 0
    for await (const commits of log.tail({ from: 1, kinds, signal })) {
      const touched = new Set<Serving>()
      for (const commit of commits) {
        if (commit.topic.kind === 'worker') {
          this.#heed(commit)
          continue
        }
        const { known, isTouched, asked } = this.#catalog.apply(commit)
        const serving = this.#servingOf(known)
        const { rule, pool } = known.definition ?? {}
        if (rule !== undefined && pool === this.#options.pool) this.#drift.need()
        if (isTouched) touched.add(serving)
        for (const version of asked) if (serving.ask(version, isCaughtUp)) touched.add(serving)
      }
      const isBehind = commits.at(-1)!.seq < head.seq
      if (isCaughtUp) this.#settle(touched)
      else if (!isBehind) this.#settle(this.#servings.values())
      isCaughtUp ||= !isBehind
    }
  }

  async beat(): Promise<void> {
    const { live, clock } = this.#doors
    const { worker, signal } = this.#options
    while (!signal.aborted) {
      await live.put(`worker/${worker}`, '', heartbeatTtlMs).catch(() => {})
      await clock.sleep(heartbeatMs, signal)
      for (const serving of this.#servings.values())
        if (!this.#isDraining) await serving.tend().catch(() => {})
    }
  }

  checkDrift(): Promise<void> {
    return this.#drift.take()
  }

  watchFolders(): Promise<void> {
    const { code, signal } = this.#options
    return code.watch(signal, () => this.#settle(this.#servings.values(), true))
  }

  /** Finishes what runs, gives back what does not finish in time, says good-bye. */
  async leave(): Promise<void> {
    const { log, clock } = this.#doors
    const { worker, pool } = this.#options
    const ended = new AbortController()
    void clock.sleep(this.#options.drainMs ?? drainMs, ended.signal).then(() => {
      if (!ended.signal.aborted) this.#giveBack.abort()
    })
    await this.#settling
    await Promise.all([...this.#servings.values()].map((serving) => serving.ended()))
    ended.abort()
    const at = toTimestamp(clock.now())
    for (const tenant of this.#announced.keys())
      await log.append({
        tenant,
        topic: { kind: 'worker', name: pool },
        id: `worker-${worker}-left-${tenant}`,
        events: [{ type: 'WorkerLeft', v: 1, at, worker, pool, reason: 'stopped' }],
        source: `worker/${worker}`,
      })
  }

  #servingOf(known: Known): Serving {
    let serving = this.#servings.get(known)
    if (!serving) {
      const { worker, pool, code, signal } = this.#options
      const giveBack = this.#giveBack.signal
      serving = new Serving(known, { doors: this.#doors, worker, pool, code, signal, giveBack })
      this.#servings.set(known, serving)
    }
    return serving
  }

  /** What is said about this worker. Before it joined it was about another life of it. */
  #heed({ events }: Commit): void {
    for (const event of events) {
      if (!('worker' in event) || event.worker !== this.#options.worker) continue
      if (this.#announced.size === 0) continue
      if (event.type === 'WorkerDrainRequested') {
        this.#isDraining = true
        for (const serving of this.#servings.values()) serving.drain()
      } else if (event.type === 'WorkerResumeRequested' || event.type === 'WorkerLeft') {
        // Given up by those who watch heartbeats though it lives, or wanted again: it joins anew.
        this.#isDraining &&= event.type === 'WorkerLeft'
        for (const tenant of this.#announced.keys()) this.#announced.set(tenant, '')
        this.#settle(this.#servings.values())
      }
    }
  }

  /** Brings what is served in line with what is known, one pipeline after the other. */
  #settle(servings: Iterable<Serving>, isFolderChanged = false): void {
    const list = [...servings]
    if (list.length === 0 || this.#isDraining) return
    this.#settling = this.#settling.then(async () => {
      for (const serving of list) {
        if (this.#options.signal.aborted) return
        await serving
          .settle(isFolderChanged)
          .catch((error: unknown) => this.#onUnsettled(serving, error))
      }
      await this.#announce().catch((error: unknown) => {
        this.#doors.logger.warn({ error: String(error) }, 'what is served could not be told')
        this.#settleLater(list)
      })
    })
  }

  #onUnsettled(serving: Serving, error: unknown): void {
    if (this.#options.signal.aborted) return
    const { pipeline } = serving.known
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof LoadError) {
      this.#doors.logger.error({ pipeline, error: message }, 'does not load')
      this.#options.onUnloadable?.(pipeline, message)
    } else {
      this.#doors.logger.warn({ pipeline, error: message }, 'cannot be served yet; tried again')
      this.#settleLater([serving])
    }
  }

  #settleLater(servings: readonly Serving[]): void {
    const { signal } = this.#options
    void this.#doors.clock.sleep(retryMs, signal).then(() => {
      if (!signal.aborted) this.#settle(servings)
    })
  }

  /** Tells who serves what, when that is not what was told last. */
  async #announce(): Promise<void> {
    const { log, clock } = this.#doors
    const { worker, pool, host, pid } = this.#options
    const mine = [...this.#servings.values()].filter(({ version }) => version !== null)
    const tenants = new Set([...mine.map(({ known }) => known.tenant), ...this.#announced.keys()])
    for (const tenant of tenants) {
      const own = mine.filter(({ known }) => known.tenant === tenant)
      const pipelines = Object.fromEntries(own.map((one) => [one.known.pipeline, one.version!]))
      const others = own.filter(({ others: versions }) => versions.length > 0)
      const alsoServes = Object.fromEntries(
        others.map((one) => [one.known.pipeline, [...one.others]]),
      )
      const announcement = JSON.stringify([pipelines, alsoServes])
      if (announcement === this.#announced.get(tenant)) continue
      const feedTypes = own.map(({ known, version }) => known.releases.get(version!)!.feedType)
      await log.append({
        tenant,
        topic: { kind: 'worker', name: pool },
        id: `worker-${worker}-joined-${this.#announcements++}`,
        events: [
          {
            type: 'WorkerJoined',
            v: 1,
            at: toTimestamp(clock.now()),
            worker,
            pool,
            version: versionOfAll(Object.values(pipelines)),
            pipelines,
            ...(others.length > 0 ? { alsoServes } : {}),
            capabilities: [...new Set(feedTypes)].sort(),
            host,
            pid,
          },
        ],
        source: `worker/${worker}`,
      })
      this.#announced.set(tenant, announcement)
    }
  }
}
