/** Versions of pipelines' code: all of them, or one with what still runs on it. */
import { call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { paint, print, printJson, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { statusStyle } from './runs.ts'

const stateStyles: Readonly<Record<string, 'green' | 'yellow' | 'dim'>> = {
  active: 'green',
  draining: 'yellow',
  retired: 'dim',
}

export const list = async ({ args, options }: Invocation): Promise<void> => {
  const query = new URLSearchParams()
  if (args[0] !== undefined) query.set('pipeline', args[0])
  if (typeof options.limit === 'string') query.set('limit', options.limit)
  const answer = await call(`releases?${query.toString()}`)
  if (options.json) return printJson(answer)
  const text = table<Row>(
    [
      { title: 'PIPELINE', of: (row) => field(row, 'pipelineId'), shrinks: true },
      { title: 'VERSION', of: (row) => field(row, 'version') },
      {
        title: 'STATE',
        of: (row) => field(row, 'state'),
        style: (row) => stateStyles[field(row, 'state')] ?? null,
      },
      { title: 'OPEN RUNS', of: (row) => field(row, 'openRunCount'), right: true },
      { title: 'WORKERS', of: (row) => field(row, 'workers'), right: true },
      { title: 'REGISTERED', of: (row) => field(row, 'registeredAt') },
      { title: 'ACTIVATED', of: (row) => field(row, 'activatedAt') },
    ],
    rowsOf(answer),
  )
  print(text)
}

export const show = async ({ args, options }: Invocation): Promise<void> => {
  const answer = await call(`releases/${part(args[0]!)}/${part(args[1]!)}`)
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  print(`release ${field(row, 'pipelineId')} ${field(row, 'version')}  ${field(row, 'state')}`)
  for (const [name, value] of [
    ['folder', field(row, 'folder')],
    ['contract', field(row, 'contract')],
    ['registered', field(row, 'registeredAt')],
    ['workers', field(row, 'workers')],
    [
      'steps',
      rowsOf(row.steps)
        .map((step) => field(step, 'id'))
        .join(' '),
    ],
  ])
    print(`  ${paint('dim', name!.padEnd(10))}  ${value}`)
  for (const one of rowsOf(row.activations)) {
    const { name, reason } = one.actor as { name: string; reason?: string }
    print(
      `  ${paint('dim', 'activated ')}  ${field(one, 'at')}  by ${name}${reason ? `: ${reason}` : ''}`,
    )
  }
  const runs = rowsOf(row.openRuns)
  if (runs.length === 0) return print('nothing runs on it')
  print(
    `\n${table<Row>(
      [
        { title: 'OPEN RUN', of: (one) => field(one, 'id') },
        { title: 'STATUS', of: (one) => field(one, 'status'), style: statusStyle },
        { title: 'SINCE', of: (one) => field(one, 'since') },
      ],
      runs,
    )}`,
  )
}
