/** What ended badly and what nobody could read; one of them with all its errors. */
import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { paint, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

/** What dead letters are found by, in lists and in redrives alike. */
export const filterNames = ['pipeline', 'type', 'fingerprint', 'status', 'since', 'until'] as const

const ago = (row: Row): string => {
  const age = ageMs(row, 'at')
  return age === null ? '-' : span(age)
}

const list = async (options: Invocation['options']): Promise<void> => {
  const query = new URLSearchParams()
  for (const name of [...filterNames, 'kind', 'limit'])
    if (typeof options[name] === 'string')
      for (const value of options[name].split(name === 'status' ? ',' : /$/))
        query.append(name, value)
  const answer = await call(`dead-letters?${query.toString()}`)
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'ID', of: (row) => field(row, 'id') },
      { title: 'KIND', of: (row) => field(row, 'kind') },
      { title: 'PIPELINE', of: (row) => field(row, 'pipelineId'), shrinks: true },
      { title: 'FINGERPRINT', of: (row) => field(row, 'fingerprint') },
      { title: 'AGO', of: ago, right: true },
      {
        title: 'ERROR',
        of: (row) => `${field(row, 'type')}: ${field(row, 'message')}`.replaceAll(/\s+/g, ' '),
        shrinks: true,
      },
    ],
    rowsOf(answer),
  )
  print(text)
}

const show = async (id: string, options: Invocation['options']): Promise<void> => {
  const answer = await call(`dead-letters/${part(id)}`)
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  const run = row.run ? rowOf(row.run) : null
  const about = run ? field(run, 'pipelineId') : field(row, 'about', 'subject')
  print(`${field(row, 'kind')} ${id}  ${about}`)
  if (run) print(`  ${paint('dim', 'because')}  ${field(run, 'why')}`)
  if (row.problem) print(`  ${paint('dim', 'problem')}  ${field(row, 'problem')}`)
  for (const error of rowsOf(row.errors)) {
    const attempt = `${field(error, 'epoch')}.${field(error, 'attempt')}`
    const what = `${field(error, 'type')}: ${field(error, 'message')}`
    print(`  ${field(error, 'recordedAt')}  ${attempt}  ${field(error, 'outcome')}  ${what}`)
  }
}

export const run = async ({ args, options }: Invocation): Promise<void> =>
  args[0] === undefined ? list(options) : show(args[0], options)
