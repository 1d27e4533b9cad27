import { afterLine, cellEnd, cellStart, encodeCell } from './csv-scan.ts'
import {
  type Table,
  columnReader,
  createTable,
  lineEnding,
  parseTable,
  rowEnd,
  rowStart,
} from './csv.ts'

/**
 * Edits of a table. Each gives a new table; rows that an edit does not touch keep their bytes.
 *
 * Leaving rows out only drops their offsets, so it costs nothing until the table is written or
 * edited again. All other edits are splices: one new byte range per touched line, copied together
 * with the untouched stretches between them in a single pass.
 */

/** Keeps the rows that `keep` says. */
export const filterRows = (table: Table, keep: (row: number) => boolean): Table => {
  const starts = new Int32Array(table.rowCount)
  const ends = new Int32Array(table.rowCount)
  let rowCount = 0
  for (let row = 0; row < table.rowCount; row++) {
    if (!keep(row)) continue
    starts[rowCount] = rowStart(table, row)
    ends[rowCount++] = rowEnd(table, row)
  }
  if (rowCount === table.rowCount) return table
  const lines = { starts: starts.slice(0, rowCount), ends: ends.slice(0, rowCount) }
  return { ...table, rowCount, lines, whole: false }
}

/** The same table over a file of its own, so that nothing but its rows is in `source`. */
const compact = (table: Table): Table => {
  if (table.whole) return table
  const { source, rowCount } = table
  const head = afterLine(source, table.headerEnd)
  let bytes = head
  for (let row = 0; row < rowCount; row++)
    bytes += afterLine(source, rowEnd(table, row)) - rowStart(table, row)
  const out = Buffer.allocUnsafe(bytes)
  source.copy(out, 0, 0, head)
  const starts = new Int32Array(rowCount)
  const ends = new Int32Array(rowCount)
  let at = head
  for (let row = 0; row < rowCount;) {
    const from = rowStart(table, row)
    let to = from
    for (; row < rowCount && (to === from || rowStart(table, row) === to); row++) {
      starts[row] = at + rowStart(table, row) - from
      ends[row] = at + rowEnd(table, row) - from
      to = afterLine(source, rowEnd(table, row))
    }
    at += source.copy(out, at, from, to)
  }
  return { ...table, source: out, lines: { starts, ends }, whole: true }
}

/** The bytes of the table's file. */
export const tableBytes = (table: Table): Buffer => compact(table).source

/** Replaces `from` to `to` of a row by `bytes`. */
type Splice = {
  readonly row: number
  readonly from: number
  readonly to: number
  readonly bytes: Buffer
}

/** Applies splices, at most one per row and in the order of the rows, to a whole table. */
const spliceRows = (table: Table, splices: readonly Splice[]): Table => {
  const { source, lines } = table
  let bytes = source.length
  for (const splice of splices) bytes += splice.bytes.length - (splice.to - splice.from)
  const out = Buffer.allocUnsafe(bytes)
  const starts = Int32Array.from(lines.starts)
  const ends = Int32Array.from(lines.ends)
  let copied = 0
  let at = 0
  let row = 0
  let shift = 0
  const shiftRows = (until: number) => {
    for (; row < until; row++) {
      starts[row] = (lines.starts[row] as number) + shift
      ends[row] = (lines.ends[row] as number) + shift
    }
  }
  for (const splice of splices) {
    shiftRows(splice.row)
    starts[row] = (lines.starts[row] as number) + shift
    at += source.copy(out, at, copied, splice.from)
    at += splice.bytes.copy(out, at)
    copied = splice.to
    shift = at - copied
    ends[row] = (lines.ends[row] as number) + shift
    row++
  }
  shiftRows(table.rowCount)
  source.copy(out, at, copied)
  return { ...table, source: out, lines: { starts, ends } }
}

const cellsBefore = (source: Buffer, start: number, end: number): number => {
  let count = 0
  for (let at = start; at <= end; at = cellEnd(source, at, end) + 1) count++
  return count
}

/** Writes `text` into a column of a row, adding the cells that a short row lacks. */
const spliceCell = (table: Table, row: number, column: number, text: Buffer): Splice => {
  const { source } = table
  const end = rowEnd(table, row)
  const from = cellStart(source, rowStart(table, row), end, column)
  if (from >= 0) return { row, from, to: cellEnd(source, from, end), bytes: text }
  const missing = column - cellsBefore(source, rowStart(table, row), end)
  const bytes = Buffer.concat([Buffer.from(','.repeat(missing + 1)), text])
  return { row, from: end, to: end, bytes }
}

const cellEncoder = (columns: number) => {
  const known = new Map<string, Buffer>()
  return (text: string): Buffer => {
    const found = known.get(text)
    if (found) return found
    // A single empty cell would be a blank line, which is not a row.
    const bytes = Buffer.from(columns === 1 && text === '' ? '""' : encodeCell(text))
    known.set(text, bytes)
    return bytes
  }
}

/** Gives each cell of a column the text that `change` returns; the same text leaves the bytes. */
export const setCells = (
  table: Table,
  column: string,
  change: (text: string, row: number) => string,
): Table => {
  const k = table.columns.indexOf(column)
  if (k < 0) throw new Error(`the table has no column ${column}`)
  const whole = compact(table)
  const read = columnReader(whole, column)
  const encode = cellEncoder(table.columns.length)
  const splices: Splice[] = []
  for (let row = 0; row < whole.rowCount; row++) {
    const text = read(row)
    const changed = change(text, row)
    if (changed !== text) splices.push(spliceCell(whole, row, k, encode(changed)))
  }
  return splices.length > 0 ? spliceRows(whole, splices) : table
}

/** Adds a column at the end of the header; cells beyond the header stay behind it. */
export const appendColumn = (table: Table, name: string, text: (row: number) => string): Table => {
  if (table.columns.includes(name)) throw new Error(`the table already has a column ${name}`)
  if (table.columns.length === 0) return createTable([name])
  const whole = compact(table)
  const k = table.columns.length
  const encode = cellEncoder(k + 1)
  const splices: Splice[] = []
  for (let row = 0; row < whole.rowCount; row++) {
    const at = cellStart(whole.source, rowStart(whole, row), rowEnd(whole, row), k)
    if (at < 0) splices.push(spliceCell(whole, row, k, encode(text(row))))
    else
      splices.push({
        row,
        from: at,
        to: at,
        bytes: Buffer.from(`${encode(text(row)).toString()},`),
      })
  }
  const { source } = spliceRows(whole, splices)
  const header = Buffer.from(`,${encodeCell(name)}`)
  const { headerEnd } = table
  return parseTable(
    Buffer.concat([source.subarray(0, headerEnd), header, source.subarray(headerEnd)]),
  )
}

/** Adds rows at the end; cells of columns they do not name stay empty. */
export const appendRows = (
  table: Table,
  rows: readonly Readonly<Record<string, string>>[],
): Table => {
  if (rows.length === 0) return table
  const encode = cellEncoder(table.columns.length)
  const ending = lineEnding(table)
  const { source } = compact(table)
  const added = rows.map((row) => {
    const unknown = Object.keys(row).find((name) => !table.columns.includes(name))
    if (unknown !== undefined) throw new Error(`the table has no column ${unknown}`)
    return table.columns.map((column) => encode(row[column] ?? '').toString()).join(',') + ending
  })
  const open = source.length > 0 && source.at(-1) !== 10 && source.at(-1) !== 13
  return parseTable(Buffer.concat([source, Buffer.from((open ? ending : '') + added.join(''))]))
}
