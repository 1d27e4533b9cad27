/**
 * Runs that ended badly, done again: those that are named, or all that a filter finds. With `--wait` it
 * stays until each of them had its turn, and its exit code says whether they went well.
 */
import { parseDuration } from '@headway/schemas/config/units.ts'
import { call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { note, print, printJson, table } from '../terminal.ts'
import { filterNames } from './dead-letters.ts'
import type { Invocation } from './entry.ts'
import { bodyOf, keyOf } from './trigger.ts'

const pollMs = 500

type Options = Invocation['options']

const numberOf = (options: Options, name: string, flag: string): number | null => {
  const value = options[name]
  if (value === undefined) return null
  if (/^[1-9]\d{0,8}$/.test(String(value))) return Number(value)
  throw new CliError('usage', `${flag} ${String(value)} is no number from 1 on`)
}

const maybe = (name: string, value: unknown): object =>
  value === null || value === undefined ? {} : { [name]: value }

const howOf = (options: Options): object => ({
  ...bodyOf(options).body,
  ...maybe('version', options.version),
  ...(options.startOver ? { startOver: true } : {}),
})

const one = async (run: string, options: Options): Promise<Row> => {
  const body = howOf(options)
  return rowOf(await call(`runs/${part(run)}/redrive`, { method: 'POST', body, ...keyOf(options) }))
}

const filterOf = (options: Options): object => {
  const filter: Record<string, unknown> = {}
  for (const name of filterNames)
    if (typeof options[name] === 'string')
      filter[name] = name === 'status' ? options[name].split(',') : options[name]
  if (Object.keys(filter).length > 0 || options.all) return filter
  throw new CliError(
    'usage',
    'name runs, or say which: --pipeline, --type, --fingerprint, --since…',
    [
      `${commandLine('redrive --all --dry-run')}\tshows what all would be`,
      `${commandLine('redrive --type SchemaError --since 2h')}\tdoes those again`,
    ],
  )
}

const printPlan = (plan: Row): void => {
  const groups = rowsOf(plan.groups)
  const columns = [
    { title: 'PIPELINE', of: (row: Row) => field(row, 'pipelineId'), shrinks: true },
    { title: 'FINGERPRINT', of: (row: Row) => field(row, 'fingerprint') },
    { title: 'RUNS', of: (row: Row) => field(row, 'count'), right: true },
    { title: 'OLDEST', of: (row: Row) => field(row, 'oldestAt') },
    {
      title: 'ERROR',
      of: (row: Row) => `${field(row, 'type')}: ${field(row, 'message')}`,
      shrinks: true,
    },
  ]
  if (groups.length > 0) print(table<Row>(columns, groups))
  const left = Number(plan.unusable ?? 0)
  note(
    `${field(plan, 'count')} of ${field(plan, 'matching')} runs` +
      (plan.capped ? ', more than --cap' : '') +
      (left > 0 ? `; ${left} left out: their code is retired` : ''),
  )
}

const many = async (options: Options): Promise<Row> => {
  const body = {
    ...howOf(options),
    filter: filterOf(options),
    ...(options.dryRun ? { dryRun: true } : {}),
    ...maybe('cap', numberOf(options, 'cap', '--cap')),
    ...maybe('perMinute', numberOf(options, 'perMinute', '--per-minute')),
    ...maybe('failuresMax', numberOf(options, 'stopAfter', '--stop-after')),
  }
  return rowOf(await call('dead-letters/redrive', { method: 'POST', body, ...keyOf(options) }))
}

const lineOf = (row: Row): string =>
  `${field(row, 'pipelineId')}  ${field(row, 'redriven')} of ${field(row, 'requested')} redriven, ` +
  `${field(row, 'passedOver')} passed over, ${field(row, 'failed')} failed again`

/** It may not be projected yet when it is first asked for. */
const read = (id: string): Promise<Row | null> =>
  call(`redrives/${part(id)}`)
    .then(rowOf)
    .catch((error: unknown) => {
      if (error instanceof CliError && error.ending === 'notFound') return null
      throw error
    })

/** The redrive when it ended; tells what changes meanwhile. */
const untilEnded = async (id: string, endsAt: number): Promise<Row> => {
  for (let told = ''; ;) {
    const row = await read(id)
    if (row && lineOf(row) !== told) note((told = lineOf(row)))
    if (row && field(row, 'status') !== 'running') return row
    if (performance.now() > endsAt)
      throw new CliError('timeout', `redrive ${id} has not ended in time; it goes on without us`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

const wait = async (ids: readonly string[], timeoutMs: number, json: boolean): Promise<void> => {
  const endsAt = performance.now() + timeoutMs
  const ended: Row[] = []
  for (const id of ids) ended.push(await untilEnded(id, endsAt))
  if (json) printJson(ended)
  const failed = ended.reduce((sum, row) => sum + Number(row.failed ?? 0), 0)
  if (ended.some((row) => row.status === 'stopped'))
    throw new CliError('failed', `stopped: ${failed} runs failed again; the rest was left alone`)
  if (failed > 0) throw new CliError('failed', `${failed} runs failed again`)
}

const timeoutOf = (options: Options): number => {
  const timeoutMs = parseDuration(String(options.timeout))
  if (timeoutMs !== null) return timeoutMs
  throw new CliError('usage', `--timeout ${String(options.timeout)} is no duration`)
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const runs = args.filter((name) => name !== undefined)
  const isBulk = runs.length === 0
  const timeoutMs = timeoutOf(options)
  const { json, dryRun, cap, perMinute, stopAfter } = options
  if (!isBulk && (dryRun || cap || perMinute || stopAfter))
    throw new CliError('usage', '--dry-run, --cap, --per-minute and --stop-after go with a filter')
  const answers: Row[] = []
  if (isBulk) answers.push(await many(options))
  else for (const name of runs) answers.push(await one(name, options))
  const ids = isBulk
    ? rowsOf(answers[0]!.redrives).map((row) => field(row, 'id'))
    : answers.map((row) => field(row, 'redrive'))
  const waits = options.wait === true && ids.length > 0
  if (json && !waits) return printJson(isBulk ? answers[0] : answers)
  if (isBulk && !json) printPlan(answers[0]!)
  if (waits) return wait(ids, timeoutMs, json === true)
  for (const id of ids) print(id)
  if (ids.length > 0) note('accepted; each line is a redrive')
}
