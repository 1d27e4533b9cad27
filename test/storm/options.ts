import { parseArgs } from 'node:util'
import { faultNames, type FaultName } from './faults.ts'

export type StormOptions = {
  readonly seconds: number
  readonly seed: number
  readonly killsPerSecond: number
  readonly eventsPerSecond: number
  readonly faults: readonly FaultName[]
  /** Tells every fault. */
  readonly verbose: boolean
}

export const defaults: StormOptions = {
  seconds: 300,
  seed: 20_261_121,
  killsPerSecond: 1,
  eventsPerSecond: 1_000,
  faults: faultNames,
  verbose: false,
}

export const help = `npm run storm -- [OPTIONS]

The whole platform, each room a process of its own, under load while servers and rooms are killed, stopped,
cut off, restarted and out of disk. Then everything that was accepted must be accounted for, once, and the
tables must equal a replay.

  --seconds N            how long the storm lasts (${defaults.seconds}); settling and checking come after it
  --seed N               another storm (${defaults.seed})
  --kills-per-second N   kill -9 of anything, NATS and Postgres included (${defaults.killsPerSecond})
  --events-per-second N  events on the log, outages included (${defaults.eventsPerSecond})
  --faults LIST          of ${faultNames.join(',')}
  --verbose              tell every fault
  --help

Exit code 0 when nothing was lost, nothing done twice and the replay equals live, else 1.
`

const numberOf = (name: string, text: string | undefined, fallback: number): number => {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0)
    throw new Error(`--${name} ${text} is no number above 0`)
  return value
}

const isFault = (name: string): name is FaultName => faultNames.some((one) => one === name)

const faultsOf = (text: string | undefined): readonly FaultName[] => {
  if (text === undefined) return defaults.faults
  return text
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      if (isFault(name)) return name
      throw new Error(`there is no fault ${name}: ${faultNames.join(', ')}`)
    })
}

/** What the command line asks for; null for help. */
export const optionsOf = (args: readonly string[]): StormOptions | null => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      'kills-per-second': { type: 'string' },
      'events-per-second': { type: 'string' },
      faults: { type: 'string' },
      verbose: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return null
  const number =
    (name: 'seconds' | 'seed' | 'kills-per-second' | 'events-per-second') => (fallback: number) =>
      numberOf(name, values[name], fallback)
  return {
    seconds: number('seconds')(defaults.seconds),
    seed: number('seed')(defaults.seed),
    killsPerSecond: number('kills-per-second')(defaults.killsPerSecond),
    eventsPerSecond: number('events-per-second')(defaults.eventsPerSecond),
    faults: faultsOf(values.faults),
    verbose: values.verbose ?? defaults.verbose,
  }
}

/** The command that makes the same storm again. */
export const commandOf = (options: StormOptions): string =>
  `npm run storm -- --seconds ${options.seconds} --seed ${options.seed} ` +
  `--kills-per-second ${options.killsPerSecond} --events-per-second ${options.eventsPerSecond} ` +
  `--faults ${options.faults.join(',')}`
