/**
 * Holds a plain value against a shape of `shape.ts` and says everything that is wrong with it, one
 * sentence each, so that a file is mended in one go.
 *
 * TypeBox's own errors stop at eight and speak to programmers; the few keywords that the shape uses are
 * read here instead. Values are quoted only where they cannot be secret.
 */
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

export type Path = readonly string[]
/** `at` says whether the key or the value is to be looked at. */
export type Report = (path: Path, message: string, at?: 'key' | 'value') => void

type Range = { readonly min: number; readonly max: number; readonly step?: number }

/** The keywords that `shape.ts` uses. */
export type Shape = {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Shape>>
  readonly keyErrorMessage?: string
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: Shape
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly patternErrorMessage?: string
  readonly duration?: Range
  readonly size?: Range
  readonly secret?: boolean
  /** What is below is checked by whoever it is for. */
  readonly anything?: boolean
  readonly examples?: readonly unknown[]
}

/** Changes of one letter between two words, swaps counted once. */
const distance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        rows[i - 1]![j]! + 1,
        row[j - 1]! + 1,
        rows[i - 1]![j - 1]! + (same ? 0 : 1),
        swapped ? rows[i - 2]![j - 2]! + 1 : Infinity,
      )
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** `; did you mean x?` when one of the known words is near enough. */
export const suggestion = (word: string, known: readonly string[]): string => {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_-]/g, '')
  const near = known
    .map((candidate) => ({ candidate, steps: distance(plain(word), plain(candidate)) }))
    .filter(
      ({ candidate, steps }) =>
        steps <= Math.floor((Math.max(candidate.length, word.length) + 1) / 3),
    )
    .toSorted((a, b) => a.steps - b.steps)[0]
  return near ? `; did you mean ${near.candidate}?` : ''
}

const nameOf = (value: unknown): string =>
  value === null
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'a mapping'
        : typeof value === 'string'
          ? 'text'
          : typeof value === 'boolean'
            ? 'true or false'
            : JSON.stringify(value)

const typeNames: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  boolean: 'true or false',
}

const exampleOf = (shape: Shape): string => {
  const example = shape.examples?.[0]
  return typeof example === 'string' ? `, for example ${example}` : ''
}

const rangeProblem = (
  value: number,
  { min, max, step }: Range,
  format: (value: number) => string,
): string | null =>
  value < min
    ? `${format(value)} is too little; the least is ${format(min)}`
    : value > max
      ? `${format(value)} is too much; the most is ${format(max)}`
      : step && value % step !== 0
        ? `${format(value)} is not a multiple of ${format(step)}`
        : null

const measureProblem = (value: string | number, shape: Shape): string | null => {
  const { duration, size, patternErrorMessage } = shape
  const measured = duration ? parseDuration(value) : parseSize(value)
  if (measured === null) return `${JSON.stringify(value)} is not understood: ${patternErrorMessage}`
  return rangeProblem(measured, (duration ?? size)!, duration ? formatDuration : formatSize)
}

/** Never quotes: what stands there may be the secret itself. */
const secretProblem = (shape: Shape): string =>
  `holds a value where a reference belongs: ${shape.patternErrorMessage}`

const textProblem = (value: string, shape: Shape): string | null => {
  if (value.length < (shape.minLength ?? 0)) return 'is empty'
  if (value.length > (shape.maxLength ?? Infinity))
    return `is longer than ${shape.maxLength} characters`
  if (shape.pattern === undefined || new RegExp(shape.pattern).test(value)) return null
  if (shape.secret) return secretProblem(shape)
  return `${JSON.stringify(value.slice(0, 80))} is not understood: ${shape.patternErrorMessage}`
}

const numberProblem = (value: number, { minimum = -Infinity, maximum = Infinity }: Shape) =>
  rangeProblem(value, { min: minimum, max: maximum }, String)

const leafProblem = (value: unknown, shape: Shape): string | null => {
  if (shape.enum) {
    if (shape.enum.includes(value as string)) return null
    const word = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : nameOf(value)
    const near = typeof value === 'string' ? suggestion(value, shape.enum) : ''
    return `${word} is none of ${shape.enum.join(', ')}${near}`
  }
  const isText = typeof value === 'string'
  if ((shape.duration || shape.size) && (isText || typeof value === 'number'))
    return measureProblem(value as string | number, shape)
  if (shape.type === 'string' && isText) return textProblem(value, shape)
  if (shape.type === 'integer' && Number.isInteger(value))
    return numberProblem(value as number, shape)
  if (shape.type === 'boolean' && typeof value === 'boolean') return null
  const isPlain = isText || typeof value === 'number' || typeof value === 'boolean'
  if (shape.secret && shape.pattern && isPlain) return secretProblem(shape)
  const wanted = shape.duration || shape.size ? 'string' : String(shape.type)
  const quotes = wanted === 'string' && isPlain ? '; put it in quotes' : ''
  return `must be ${typeNames[wanted]}${exampleOf(shape)}, not ${nameOf(value)}${quotes}`
}

const walkObject = (value: object, shape: Shape, path: Path, report: Report): void => {
  const known = Object.keys(shape.properties ?? {})
  const patterns = Object.entries(shape.patternProperties ?? {})
  const keys = Object.keys(value)
  for (const key of keys) {
    const below = [...path, key]
    const child =
      (known.includes(key) ? shape.properties?.[key] : undefined) ??
      patterns.find(([pattern]) => new RegExp(pattern).test(key))?.[1]
    if (child) walk((value as Record<string, unknown>)[key], child, below, report)
    else if (patterns.length > 0) report(below, `${shape.keyErrorMessage ?? 'unknown key'}`, 'key')
    else
      report(
        below,
        `is not known here${suggestion(key, known) || `; known are ${known.join(', ')}`}`,
        'key',
      )
  }
  for (const key of shape.required ?? [])
    if (!Object.hasOwn(value, key)) report(path, `${key} is missing`, 'key')
  const { minProperties = 0, maxProperties = Infinity } = shape
  if (keys.length < minProperties || keys.length > maxProperties)
    report(path, `needs exactly one of ${known.join(', ')}`, 'key')
}

export const walk = (value: unknown, shape: Shape, path: Path, report: Report): void => {
  if (shape.type === 'object' && value !== null && typeof value === 'object') {
    if (shape.anything) return
    if (!Array.isArray(value)) return walkObject(value, shape, path, report)
  }
  if (shape.type === 'array' && Array.isArray(value)) {
    value.forEach((item, i) => walk(item, shape.items ?? {}, [...path, String(i)], report))
    return
  }
  const problem = leafProblem(value, shape)
  if (problem) report(path, problem)
}
