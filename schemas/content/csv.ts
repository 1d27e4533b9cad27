import { afterLine, cellEnd, cellStart, cellText, encodeCell, indexLines } from './csv-scan.ts'
import type { Lines } from './csv-scan.ts'

/**
 * A CSV table as a view of its bytes.
 *
 * Turning every cell into a string is what makes CSV slow (260 ms for the stop_times of Sound
 * Transit, against 9 ms for finding its rows), so a table is the file as it came plus the offsets
 * of its rows, and a cell is found in its row when somebody asks. Editing copies byte ranges: a
 * row nobody touched keeps its bytes, columns nobody knows included. Tables never change; an edit
 * that changes nothing returns the table it was given.
 */

export type Table = {
  readonly columns: readonly string[]
  readonly rowCount: number
  readonly source: Buffer
  /** Bytes of the header line, without its end of line. */
  readonly headerStart: number
  readonly headerEnd: number
  /** Byte range of each row, without its end of line. */
  readonly lines: Lines
  /** True while the rows are those of `source`, all of them and in its order. */
  readonly whole: boolean
}

/** The line a row number stands for. */
export const rowStart = (table: Table, row: number): number => table.lines.starts[row] as number
export const rowEnd = (table: Table, row: number): number => table.lines.ends[row] as number

const lineTexts = (source: Buffer, start: number, end: number): string[] => {
  const texts: string[] = []
  for (let at = start; at <= end;) {
    const next = cellEnd(source, at, end)
    texts.push(cellText(source, at, next))
    at = next + 1
  }
  return texts
}

/** Reads a file. Throws `Refusal` (malformed_csv) when a quote is never closed. */
export const parseTable = (source: Buffer): Table => {
  const marked = source[0] === 0xef && source[1] === 0xbb && source[2] === 0xbf
  const { starts, ends } = indexLines(source, marked ? 3 : 0)
  const [headerStart = 0] = starts
  const [headerEnd = 0] = ends
  return {
    columns: starts.length > 0 ? lineTexts(source, headerStart, headerEnd) : [],
    rowCount: Math.max(0, starts.length - 1),
    source,
    headerStart,
    headerEnd,
    lines: { starts: starts.subarray(1), ends: ends.subarray(1) },
    whole: true,
  }
}

/** The text of a cell; empty when the row or the header does not reach that far. */
export const cell = (table: Table, row: number, column: string): string => {
  const k = table.columns.indexOf(column)
  if (k < 0) return ''
  const end = rowEnd(table, row)
  const start = cellStart(table.source, rowStart(table, row), end, k)
  return start < 0 ? '' : cellText(table.source, start, cellEnd(table.source, start, end))
}

/** All cells of a row, in the order of the columns; longer than the header when the row is. */
export const rowTexts = (table: Table, row: number): string[] =>
  lineTexts(table.source, rowStart(table, row), rowEnd(table, row))

/** The cells of a row by their columns. */
export const rowRecord = (table: Table, row: number): Record<string, string> => {
  const texts = rowTexts(table, row)
  return Object.fromEntries(table.columns.map((column, k) => [column, texts[k] ?? '']))
}

const slotsCount = 2 ** 13

/**
 * A fast reader for one column. Ids repeat, so recently seen cells are found again by their bytes
 * and share one string: no decoding, and sets and maps need not hash the text anew.
 */
export const columnReader = (table: Table, column: string): ((row: number) => string) => {
  const k = table.columns.indexOf(column)
  if (k < 0) return () => ''
  const { source, lines } = table
  const from = new Int32Array(slotsCount)
  const bytes = new Int32Array(slotsCount)
  const texts: string[] = Array.from({ length: slotsCount }, () => '')
  return (row) => {
    const lineEnd = lines.ends[row] as number
    const start = cellStart(source, lines.starts[row] as number, lineEnd, k)
    if (start < 0) return ''
    const length = cellEnd(source, start, lineEnd) - start
    let hash = length
    for (let i = start; i < start + length; i++)
      hash = Math.imul(hash ^ (source[i] as number), 16_777_619)
    const slot = (hash ^ (hash >>> 15)) & (slotsCount - 1)
    const known = from[slot] as number
    if (bytes[slot] === length) {
      let i = 0
      while (i < length && source[known + i] === source[start + i]) i++
      if (i === length) return texts[slot] as string
    }
    from[slot] = start
    bytes[slot] = length
    return (texts[slot] = cellText(source, start, start + length))
  }
}

/** The end of line a table uses. */
export const lineEnding = (table: Table): string => {
  const { source, headerEnd } = table
  return source.toString('latin1', headerEnd, afterLine(source, headerEnd)) || '\n'
}

/** A table from nothing. */
export const createTable = (columns: readonly string[]): Table =>
  parseTable(Buffer.from(`${columns.map(encodeCell).join(',')}\n`))
