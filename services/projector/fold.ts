/**
 * Commits in, changed rows out. Rows that may change again are kept in memory as long as there is room
 * and read from the store when they are not there; rows that are written once are neither kept nor read.
 *
 * A commit that cannot be decoded, or whose fold throws, becomes a row of `unreadable` and changes
 * nothing else: it blocks nobody and is there to be seen.
 */
import type { Recorded } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import { tables, type Row, type TableName } from '@headway/schemas/tables.ts'
import type { Key, ReadModel } from './read-models/read-model.ts'

export type AnyRow = Row<TableName>
/** Tenant and the model's own key, as the store reads them. */
export type FullKey = readonly (string | number)[]
export type RowSource = {
  /** The rows of these keys, as far as there are any. */
  load(table: TableName, keys: readonly FullKey[]): Promise<readonly AnyRow[]>
}
export type Changes = ReadonlyMap<
  TableName,
  { readonly once: boolean; readonly rows: readonly AnyRow[] }
>

type Slot = { row: AnyRow | undefined }
type Touch = {
  readonly model: ReadModel<TableName>
  readonly recorded: Recorded
  readonly key: Key
  readonly id: string
}

const rowsKeptMax = 20_000
const idOf = (tenant: string, key: Key): string => `${tenant}\n${key.join('\n')}`

export class Fold {
  readonly #models: readonly ReadModel<TableName>[]
  readonly #source: RowSource
  readonly #kept = new Map<TableName, Map<string, Slot>>()

  constructor(models: readonly ReadModel<TableName>[], source: RowSource) {
    this.#models = models
    this.#source = source
    for (const { table } of models) this.#kept.set(table, new Map())
  }

  /** The rows that these commits change. They count as written once they were returned. */
  async take(commits: readonly Commit[]): Promise<Changes> {
    const unreadable: Row<'unreadable'>[] = []
    const touches = commits.map((commit) => this.#touchesOf(commit))
    await this.#read(touches.flatMap((result) => result.touches))
    const changed = new Map<TableName, Map<string, Slot>>()
    const written = new Map<TableName, AnyRow[]>()
    for (const [i, { touches: ofCommit, problem }] of touches.entries()) {
      const failed = problem ?? this.#evolve(ofCommit, changed, written)
      if (failed) unreadable.push(unreadableRow(commits[i]!, failed))
    }
    this.#forget()
    return changesOf(changed, written, unreadable)
  }

  #touchesOf(commit: Commit): { touches: readonly Touch[]; problem: string | null } {
    if (commit.problem) return { touches: [], problem: commit.problem }
    const { tenant, seq, at } = commit
    try {
      const touches = commit.events.flatMap((event, index) => {
        const recorded: Recorded = { tenant, seq, index, at, event }
        return this.#models.flatMap((model) =>
          model
            .keys(recorded)
            .map((key): Touch => ({ model, recorded, key, id: idOf(tenant, key) })),
        )
      })
      return { touches, problem: null }
    } catch (error) {
      return { touches: [], problem: `cannot be projected: ${String(error)}` }
    }
  }

  /** Fetches the rows that are needed and not kept, one question per table. */
  async #read(touches: readonly Touch[]): Promise<void> {
    const wanted = new Map<TableName, Map<string, FullKey>>()
    for (const { model, recorded, key, id } of touches) {
      if (model.once || this.#kept.get(model.table)!.has(id)) continue
      const keys = wanted.get(model.table) ?? new Map<string, FullKey>()
      keys.set(id, [recorded.tenant, ...key])
      wanted.set(model.table, keys)
    }
    for (const [table, keys] of wanted) {
      const kept = this.#kept.get(table)!
      for (const id of keys.keys()) kept.set(id, { row: undefined })
      const ids = new Map([...keys].map(([id, key]) => [key.join('\n'), id]))
      for (const row of await this.#source.load(table, [...keys.values()])) {
        const id = ids.get(keyOf(table, row).join('\n'))
        if (id !== undefined) kept.set(id, { row })
      }
    }
  }

  /** Evolves the rows of one commit; when one fails, none of them changes. */
  #evolve(
    touches: readonly Touch[],
    changed: Map<TableName, Map<string, Slot>>,
    written: Map<TableName, AnyRow[]>,
  ): string | null {
    const before = new Map<Slot, AnyRow | undefined>()
    const once: [TableName, AnyRow][] = []
    try {
      for (const { model, recorded, key, id } of touches) {
        if (model.once) {
          const row = model.evolve(undefined, recorded, key)
          if (row) once.push([model.table, row])
          continue
        }
        const slot = this.#kept.get(model.table)!.get(id)!
        const row = model.evolve(slot.row, recorded, key)
        if (row === slot.row) continue
        if (!before.has(slot)) before.set(slot, slot.row)
        slot.row = row
        const slots = changed.get(model.table) ?? new Map<string, Slot>()
        changed.set(model.table, slots.set(id, slot))
      }
    } catch (error) {
      for (const [slot, row] of before) slot.row = row
      return `cannot be projected: ${String(error)}`
    }
    for (const [table, row] of once) {
      const rows = written.get(table)
      if (rows) rows.push(row)
      else written.set(table, [row])
    }
    return null
  }

  #forget(): void {
    for (const kept of this.#kept.values()) {
      let surplus = kept.size - rowsKeptMax
      for (const id of kept.keys()) {
        if (surplus-- <= 0) break
        kept.delete(id)
      }
    }
  }
}

/** The values of a row's key columns. */
export const keyOf = (table: TableName, row: AnyRow): FullKey =>
  tables[table].key.map((column) => (row as Record<string, string | number>)[column]!)

const unreadableRow = (commit: Commit, problem: string): Row<'unreadable'> => ({
  tenant: commit.tenant,
  seq: commit.seq,
  subject: `${commit.topic.kind} ${commit.topic.name}`,
  problem,
  recorded_at: toTimestamp(commit.at),
})

const changesOf = (
  changed: ReadonlyMap<TableName, ReadonlyMap<string, Slot>>,
  written: ReadonlyMap<TableName, readonly AnyRow[]>,
  unreadable: readonly Row<'unreadable'>[],
): Changes => {
  const changes = new Map<TableName, { once: boolean; rows: readonly AnyRow[] }>()
  for (const [table, slots] of changed) {
    const rows = [...slots.values()].map(({ row }) => row).filter((row) => row !== undefined)
    if (rows.length > 0) changes.set(table, { once: false, rows })
  }
  for (const [table, rows] of written) changes.set(table, { once: true, rows })
  if (unreadable.length > 0) changes.set('unreadable', { once: true, rows: unreadable })
  return changes
}
