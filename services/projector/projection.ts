/**
 * Commits in, rows out: the read models applied to the log, in memory. The room and the rebuild both
 * run this and differ only in where rows come from and go to.
 *
 * Rows of folds are kept in memory, the least recently used ones let go of when there are too many; rows
 * of facts are written and never looked at again. A commit changes all of its rows or none: when one
 * cannot be made, the rows before it are put back and the commit becomes a row of `unreadable`. It
 * blocks nobody and is there to be seen.
 */
import type { Event, Recorded } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Row, TableName } from '@headway/schemas/tables.ts'
import { checkRow, idOf, rowId, type AnyRow } from './columns.ts'
import { isEffective, isRunEvent } from './read-models/fence.ts'
import { modelsOf } from './read-models/index.ts'
import type { Fact, Fold, Key } from './read-models/read-model.ts'
import { unreadable } from './read-models/unreadable.ts'

/** Table → id → row: the newest state of every row that changed. */
export type Changes = Map<TableName, Map<string, AnyRow>>
export type Wanted = Map<TableName, Map<string, Key>>

type AnyFold = Fold<'runs'>
type AnyFact = Fact<'steps'>
/** What one commit changed, in order; `id` is null for facts. */
export type Write = {
  readonly table: TableName
  readonly id: string | null
  readonly row: AnyRow
  readonly settled: boolean
}
type Undo = { readonly rows: Map<string, AnyRow>; readonly id: string; readonly row?: AnyRow }

const rowsKeptMax = 50_000

export class Projection {
  readonly #kept = new Map<TableName, Map<string, AnyRow>>()

  rows(table: TableName): Map<string, AnyRow> {
    let rows = this.#kept.get(table)
    if (!rows) this.#kept.set(table, (rows = new Map()))
    return rows
  }

  /** Rows that these commits may change and that are not in memory. */
  wanted(commits: readonly Commit[]): Wanted {
    const wanted: Wanted = new Map()
    const want = (table: TableName, key: Key) => {
      const id = idOf(key)
      if (this.rows(table).has(id)) return
      const keys = wanted.get(table) ?? new Map<string, Key>()
      wanted.set(table, keys.set(id, key))
    }
    for (const commit of commits)
      for (const [index, event] of commit.events.entries()) {
        const recorded = recordedOf(commit, event, index)
        if (isRunEvent(event)) want('runs', [commit.tenant, event.run])
        for (const model of modelsOf.get(event.type) ?? [])
          if (model.kind === 'fold') for (const key of model.keys(recorded)) want(model.table, key)
      }
    return wanted
  }

  learn(table: TableName, rows: readonly AnyRow[]): void {
    const kept = this.rows(table)
    for (const row of rows) kept.set(rowId(table, row), row)
  }

  /** The rows that one commit changes; everything it needs is in memory. */
  project(commit: Commit): readonly Write[] {
    if (commit.problem !== undefined) return [unreadableWrite(commit, commit.problem)]
    const writes: Write[] = []
    const undo: Undo[] = []
    try {
      for (let index = 0; index < commit.events.length; index++)
        this.#apply(recordedOf(commit, commit.events[index]!, index), writes, undo)
      for (const { table, row } of writes) checkRow(table, row)
      return writes
    } catch (error) {
      for (const { rows, id, row } of undo.reverse())
        if (row) rows.set(id, row)
        else rows.delete(id)
      return [unreadableWrite(commit, `cannot be kept: ${String(error)}`)]
    }
  }

  #apply(recorded: Recorded, writes: Write[], undo: Undo[]): void {
    const { event, tenant } = recorded
    if (isRunEvent(event)) {
      const run = this.rows('runs').get(idOf([tenant, event.run])) as Row<'runs'> | undefined
      if (!isEffective(run, event)) return
    }
    const models = modelsOf.get(event.type)
    if (!models) return
    for (const model of models) {
      const { table } = model
      if (model.kind === 'fact') {
        const row = (model as AnyFact).rows[event.type as 'StepSucceeded']!(recorded as never)
        writes.push({ table, id: null, row, settled: true })
        continue
      }
      const fold = model as AnyFold
      const rows = this.rows(table)
      for (const key of fold.keys(recorded)) {
        const id = idOf(key)
        const before = rows.get(id)
        const row = fold.evolve[event.type as 'RunRequested']!(
          before as never,
          recorded as never,
          key,
        )
        if (!row || row === before) continue
        undo.push(before ? { rows, id, row: before } : { rows, id })
        if (before) rows.delete(id)
        rows.set(id, row)
        writes.push({ table, id, row, settled: fold.settled?.(row as Row<'runs'>) ?? false })
      }
    }
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

const recordedOf = ({ tenant, seq, at }: Commit, event: Event, index: number): Recorded => ({
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
  settled: true,
})

/** A write into the changes of a batch: the newest row of a key stands. */
export const addWrite = (changes: Changes, { table, id, row }: Write): void => {
  let rows = changes.get(table)
  if (!rows) changes.set(table, (rows = new Map()))
  rows.set(id ?? rowId(table, row), row)
}
