/** Pushes and what became of them. */
import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { paint, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const styles: Readonly<Record<string, 'green' | 'red' | 'yellow' | 'dim'>> = {
  succeeded: 'green',
  failed: 'red',
  running: 'yellow',
  pending: 'yellow',
  ignored: 'dim',
}
const short = (text: string): string => (/^[0-9a-f]{40,64}$/.test(text) ? text.slice(0, 10) : text)

const outcomeOf = (target: Row): string =>
  target.runStatus ? field(target, 'runStatus') : field(target, 'outcome')

/** How many were written, or would have been. */
const countOf = (sink: Row, done: string, planned: string): string => {
  const would = sink[planned]
  if (would === undefined || would === null) return field(sink, done)
  return `${Array.isArray(would) ? would.length : JSON.stringify(would)}?`
}

export const printTask = (answer: unknown): void => {
  const task = rowOf(answer)
  const status = paint(styles[field(task, 'status')] ?? 'dim', field(task, 'status'))
  print(`task ${field(task, 'id')}  ${status}${task.dryRun ? '  dry run' : ''}`)
  const what = `${field(task, 'repository')} ${field(task, 'ref')} ${short(field(task, 'commit'))}`
  print(`  ${what}  by ${field(task, 'actor')}`)
  if (task.note) print(`  ${field(task, 'note')}`)
  for (const target of rowsOf(task.targets)) {
    const place = `${field(target, 'rule')}/${field(target, 'environment')}`
    const why = target.reason ? `  ${field(target, 'reason')}` : ''
    const run = target.run ? `  run ${field(target, 'run')}` : ''
    print(`  ${place}  ${outcomeOf(target)}${why}${run}`)
    const error = target.error ? rowOf(target.error) : null
    if (error) print(`    ${paint('red', `${field(error, 'type')}: ${field(error, 'message')}`)}`)
    for (const sink of rowsOf(target.sinks))
      print(
        `    ${field(sink, 'sink')}  ${field(sink, 'status')}  ` +
          `${countOf(sink, 'written', 'wouldWrite')} written, ` +
          `${countOf(sink, 'deleted', 'wouldDelete')} deleted, ` +
          `${field(sink, 'unchanged')} unchanged`,
      )
    for (const file of rowsOf(target.files))
      print(`    ${field(file, 'path')}  ${field(file, 'status')}`)
  }
}

const list = async (options: Invocation['options']): Promise<void> => {
  const query = new URLSearchParams()
  for (const name of ['source', 'repository', 'limit'])
    if (typeof options[name] === 'string') query.set(name, options[name])
  const answer = await call(`tasks?${query.toString()}`)
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'TASK', of: (row) => field(row, 'id') },
      {
        title: 'STATUS',
        of: (row) => field(row, 'status'),
        style: (row) => styles[field(row, 'status')] ?? null,
      },
      { title: 'EVENT', of: (row) => field(row, 'event') },
      { title: 'REPOSITORY', of: (row) => field(row, 'repository'), shrinks: true },
      { title: 'REF', of: (row) => field(row, 'ref'), shrinks: true },
      { title: 'COMMIT', of: (row) => short(field(row, 'commit')) },
      { title: 'BY', of: (row) => field(row, 'actor'), shrinks: true },
      {
        title: 'AGO',
        of: (row) => {
          const age = ageMs(row, 'receivedAt')
          return age === null ? '-' : span(age)
        },
        right: true,
      },
    ],
    rowsOf(answer),
  )
  print(text)
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  if (args[0] === undefined) return list(options)
  const answer = await call(`tasks/${part(args[0])}`)
  if (options.json) printJson(answer)
  else printTask(answer)
}
