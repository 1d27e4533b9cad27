/**
 * Durations and sizes as people write them. A file that says `every: 20s` is read right by everybody;
 * one that says `20000` is not. Inside the system there are only milliseconds and bytes.
 */

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnits = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
} as const

export const durationPattern = '^(0|[0-9]+(\\.[0-9]+)?(ms|s|m|h|d))$'
export const sizePattern = '^[0-9]+(\\.[0-9]+)?(B|KB|MB|GB|KiB|MiB|GiB)$'

const parse = (units: Readonly<Record<string, number>>, text: string): number | null => {
  const [, digits, unit] = /^([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)$/.exec(text) ?? []
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return null
  // 1.005 × 1000 is 1004.9999999999999: what is a whole number on paper stays one.
  const value = Number((Number(digits) * units[unit]!).toPrecision(15))
  return Number.isSafeInteger(value) ? value : null
}

const format = (units: Readonly<Record<string, number>>, value: number): string => {
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0)
  const [unit, factor] = fitting.toSorted(([, a], [, b]) => b - a)[0] ?? ['', 1]
  return `${value / factor}${unit}`
}

/** Milliseconds; null for what is no duration in whole milliseconds. */
export const parseDuration = (text: string | number): number | null =>
  text === 0 || text === '0' ? 0 : typeof text === 'string' ? parse(durationUnits, text) : null

/** The shortest exact way to write it: 90000 is `90s`. */
export const formatDuration = (ms: number): string => (ms === 0 ? '0' : format(durationUnits, ms))

/** Bytes; null for what is no size in whole bytes. */
export const parseSize = (text: string | number): number | null => {
  if (typeof text === 'string') return parse(sizeUnits, text)
  return Number.isSafeInteger(text) && text >= 0 ? text : null
}

export const formatSize = (bytes: number): string => (bytes === 0 ? '0B' : format(sizeUnits, bytes))
