/** A comparison for people: of each row that differs the columns that do, short enough to be told. */
import type { ComparisonReport, RowDifference } from '@headway/schemas/projections.ts'
import type { Comparison, Difference } from './compare.ts'

const rowsMax = 100
const columnsMax = 8
const charactersMax = 160

type Values = Readonly<Record<string, unknown>>

const textOf = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null)
  return text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text
}

const rowDifference = ({ table, key, tenant, live, replayed }: Difference): RowDifference => {
  const [a, b] = [live, replayed] as [Values | null, Values | null]
  if (!a || !b) return { table, key, tenant, in: a ? 'live' : 'copy', columns: [] }
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  const differing = names.filter((name) => JSON.stringify(a[name]) !== JSON.stringify(b[name]))
  const columns = differing
    .slice(0, columnsMax)
    .map((name) => ({ name, live: textOf(a[name]), copy: textOf(b[name]) }))
  return { table, key, tenant, in: 'both', columns }
}

export const reportOf = ({ differences, ...found }: Comparison): ComparisonReport => ({
  ...found,
  differing: found.differing as Record<string, number | null>,
  differences: differences.slice(0, rowsMax).map(rowDifference),
})
