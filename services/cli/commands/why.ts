/** Why a run, a pipeline or an asset is as it is. A name is a pipeline's, else an asset's. */
import { call, field, part, rowOf, rowsOf } from '../api.ts'
import { CliError } from '../errors.ts'
import { paint, print, printJson } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const isMissing = (error: unknown): boolean =>
  error instanceof CliError && error.ending === 'notFound'

const ask = async (name: string): Promise<unknown> => {
  if (/^[0-9A-HJKMNP-TV-Z]{26}$/.test(name)) return call(`runs/${part(name)}/why`)
  const asset = () => call(`assets/${part(name)}/why`)
  if (name.includes('/')) return asset()
  return call(`pipelines/${part(name)}/why`).catch((error: unknown) => {
    if (!isMissing(error)) throw error
    return asset().catch((other: unknown) => {
      throw isMissing(other) ? error : other
    })
  })
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const answer = await ask(args[0]!)
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  print(field(row, 'answer'))
  for (const reason of rowsOf(row.because)) {
    const seq = reason.seq === undefined ? '-' : `#${field(reason, 'seq')}`
    const told = [field(reason, 'since'), seq].filter((text) => text !== '-').join('  ')
    print(`  - ${field(reason, 'text')}${told ? `  ${paint('dim', told)}` : ''}`)
  }
  if (!row.next) return
  const next = rowOf(row.next)
  const at = field(next, 'at')
  print(`next: ${field(next, 'text')}${at === '-' ? '' : ` (${at})`}`)
}
