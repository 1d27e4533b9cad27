/**
 * What a rebuild or a verify shows: one redrawn line on a terminal, a line every five seconds elsewhere,
 * NDJSON for programs, all on stderr; the result on stdout.
 */
import type { Comparison } from './compare.ts'
import type { Progress, Rebuilt } from './rebuild.ts'

const lineEveryMs = 5_000
const drawEveryMs = 100
/** Weight of the newest measurement in the shown rate. */
const smoothing = 0.2

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
  #toldAt = Number.NEGATIVE_INFINITY
  #phase = ''
  #rate = 0
  #last = { at: 0, events: 0 }

  constructor(json: boolean, out: Stream, now: () => number) {
    this.#json = json
    this.#out = out
    this.#now = now
    this.#startedAt = now()
    this.#last = { at: this.#startedAt, events: 0 }
  }

  tell(progress: Progress): void {
    const now = this.#now()
    const redraws = this.#out.isTTY === true && !this.#json
    const everyMs = redraws ? drawEveryMs : lineEveryMs
    if (progress.phase === this.#phase && now - this.#toldAt < everyMs) return
    this.#measure(progress, now)
    this.#toldAt = now
    this.#phase = progress.phase
    const elapsedMs = now - this.#startedAt
    const { done, total } = progress
    const etaMs = done > 0 ? ((total - done) * elapsedMs) / done : null
    if (this.#json) {
      const told = { ...progress, rate: Math.round(this.#rate), etaMs: etaMs && Math.round(etaMs) }
      return void this.#out.write(`${JSON.stringify(told)}\n`)
    }
    const line = this.#line(progress, elapsedMs, etaMs)
    const end = progress.phase === 'done' ? '\n' : ''
    this.#out.write(redraws ? `\r\u001B[2K${line}${end}` : `${line}\n`)
  }

  #measure({ events }: Progress, now: number): void {
    const seconds = (now - this.#last.at) / 1_000
    if (seconds < 0.05 || events === this.#last.events) return
    const rate = (events - this.#last.events) / seconds
    this.#rate = this.#rate === 0 ? rate : this.#rate * (1 - smoothing) + rate * smoothing
    this.#last = { at: now, events }
  }

  #line({ phase, done, total }: Progress, elapsedMs: number, etaMs: number | null): string {
    const share = total === 0 ? 1 : Math.min(1, done / total)
    const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░')
    const eta = etaMs === null || phase === 'done' ? '' : `   ETA ${clockText(etaMs)}`
    return (
      `  ${phase.padEnd(8)} ${bar} ${(share * 100).toFixed(1).padStart(5)} %   ` +
      `${done.toLocaleString('en')} / ${total.toLocaleString('en')}   ` +
      `${Math.round(this.#rate).toLocaleString('en')} events/s   ${clockText(elapsedMs)}${eta}`
    )
  }
}

const differing = ({ differing: counts }: Comparison): string =>
  Object.entries(counts)
    .map(([table, count]) => (count === null ? `${table} has other columns` : `${table} ${count}`))
    .join(', ')

const sentence = (command: 'rebuild' | 'verify', { seq, rows, comparison }: Rebuilt): string => {
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
