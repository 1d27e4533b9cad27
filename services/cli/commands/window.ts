import { call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, paint, print, printJson, table } from '../terminal.ts'
import { bodyOf } from './trigger.ts'
import type { Invocation } from './entry.ts'

const printWindow = (answer: unknown): void => {
  const row = rowOf(answer)
  const triggers = rowsOf(row.triggers ?? row.triggeredBy)
  for (const [name, value] of Object.entries(row))
    if (typeof value !== 'object') print(`${paint('dim', name.padEnd(12))}  ${field(row, name)}`)
  if (triggers.length === 0) return print('no change waits')
  const versionOf = (trigger: Row): Row => (trigger.version ? rowOf(trigger.version) : trigger)
  print(
    table<Row>(
      [
        { title: 'ASSET', of: (trigger) => field(trigger, 'asset'), shrinks: true },
        { title: 'VERSION', of: (trigger) => field(trigger, 'ordinal'), right: true },
        { title: 'RECORDED', of: (trigger) => field(trigger, 'recordedAt', 'at') },
      ],
      triggers.map((trigger) =>
        typeof trigger.version === 'object' ? { ...trigger, ...versionOf(trigger) } : trigger,
      ),
    ),
  )
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const path = `pipelines/${part(args[0]!)}/window`
  if (options.flush && options.cancel)
    throw new CliError('usage', '--flush runs what waits and --cancel forgets it: choose one', [
      `${commandLine(`window ${args[0]}`)}\tshows what waits`,
    ])
  if (!options.flush && !options.cancel) {
    const answer = await call(path)
    return options.json ? printJson(answer) : printWindow(answer)
  }
  const answer = options.flush
    ? await call(`${path}/flush`, { method: 'POST', ...bodyOf(options) })
    : await call(path, { method: 'DELETE', ...bodyOf(options) })
  if (options.json) return printJson(answer)
  note(options.flush ? 'accepted: what waits becomes a run' : 'accepted: what waited is forgotten')
}
