/** Where sinks hold something else than was put there, where nobody can tell, and what is done about it. */
import { ageMs, call, field, rowOf, rowsOf, type Row } from '../api.ts'
import { note, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const keysShown = 3

const stateOf = (row: Row): string => {
  if (row.open !== true) return 'ended'
  return row.error ? 'unknown' : 'drifted'
}

const whatOf = (row: Row): string => {
  if (row.error) return field(rowOf(row.error), 'message')
  const keys = Array.isArray(row.keys) ? row.keys.map(String) : []
  const more = Number(row.count) - keysShown
  return `${keys.slice(0, keysShown).join(' ')}${more > 0 ? ` … ${more} more` : ''}`
}

export const run = async ({ options }: Invocation): Promise<void> => {
  const answer = await call(`drift${options.all ? '' : '?open=true'}`)
  if (options.json) return printJson(answer)
  const rows = rowsOf(answer)
  if (rows.length === 0) return note('every sink holds what was put there, as far as rules look')
  print(
    table<Row>(
      [
        { title: 'SINK', of: (row) => field(row, 'sink') },
        { title: 'ENVIRONMENT', of: (row) => field(row, 'environment') },
        { title: 'RULE', of: (row) => field(row, 'rule') },
        { title: 'REPOSITORY', of: (row) => field(row, 'repository'), shrinks: true },
        { title: 'IS', of: stateOf, style: (row) => (row.open === true ? 'red' : null) },
        { title: 'SINCE', of: (row) => `${span(ageMs(row, 'since') ?? 0)} ago`, right: true },
        { title: 'TIMES', of: (row) => field(row, 'times'), right: true },
        { title: 'HEALS', of: (row) => field(row, 'heals'), right: true },
        { title: 'WHAT', of: whatOf, shrinks: true },
      ],
      rows,
    ),
  )
}
