/**
 * What the log says about pipelines and their releases: the fold that a worker decides on. Pure; what is
 * actually served is another matter (`serving.ts`).
 */
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'

export type Known = {
  readonly tenant: string
  readonly pipeline: string
  definition: PipelineDefinition | null
  readonly releases: Map<string, EventOf<'ReleaseRegistered'>>
  active: string | null
  /** Sequence of the newest commit about the releases: what a registration is decided on. */
  releaseSeq: number
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

  apply({ tenant, topic, seq, events }: Commit): Change {
    const known = this.#of(tenant, topic.name)
    if (topic.kind === 'release') known.releaseSeq = seq
    let isTouched = false
    const asked: string[] = []
    for (const event of events)
      switch (event.type) {
        case 'PipelineDefined':
          known.definition = event.definition
          isTouched = true
          break
        case 'PipelineRemoved':
          known.definition = null
          isTouched = true
          break
        case 'ReleaseRegistered':
          known.releases.set(event.pipelineVersion, event)
          break
        case 'ReleaseActivated':
          known.active = event.pipelineVersion
          isTouched = true
          break
        case 'RunRequested':
          asked.push(event.pipelineVersion)
          break
        default:
      }
    return { known, isTouched, asked }
  }

  #of(tenant: string, pipeline: string): Known {
    const key = `${tenant}\n${pipeline}`
    let known = this.#known.get(key)
    if (!known) {
      known = {
        tenant,
        pipeline,
        definition: null,
        releases: new Map(),
        active: null,
        releaseSeq: 0,
      }
      this.#known.set(key, known)
    }
    return known
  }
}
