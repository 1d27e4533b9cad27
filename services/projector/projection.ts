/**
 * Commits in, rows out: the read models applied to the log, in memory. The room and the rebuild both
 * run this and differ only in where rows come from and go to.
 *
 * Rows of folds and groups are kept in memory, the least recently changed ones let go of when there are
 * too many; rows of facts are written and never looked at again. A commit changes all of its rows or
 * none: when one cannot be made, the rows before it are put back and the commit becomes a row of
 * `unreadable`. It blocks nobody and is there to be seen.
 */
import type { Event, Recorded } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import { afterRunEvent, isRunEvent } from '@headway/schemas/run.ts'
import type { Row, TableName } from '@headway/schemas/tables.ts'
import { checkRow, idOf, rowId, type AnyRow } from './columns.ts'
import { modelsOf, type AnyModel } from './read-models/index.ts'
import type { Fold, Group, Key, Look, Standing } from './read-models/read-model.ts'
import { fenceOfRun } from './read-models/runs.ts'
import { unreadable } from './read-models/unreadable.ts'

/** Table → id → row: the newest state of every row that changed. */
export type Changes = Map<TableName, Map<string, AnyRow>>
export type Wanted = Map<TableName, Map<string, Key>>

/** What one commit changed, in order, each row as it left it; `id` is null for facts. */
export type Write = {
  readonly table: TableName
  readonly id: string | null
  readonly row: AnyRow
  readonly standing: Standing
}
type Undo = { readonly rows: Map<string, AnyRow>; readonly id: string; readonly row?: AnyRow }

const rowsKeptMax = 50_000

export class Projection {
  readonly #kept = new Map<TableName, Map<string, AnyRow>>()
  #writes: Write[] = []
  #undo: Undo[] = []

  rows(table: TableName): Map<string, AnyRow> {
    let rows = this.#kept.get(table)
    if (!rows) this.#kept.set(table, (rows = new Map()))
    return rows
  }

  readonly look = ((table: TableName, ...key: Key) => this.rows(table).get(idOf(key))) as Look

  /**
   * Rows that these commits may change or look at and that are not in memory, besides those that were
   * asked for before. Rows name other rows, so it is asked again until nothing is wanted.
   */
  wanted(commits: readonly Commit[], asked: Set<string>): Wanted {
    const wanted: Wanted = new Map()
    const want = (table: TableName, key: Key) => {
      const id = idOf(key)
      if (this.rows(table).has(id) || asked.has(`${table} ${id}`)) return
      asked.add(`${table} ${id}`)
      const keys = wanted.get(table) ?? new Map<string, Key>()
      wanted.set(table, keys.set(id, key))
    }
    for (const commit of commits)
      for (const [index, event] of commit.events.entries()) {
        const recorded = recordedOf(commit, event, index)
        if (isRunEvent(event)) want('runs', [commit.tenant, event.run])
        for (const model of modelsOf.get(event.type) ?? [])
          for (const [table, key] of this.keysOf(model, recorded)) want(table, key)
      }
    return wanted
  }

  /** The rows that a model wants for an event. */
  keysOf(model: AnyModel, recorded: Recorded): readonly (readonly [TableName, Key])[] {
    if (model.kind === 'fact') return []
    if (model.kind === 'group') return model.keys(recorded, this.look)
    return model.keys(recorded, this.look).map((key) => [model.table, key])
  }

  learn(table: TableName, rows: readonly AnyRow[]): void {
    const kept = this.rows(table)
    for (const row of rows) kept.set(rowId(table, row), row)
  }

  /** The rows that one commit changes; everything it needs is in memory. */
  project(commit: Commit): readonly Write[] {
    if (commit.problem !== undefined) return [unreadableWrite(commit, commit.problem)]
    this.#writes = []
    this.#undo = []
    try {
      for (let index = 0; index < commit.events.length; index++)
        this.#apply(recordedOf(commit, commit.events[index]!, index))
      const last = this.#writes.filter(
        ({ table, id, row }) => id === null || this.rows(table).get(id) === row,
      )
      for (const { table, row } of last) checkRow(table, row)
      return last
    } catch (error) {
      for (const { rows, id, row } of this.#undo.reverse())
        if (row) rows.set(id, row)
        else rows.delete(id)
      return [unreadableWrite(commit, `cannot be kept: ${String(error)}`)]
    }
  }

  #apply(recorded: Recorded): void {
    const { event, tenant } = recorded
    if (isRunEvent(event)) {
      const run = this.look('runs', tenant, event.run)
      if (!run || !afterRunEvent(fenceOfRun(run), event)) return
    }
    for (const model of modelsOf.get(event.type) ?? [])
      if (model.kind === 'fold') this.#fold(model, recorded)
      else if (model.kind === 'group') this.#gather(model, recorded)
      else {
        const row = model.rows[event.type as 'StepSucceeded']!(recorded as never)
        if (row) this.#writes.push({ table: model.table, id: null, row, standing: 'final' })
      }
  }

  #fold(fold: Fold<'runs'>, recorded: Recorded): void {
    const { table } = fold
    const rows = this.rows(table)
    const evolve = fold.evolve[recorded.event.type as 'RunRequested']!
    for (const key of fold.keys(recorded, this.look)) {
      const id = idOf(key)
      const before = rows.get(id) as Row<'runs'> | undefined
      const row = evolve(before, recorded as never, this.look, key)
      if (row && row !== before) this.#keep(table, id, row, fold.standing?.(row) ?? 'open')
    }
  }

  #gather(group: Group<'interactions'>, recorded: Recorded): void {
    const evolve = group.evolve[recorded.event.type as 'RunSuspended']!
    for (const placed of evolve(recorded as never, this.look)) {
      const [table, row] = placed
      this.#keep(table, rowId(table, row), row, group.standing(placed))
    }
  }

  #keep(table: TableName, id: string, row: AnyRow, standing: Standing): void {
    const rows = this.rows(table)
    const before = rows.get(id)
    this.#undo.push(before ? { rows, id, row: before } : { rows, id })
    if (before) rows.delete(id)
    rows.set(id, row)
    this.#writes.push({ table, id, row, standing })
  }

  /** Lets go of the rows that were changed longest ago. Only between batches. */
  trim(): void {
    for (const rows of this.#kept.values()) {
      let surplus = rows.size - rowsKeptMax
      if (surplus <= 0) continue
      for (const id of rows.keys()) {
        if (surplus-- <= 0) break
        rows.delete(id)
      }
    }
  }

  forget(): void {
    this.#kept.clear()
  }
}

export const recordedOf = ({ tenant, seq, at }: Commit, event: Event, index: number): Recorded => ({
  tenant,
  seq,
  index,
  at,
  event,
})

const unreadableWrite = (commit: Commit, problem: string): Write => ({
  table: unreadable.table,
  id: null,
  row: unreadable.row(commit, problem),
  standing: 'final',
})

/** A write into the changes of a batch: the newest row of a key stands. */
export const addWrite = (changes: Changes, { table, id, row }: Write): void => {
  let rows = changes.get(table)
  if (!rows) changes.set(table, (rows = new Map()))
  rows.set(id ?? rowId(table, row), row)
}
