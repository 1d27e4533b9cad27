import { ageMs, call, field, rowsOf, type Row } from '../api.ts'
import { print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const styles: Readonly<Record<string, 'green' | 'red' | 'yellow'>> = {
  completed: 'green',
  failed: 'red',
  dead_lettered: 'red',
  cancelled: 'red',
  retrying: 'yellow',
  waiting_external: 'yellow',
  waiting_for_worker: 'yellow',
}
export const statusStyle = (row: Row) => styles[field(row, 'status')] ?? null

export const durationOf = (row: Row): string =>
  typeof row.durationMs === 'number' ? span(row.durationMs) : '-'

export const run = async ({ options }: Invocation): Promise<void> => {
  const query = new URLSearchParams()
  for (const name of ['pipeline', 'status', 'since', 'limit'])
    if (typeof options[name] === 'string') query.set(name, options[name])
  const answer = await call(`runs?${query.toString()}`)
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'RUN', of: (row) => field(row, 'run', 'id') },
      { title: 'PIPELINE', of: (row) => field(row, 'pipelineId'), shrinks: true },
      { title: 'VERSION', of: (row) => field(row, 'pipelineVersion', 'version'), shrinks: true },
      { title: 'STATUS', of: (row) => field(row, 'status'), style: statusStyle },
      { title: 'BECAUSE', of: (row) => field(row, 'reason'), shrinks: true },
      { title: 'ATTEMPT', of: (row) => field(row, 'attempt'), right: true },
      { title: 'TOOK', of: durationOf, right: true },
      {
        title: 'AGO',
        of: (row) => {
          const age = ageMs(row, 'requestedAt')
          return age === null ? '-' : span(age)
        },
        right: true,
      },
    ],
    rowsOf(answer),
  )
  print(text)
}
