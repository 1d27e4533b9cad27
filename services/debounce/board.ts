/**
 * Everything the debounce room knows: the fold of the log, per pipeline, per asset, per worker. It is
 * rebuilt from the first event at every start and never written down, so it cannot be wrong for long.
 * It only routes: the rules are in `decider.ts`.
 */
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Moment } from './decider.ts'
import { evolve, initial, type PipelineState } from './state.ts'
import { versionRef } from './window.ts'

export type WorkerState = {
  readonly joined: EventOf<'WorkerJoined'>
  /** When its heartbeats ended, milliseconds since 1970 UTC; null while it is heard. */
  readonly lostAt: number | null
  readonly topicSeq: number
}

/** `<tenant>/<name>`: names repeat between tenants. */
export const entityKey = (tenant: string, name: string): string => `${tenant}\n${name}`

export type Pipeline = { readonly tenant: string; readonly id: string }

export class Board {
  seq = 0
  /** The newest moment the log told, milliseconds since 1970 UTC. */
  now = 0
  readonly #pipelines = new Map<string, Pipeline & { state: PipelineState }>()
  readonly #latest = new Map<string, VersionRef>()
  readonly workers = new Map<string, WorkerState & { readonly tenant: string }>()

  /** Takes in one commit; returns the pipelines whose state it changed. */
  apply(commit: Commit): readonly Pipeline[] {
    const touched = new Set<Pipeline>()
    commit.events.forEach((event, index) => {
      const recorded: Recorded = {
        tenant: commit.tenant,
        seq: commit.seq,
        index,
        at: commit.at,
        event,
      }
      for (const entry of this.#route(recorded)) {
        const state = evolve(entry.id, entry.state, recorded)
        if (state === entry.state) continue
        entry.state = state
        touched.add(entry)
      }
    })
    // Whatever stands there, decisions are taken on it: also what cannot be read.
    if (commit.topic.kind === 'pipeline') {
      const entry = this.#entry(commit.tenant, commit.topic.name)
      entry.state = { ...entry.state, topicSeq: commit.seq }
      touched.add(entry)
    }
    this.seq = commit.seq
    this.now = Math.max(this.now, commit.at)
    return [...touched]
  }

  stateOf({ tenant, id }: Pipeline): PipelineState {
    return this.#pipelines.get(entityKey(tenant, id))?.state ?? initial
  }

  pipelines(): Iterable<Pipeline & { readonly state: PipelineState }> {
    return this.#pipelines.values()
  }

  moment({ tenant, id }: Pipeline, now: number): Moment {
    return {
      pipeline: id,
      tenant,
      now,
      seq: this.seq,
      latest: (asset) => this.#latest.get(entityKey(tenant, asset)) ?? null,
    }
  }

  #entry(tenant: string, id: string): Pipeline & { state: PipelineState } {
    const key = entityKey(tenant, id)
    let entry = this.#pipelines.get(key)
    if (!entry) this.#pipelines.set(key, (entry = { tenant, id, state: initial }))
    return entry
  }

  /** The pipelines that an event concerns: what is not about one is about what it listens to. */
  #route(recorded: Recorded): readonly (Pipeline & { state: PipelineState })[] {
    const { tenant, event, seq, at } = recorded
    switch (event.type) {
      case 'AssetVersioned':
        this.#latest.set(entityKey(tenant, event.asset), versionRef(event))
        return [...this.#pipelines.values()].filter((entry) => entry.tenant === tenant)
      case 'WorkerJoined':
        this.workers.set(entityKey(tenant, event.worker), {
          tenant,
          joined: event,
          lostAt: null,
          topicSeq: seq,
        })
        return []
      case 'WorkerLeft':
        this.workers.delete(entityKey(tenant, event.worker))
        return []
      case 'WorkerLost': {
        const key = entityKey(tenant, event.worker)
        const worker = this.workers.get(key)
        if (worker) this.workers.set(key, { ...worker, lostAt: at, topicSeq: seq })
        return []
      }
      default:
        return 'pipeline' in event ? [this.#entry(tenant, event.pipeline)] : []
    }
  }
}
