/** Asks for a repository and, with `--wait`, stays until every sink is done. */
import { parseDuration } from '@headway/schemas/config/units.ts'
import { call, field, part, rowOf } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, print, printJson } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { printTask } from './tasks.ts'
import { bodyOf, keyOf } from './trigger.ts'

const pollMs = 250
const ended = new Set(['succeeded', 'failed', 'ignored'])

const untilEnded = async (id: string, timeoutMs: number): Promise<unknown> => {
  const endsAt = performance.now() + timeoutMs
  for (;;) {
    const answer = await call(`tasks/${part(id)}`)
    if (ended.has(field(rowOf(answer), 'status'))) return answer
    if (performance.now() > endsAt)
      throw new CliError('timeout', `task ${id} has not ended within ${timeoutMs / 1_000} s`, [
        `${commandLine(`tasks ${id}`)}\tshows where it is`,
      ])
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

const wantedOf = ({ args, options }: Invocation): object => {
  const wanted: Record<string, unknown> = { repository: args[1], ...bodyOf(options).body }
  for (const name of ['ref', 'commit', 'rule', 'environment'])
    if (typeof options[name] === 'string') wanted[name] = options[name]
  if (options.dryRun) wanted.dryRun = true
  return wanted
}

export const run = async (invocation: Invocation): Promise<void> => {
  const { args, options } = invocation
  const timeoutMs = parseDuration(String(options.timeout))
  if (timeoutMs === null)
    throw new CliError('usage', `--timeout ${String(options.timeout)} is no duration`)
  const accepted = await call(`sources/${part(args[0]!)}/sync`, {
    method: 'POST',
    body: wantedOf(invocation),
    ...keyOf(options),
  })
  const id = field(rowOf(accepted), 'task')
  if (!options.wait) {
    if (options.json) return printJson(accepted)
    print(id)
    return note(`accepted\n  ${commandLine(`tasks ${id}`)}   shows how it goes`)
  }
  note(`task ${id} is asked for; waiting`)
  const answer = await untilEnded(id, timeoutMs)
  if (options.json) printJson(answer)
  else printTask(answer)
  const status = field(rowOf(answer), 'status')
  if (status === 'failed') throw new CliError('failed', `task ${id} ended as ${status}`)
}
