/** Everything that Headway stands on, looked at; each thing that is not well comes with what to do. */
import { natsUrl, pgUrl } from '@headway/streams/room.ts'
import type { Check } from '../doctor/check.ts'
import { checkMachine } from '../doctor/machine.ts'
import { checkNats } from '../doctor/nats.ts'
import { checkPostgres } from '../doctor/postgres.ts'
import { exitCodes } from '../errors.ts'
import { paint, print, printJson } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const signs = {
  ok: ['✔', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✖', 'red'],
  unknown: ['?', 'dim'],
} as const

const show = ({ name, status, found, fix }: Check, width: number): void => {
  const [sign, style] = signs[status]
  print(`${paint(style, sign)} ${name.padEnd(width)}  ${found}`)
  if (fix !== undefined && status !== 'ok')
    print(`  ${' '.repeat(width)}  ${paint('dim', `→ ${fix}`)}`)
}

export const run = async ({ options }: Invocation): Promise<void> => {
  const pipelines = typeof options.pipelines === 'string' ? options.pipelines : 'deploy/pipelines'
  const [machine, nats] = await Promise.all([checkMachine(pipelines), checkNats(natsUrl())])
  const postgres = await checkPostgres(pgUrl(), nats.headSeq)
  const checks = [...machine, ...nats.checks, ...postgres]
  const bad = checks.filter(({ status }) => status === 'failed')
  if (bad.length > 0) process.exitCode = exitCodes.failed
  if (options.json) return printJson({ ok: bad.length === 0, checks })
  const width = Math.max(...checks.map(({ name }) => name.length))
  for (const check of checks) show(check, width)
  const warned = checks.filter(({ status }) => status === 'warning').length
  print(`\n${checks.length} checks, ${bad.length} failed, ${warned} to look at`)
}
