/**
 * Files to entries: objects become dotted keys, types stay, lists and empty objects are values. A key
 * belongs to exactly one place; two places that make the same key are an error that names both, because
 * whichever won would be wrong for somebody.
 */
import type { Entry, Plain } from './value.ts'

/** Why values cannot be taken as they are; says where and what to do, and never a value. */
export class ValuesError extends Error {
  override readonly name = 'ValuesError'
}

export type Document = { readonly path: string; readonly value: Plain }

const valuesMax = 200_000
const placeOf = (file: string, path: readonly string[]): string =>
  `${file} (${path.map((part) => JSON.stringify(part)).join(' → ')})`

type Found = { readonly value: Plain; readonly file: string; readonly path: readonly string[] }

class Entries {
  readonly #separator: string
  readonly found = new Map<string, Found>()

  constructor(separator: string) {
    this.#separator = separator
  }

  add(value: Plain, file: string, path: readonly string[]): void {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const held = isObject ? Object.entries(value as { readonly [key: string]: Plain }) : []
    if (held.length === 0) return this.#put({ value, file, path })
    for (const [key, inner] of held) {
      if (key === '')
        throw new ValuesError(`a key in ${placeOf(file, [...path, key])} is empty: name it`)
      this.add(inner, file, [...path, key])
    }
  }

  #put(found: Found): void {
    const key = found.path.join(this.#separator)
    const other = this.found.get(key)
    if (other) {
      const places = `${placeOf(other.file, other.path)} and ${placeOf(found.file, found.path)}`
      throw new ValuesError(`key ${key} is made twice, by ${places}: keep one of them`)
    }
    if (this.found.size === valuesMax)
      throw new ValuesError(`more than ${valuesMax} keys together: split the rule`)
    this.found.set(key, found)
  }
}

/** In the order of their keys. */
export const flatten = (documents: readonly Document[], separator = '.'): readonly Entry[] => {
  const entries = new Entries(separator)
  for (const { path, value } of documents) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ValuesError(`${path} is not an object at its top: give its values keys`)
    if (Object.keys(value).length > 0) entries.add(value, path, [])
  }
  const flat = [...entries.found].map(([key, { file, value }]): Entry => ({ key, file, value }))
  return inOrder(flat)
}

export const inOrder = (entries: readonly Entry[]): readonly Entry[] =>
  entries.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
