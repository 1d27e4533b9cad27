import { readFile } from 'node:fs/promises'
import { parseConfig } from '@headway/schemas/config.ts'
import { applyConfig } from '../apply.ts'
import { countText, differenceText } from '../difference.ts'
import { CliError, commandLine } from '../errors.ts'
import { withLog } from '../nats.ts'
import { note, print, printJson } from '../terminal.ts'
import type { Invocation } from './entry.ts'

export const readConfigText = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CliError('notFound', `${file} cannot be read (${error.code ?? error.message})`, [
      `${commandLine('apply path/to/headway.yaml')}\tnames another file`,
      `${commandLine('add <url>')}\tmakes one`,
    ])
  })

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const file = args[0] ?? 'headway.yaml'
  const dryRun = options.dryRun === true
  const config = parseConfig(await readConfigText(file), file)
  await withLog({ ensureStreams: true }, async (log) => {
    const { changes, seq } = await applyConfig(log, config, {
      dryRun,
      show: (shown) => {
        if (options.json || shown.length === 0) return
        print(differenceText(shown))
      },
    })
    if (options.json) return printJson({ tenant: config.tenant, dryRun, seq, changes })
    if (changes.length === 0) return print('nothing to change')
    if (dryRun)
      return note(`\n${countText(changes)} (not applied)\n  ${commandLine('apply')}   applies it`)
    note(`\n${countText(changes)}, through position ${seq} of the log`)
  })
}
