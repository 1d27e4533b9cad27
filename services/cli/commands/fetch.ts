import { call, part } from '../api.ts'
import { commandLine } from '../errors.ts'
import { note, printJson } from '../terminal.ts'
import { bodyOf } from './trigger.ts'
import type { Invocation } from './entry.ts'

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const answer = await call(`assets/${part(args[0]!)}/fetch`, {
    method: 'POST',
    ...bodyOf(options),
  })
  if (options.json) return printJson(answer)
  const subject = `asset.${args[0]!.replaceAll('/', '.')}`
  note(`accepted\n  ${commandLine(`sub ${subject} --since 1m`)}   shows what it found`)
}
