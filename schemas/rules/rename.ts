/**
 * New names for flat keys: `{ NEW: old.flat.key }`. An old key that is not there is an error, unless a
 * `?` at its end says that it may be missing; a new one must not be there already.
 */
import { inOrder, ValuesError } from './flatten.ts'
import type { Entry } from './value.ts'

type Names = Readonly<Record<string, string>>

const oldOf = (given: string): { readonly key: string; readonly isOptional: boolean } => {
  const isOptional = given.endsWith('?')
  return { key: isOptional ? given.slice(0, -1) : given, isOptional }
}

export const rename = (entries: readonly Entry[], names: Names): readonly Entry[] => {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]))
  const kept = new Map(byKey)
  for (const given of Object.values(names)) kept.delete(oldOf(given).key)
  for (const [key, given] of Object.entries(names)) {
    const old = oldOf(given)
    const entry = byKey.get(old.key)
    if (!entry && old.isOptional) continue
    if (!entry)
      throw new ValuesError(
        `key ${old.key}, which ${key} is to be made of, is in no file: ` +
          `add it, or write ${old.key}? if it may be missing`,
      )
    const other = kept.get(key)
    if (other)
      throw new ValuesError(
        `key ${key} is made twice, by ${other.file} and as the new name of ${old.key} ` +
          `(${entry.file}): rename one of them`,
      )
    kept.set(key, { ...entry, key })
  }
  return inOrder([...kept.values()])
}
