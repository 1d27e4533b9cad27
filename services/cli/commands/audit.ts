/** What people asked for, and single entries of the log. */
import { ageMs, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

export const run = async ({ options }: Invocation): Promise<void> => {
  const query = new URLSearchParams()
  for (const name of ['actor', 'type', 'since', 'until', 'limit'])
    if (typeof options[name] === 'string') query.set(name, options[name])
  const answer = await call(`audit?${query.toString()}`)
  if (options.json) return printJson(answer)
  print(
    table<Row>(
      [
        { title: 'AGO', of: (row) => span(ageMs(row, 'at') ?? 0), right: true },
        { title: 'BY', of: (row) => field(rowOf(row.actor), 'name'), shrinks: true },
        { title: 'DID', of: (row) => field(row, 'type') },
        {
          title: 'ABOUT',
          of: (row) => `${field(rowOf(row.about), 'kind')}/${field(rowOf(row.about), 'name')}`,
          shrinks: true,
        },
        {
          title: 'REASON',
          of: (row) => field({ ...rowOf(row.fields), ...rowOf(row.actor) }, 'reason'),
          shrinks: true,
        },
        { title: 'SEQUENCE', of: (row) => field(row, 'seq'), right: true },
      ],
      rowsOf(answer),
    ),
  )
}

export const event = async ({ args }: Invocation): Promise<void> =>
  printJson(await call(`log/${part(args[0]!)}`))
