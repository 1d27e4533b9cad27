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
import { setMaxListeners } from 'node:events'
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Queue } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { takeCommands } from '@headway/streams/take.ts'
import type { Known } from './catalog.ts'
import type { Code, Runner } from './code.ts'
import { Commits } from './commits.ts'
import { LoadError } from './folder.ts'
import { EarlierRuns } from './read-run.ts'
import { activate } from './register.ts'
import { handleRun } from './run.ts'

/** How long a version is served after a run was asked for on it. */
const askedMsMax = 3_600_000
/** Versions whose queues are looked at in one go. */
const tendedMax = 5

export type ServingContext = {
  readonly doors: Doors
  readonly worker: string
  readonly pool: string
  readonly code: Code
  /** Nothing new is taken after it fired. */
  readonly signal: AbortSignal
  /** What is held is given back after it fired. */
  readonly giveBack: AbortSignal
}

type Served = {
  /** The definition it is served under, as text. */
  readonly terms: string
  readonly stop: AbortController
  readonly runner: Runner
  done: Promise<void>
}

export class Serving {
  readonly known: Known
  readonly #context: ServingContext
  readonly #commits: Commits
  readonly #earlier: EarlierRuns
  readonly #served = new Map<string, Served>()
  /** Version → when a run was last asked for on it. */
  readonly #asked = new Map<string, number>()
  readonly #ending = new Set<Promise<void>>()
  #version: string | null = null
  #unloadable: string | null = null

  constructor(known: Known, context: ServingContext) {
    const { tenant, pipeline } = known
    this.known = known
    this.#context = context
    this.#commits = new Commits(context.doors.log, {
      tenant,
      topic: { kind: 'run', name: pipeline },
      source: `worker/${context.worker}`,
    })
    this.#earlier = new EarlierRuns(context.doors.log, tenant, pipeline)
  }

  /** The version of the folder as it is now; null while nothing of it is served. */
  get version(): string | null {
    return this.#version
  }

  /** Versions served besides that one. */
  get others(): readonly string[] {
    return [...this.#served.keys()].filter((version) => version !== this.#version).sort()
  }

  /** A run was asked for on a version, now or long ago. Answers whether it must be looked after now. */
  ask(version: string, isNews: boolean): boolean {
    this.#asked.set(version, isNews ? this.#context.doors.clock.now() : 0)
    return isNews && !this.#served.has(version)
  }

  #wasAskedLately(version: string): boolean {
    return this.#context.doors.clock.now() - (this.#asked.get(version) ?? 0) < askedMsMax
  }

  /** Takes nothing new until it is settled again; what it holds it finishes. */
  drain(): void {
    for (const version of this.#served.keys()) this.#retire(version)
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

  /**
   * Looks after versions that moved on: serves those that wait in a queue though nobody asked again,
   * and stops serving those that nobody asked for in a long time.
   */
  async tend(): Promise<void> {
    const { definition, active } = this.known
    if (!definition || this.#version === null) return
    const others = [...this.#asked].filter(([version]) => !this.#served.has(version))
    for (const [version, askedAt] of others.slice(0, tendedMax)) {
      // The next ones have their turn next time.
      this.#asked.delete(version)
      this.#asked.set(version, askedAt)
      if ((await this.#depth(version, definition)) > 0) await this.#serveOther(version, definition)
    }
    for (const version of this.#served.keys()) {
      const isCurrent = version === this.#version || version === active
      if (isCurrent || this.#wasAskedLately(version)) continue
      if ((await this.#depth(version, definition)) === 0) this.#retire(version)
    }
  }

  /** Resolves when everything that was taken is settled. */
  async ended(): Promise<void> {
    for (const version of this.#served.keys()) this.#retire(version)
    await Promise.allSettled(this.#ending)
  }

  async #serveFolder(definition: PipelineDefinition, isFolderChanged: boolean): Promise<void> {
    const { code, doors, worker, signal } = this.#context
    const { version, artifacts, open } = await code.take(definition.folder)
    if (version === this.#unloadable) return
    const { releases, active } = this.known
    const runner = this.#served.get(version)?.runner ?? open()
    const moved = isFolderChanged && this.#version !== null && this.#version !== version
    const isInactive = definition.activation === 'manual' && active !== null
    try {
      if (!releases.has(version)) {
        const manifest = await runner.manifest(signal)
        const release = { folder: definition.folder, artifacts: await artifacts(), manifest }
        const reason = 'first seen'
        await activate(doors, this.known, { worker, version, reason, release, isInactive, signal })
      } else if (moved && active !== version && !isInactive) {
        const reason = 'the folder went back to it'
        await activate(doors, this.known, { worker, version, reason, release: null, signal })
      }
    } catch (error) {
      if (error instanceof LoadError) this.#unloadable = version
      if (!this.#served.has(version)) await runner.close()
      throw error
    }
    this.#unloadable = null
    this.#serve(version, definition, runner)
    this.#version = version
  }

  async #serveOthers(definition: PipelineDefinition): Promise<void> {
    for (const version of this.known.releases.keys()) {
      if (version === this.#version) continue
      const isWanted =
        this.#served.has(version) ||
        this.#wasAskedLately(version) ||
        version === this.known.active ||
        (await this.#depth(version, definition)) > 0
      if (isWanted) await this.#serveOther(version, definition)
    }
  }

  /** Only when its copy is here. */
  async #serveOther(version: string, definition: PipelineDefinition): Promise<void> {
    const folder = this.known.releases.get(version)?.folder
    if (folder === undefined) return
    const served = this.#served.get(version)?.runner
    const runner = served ?? (await this.#context.code.find(folder, version))
    if (runner) this.#serve(version, definition, runner)
  }

  /** What runs under an earlier definition finishes under it. */
  #serve(version: string, definition: PipelineDefinition, runner: Runner): void {
    const { doors, worker, signal: stopping, giveBack } = this.#context
    const before = this.#served.get(version)
    const terms = JSON.stringify(definition)
    if (before?.terms === terms) return
    if (stopping.aborted) return void (before ?? this.#ends(runner.close()))
    before?.stop.abort()
    const stop = new AbortController()
    const signal = AbortSignal.any([stopping, stop.signal])
    setMaxListeners(0, signal)
    const { known } = this
    const context = {
      doors,
      worker,
      tenant: known.tenant,
      version,
      definition,
      known,
      commits: this.#commits,
      earlier: this.#earlier,
      runner,
      stopping: signal,
      signal: giveBack,
    }
    const done = takeCommands<'RunPipeline'>(
      doors,
      this.#queue(version, definition),
      {
        concurrency: definition.concurrency,
        signal,
        source: `worker/${worker}`,
        renewsLease: true,
      },
      (command, delivery) => handleRun(context, command, delivery),
    )
    const all = Promise.all([before?.done, done]).then(() => {})
    this.#served.set(version, { terms, stop, runner, done: all })
  }

  #retire(version: string): void {
    const served = this.#served.get(version)
    if (!served) return
    this.#served.delete(version)
    served.stop.abort()
    this.#ends(served.done.then(() => served.runner.close()))
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
