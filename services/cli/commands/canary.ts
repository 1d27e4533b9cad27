/** A candidate version beside the active one: started, and looked at. */
import { call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, print, printJson, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { bodyOf, keyOf } from './trigger.ts'

export const start = async ({ args, options }: Invocation): Promise<void> => {
  const [pipeline, version] = args as readonly [string, string]
  const runs = Number(options.runs)
  if (!Number.isInteger(runs) || runs < 1)
    throw new CliError('usage', `--runs ${String(options.runs)} is no number from 1 on`)
  const answer = await call(`pipelines/${part(pipeline)}/canaries`, {
    method: 'POST',
    body: { version, runs, ...bodyOf(options).body },
    ...keyOf(options),
  })
  if (options.json) return printJson(answer)
  const id = field(rowOf(answer), 'id')
  print(id)
  note(`accepted\n  ${commandLine(`canary show ${id}`)}   shows what differs`)
}

/** What differs, part by part: `stops.txt 3 added, 1 changed`. */
const differenceOf = (output: Row): string => {
  const parts = rowsOf(rowOf(output.difference).parts).map((one) => {
    const counts = (['added', 'removed', 'changed'] as const)
      .filter((name) => Number(one[name]) > 0)
      .map((name) => `${field(one, name)} ${name}`)
    return `${field(one, 'name')} ${counts.join(', ') || field(one, 'change')}`
  })
  return parts.join('; ') || '-'
}

export const show = async ({ args, options }: Invocation): Promise<void> => {
  const answer = await call(`canaries/${part(args[0]!)}`)
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  print(
    `canary ${field(row, 'id')} of ${field(row, 'pipelineId')} ${field(row, 'version')}  ` +
      `${field(row, 'status')}: ${field(row, 'completed')} of ${field(row, 'runs')} completed, ` +
      `${field(row, 'failed')} failed`,
  )
  const outputs = rowsOf(row.comparisons).flatMap((comparison) =>
    rowsOf(comparison.outputs).map((output): Row => ({
      ...output,
      run: field(rowOf(comparison.run), 'id'),
      of: comparison.of,
    })),
  )
  if (outputs.length === 0) return print('nothing is compared so far')
  const columns = [
    { title: 'RUN', of: (one: Row) => field(one, 'run') },
    { title: 'REPEATS', of: (one: Row) => field(one, 'of') },
    { title: 'OUTPUT', of: (one: Row) => field(one, 'output'), shrinks: true },
    {
      title: 'VERDICT',
      of: (one: Row) => field(one, 'verdict'),
      style: (one: Row) => (one.verdict === 'different' ? ('yellow' as const) : ('green' as const)),
    },
    { title: 'DIFFERS', of: differenceOf, shrinks: true },
  ]
  print(table<Row>(columns, outputs))
}
