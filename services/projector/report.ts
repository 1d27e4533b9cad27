/**
 * What a rebuild or a verify shows: one redrawn line on a terminal, a line every five seconds elsewhere,
 * NDJSON for programs, all on stderr; the result on stdout.
 */
import type { Comparison } from './compare.ts'
import { Pace } from './pace.ts'
import type { Progress, Rebuilt } from './rebuild.ts'

const lineEveryMs = 5_000
const drawEveryMs = 100

const clockText = (ms: number): string => {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

type Stream = { write(text: string): unknown; readonly isTTY?: boolean }

export class ProgressReport {
  readonly #json: boolean
  readonly #out: Stream
  readonly #now: () => number
  readonly #startedAt: number
  readonly #pace: Pace
  #toldAt = Number.NEGATIVE_INFINITY
  #phase = ''

  constructor(json: boolean, out: Stream, now: () => number) {
    this.#json = json
    this.#out = out
    this.#now = now
    this.#startedAt = now()
    this.#pace = new Pace(this.#startedAt)
  }

  tell(progress: Progress): void {
    const now = this.#now()
    const redraws = this.#out.isTTY === true && !this.#json
    const everyMs = redraws ? drawEveryMs : lineEveryMs
    if (progress.phase === this.#phase && now - this.#toldAt < everyMs) return
    this.#pace.measure(progress, now)
    this.#toldAt = now
    this.#phase = progress.phase
    const elapsedMs = now - this.#startedAt
    const { rate, etaMs } = this.#pace
    if (this.#json) {
      const told = { ...progress, rate: Math.round(rate), etaMs: etaMs && Math.round(etaMs) }
      return void this.#out.write(`${JSON.stringify(told)}\n`)
    }
    const line = this.#line(progress, elapsedMs, etaMs)
    const end = progress.phase === 'done' ? '\n' : ''
    this.#out.write(redraws ? `\r\u001B[2K${line}${end}` : `${line}\n`)
  }

  #line({ phase, done, total }: Progress, elapsedMs: number, etaMs: number | null): string {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░')
    const eta = etaMs === null || phase === 'done' ? '' : `   ETA ${clockText(etaMs)}`
    return (
      `  ${phase.padEnd(8)} ${bar} ${(share * 100).toFixed(1).padStart(5)} %   ` +
      `${done.toLocaleString('en')} / ${total.toLocaleString('en')}   ` +
      `${Math.round(this.#pace.rate).toLocaleString('en')} events/s   ${clockText(elapsedMs)}${eta}`
    )
  }
}

const differing = ({ differing: counts }: Comparison): string =>
  Object.entries(counts)
    .map(([table, count]) => (count === null ? `${table} has other columns` : `${table} ${count}`))
    .join(', ')

const sentence = (command: 'rebuild' | 'verify', { rows, comparison, ...rebuilt }: Rebuilt) => {
  const seq = comparison?.seq ?? rebuilt.seq
  const made = command === 'rebuild' ? `; rebuilt ${rows.toLocaleString('en')} rows` : ''
  if (!comparison)
    return `there are no live tables of this log to compare with, at seq ${seq}${made}`
  return comparison.equal
    ? `equal: ${comparison.tables} tables, ${rows.toLocaleString('en')} rows, at seq ${seq}${made}`
    : `different at seq ${seq}: ${differing(comparison)}${made}`
}

/** What came of it, with the rows that differ one below the other. */
export const resultText = (
  command: 'rebuild' | 'verify',
  result: Rebuilt,
  json: boolean,
): string => {
  if (json) return `${JSON.stringify(result)}\n`
  const lines = [sentence(command, result)]
  for (const { table, key, live, replayed } of result.comparison?.differences ?? [])
    lines.push(
      `  ${table} ${key}`,
      `    live      ${JSON.stringify(live)}`,
      `    replayed  ${JSON.stringify(replayed)}`,
    )
  return `${lines.join('\n')}\n`
}
