import { ageMs, call, field, rowsOf, type Row } from '../api.ts'
import { bytes, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const stateOf = (row: Row): string => {
  const trouble = row.trouble as { code?: string } | null
  if (trouble) return trouble.code ?? 'in trouble'
  return row.stale === true ? 'stale' : 'well'
}

export const run = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('assets')
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'ASSET', of: (row) => field(row, 'key'), shrinks: true },
      { title: 'KIND', of: (row) => field(row, 'kind'), shrinks: true },
      { title: 'VERSION', of: (row) => field(row, 'latestOrdinal'), right: true },
      {
        title: 'SIZE',
        of: (row) => (row.latestSizeBytes ? bytes(Number(row.latestSizeBytes)) : '-'),
        right: true,
      },
      {
        title: 'AGE',
        of: (row) => {
          const age = ageMs(row, 'latestAt')
          return age === null ? '-' : span(age)
        },
        right: true,
      },
      {
        title: 'STATE',
        of: stateOf,
        style: (row) => (row.trouble ? 'red' : row.stale === true ? 'yellow' : null),
        shrinks: true,
      },
    ],
    rowsOf(answer),
  )
  print(text)
}
