/** The way back: asks for it, stays until the sinks were read back, and shows what each key holds again. */
import { parseDuration } from '@headway/schemas/config/units.ts'
import { call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, paint, print, printJson } from '../terminal.ts'
import { printDifferences } from './config-history.ts'
import type { Invocation } from './entry.ts'
import { valueOf } from './held.ts'
import { bodyOf, keyOf, untilEnded } from './trigger.ts'

const bodyFor = ({ args, options }: Invocation): object => {
  const [rule = '', environment = ''] = args
  if (typeof options.to !== 'string')
    throw new CliError('usage', 'say where to: --to a commit or a run', [
      `${commandLine(`config log --rule ${part(rule)} --environment ${part(environment)}`)}\tlists them`,
    ])
  return {
    rule,
    environment,
    to: options.to,
    ...(typeof options.sink === 'string' ? { sink: options.sink } : {}),
    ...(options.dryRun ? { dryRun: true } : {}),
    ...bodyOf(options).body,
  }
}

const printKept = (answer: Row): void => {
  for (const row of rowsOf(answer.kept))
    print(paint('dim', `= ${field(row, 'sink')}  ${field(row, 'key')}  stays`))
}

const printRestored = (rows: readonly Row[]): void => {
  for (const row of rows) {
    const isGone = row.op === 'delete'
    const change = `${valueOf(row.previous)} → ${isGone ? '-' : valueOf(row.value)}`
    const text = `${field(row, 'sink')}  ${field(row, 'key')}  ${change}`
    print(paint(isGone ? 'red' : 'green', `${isGone ? '-' : '+'} ${text}`))
  }
}

const changesMax = 200

export const run = async (invocation: Invocation): Promise<void> => {
  const { options } = invocation
  const timeoutMs = parseDuration(String(options.timeout))
  if (timeoutMs === null)
    throw new CliError('usage', `--timeout ${String(options.timeout)} is no duration`)
  const body = bodyFor(invocation)
  const answer = rowOf(await call('config/rollback', { method: 'POST', body, ...keyOf(options) }))
  const sinks = (answer.sinks as readonly string[]).join(', ')
  if (answer.dryRun) {
    if (options.json) return printJson(answer)
    const rows = rowsOf(answer.changes)
    printDifferences(rows)
    printKept(answer)
    return note(`${rows.length} keys would change in ${sinks}; nothing was asked for`)
  }
  const id = field(answer, 'run')
  note(`run ${id} restores ${sinks} to ${field(answer, 'to').slice(0, 26)}; waiting`)
  const ended = rowOf(await untilEnded(id, timeoutMs, (status) => note(`  ${status}`)))
  const status = field(ended, 'status')
  const restored = [
    ...rowsOf(await call(`config/log?run=${part(id)}&limit=${changesMax}`)),
  ].reverse()
  if (options.json) printJson({ ...answer, status, restored })
  else {
    printRestored(restored)
    printKept(answer)
  }
  if (status !== 'completed')
    throw new CliError('failed', `run ${id} ended as ${status}`, [
      `${commandLine(`run ${id}`)}\tsays why`,
    ])
  const more = restored.length === changesMax ? ' or more' : ''
  note(`${restored.length}${more} keys restored in ${sinks}, read back`)
}
