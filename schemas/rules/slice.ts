/**
 * The part of a file that is meant: what is under its root key, for one environment.
 *
 * Environments are told apart inside a file in three ways, which are recognized and not declared:
 *
 *   1  every key is an environment:        prod: { a: 1 }, default: { a: 0, b: 2 }
 *   2  keys hold a value per environment:  a: { prod: 1, default: 0 }, b: 2
 *   3  environments beside plain values:   prod: { a: 1 }, a: 0, b: 2
 *
 * What an environment says wins over `default`, and that over plain values, object by object, key by
 * key. A file that names neither the environment nor `default` is taken as it is.
 */
import type { Plain } from './value.ts'

type Fields = { readonly [key: string]: Plain }

export type Slice = {
  readonly value: Plain
  readonly pattern: 1 | 2 | 3 | null
  /** What was read as another environment and therefore not taken. */
  readonly leftOut: readonly string[]
}

const fallback = 'default'

export const isFields = (value: Plain | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (fields: Fields, key: string): Plain | undefined =>
  Object.hasOwn(fields, key) ? fields[key] : undefined

/** Both, the second over the first; lists and plain values are replaced as a whole. */
const merged = (under: Fields, over: Fields): Fields => {
  const both = new Map(Object.entries(under))
  for (const [key, value] of Object.entries(over)) {
    const before = both.get(key)
    both.set(key, isFields(before) && isFields(value) ? merged(before, value) : value)
  }
  return Object.fromEntries(both)
}

const part = (fields: Fields, key: string): Fields => {
  const value = own(fields, key)
  return isFields(value) ? value : {}
}

/** Patterns 1 and 3: environments are keys of the file. */
const byEnvironment = (fields: Fields, environment: string): Slice => {
  const entries = Object.entries(fields)
  const plain = Object.fromEntries(entries.filter(([, value]) => !isFields(value)))
  const base = merged(plain, part(fields, fallback))
  const leftOut = entries
    .filter(([key, value]) => isFields(value) && key !== environment && key !== fallback)
    .map(([key]) => key)
  return {
    value: merged(base, part(fields, environment)),
    pattern: Object.keys(plain).length > 0 ? 3 : 1,
    leftOut,
  }
}

export const sliceEnvironment = (value: Plain, environment: string): Slice => {
  if (!isFields(value)) return { value, pattern: null, leftOut: [] }
  const isNamed = (fields: Fields) => Object.hasOwn(fields, environment)
  const isMeant = (fields: Fields) => isNamed(fields) || Object.hasOwn(fields, fallback)
  const entries = Object.entries(value)
  const isAllFields = entries.length > 0 && entries.every(([, held]) => isFields(held))
  if (isAllFields && isMeant(value)) return byEnvironment(value, environment)
  if (entries.some(([, held]) => isFields(held) && isMeant(held))) {
    const chosen = entries.map(([key, held]): [string, Plain] =>
      isFields(held) && isMeant(held)
        ? [key, isNamed(held) ? held[environment]! : held[fallback]!]
        : [key, held],
    )
    return { value: Object.fromEntries(chosen), pattern: 2, leftOut: [] }
  }
  if (isFields(own(value, environment)) || isFields(own(value, fallback)))
    return byEnvironment(value, environment)
  return { value, pattern: null, leftOut: [] }
}

/** What is under a dotted key, or undefined. A key that has dots itself is found as well. */
export const underRootKey = (value: Plain, rootKey: string): Plain | undefined => {
  if (!isFields(value)) return undefined
  const whole = own(value, rootKey)
  if (whole !== undefined) return whole
  for (let dot = rootKey.indexOf('.'); dot !== -1; dot = rootKey.indexOf('.', dot + 1)) {
    const inner = own(value, rootKey.slice(0, dot))
    const found = inner === undefined ? undefined : underRootKey(inner, rootKey.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}
