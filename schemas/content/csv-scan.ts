import { Refusal } from './kind.ts'

/**
 * The grammar of CSV at the level of bytes: where a cell ends, where a row ends, what a cell says.
 *
 * It forgives what real feeds contain and what csv-parse forgives with `relax_quotes`: any mix of
 * CRLF, CR and LF, quotes in the middle of a cell, text after a closing quote. A quote opens a
 * quoted cell only as its first byte, spaces aside. Nothing is copied; cells are byte ranges.
 */

const tab = 9
const lineFeed = 10
const carriageReturn = 13
const space = 32
const quote = 34
const comma = 44

/** The byte after the quote that closes a cell whose text starts at `at`. */
const afterClosingQuote = (source: Buffer, at: number): number => {
  let closing = source.indexOf(quote, at)
  while (closing >= 0 && source[closing + 1] === quote) closing = source.indexOf(quote, closing + 2)
  if (closing < 0) throw new Refusal('malformed_csv', `the quote at byte ${at - 1} is never closed`)
  return closing + 1
}

/** Skips spaces and, if the cell is quoted, everything up to its closing quote. */
const afterQuotes = (source: Buffer, at: number, end: number): number => {
  let i = at
  while (i < end && (source[i] === space || source[i] === tab)) i++
  return i < end && source[i] === quote ? afterClosingQuote(source, i + 1) : at
}

/** The comma (or `rowEnd`) that ends the cell starting at `start`. */
export const cellEnd = (source: Buffer, start: number, rowEnd: number): number => {
  const first = source[start]
  let i =
    first === quote || first === space || first === tab ? afterQuotes(source, start, rowEnd) : start
  while (i < rowEnd && source[i] !== comma) i++
  return i
}

/** The start of the cell in a column, or -1 when the row is too short to have one. */
export const cellStart = (
  source: Buffer,
  rowStart: number,
  rowEnd: number,
  column: number,
): number => {
  let start = rowStart
  for (let k = 0; k < column; k++) {
    start = cellEnd(source, start, rowEnd) + 1
    if (start > rowEnd) return -1
  }
  return start
}

const quotedRowEnd = (source: Buffer, start: number): number => {
  let i = start
  for (;;) {
    i = afterQuotes(source, i, source.length)
    while (i < source.length) {
      const byte = source[i] as number
      if (byte === comma || byte === lineFeed || byte === carriageReturn) break
      i++
    }
    if (source[i] !== comma) return i
    i++
  }
}

const isBlank = (source: Buffer, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if (source[i] !== space && source[i] !== tab) return false
  return true
}

/** The first byte after the end of line at `end`. */
export const afterLine = (source: Buffer, end: number): number => {
  if (end >= source.length) return end
  return source[end] === carriageReturn && source[end + 1] === lineFeed ? end + 2 : end + 1
}

export type Lines = { readonly starts: Int32Array; readonly ends: Int32Array }

const grown = (array: Int32Array) => {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** Finds the next occurrence of a byte, natively, and only once for each: seven times our loop. */
const seeker = (source: Buffer, byte: number) => {
  let found = -1
  return (from: number): number => {
    if (found < from) {
      found = source.indexOf(byte, from)
      if (found < 0) found = source.length
    }
    return found
  }
}

/** Finds the rows of a file, without its blank lines. Throws `Refusal` on an unclosed quote. */
export const indexLines = (source: Buffer, from: number): Lines => {
  let starts = new Int32Array(16 + Math.ceil(source.length / 56))
  let ends = new Int32Array(starts.length)
  let count = 0
  const nextLineFeed = seeker(source, lineFeed)
  const nextReturn = seeker(source, carriageReturn)
  const nextQuote = seeker(source, quote)
  for (let start = from, end = from; start < source.length; start = afterLine(source, end)) {
    end = Math.min(nextLineFeed(start), nextReturn(start))
    if (nextQuote(start) < end) end = quotedRowEnd(source, start)
    if (isBlank(source, start, end)) continue
    if (count === starts.length) {
      starts = grown(starts)
      ends = grown(ends)
    }
    starts[count] = start
    ends[count++] = end
  }
  return { starts: starts.slice(0, count), ends: ends.slice(0, count) }
}

/** The bytes of a cell that starts with a quote, without quotes and escapes. */
const unquote = (source: Buffer, start: number, end: number): Buffer => {
  const closing = afterClosingQuote(source, start + 1) - 1
  const raw = source.subarray(start + 1, closing)
  const text = raw.includes(quote)
    ? Buffer.from(raw.toString('latin1').replaceAll('""', '"'), 'latin1')
    : raw
  // Text after the closing quote makes the quotes part of the text.
  if (isBlank(source, closing + 1, end)) return text
  return Buffer.concat([Buffer.from('"'), text, source.subarray(closing, end)])
}

/** The bytes a quoted cell stands for, or null when the cell is not quoted. */
export const quotedBytes = (source: Buffer, cellFrom: number, cellTo: number): Buffer | null => {
  let start = cellFrom
  while (start < cellTo && (source[start] === space || source[start] === tab)) start++
  return start < cellTo && source[start] === quote ? unquote(source, start, cellTo) : null
}

/** What a cell says, without the spaces around it. */
export const cellText = (source: Buffer, cellFrom: number, cellTo: number): string => {
  let start = cellFrom
  let end = cellTo
  while (start < end && (source[start] === space || source[start] === tab)) start++
  while (end > start && (source[end - 1] === space || source[end - 1] === tab)) end--
  if (start === end) return ''
  if (source[start] === quote) return unquote(source, start, end).toString('utf8')
  return source.toString('utf8', start, end)
}

/** Writes a cell so that reading it gives the same text. */
export const encodeCell = (text: string): string =>
  /[",\r\n]|^[ \t]|[ \t]$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
