/** What ended badly and waits for somebody; of one, every error there ever was. */
import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { print, printJson, span, table } from '../terminal.ts'
import { filterOf } from './redrive.ts'
import type { Invocation } from './entry.ts'

const show = async (id: string, options: Invocation['options']): Promise<void> => {
  const answer = await call(`dead-letters/${part(id)}`)
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  print(`${field(row, 'kind')} ${field(row, 'id')} ${field(row, 'problem')}`)
  for (const error of rowsOf(row.errors ?? []))
    print(`  ${field(error, 'at')}  ${field(error, 'type')}: ${field(error, 'message')}`)
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const [id] = args
  if (id !== undefined) return show(id, options)
  const query = new URLSearchParams({ limit: String(options.limit) })
  if (typeof options.kind === 'string') query.append('kind', options.kind)
  for (const [name, value] of Object.entries(filterOf(options)))
    for (const one of [value].flat()) query.append(name, one)
  const answer = await call(`dead-letters?${query.toString()}`)
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'ID', of: (row) => field(row, 'id') },
      { title: 'KIND', of: (row) => field(row, 'kind') },
      { title: 'PIPELINE', of: (row) => field(row, 'pipelineId'), shrinks: true },
      { title: 'FINGERPRINT', of: (row) => field(row, 'fingerprint') },
      {
        title: 'ERROR',
        of: (row) => `${field(row, 'type')}: ${field(row, 'message')}`,
        shrinks: true,
      },
      {
        title: 'AGE',
        of: (row) => {
          const age = ageMs(row, 'at')
          return age === null ? '-' : span(age)
        },
        right: true,
      },
    ],
    rowsOf(answer),
  )
  print(text)
}
