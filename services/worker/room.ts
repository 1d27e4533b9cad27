/**
 * The worker room: serves the pipelines of one pool with the code it finds in their folders.
 *
 * It follows definitions and releases on the log. For each pipeline of its pool it takes a snapshot of
 * the folder, registers the version (steps, DAG, inputs, outputs) unless the log knows it, and takes runs
 * from the queue of exactly that version. A version seen for the first time becomes the active one.
 * Versions that moved on are served as well while something waits for them and their snapshot is here.
 *
 * Presence is a heartbeat in memory; joining, changing and leaving are events.
 */
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit, Queue } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { watch } from 'node:fs'
import { findSnapshot, takeSnapshot, versionOfAll } from './folder.ts'
import { handleRun } from './run.ts'
import { Threads } from './threads.ts'

const heartbeatMs = 3_000
const heartbeatTtlMs = 10_000
/** How long runs in progress may go on after the stop signal before they are given back. */
const drainMs = 8_000
const watchSettleMs = 200

export type WorkerOptions = {
  readonly worker: string
  readonly pool: string
  /** The folder that holds the pipeline folders. */
  readonly root: string
  readonly host: string
  readonly pid: number
  readonly signal: AbortSignal
  /** Register a new version when a folder changes. */
  readonly watch?: boolean
  /** Called when a version cannot be loaded, with the author's error. */
  readonly onUnloadable?: (pipeline: string, message: string) => void
}

type Served = {
  readonly definition: PipelineDefinition
  readonly stop: AbortController
  readonly done: Promise<void>
}
type Pipeline = {
  readonly tenant: string
  readonly id: string
  definition: PipelineDefinition | null
  definedSeq: number
  releaseSeq: number
  readonly releases: Map<string, EventOf<'ReleaseRegistered'>>
  /** The version of the folder as it is now. */
  version: string | null
  readonly serving: Map<string, Served>
}

export const runWorker = async (doors: Doors, options: WorkerOptions): Promise<void> => {
  const room = new WorkerRoom(doors, options)
  await Promise.all([room.follow(), room.beat(), room.watchFolders()])
  await room.leave()
}

class WorkerRoom {
  readonly #doors: Doors
  readonly #options: WorkerOptions
  readonly #pipelines = new Map<string, Pipeline>()
  readonly #giveBack = new AbortController()
  #announced = ''
  #settling: Promise<void> = Promise.resolve()

  constructor(doors: Doors, options: WorkerOptions) {
    this.#doors = doors
    this.#options = options
  }

  async follow(): Promise<void> {
    const { log } = this.#doors
    const { signal } = this.#options
    const kinds = ['pipeline', 'release'] as const
    const head = await log.head(kinds)
    let caughtUp = head.seq === 0
    for await (const commits of log.tail({ from: 1, kinds, signal })) {
      const touched = new Set<Pipeline>()
      for (const commit of commits) {
        const pipeline = this.#apply(commit)
        if (pipeline) touched.add(pipeline)
      }
      const wasCaughtUp = caughtUp
      caughtUp ||= commits.at(-1)!.seq >= head.seq
      if (caughtUp) this.#settle(wasCaughtUp ? touched : this.#pipelines.values())
    }
  }

  async beat(): Promise<void> {
    const { live, clock } = this.#doors
    const { worker, signal } = this.#options
    while (!signal.aborted) {
      await live.put(`worker/${worker}`, '', heartbeatTtlMs).catch(() => {})
      await clock.sleep(heartbeatMs, signal)
    }
  }

  async watchFolders(): Promise<void> {
    const { root, signal } = this.#options
    if (!this.#options.watch) return
    const { clock } = this.#doors
    let changed = false
    const watcher = watch(root, { recursive: true, persistent: false }, (_, file) => {
      changed ||= !file?.startsWith('.')
    })
    watcher.on('error', () => {})
    while (!signal.aborted) {
      await clock.sleep(watchSettleMs, signal)
      if (!changed) continue
      changed = false
      this.#settle(this.#pipelines.values())
    }
    watcher.close()
  }

  /** Finishes what runs, gives back what does not finish in time, says good-bye. */
  async leave(): Promise<void> {
    const { log, clock } = this.#doors
    const { worker, pool } = this.#options
    await this.#settling
    const served = [...this.#pipelines.values()].flatMap(({ serving }) => [...serving.values()])
    for (const { stop } of served) stop.abort()
    const timer = setTimeout(() => this.#giveBack.abort(), drainMs)
    await Promise.allSettled(served.map(({ done }) => done))
    clearTimeout(timer)
    if (this.#announced === '') return
    const at = toTimestamp(clock.now())
    for (const tenant of this.#tenants())
      await log.append({
        tenant,
        topic: { kind: 'worker', name: pool },
        id: `worker-${worker}-left-${tenant}`,
        events: [{ type: 'WorkerLeft', v: 1, at, worker, pool, reason: 'stopped' }],
        source: `worker/${worker}`,
      })
  }

  #tenants(): readonly string[] {
    return [...new Set([...this.#pipelines.values()].map(({ tenant }) => tenant))]
  }

  #apply(commit: Commit): Pipeline | null {
    const key = `${commit.tenant}\n${commit.topic.name}`
    let pipeline = this.#pipelines.get(key)
    if (!pipeline) {
      pipeline = {
        tenant: commit.tenant,
        id: commit.topic.name,
        definition: null,
        definedSeq: 0,
        releaseSeq: 0,
        releases: new Map(),
        version: null,
        serving: new Map(),
      }
      this.#pipelines.set(key, pipeline)
    }
    if (commit.topic.kind === 'release') pipeline.releaseSeq = commit.seq
    let touched = false
    for (const event of commit.events) {
      if (event.type === 'PipelineDefined') {
        pipeline.definition = event.definition
        pipeline.definedSeq = commit.seq
      } else if (event.type === 'PipelineRemoved') pipeline.definition = null
      else if (event.type === 'ReleaseRegistered')
        pipeline.releases.set(event.pipelineVersion, event)
      else continue
      touched ||= event.type !== 'ReleaseRegistered'
    }
    return touched ? pipeline : null
  }

  /** Brings what is served in line with what is known, one pipeline after the other. */
  #settle(pipelines: Iterable<Pipeline>): void {
    const list = [...pipelines]
    this.#settling = this.#settling.then(async () => {
      for (const pipeline of list) {
        if (this.#options.signal.aborted) return
        await this.#settleOne(pipeline).catch((error: unknown) => {
          const message = error instanceof Error ? error.message : String(error)
          this.#doors.logger.error({ pipeline: pipeline.id, error: message }, 'does not load')
          this.#options.onUnloadable?.(pipeline.id, message)
        })
      }
      await this.#announce()
    })
  }

  async #settleOne(pipeline: Pipeline): Promise<void> {
    const { pool, root } = this.#options
    const { definition } = pipeline
    if (definition?.pool !== pool) {
      for (const { stop } of pipeline.serving.values()) stop.abort()
      pipeline.serving.clear()
      pipeline.version = null
      return
    }
    const { version, path } = await takeSnapshot(root, definition.folder)
    await this.#serve(pipeline, definition, version, path)
    pipeline.version = version
    for (const { pipelineVersion: old, folder } of pipeline.releases.values()) {
      if (old === version || pipeline.serving.has(old)) continue
      const oldPath = await findSnapshot(root, folder, old)
      const waiting =
        oldPath && (await this.#doors.control.depth(queueOf(pipeline, old, definition)))
      if (oldPath && waiting) await this.#serve(pipeline, definition, old, oldPath)
    }
  }

  async #serve(
    pipeline: Pipeline,
    definition: PipelineDefinition,
    version: string,
    path: string,
  ): Promise<void> {
    const running = pipeline.serving.get(version)
    if (running?.definition === definition) return
    const threads = new Threads(path)
    if (!pipeline.releases.has(version))
      await this.#register(pipeline, definition, version, threads)
    // A changed definition (limits, concurrency) is served anew; what runs finishes under the old one.
    running?.stop.abort()
    const queue = queueOf(pipeline, version, definition)
    await this.#doors.control.ensureQueue(queue)
    const stop = new AbortController()
    const { doors, worker } = { doors: this.#doors, worker: this.#options.worker }
    const context = { doors, worker, tenant: pipeline.tenant, definition, threads }
    const done = doors.control
      .consume<'RunPipeline'>(
        queue,
        { concurrency: definition.concurrency, signal: stop.signal },
        (delivery) => handleRun({ ...context, signal: this.#giveBack.signal }, delivery),
      )
      .then(() => threads.close())
    pipeline.serving.set(version, { definition, stop, done })
  }

  async #register(
    pipeline: Pipeline,
    definition: PipelineDefinition,
    version: string,
    threads: Threads,
  ): Promise<void> {
    const { log, clock } = this.#doors
    const manifest = await threads.manifest()
    const at = toTimestamp(clock.now())
    const named = { v: 1 as const, at, pipeline: pipeline.id, pipelineVersion: version }
    const registered: EventOf<'ReleaseRegistered'> = {
      type: 'ReleaseRegistered',
      ...named,
      folder: definition.folder,
      ...manifest,
    }
    const actor = { name: `worker/${this.#options.worker}`, reason: 'first seen' }
    while (!pipeline.releases.has(version) && !this.#options.signal.aborted) {
      const expect = pipeline.releaseSeq
      const appended = await log.append({
        tenant: pipeline.tenant,
        topic: { kind: 'release', name: pipeline.id },
        id: `release-${pipeline.id}-${version}-${expect}`,
        events: [registered, { type: 'ReleaseActivated', ...named, actor }],
        expect,
        source: `worker/${this.#options.worker}`,
      })
      if (appended.outcome !== 'conflict') pipeline.releases.set(version, registered)
      // Another worker wrote about this pipeline's releases, perhaps this very one: the log brings it.
      while (appended.outcome === 'conflict' && pipeline.releaseSeq === expect)
        await clock.sleep(20, this.#options.signal)
    }
  }

  /** Tells who serves what, when that is not what was told last. */
  async #announce(): Promise<void> {
    const { log, clock } = this.#doors
    const { worker, pool, host, pid } = this.#options
    for (const tenant of this.#tenants()) {
      const mine = [...this.#pipelines.values()].filter(
        (pipeline) => pipeline.tenant === tenant && pipeline.version !== null,
      )
      const pipelines = Object.fromEntries(mine.map(({ id, version }) => [id, version!]))
      const version = versionOfAll(Object.values(pipelines))
      const announcement = JSON.stringify([tenant, pipelines])
      if (mine.length === 0 || announcement === this.#announced) continue
      const feedTypes = mine.map(({ releases, version: v }) => releases.get(v!)?.feedType)
      await log.append({
        tenant,
        topic: { kind: 'worker', name: pool },
        id: `worker-${worker}-joined-${version}-${mine.length}`,
        events: [
          {
            type: 'WorkerJoined',
            v: 1,
            at: toTimestamp(clock.now()),
            worker,
            pool,
            version,
            pipelines,
            capabilities: [...new Set(feedTypes.filter((type) => type !== undefined))].sort(),
            host,
            pid,
          },
        ],
        source: `worker/${worker}`,
      })
      this.#announced = announcement
    }
  }
}

const queueOf = (pipeline: Pipeline, version: string, definition: PipelineDefinition): Queue => ({
  kind: 'run',
  tenant: pipeline.tenant,
  pipeline: pipeline.id,
  version,
  concurrency: definition.concurrency,
})
