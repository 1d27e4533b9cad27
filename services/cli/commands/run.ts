import { call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { bytes, paint, print, printJson, table } from '../terminal.ts'
import { durationOf, statusStyle } from './runs.ts'
import type { Invocation } from './entry.ts'

const refText = (value: unknown): string => {
  const ref = rowOf(value)
  return `${field(ref, 'asset')} #${field(ref, 'ordinal')}`
}

/** What it waits for, who ended it, what came after it. */
const waiting = (row: Row): readonly (readonly [string, string])[] => {
  const waits = row.waitingFor ? rowOf(row.waitingFor) : null
  const ended = row.cancelledBy ? rowOf(row.cancelledBy) : null
  const by = field(row, 'supersededBy')
  return [
    ...(waits
      ? [['waits for', `${field(waits, 'what')}: ${field(waits, 'detail')}`] as const]
      : []),
    ...rowsOf(row.questions)
      .filter((question) => question.status === 'waiting')
      .map((question) => {
        const whom = field(question, 'assignee', 'group')
        return [
          'question',
          `${field(question, 'id')}  ${field(question, 'step')}  ${whom}`,
        ] as const
      }),
    ...(ended ? [['cancelled by', field(ended, 'name')] as const] : []),
    ...(by === '-' ? [] : [['superseded by', by] as const]),
  ]
}

const attemptOf = (row: Row): string => {
  const epoch = field(row, 'epoch')
  return epoch === '-' || epoch === '0'
    ? field(row, 'attempt')
    : `${epoch}.${field(row, 'attempt')}`
}

const head = (row: Row): readonly (readonly [string, string])[] => {
  const inputs = Object.entries((row.inputs ?? {}) as object)
  const error = row.error ? rowOf(row.error) : null
  return [
    ['pipeline', `${field(row, 'pipelineId')} ${field(row, 'pipelineVersion')}`],
    ['because', field(row, 'why', 'reason')],
    ...waiting(row),
    ...inputs.map(([slot, ref]) => [`input ${slot}`, refText(ref)] as const),
    ...rowsOf(row.triggeredBy).map((ref) => ['triggered by', refText(ref)] as const),
    ['requested', field(row, 'requestedAt')],
    ['attempt', attemptOf(row)],
    ['worker', field(row, 'worker')],
    ['took', durationOf(row)],
    ...(error ? [['error', `${field(error, 'type')}: ${field(error, 'message')}`] as const] : []),
  ]
}

const rows = (row: Row) => (Number.isFinite(row.rowsOut) ? String(row.rowsOut as number) : '-')

export const printRun = (answer: unknown): void => {
  const row = rowOf(answer)
  const status = field(row, 'status')
  const style = statusStyle(row)
  print(`run ${field(row, 'run', 'id')}  ${style ? paint(style, status) : status}`)
  for (const [name, value] of head(row)) print(`  ${paint('dim', name.padEnd(14))}  ${value}`)
  const steps = rowsOf(row.steps)
  if (steps.length > 0)
    print(
      `\n${table<Row>(
        [
          { title: 'STEP', of: (step) => field(step, 'step', 'id'), shrinks: true },
          { title: 'STATUS', of: (step) => field(step, 'status') },
          { title: 'TOOK', of: durationOf, right: true },
          { title: 'ROWS', of: rows, right: true },
          { title: 'FINDINGS', of: (step) => String(rowsOf(step.findings).length), right: true },
        ],
        steps,
      )}`,
    )
  for (const artifact of rowsOf(row.artifacts))
    print(
      `\noutput ${field(artifact, 'output')}  ${refText(artifact)}  ` +
        `${bytes(Number(artifact.sizeBytes ?? 0))}${artifact.changed === false ? '  unchanged' : ''}`,
    )
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const answer = await call(`runs/${part(args[0]!)}`)
  if (options.json) printJson(answer)
  else printRun(answer)
}
