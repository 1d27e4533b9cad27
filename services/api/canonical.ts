/**
 * Values as one comparable text: names in order, nothing that JSON does not know. What comes back from
 * the database has its names in another order than what was sent.
 */
const ordered = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(ordered)
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, ordered(one)]),
  )
}

export const canonical = (value: unknown): string => JSON.stringify(ordered(value)) ?? 'null'

export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)
