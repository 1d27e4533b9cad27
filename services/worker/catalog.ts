/**
 * What the log says about pipelines, their releases and their runs, as far as a worker must heed it: the
 * fold that it decides on. What is actually served is another matter (`serving.ts`).
 */
import type { Actor, PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'

/** Runs whose wishes are remembered; what a worker holds is among the newest. */
const wishesMax = 10_000

/** What others decided about a run. */
export type Wish = {
  readonly epoch: number
  readonly cancelledBy: Actor | null
  /** Where it was superseded; 0 for nowhere. It counts when nothing was heard of the run before. */
  readonly supersededSeq: number
}
const noWish: Wish = { epoch: 0, cancelledBy: null, supersededSeq: 0 }

export class Known {
  readonly tenant: string
  readonly pipeline: string
  definition: PipelineDefinition | null = null
  readonly releases = new Map<string, EventOf<'ReleaseRegistered'>>()
  active: string | null = null
  /** Sequence of the newest commit about the releases: what a registration is decided on. */
  releaseSeq = 0
  isPaused = false
  /** Everything about the pipeline up to this position is known. */
  seq = 0
  readonly #wishes = new Map<string, Wish>()
  readonly #waiting = new Set<() => void>()

  constructor(tenant: string, pipeline: string) {
    this.tenant = tenant
    this.pipeline = pipeline
  }

  wishFor(run: string): Wish {
    return this.#wishes.get(run) ?? noWish
  }

  wish(run: string, wish: Partial<Wish>): void {
    const before = this.wishFor(run)
    this.#wishes.delete(run)
    this.#wishes.set(run, { ...before, ...wish })
    if (this.#wishes.size > wishesMax) this.#wishes.delete(this.#wishes.keys().next().value!)
  }

  /** Somebody waits for a change. */
  wake(): void {
    for (const look of this.#waiting) look()
  }

  /** Resolves when the condition holds or the signal fired. */
  until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    if (condition() || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const look = () => {
        if (!condition() && !signal.aborted) return
        this.#waiting.delete(look)
        signal.removeEventListener('abort', look)
        resolve()
      }
      this.#waiting.add(look)
      signal.addEventListener('abort', look)
    })
  }
}

/** What a commit means for the one who serves the pipeline. */
export type Change = {
  readonly known: Known
  /** The definition or the active release may be another one. */
  readonly isTouched: boolean
  /** Versions that runs were asked for on. */
  readonly asked: readonly string[]
}

export class Catalog {
  readonly #known = new Map<string, Known>()

  get all(): Iterable<Known> {
    return this.#known.values()
  }

  /** A commit about a pipeline or its releases. */
  apply({ tenant, topic, seq, events }: Commit): Change {
    const known = this.#of(tenant, topic.name)
    if (topic.kind === 'release') known.releaseSeq = seq
    let isTouched = false
    const asked: string[] = []
    for (const event of events) {
      isTouched = heed(known, event, seq) || isTouched
      if ('pipelineVersion' in event && asks.has(event.type)) asked.push(event.pipelineVersion)
      if (event.type === 'PipelineResumed') asked.push(...known.releases.keys())
    }
    known.seq = seq
    known.wake()
    return { known, isTouched, asked }
  }

  #of(tenant: string, pipeline: string): Known {
    const key = `${tenant}\n${pipeline}`
    let known = this.#known.get(key)
    if (!known) this.#known.set(key, (known = new Known(tenant, pipeline)))
    return known
  }
}

const asks: ReadonlySet<string> = new Set(['RunRequested', 'RunRedriven', 'RunResumed'])

/** Answers whether what is served may have to change. */
const heed = (known: Known, event: Event, seq: number): boolean => {
  switch (event.type) {
    case 'PipelineDefined':
      known.definition = event.definition
      return true
    case 'PipelineRemoved':
      known.definition = null
      return true
    case 'PipelinePaused':
    case 'PipelineResumed':
      known.isPaused = event.type === 'PipelinePaused'
      return !known.isPaused
    case 'ReleaseRegistered':
      known.releases.set(event.pipelineVersion, event)
      return false
    case 'ReleaseActivated':
      known.active = event.pipelineVersion
      return true
    case 'CancelRequested':
      known.wish(event.run, { cancelledBy: event.actor })
      return false
    case 'RunSuperseded':
      known.wish(event.run, { supersededSeq: seq })
      return false
    case 'RunRedriven':
      known.wish(event.run, { epoch: event.epoch, cancelledBy: null })
      return false
    case 'RunResumed':
      known.wish(event.run, { epoch: event.epoch })
      return false
    default:
      return false
  }
}
