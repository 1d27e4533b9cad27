import { cellEnd, quotedBytes } from '../csv-scan.ts'
import { columnReader, rowEnd, rowStart } from '../csv.ts'
import type { Table } from '../csv.ts'
import { rowHashes } from '../table-digest.ts'
import { pairByKey, withoutEqual } from './pairs.ts'
import { differenceLimits } from './shape.ts'
import type { DifferencePart } from './shape.ts'
import { createTally, fittingName } from './tally.ts'
import type { PartDifference } from './tally.ts'

/**
 * The difference of two tables: rows added, removed and changed.
 *
 * It is blind to what the digest of a table is blind to, so the order of rows and columns never
 * counts, and rows compare by the columns that both tables have. Rows are hashed as they are for the
 * digest and equal ones taken away; only the rest is read, matched by the primary key and compared
 * cell by cell on its bytes. Without a key a changed row is one removed and one added.
 */

type Column = { readonly label: string; readonly before: number; readonly after: number }

/** A name that a header repeats is told apart by its number. */
const labelsOf = ({ columns }: Table): string[] => {
  const seen = new Map<string, number>()
  return columns.map((column) => {
    const times = (seen.get(column) ?? 0) + 1
    seen.set(column, times)
    return times === 1 ? column : `${column} (${times})`
  })
}

const columnsOf = (before: Table, after: Table) => {
  const [labels, others] = [labelsOf(before), labelsOf(after)]
  const places = new Map(others.map((label, place) => [label, place]))
  const known = new Set(labels)
  return {
    common: labels.flatMap((label, place): Column[] => {
      const other = places.get(label)
      return other === undefined ? [] : [{ label, before: place, after: other }]
    }),
    removed: labels.filter((label) => !places.has(label)),
    added: others.filter((label) => !known.has(label)),
  }
}

/** The cells of one row at a time, as ranges of bytes. */
const cellsOf = (table: Table) => {
  const { source } = table
  const bounds: number[] = []
  let cells = 0
  const start = (place: number) => (place < cells ? (bounds[2 * place] as number) : 0)
  const end = (place: number) => (place < cells ? (bounds[2 * place + 1] as number) : 0)
  return {
    source,
    start,
    end,
    count: () => cells,
    read(row: number) {
      const lineEnd = rowEnd(table, row)
      cells = 0
      for (let at = rowStart(table, row); at <= lineEnd; cells++) {
        const last = cellEnd(source, at, lineEnd)
        bounds[2 * cells] = at
        bounds[2 * cells + 1] = last
        at = last + 1
      }
    },
    /** What a cell says. Spaces around it count, quotes do not. */
    said: (place: number): Buffer =>
      quotedBytes(source, start(place), end(place)) ?? source.subarray(start(place), end(place)),
  }
}
type Cells = ReturnType<typeof cellsOf>

const sameCell = (before: Cells, place: number, after: Cells, other: number): boolean => {
  const [from, to] = [before.start(place), after.start(other)]
  const length = before.end(place) - from
  if (length === after.end(other) - to) {
    let i = 0
    while (i < length && before.source[from + i] === after.source[to + i]) i++
    if (i === length) return true
  }
  return before.said(place).equals(after.said(other))
}

/** Compares one pair of rows at a time; cells beyond the header are columns without a name. */
const rowComparison = (before: Table, after: Table, common: readonly Column[]) => {
  const [one, other] = [cellsOf(before), cellsOf(after)]
  const beyond = (n: number): Column => ({
    label: `cell ${n + 1} beyond the header`,
    before: before.columns.length + n,
    after: after.columns.length + n,
  })
  return {
    changes(row: number, otherRow: number): Column[] {
      one.read(row)
      other.read(otherRow)
      const changed: Column[] = []
      for (const column of common)
        if (!sameCell(one, column.before, other, column.after)) changed.push(column)
      const surplus = Math.max(
        one.count() - before.columns.length,
        other.count() - after.columns.length,
      )
      for (let n = 0; n < surplus; n++) {
        const column = beyond(n)
        if (!sameCell(one, column.before, other, column.after)) changed.push(column)
      }
      return changed
    },
    /** What the pair compared last says in a column. */
    values: (column: Column) =>
      [
        column.label,
        [one.said(column.before).toString(), other.said(column.after).toString()],
      ] as const,
  }
}

/** Cells that say something, as the fields of a row that only one side has. */
const rowFields = (table: Table) => {
  const labels = labelsOf(table)
  const cells = cellsOf(table)
  return (row: number) => {
    cells.read(row)
    return labels.flatMap((label, place): (readonly [string, string])[] => {
      const text = cells.said(place).toString()
      return text === '' ? [] : [[label, text]]
    })
  }
}

/** Reads keys; an empty key names the only row of its file. */
const keyReader = (table: Table, key: readonly string[], separator: string) => {
  const readers = key.map((column) => columnReader(table, column))
  return (row: number) => readers.map((read) => read(row)).join(separator)
}

const keyLabel = (table: Table, key: readonly string[] | undefined) => {
  const present = (key ?? []).filter((column) => table.columns.includes(column))
  const read = keyReader(table, present, ', ')
  return (row: number) => (present.length > 0 ? read(row) : `row ${row + 1}`)
}

const pairRows = (
  before: Table,
  after: Table,
  common: readonly Column[],
  key: readonly string[] | undefined,
) => {
  const rest = withoutEqual(
    rowHashes(
      before,
      common.map((column) => column.before),
    ),
    rowHashes(
      after,
      common.map((column) => column.after),
    ),
  )
  const shared = key?.filter((name) => common.some(({ label }) => label === name))
  if (!key || !shared || (key.length > 0 && shared.length === 0)) return { pairs: [], ...rest }
  return pairByKey(
    rest.removed,
    rest.added,
    keyReader(before, shared, '\0'),
    keyReader(after, shared, '\0'),
  )
}

const columnFacts = (removed: readonly string[], added: readonly string[]) => {
  if (removed.length + added.length === 0) return undefined
  const few = (names: readonly string[]) =>
    names.slice(0, differenceLimits.columnsPerPartMax).map(fittingName)
  return { columns: { added: few(added), removed: few(removed) } }
}

/** `change` is for a file that one side alone has; compare it with an empty table. */
export const compareTables = (
  name: string,
  before: Table,
  after: Table,
  key?: readonly string[],
  change: DifferencePart['change'] = 'changed',
): PartDifference | undefined => {
  const tally = createTally({
    name,
    unit: 'rows',
    before: before.rowCount,
    after: after.rowCount,
  })
  const { common, removed, added } = columnsOf(before, after)
  const rows = pairRows(before, after, common, key)
  const comparison = rowComparison(before, after, common)
  const labels = { before: keyLabel(before, key), after: keyLabel(after, key) }
  const fields = { before: rowFields(before), after: rowFields(after) }
  for (const [row, otherRow] of rows.pairs) {
    const changed = comparison.changes(row, otherRow)
    if (changed.length > 0)
      tally.count(
        'changed',
        changed.map(({ label }) => label),
        () => ({ key: labels.before(row), fields: changed.map(comparison.values) }),
      )
  }
  for (const row of rows.removed)
    tally.count('removed', [], () => ({
      key: labels.before(row),
      fields: fields.before(row).map(([label, text]) => [label, [text, null]]),
    }))
  for (const row of rows.added)
    tally.count('added', [], () => ({
      key: labels.after(row),
      fields: fields.after(row).map(([label, text]) => [label, [null, text]]),
    }))
  return tally.result(change === 'changed' ? columnFacts(removed, added) : { change })
}
