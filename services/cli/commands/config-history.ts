/** The history of keys: what happened to them, what differs, and the way back. */
import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, paint, print, printJson, span, table, type Column } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { bodyOf, keyOf } from './trigger.ts'

const queryOf = (options: Invocation['options'], names: readonly string[]): URLSearchParams => {
  const query = new URLSearchParams()
  for (const name of names) if (typeof options[name] === 'string') query.set(name, options[name])
  return query
}

const valueMax = 60
/** A value on one line; a secret by how its digest begins; nothing as a dash. */
const valueOf = (held: unknown): string => {
  if (held === null || held === undefined) return '-'
  const { value, secret } = held as { value?: string; secret?: string }
  const text = secret === undefined ? JSON.stringify(value ?? '').slice(1, -1) : `secret ${secret}`
  return text.length > valueMax ? `${text.slice(0, valueMax - 1)}…` : text
}

export const log = async ({ options }: Invocation): Promise<void> => {
  const filters = ['rule', 'sink', 'environment', 'key', 'repository', 'commit', 'actor']
  const query = queryOf(options, [...filters, 'since', 'until', 'limit'])
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
    { title: 'BY', of: (row) => field(row, 'actor'), shrinks: true },
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

const printDifferences = (rows: readonly Row[]): void => {
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

export const rollback = async ({ args, options }: Invocation): Promise<void> => {
  const [rule, environment] = args
  if (typeof options.to !== 'string')
    throw new CliError('usage', 'say where to: --to a commit or a run', [
      `${commandLine(`config log --rule ${part(rule!)} --environment ${part(environment!)}`)}\tlists them`,
    ])
  const body = {
    rule,
    environment,
    to: options.to,
    ...(typeof options.sink === 'string' ? { sink: options.sink } : {}),
    ...(options.dryRun ? { dryRun: true } : {}),
    ...bodyOf(options).body,
  }
  const answer = await call('config/rollback', { method: 'POST', body, ...keyOf(options) })
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  const rows = rowsOf(row.changes)
  printDifferences(rows)
  const sinks = (row.sinks as readonly string[]).join(', ')
  note(
    row.dryRun
      ? `${rows.length} keys would change in ${sinks}; nothing was asked for`
      : `asked for: ${rows.length} keys in ${sinks}`,
  )
}
