import { ageMs, call, field, rowsOf, type Row } from '../api.ts'
import { bytes, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './index.ts'

const stateOf = (row: Row): string => {
  if (row.trouble) return field(row, 'trouble')
  return row.stale === true ? 'stale' : field(row, 'state', 'status')
}

export const run = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('assets')
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'ASSET', of: (row) => field(row, 'asset', 'key'), shrinks: true },
      { title: 'KIND', of: (row) => field(row, 'kind'), shrinks: true },
      { title: 'VERSION', of: (row) => field(row, 'ordinal'), right: true },
      {
        title: 'SIZE',
        of: (row) => (row.sizeBytes ? bytes(Number(row.sizeBytes)) : '-'),
        right: true,
      },
      {
        title: 'AGE',
        of: (row) => {
          const age = ageMs(row, 'versionedAt')
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
