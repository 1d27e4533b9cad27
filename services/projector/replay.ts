/**
 * The whole log, folded from its first event into a schema that nobody reads. Final rows leave memory at
 * once, resting ones when there are too many of them; what may change with the next event (open runs,
 * assets, pipelines, workers) stays there until the end, so memory grows with what is configured and not
 * with what happened. A row that left and is woken is read back, and stands further down when it leaves
 * again.
 */
import type { Recorded } from '@headway/schemas/events.ts'
import type { Commit, Log } from '@headway/schemas/ports.ts'
import type { TableName } from '@headway/schemas/tables.ts'
import type { Bulk } from './bulk.ts'
import { idOf, tableNames, type AnyRow } from './columns.ts'
import { commitMark } from './history.ts'
import { KeySet } from './key-set.ts'
import { Projection, recordedOf, type Wanted, type Write } from './projection.ts'
import { wakenBy, type AnyModel } from './read-models/index.ts'
import type { Key } from './read-models/read-model.ts'

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

/** Of each table, as many as a redrive or a late answer may wake without a walk through the table. */
const restingMax = 20_000

export class Replay {
  seq = 0
  events = 0
  #last: Commit | null = null
  readonly #bulk: Pick<Bulk, 'add' | 'find' | 'room'>
  readonly #restingMax: number
  readonly #projection = new Projection()
  /** Rows at rest, least recently changed first. */
  readonly #resting = new Map<TableName, Map<string, AnyRow>>()
  readonly #gone = new Map<TableName, KeySet>()

  constructor(bulk: Pick<Bulk, 'add' | 'find' | 'room'>, options: { restingMax?: number } = {}) {
    this.#bulk = bulk
    this.#restingMax = options.restingMax ?? restingMax
  }

  /** Mark of the commit at `seq`. */
  get commit(): string {
    return this.#last === null ? '' : commitMark(this.#last.id)
  }

  async run(log: Pick<Log, 'tail'>, to: number, signal: AbortSignal, onBatch: () => void) {
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
    const woken = await this.#wake(commits)
    const changed: Write[] = []
    for (const commit of commits) {
      if (commit.seq > to) break
      for (const write of this.#projection.project(commit))
        if (write.id === null) this.#bulk.add(write.table, write.row)
        else changed.push(write)
      this.events += commit.events.length
      this.seq = commit.seq
      this.#last = commit
    }
    for (const write of changed) this.#settle(write)
    for (const [table, rows] of woken)
      for (const [id, row] of rows)
        if (this.#projection.rows(table).get(id) === row) this.#projection.rows(table).delete(id)
    this.#evict()
    await this.#bulk.room()
  }

  /** What becomes of a row after a batch; what changed again in it is told by its last write. */
  #settle({ table, id, row, standing }: Write): void {
    if (this.#projection.rows(table).get(id!) !== row) return
    const resting = this.#resting.get(table)
    resting?.delete(id!)
    if (standing === 'final') this.#writeOut(table, id!, row)
    if (standing !== 'resting') return
    if (resting) resting.set(id!, row)
    else this.#resting.set(table, new Map([[id!, row]]))
  }

  #evict(): void {
    for (const [table, rows] of this.#resting)
      for (const [id, row] of rows) {
        if (rows.size <= this.#restingMax) break
        rows.delete(id)
        this.#writeOut(table, id, row)
      }
  }

  #writeOut(table: TableName, id: string, row: AnyRow): void {
    this.#bulk.add(table, row)
    this.#projection.rows(table).delete(id)
    const gone = this.#gone.get(table) ?? new KeySet()
    gone.add(id)
    this.#gone.set(table, gone)
  }

  /** Rows that left and that one of these commits may change, or must find as they are. */
  async #wake(commits: readonly Commit[]): Promise<ReadonlyMap<TableName, Map<string, AnyRow>>> {
    const wanted: Wanted = new Map()
    for (const commit of commits)
      for (let index = 0; index < commit.events.length; index++) {
        const event = commit.events[index]!
        const models = wakenBy.get(event.type)
        if (models) this.#wantWoken(wanted, models, recordedOf(commit, event, index))
      }
    const woken = new Map<TableName, Map<string, AnyRow>>()
    if (wanted.size === 0) return woken
    for (const [table, found] of await this.#bulk.find(wanted)) {
      this.#projection.learn(table, found)
      const rows = this.#projection.rows(table)
      const ids = [...(wanted.get(table)?.keys() ?? [])].filter((id) => rows.has(id))
      woken.set(table, new Map(ids.map((id) => [id, rows.get(id)!])))
    }
    return woken
  }

  #wantWoken(wanted: Wanted, models: readonly AnyModel[], recorded: Recorded): void {
    for (const model of models)
      for (const [table, key] of this.#projection.keysOf(model, recorded)) {
        const id = idOf(key)
        if (!this.#gone.get(table)?.has(id) || this.#projection.rows(table).has(id)) continue
        const keys = wanted.get(table) ?? new Map<string, Key>()
        wanted.set(table, keys.set(id, key))
      }
  }
}
