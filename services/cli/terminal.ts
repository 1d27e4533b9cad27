/**
 * What people read: stdout carries data and nothing else, stderr the rest. Colour only where somebody
 * looks, and never when NO_COLOR asks for none. A table fits the terminal; in a pipe nothing is cut.
 */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const isColoured = (): boolean => {
  if (process.env.NO_COLOR) return false
  const forced = process.env.FORCE_COLOR
  return forced ? forced !== '0' : process.stdout.isTTY
}

export const paint = (style: Style, text: string): string =>
  isColoured() ? styleText(style, text, { validateStream: false }) : text

const closed = new AbortController()
/** Fires when whoever read our output went away: `headway sub | head`. */
export const outputClosed = closed.signal
process.stdout.once('error', () => closed.abort())

export const print = (text: string): void => {
  if (!closed.signal.aborted) process.stdout.write(`${text}\n`)
}
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

export type Column<Row> = {
  readonly title: string
  readonly of: (row: Row) => string
  readonly style?: (row: Row) => Style | null
  readonly right?: boolean
  /** May be cut when the terminal is narrow. */
  readonly shrinks?: boolean
}

const gap = 2
const shrunkMin = 8

/** Takes from the widest column that may shrink until all fit or none can give more. */
const fit = (widths: number[], mayShrink: readonly boolean[], room: number): void => {
  const total = () => widths.reduce((sum, width) => sum + width + gap, -gap)
  while (total() > room) {
    let widest = -1
    widths.forEach((width, i) => {
      if (mayShrink[i] && width > shrunkMin && width > (widths[widest] ?? 0)) widest = i
    })
    if (widest < 0) return
    widths[widest]!--
  }
}

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text

export const table = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  room: number = process.stdout.isTTY ? process.stdout.columns : Infinity,
): string => {
  const cells = rows.map((row) => columns.map((column) => column.of(row)))
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => line[i]!.length)),
  )
  fit(
    widths,
    columns.map((column) => column.shrinks ?? false),
    room,
  )
  const line = (texts: readonly string[], row: Row | null): string =>
    columns
      .map((column, i) => {
        const text = cut(texts[i]!, widths[i]!)
        const padded = column.right ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)
        const style = row ? column.style?.(row) : 'dim'
        return style ? paint(style, padded) : padded
      })
      .join(' '.repeat(gap))
      .trimEnd()
  const head = line(
    columns.map((column) => column.title),
    null,
  )
  return [head, ...rows.map((row, i) => line(cells[i]!, row))].join('\n')
}

/** `3 s`, `12 min`, `2 d`: how long ago, or how long it took. */
export const span = (ms: number): string => {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const
  const [factor, unit] = units.find(([least]) => ms >= least) ?? [1, 'ms']
  return `${Math.round(ms / factor)} ${unit}`
}

/** `2.1 kB`, `14 MB`. */
export const bytes = (count: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3))
  const value = count / 1_000 ** power
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}
