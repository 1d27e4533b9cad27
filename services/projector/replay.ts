/**
 * The whole log, folded from its first event into a schema that nobody reads. Final rows leave memory at
 * once; what may still change (open runs, assets, pipelines, workers) stays there until the end, so
 * memory grows with what is configured and not with what happened.
 */
import type { Commit, Log } from '@headway/schemas/ports.ts'
import type { Bulk } from './bulk.ts'
import { idOf, tableNames } from './columns.ts'
import { commitMark } from './history.ts'
import { KeySet } from './key-set.ts'
import { Projection, type Wanted, type Write } from './projection.ts'
import type { Key } from './read-models/read-model.ts'

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

export class Replay {
  seq = 0
  events = 0
  #last: Commit | null = null
  readonly #bulk: Bulk
  readonly #projection = new Projection()
  readonly #gone = new KeySet()

  constructor(bulk: Bulk) {
    this.#bulk = bulk
  }

  /** Mark of the commit at `seq`. */
  get commit(): string {
    return this.#last === null ? '' : commitMark(this.#last.id)
  }

  async run(log: Log, to: number, signal: AbortSignal, onBatch: () => void): Promise<void> {
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    try {
      if (to > 0)
        for await (const commits of log.tail({ from: 1, signal: either })) {
          await this.#take(commits, to)
          onBatch()
          if (this.seq >= to) break
        }
    } finally {
      stop.abort()
    }
    if (this.seq < to) throw new InterruptedError('interrupted; the live tables are as they were')
    for (const table of tableNames)
      for (const row of this.#projection.rows(table).values()) this.#bulk.add(table, row)
  }

  async #take(commits: readonly Commit[], to: number): Promise<void> {
    const returned = await this.#bringBack(commits)
    const settled: Write[] = []
    for (const commit of commits) {
      if (commit.seq > to) break
      for (const write of this.#projection.project(commit))
        if (write.id === null) this.#bulk.add(write.table, write.row)
        else if (write.settled) settled.push(write)
      this.events += commit.events.length
      this.seq = commit.seq
      this.#last = commit
    }
    for (const { table, id, row } of settled) {
      this.#bulk.add(table, row)
      this.#projection.rows(table).delete(id!)
      this.#gone.add(id!)
    }
    for (const id of returned) this.#projection.rows('runs').delete(id)
    await this.#bulk.room()
  }

  /** Ended runs that are asked for once more: their rows say that nothing changes. */
  async #bringBack(commits: readonly Commit[]): Promise<readonly string[]> {
    const keys = new Map<string, Key>()
    for (const { tenant, events } of commits)
      for (const event of events) {
        if (event.type !== 'RunRequested') continue
        const key = [tenant, event.run]
        const id = idOf(key)
        if (this.#gone.has(id)) keys.set(id, key)
      }
    if (keys.size === 0) return []
    const wanted: Wanted = new Map([['runs', keys]])
    for (const [table, rows] of await this.#bulk.find(wanted)) this.#projection.learn(table, rows)
    return [...keys.keys()].filter((id) => this.#projection.rows('runs').has(id))
  }
}
