/**
 * The tables of the read models, and the copy of them that is built, compared, swapped in or thrown away.
 * The projector does the work; this asks for it and shows how it goes. Who leaves in between ends nothing.
 */
import { projectionActions, type ProjectionAction } from '@headway/schemas/projections.ts'
import { call, field, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine, exitCodes } from '../errors.ts'
import { bytes, note, paint, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const askMs = 250
const lineMs = 5_000
const barWidth = 20

const number = (value: unknown): string => Number(value ?? 0).toLocaleString('en')
const look = async (): Promise<Row> => rowOf(await call('projections'))
const workOf = ({ work }: Row): Row | null => (work ? rowOf(work) : null)

const copyText = (copy: unknown): string => {
  if (!copy) return 'there is none'
  const row = rowOf(copy)
  const use = row.usable ? '' : ', of other read models: build it anew'
  return `at ${number(row.seq)}, ${number(row.lag)} behind, ${bytes(Number(row.bytes))}${use}`
}

const show = async (options: Invocation['options']): Promise<void> => {
  const answer = await call('projections')
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  const lag = Number(row.lag)
  const behind = lag === 0 ? 'up to date' : `${number(lag)} behind, for ${span(Number(row.lagMs))}`
  print(`at ${number(row.seq)} of ${number(row.headSeq)}, ${behind}`)
  print(`${number(row.eventsPerSecond)} events/s`)
  print(`copy: ${copyText(row.copy)}\n`)
  const text = table<Row>(
    [
      { title: 'READ MODELS', of: (one) => field(one, 'name') },
      {
        title: 'TABLES',
        of: (one) =>
          rowsOf(one.tables)
            .map((each) => field(each, 'name'))
            .join(' '),
        shrinks: true,
      },
      { title: 'ROWS', of: (one) => number(one.rows), right: true },
      { title: 'SIZE', of: (one) => bytes(Number(one.bytes)), right: true },
      { title: 'AT', of: (one) => number(one.seq), right: true },
      { title: 'BEHIND', of: (one) => number(one.lag), right: true },
      { title: 'ROWS/S', of: (one) => number(one.rowsPerSecond), right: true },
    ],
    rowsOf(row.groups),
  )
  print(text)
}

const progressText = (work: Row): string => {
  const [done, total] = [Number(work.done), Number(work.total)]
  const share = total === 0 ? 0 : Math.min(1, done / total)
  const bar = '█'.repeat(Math.round(share * barWidth)).padEnd(barWidth, '░')
  const rate = Number(work.eventsPerSecond)
  return [
    `  ${field(work, 'phase').padEnd(8)} ${bar} ${(share * 100).toFixed(1).padStart(5)} %`,
    `${number(done)} / ${number(total)}`,
    ...(rate > 0 ? [`${number(rate)} events/s`] : []),
    ...(work.etaMs === null ? [] : [`ETA ${span(Number(work.etaMs))}`]),
  ].join('   ')
}

/** One redrawn line on a terminal, a line from time to time elsewhere. */
class Line {
  #told = -Infinity
  #phase: unknown = ''

  tell(work: Row): void {
    const redraws = process.stderr.isTTY
    const now = performance.now()
    if (!redraws && work.phase === this.#phase && now - this.#told < lineMs) return
    this.#told = now
    this.#phase = work.phase
    const text = progressText(work)
    process.stderr.write(redraws ? `\r\u001B[2K${text}` : `${text}\n`)
  }

  end(): void {
    if (process.stderr.isTTY && this.#phase !== '') process.stderr.write('\r\u001B[2K')
  }
}

/** Waits for the end of what was begun; `before` is when the last such work began. */
const follow = async (action: ProjectionAction, before: unknown): Promise<Row> => {
  const line = new Line()
  for (;;) {
    const work = workOf(await look())
    if (work?.action === action && work.startedAt !== before) {
      if (work.status !== 'running') {
        line.end()
        return work
      }
      line.tell(work)
    }
    await new Promise((resolve) => setTimeout(resolve, askMs))
  }
}

const printComparison = (comparison: Row): void => {
  const tables = Object.entries(rowOf(comparison.differing))
  print(
    comparison.equal
      ? `equal: ${number(comparison.tables)} tables, ${number(comparison.rows)} rows, ` +
          `at ${number(comparison.seq)}`
      : `different at ${number(comparison.seq)}: ${tables
          .map(([name, count]) =>
            count === null ? `${name} has other columns` : `${name} ${number(count)}`,
          )
          .join(', ')}`,
  )
  for (const one of rowsOf(comparison.differences)) {
    print(`  ${field(one, 'table')} ${field(one, 'key')}`)
    if (one.in !== 'both') print(`    only in the ${one.in === 'live' ? 'live tables' : 'copy'}`)
    for (const column of rowsOf(one.columns))
      print(
        `    ${field(column, 'name')}: ${field(column, 'live')}, by the log ${field(column, 'copy')}`,
      )
  }
}

const done: Readonly<Record<ProjectionAction, string>> = {
  rebuild: `a copy was built; ${commandLine('projections compare')} proves it, … swap puts it in`,
  compare: '',
  swap: 'the copy was swapped in',
  drop: 'the copy was thrown away',
}

export const run = async ({ args: [given], options }: Invocation): Promise<void> => {
  if (given === undefined) return show(options)
  const action = projectionActions.find((one) => one === given)
  if (!action)
    throw new CliError('usage', `${given} is none of ${projectionActions.join(', ')}`, [
      `${commandLine('projections')}\tshows how the tables are`,
    ])
  const before = workOf(await look())?.startedAt
  const { reason } = options
  await call(`projections/${action}`, {
    method: 'POST',
    body: typeof reason === 'string' ? { reason } : {},
  })
  const work = await follow(action, before)
  const comparison = work.comparison ? rowOf(work.comparison) : null
  if (work.status === 'failed' || comparison?.equal === false) process.exitCode = exitCodes.failed
  if (options.json) return printJson(work)
  if (work.status === 'failed') return note(paint('red', field(work, 'problem')))
  if (action === 'compare' && comparison) printComparison(comparison)
  else print(done[action])
}
