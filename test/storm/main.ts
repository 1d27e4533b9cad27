/**
 * `npm run storm`: the real thing, for as long as told. Progress on standard error, the verdict on
 * standard output, the exit code says it all.
 */
import { commandOf, help, optionsOf, type StormOptions } from './options.ts'
import { faultsText, weather, type Verdict } from './weather.ts'

const problemsMax = 30

const figure = (value: number): string => Math.round(value).toLocaleString('en')

const verdictText = (verdict: Verdict, options: StormOptions): string => {
  const { problems } = verdict
  const more = problems.length > problemsMax ? [`… and ${problems.length - problemsMax} more`] : []
  return [
    '',
    `seed         ${options.seed}, ${options.seconds} s`,
    `faults       ${faultsText(verdict.faults)}`,
    `load         ${figure(verdict.eventsPerSecond)} events/s on average, servers down included; ` +
      `${figure(verdict.events)} events`,
    `versions     ${figure(verdict.versions)} acknowledged, ${verdict.unknown} unknown; ` +
      `${figure(verdict.refused)} appends refused or unanswered and made again`,
    `runs         ${figure(verdict.runs)}; ${figure(verdict.repeated)} attempts beyond the first, ` +
      `${figure(verdict.ineffective)} events came too late and changed nothing`,
    `settled      after ${(verdict.settleMs / 1_000).toFixed(1)} s`,
    `replay       ${verdict.verified.trim()}`,
    problems.length === 0
      ? 'verdict      nothing lost, nothing twice, the replay equals live'
      : `verdict      ${problems.length} problems`,
    ...[...problems.slice(0, problemsMax), ...more].map((problem) => `  ${problem}`),
    `again        ${commandOf(options)}`,
    '',
  ].join('\n')
}

const main = async (): Promise<number> => {
  const options = optionsOf(process.argv.slice(2))
  if (!options) {
    process.stdout.write(help)
    return 0
  }
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort())
  process.once('SIGTERM', () => interrupt.abort())
  const tell = (line: string) => void process.stderr.write(`${line}\n`)
  tell(`seed ${options.seed}: starting`)
  const verdict = await weather({ ...options, tell, signal: interrupt.signal })
  process.stdout.write(verdictText(verdict, options))
  const isEnough = verdict.eventsPerSecond >= options.eventsPerSecond
  if (!isEnough) process.stdout.write('The load asked for was not reached.\n')
  return verdict.problems.length === 0 && isEnough ? 0 : 1
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return 1
})
