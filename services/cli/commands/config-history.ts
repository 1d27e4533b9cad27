/** The history of keys: what happened to them, and what differs. */
import { ageMs, call, field, rowsOf, type Row } from '../api.ts'
import { note, paint, print, printJson, span, table, type Column } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { valueOf } from './held.ts'

const queryOf = (options: Invocation['options'], names: readonly string[]): URLSearchParams => {
  const query = new URLSearchParams()
  for (const name of names) if (typeof options[name] === 'string') query.set(name, options[name])
  return query
}

export const log = async ({ options }: Invocation): Promise<void> => {
  const filters = ['rule', 'sink', 'environment', 'key', 'repository', 'commit', 'actor']
  const query = queryOf(options, [...filters, 'since', 'until', 'limit'])
  if (options.unchanged) query.set('unchanged', 'true')
  const answer = await call(`config/log?${query.toString()}`)
  if (options.json) return printJson(answer)
  const columns: Column<Row>[] = [
    {
      title: 'AGO',
      of: (row) => {
        const age = ageMs(row, 'at')
        return age === null ? '-' : span(age)
      },
      right: true,
    },
    {
      title: 'BY',
      of: (row) =>
        row.reason ? `${field(row, 'actor')} (${field(row, 'reason')})` : field(row, 'actor'),
      shrinks: true,
    },
    { title: 'COMMIT', of: (row) => field(row, 'commit').slice(0, 10) },
    { title: 'SINK', of: (row) => field(row, 'sink'), shrinks: true },
    { title: 'ENVIRONMENT', of: (row) => field(row, 'environment'), shrinks: true },
    { title: 'KEY', of: (row) => field(row, 'key') },
    { title: 'BEFORE', of: (row) => valueOf(row.previous), shrinks: true },
    { title: 'AFTER', of: (row) => valueOf(row.value), shrinks: true },
    { title: 'FILE', of: (row) => field(row, 'file'), shrinks: true },
  ]
  print(table<Row>(columns, rowsOf(answer)))
}

const signs: Readonly<Record<string, readonly ['green' | 'red' | 'yellow', string]>> = {
  added: ['green', '+'],
  removed: ['red', '-'],
  changed: ['yellow', '~'],
}

export const printDifferences = (rows: readonly Row[]): void => {
  for (const row of rows) {
    const [style, sign] = signs[field(row, 'change')] ?? ['yellow', '?']
    const change =
      sign === '+'
        ? valueOf(row.to)
        : `${valueOf(row.from)}${sign === '~' ? ` → ${valueOf(row.to)}` : ''}`
    print(paint(style, `${sign} ${field(row, 'sink')}  ${field(row, 'key')}  ${change}`))
  }
}

export const diff = async ({ args, options }: Invocation): Promise<void> => {
  const query = queryOf(options, ['from', 'to', 'against', 'rule', 'sink'])
  query.set('environment', args[0]!)
  const answer = await call(`config/diff?${query.toString()}`)
  if (options.json) return printJson(answer)
  const rows = rowsOf(answer)
  printDifferences(rows)
  note(rows.length === 0 ? 'no difference' : `${rows.length} keys differ`)
}
