/** Asks for a run and, with `--wait`, stays until the read models say that it ended. */
import { parseDuration } from '@headway/schemas/config/units.ts'
import { call, field, part, rowOf } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, print, printJson } from '../terminal.ts'
import { printRun } from './run.ts'
import type { Invocation } from './entry.ts'

const pollMs = 250
const ended = new Set(['completed', 'failed', 'dead_lettered', 'cancelled', 'superseded'])

/** A reason goes along only when there is one: the API knows who asked. */
export const bodyOf = (options: Invocation['options']): { body: object } =>
  typeof options.reason === 'string' ? { body: { reason: options.reason } } : { body: {} }

/** `feed=01J…,other=01J…` as the API wants it. */
const inputsOf = (text: unknown): { inputs?: Record<string, string> } => {
  if (typeof text !== 'string') return {}
  const pairs = text.split(',').map((pair) => pair.split('=', 2))
  if (pairs.some(([slot, version]) => !slot || !version))
    throw new CliError('usage', `--input ${text} is not slot=version`, [
      `${commandLine('trigger p --input feed=01JD8Z0000000000000000000K')}\truns on that version`,
    ])
  return { inputs: Object.fromEntries(pairs) as Record<string, string> }
}

/** The key that a user gave. */
export const keyOf = (options: Invocation['options']): { key?: string } =>
  typeof options.key === 'string' ? { key: options.key } : {}

/** The run when it ended. It may not be projected yet when it is first asked for. */
export const untilEnded = async (
  id: string,
  timeoutMs: number,
  onStatus: (status: string) => void = () => {},
): Promise<unknown> => {
  const endsAt = performance.now() + timeoutMs
  let told = ''
  for (;;) {
    const answer = await call(`runs/${part(id)}`).catch((error: unknown) => {
      if (error instanceof CliError && error.ending === 'notFound') return null
      throw error
    })
    const status = answer ? field(rowOf(answer), 'status') : ''
    if (status !== told) onStatus((told = status))
    if (ended.has(status)) return answer
    if (performance.now() > endsAt)
      throw new CliError('timeout', `run ${id} has not ended within ${timeoutMs / 1_000} s`, [
        `${commandLine(`run ${id}`)}\tshows where it is`,
      ])
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const timeoutMs = parseDuration(String(options.timeout))
  if (timeoutMs === null)
    throw new CliError('usage', `--timeout ${String(options.timeout)} is no duration`, [
      `${commandLine(`trigger ${args[0]} --wait --timeout 90s`)}\twaits a minute and a half`,
    ])
  const accepted = await call(`pipelines/${part(args[0]!)}/runs`, {
    method: 'POST',
    body: { ...bodyOf(options).body, ...inputsOf(options.input) },
    ...keyOf(options),
  })
  const id = field(rowOf(accepted), 'run', 'request', 'id')
  if (!options.wait) {
    if (options.json) return printJson(accepted)
    print(id)
    return note(`accepted\n  ${commandLine(`run ${id}`)}   shows how it goes`)
  }
  note(`run ${id} is asked for; waiting`)
  const answer = await untilEnded(id, timeoutMs)
  if (options.json) printJson(answer)
  else printRun(answer)
  const status = field(rowOf(answer), 'status')
  if (status !== 'completed') throw new CliError('failed', `run ${id} ended as ${status}`)
}
