/**
 * A text that is read, and what every format keeps to: an error names file, line and column and says
 * what to do, and hostile text ends at a limit instead of in memory. No message repeats a value, because
 * a value may be somebody's password.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'

export const bytesMax = 4 * 2 ** 20
export const depthMax = 64
export const valuesMax = 200_000

export class FormatError extends Error {
  override readonly name = 'FormatError'
  readonly file: string
  readonly line: number
  readonly column: number
  constructor(file: string, line: number, column: number, problem: string) {
    super(`${file}:${line}:${column}: ${problem}`)
    this.file = file
    this.line = line
    this.column = column
  }
}

export class Source {
  readonly file: string
  readonly text: string
  #values = 0

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** Both from 1. */
  position(offset: number): { readonly line: number; readonly column: number } {
    const before = this.text.slice(0, offset).split(/\r\n|\r|\n/)
    return { line: before.length, column: before.at(-1)!.length + 1 }
  }

  fail(offset: number, problem: string): never {
    const { line, column } = this.position(Math.min(offset, this.text.length))
    throw new FormatError(this.file, line, column, problem)
  }

  /** Every value is counted where it begins, aliases again wherever they are used. */
  count(offset: number, depth: number): void {
    this.#values++
    if (this.#values > valuesMax)
      this.fail(offset, `more than ${valuesMax} values: split the file, or check its aliases`)
    if (depth > depthMax) this.fail(offset, `deeper than ${depthMax} levels: make it flatter`)
  }
}

/** The keys of one object as they are found. */
export class Fields {
  readonly #source: Source
  readonly #values = new Map<string, Plain>()
  readonly #offsets = new Map<string, number>()

  constructor(source: Source) {
    this.#source = source
  }

  get(key: string): Plain | undefined {
    return this.#values.get(key)
  }

  put(key: string, value: Plain, offset: number): void {
    const first = this.#offsets.get(key)
    if (first !== undefined) {
      const { line } = this.#source.position(first)
      this.#source.fail(offset, `key ${told(key)} is already on line ${line}: keep one of them`)
    }
    this.replace(key, value, offset)
  }

  replace(key: string, value: Plain, offset: number): void {
    if (key === '__proto__') this.#source.fail(offset, 'key __proto__ is not taken: rename it')
    this.#offsets.set(key, offset)
    this.#values.set(key, value)
  }

  object(): Plain {
    return Object.fromEntries(this.#values)
  }
}

/** A key as messages show it. */
export const told = (key: string): string => JSON.stringify(key.slice(0, 100))

/** A number as it was written; what cannot be kept exactly is refused. */
export const numberOf = (source: Source, offset: number, digits: string): number => {
  const value = Number(digits.replaceAll('_', ''))
  if (!Number.isFinite(value)) source.fail(offset, 'a number that is too big: write it as text')
  const isWhole = /^[-+]?[\d_]+$/.test(digits)
  if (isWhole && !Number.isSafeInteger(value))
    source.fail(offset, 'an integer with more digits than are kept exactly: write it as text')
  return value
}
