import { ageMs, call, field, rowsOf, type Row } from '../api.ts'
import { print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

export const run = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('workers')
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'WORKER', of: (row) => field(row, 'worker', 'id'), shrinks: true },
      { title: 'POOL', of: (row) => field(row, 'pool'), shrinks: true },
      {
        title: 'STATUS',
        of: (row) => field(row, 'status'),
        style: (row) =>
          row.status === 'healthy' ? 'green' : row.status === 'draining' ? 'yellow' : 'red',
      },
      {
        title: 'PIPELINES',
        of: (row) => Object.keys((row.pipelines ?? {}) as object).join(' ') || '-',
        shrinks: true,
      },
      { title: 'HOST', of: (row) => field(row, 'host'), shrinks: true },
      { title: 'PID', of: (row) => field(row, 'pid'), right: true },
      {
        title: 'SINCE',
        of: (row) => {
          const age = ageMs(row, 'since') ?? ageMs(row, 'joinedAt')
          return age === null ? '-' : span(age)
        },
        right: true,
      },
    ],
    rowsOf(answer),
  )
  print(text)
}
