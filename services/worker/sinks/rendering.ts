/**
 * How a value is written where only text fits. As JSON it keeps its type; as plain text a string is
 * itself, for readers that know nothing of JSON, and can then look like a number.
 *
 * Names in objects are sorted: a place that keeps JSON in an order of its own gives the same text back.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Type } from '../options.ts'
import type { Stored } from './sink.ts'

export const valuesOption = Type.Optional(Type.Enum(['json', 'text']))

export const rendering =
  (values: 'json' | 'text' = 'json') =>
  (value: Plain): Stored =>
    values === 'text' && typeof value === 'string' ? value : canonicalJson(value)

export const canonicalJson = (value: unknown): string => JSON.stringify(sorted(value))

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const names = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(names.map(([name, one]) => [name, sorted(one)]))
}
