/**
 * Which versions of one pipeline this worker serves, brought in line with what is known:
 *
 *   the folder as it is now    registered when it is new, and from then on the active one
 *   the active version         when it is another one and its copy is here (somebody went back to it)
 *   versions with runs         those that were asked for while code moved on, until they are done
 *
 * A folder that does not load changes nothing for the versions before it; it is tried again when it is
 * another one.
 */
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Queue } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Known } from './catalog.ts'
import { findSnapshot, LoadError, takeSnapshot } from './folder.ts'
import { activate } from './register.ts'
import { handleRun } from './run.ts'
import { Threads } from './threads.ts'

export type ServingContext = {
  readonly doors: Doors
  readonly worker: string
  readonly pool: string
  readonly root: string
  /** Nothing new is taken after it fired. */
  readonly signal: AbortSignal
  /** What is held is given back after it fired. */
  readonly giveBack: AbortSignal
}

type Served = {
  /** The definition it is served under, as text. */
  readonly terms: string
  readonly stop: AbortController
  readonly threads: Threads
  done: Promise<void>
}

export class Serving {
  readonly known: Known
  readonly #context: ServingContext
  readonly #served = new Map<string, Served>()
  readonly #asked = new Set<string>()
  readonly #ending = new Set<Promise<void>>()
  #version: string | null = null
  #unloadable: string | null = null

  constructor(known: Known, context: ServingContext) {
    this.known = known
    this.#context = context
  }

  /** The version of the folder as it is now; null while nothing of it is served. */
  get version(): string | null {
    return this.#version
  }

  /** A run was asked for on a version. Answers whether somebody must look after it. */
  ask(version: string): boolean {
    if (this.#served.has(version)) return false
    this.#asked.add(version)
    return true
  }

  /** Everything as it should be. Throws a `LoadError` when the folder cannot be loaded. */
  async settle(isFolderChanged: boolean): Promise<void> {
    const { definition } = this.known
    if (definition?.pool !== this.#context.pool) {
      for (const version of this.#served.keys()) this.#retire(version)
      this.#version = null
      return
    }
    try {
      await this.#serveFolder(definition, isFolderChanged)
    } finally {
      await this.#serveOthers(definition)
    }
  }

  /** Stops serving versions that moved on and that nobody waits for. */
  async retireIdle(): Promise<void> {
    const { definition, active } = this.known
    for (const version of this.#served.keys())
      if (definition && version !== this.#version && version !== active)
        if ((await this.#depth(version, definition)) === 0) this.#retire(version)
  }

  /** Resolves when everything that was taken is settled. */
  async ended(): Promise<void> {
    for (const version of this.#served.keys()) this.#retire(version)
    await Promise.allSettled(this.#ending)
  }

  async #serveFolder(definition: PipelineDefinition, isFolderChanged: boolean): Promise<void> {
    const { root, doors, worker, signal } = this.#context
    const { version, path } = await takeSnapshot(root, definition.folder)
    if (version === this.#unloadable) return
    const { releases, active } = this.known
    const threads = this.#served.get(version)?.threads ?? new Threads(path)
    const moved = isFolderChanged && this.#version !== null && this.#version !== version
    try {
      if (!releases.has(version)) {
        const release = { folder: definition.folder, manifest: await threads.manifest(signal) }
        await activate(doors, this.known, {
          worker,
          version,
          reason: 'first seen',
          release,
          signal,
        })
      } else if (moved && active !== version) {
        const reason = 'the folder went back to it'
        await activate(doors, this.known, { worker, version, reason, release: null, signal })
      }
    } catch (error) {
      if (error instanceof LoadError) this.#unloadable = version
      if (!this.#served.has(version)) await threads.close()
      throw error
    }
    this.#unloadable = null
    this.#serve(version, definition, threads)
    this.#version = version
  }

  async #serveOthers(definition: PipelineDefinition): Promise<void> {
    const { root } = this.#context
    for (const { pipelineVersion: version, folder } of this.known.releases.values()) {
      if (version === this.#version) continue
      const isAsked = this.#asked.delete(version)
      const path = await findSnapshot(root, folder, version)
      if (!path) continue
      const isWanted =
        this.#served.has(version) ||
        isAsked ||
        version === this.known.active ||
        (await this.#depth(version, definition)) > 0
      if (isWanted)
        this.#serve(version, definition, this.#served.get(version)?.threads ?? new Threads(path))
    }
  }

  /** What runs under an earlier definition finishes under it. */
  #serve(version: string, definition: PipelineDefinition, threads: Threads): void {
    const { doors, worker, signal, giveBack } = this.#context
    const before = this.#served.get(version)
    const terms = JSON.stringify(definition)
    if (before?.terms === terms) return
    if (signal.aborted) return void (before ?? this.#ends(threads.close()))
    before?.stop.abort()
    const stop = new AbortController()
    const { tenant } = this.known
    const context = { doors, worker, tenant, definition, threads, signal: giveBack }
    const done = doors.control.consume<'RunPipeline'>(
      this.#queue(version, definition),
      { concurrency: definition.concurrency, signal: AbortSignal.any([signal, stop.signal]) },
      (delivery) => handleRun(context, delivery),
    )
    const all = Promise.all([before?.done, done]).then(() => {})
    this.#served.set(version, { terms, stop, threads, done: all })
  }

  #retire(version: string): void {
    const served = this.#served.get(version)
    if (!served) return
    this.#served.delete(version)
    served.stop.abort()
    this.#ends(served.done.then(() => served.threads.close()))
  }

  #ends(end: Promise<void>): void {
    this.#ending.add(end)
    void end.catch(() => {}).then(() => this.#ending.delete(end))
  }

  async #depth(version: string, definition: PipelineDefinition): Promise<number> {
    return (await this.#context.doors.control.depth(this.#queue(version, definition))) ?? 0
  }

  #queue(version: string, { concurrency }: PipelineDefinition): Queue {
    const { tenant, pipeline } = this.known
    return { kind: 'run', tenant, pipeline, version, concurrency }
  }
}
