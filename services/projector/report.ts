import type { Comparison } from './compare.ts'
import type { Progress, Rebuilt } from './rebuild.ts'

/** Progress for people (one redrawn line, or a line every five seconds) and for programs (NDJSON). */
const lineEveryMs = 5_000
const drawEveryMs = 100

const time = (ms: number): string => {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

export class ProgressReport {
  readonly #json: boolean
  readonly #isTty: boolean
  readonly #startedAt = performance.now()
  #toldAt = 0

  constructor({ json, isTty }: { readonly json: boolean; readonly isTty: boolean }) {
    this.#json = json
    this.#isTty = isTty
  }

  tell(progress: Progress): void {
    const now = performance.now()
    const every = this.#isTty && !this.#json ? drawEveryMs : lineEveryMs
    const isEnd = progress.phase !== 'replay' || progress.done >= progress.total
    if (!isEnd && now - this.#toldAt < every) return
    this.#toldAt = now
    const elapsedMs = now - this.#startedAt
    const rate = progress.events / (elapsedMs / 1_000)
    const left = progress.done > 0 ? (progress.total - progress.done) / progress.done : 0
    const etaMs = elapsedMs * left
    if (this.#json) {
      const told = { ...progress, rate: Math.round(rate), etaMs: Math.round(etaMs) }
      process.stderr.write(`${JSON.stringify(told)}\n`)
      return
    }
    const share = progress.total === 0 ? 1 : progress.done / progress.total
    const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░')
    const line =
      `  ${progress.phase.padEnd(8)} ${bar} ${(share * 100).toFixed(1).padStart(5)} %   ` +
      `${progress.done.toLocaleString('en')} / ${progress.total.toLocaleString('en')}   ` +
      `${Math.round(rate).toLocaleString('en')} events/s   ` +
      `elapsed ${time(elapsedMs)}   ETA ${time(etaMs)}`
    const isLine = !this.#isTty || progress.phase === 'done'
    process.stderr.write(this.#isTty ? `\r\u001B[2K${line}${isLine ? '\n' : ''}` : `${line}\n`)
  }
}

const sentence = (command: string, { seq, comparison }: Rebuilt): string => {
  if (!comparison)
    return command === 'verify'
      ? 'there are no live tables of these read models and this log to compare with'
      : `rebuilt at seq ${seq}; there was nothing to compare with`
  const { equal, tables, rows } = comparison
  const swapped = command === 'rebuild' ? '; swapped' : ''
  return equal
    ? `equal: ${tables} tables, ${rows.toLocaleString('en')} rows, at seq ${seq}${swapped}`
    : `different at seq ${seq}: ${differing(comparison)}${swapped}`
}

const differing = (comparison: Comparison): string =>
  Object.entries(comparison.differing)
    .map(([table, count]) => `${count} in ${table}`)
    .join(', ')

/** What came of it; the differing rows one below the other. */
export const tellComparison = (command: string, result: Rebuilt, json: boolean): string => {
  if (json) return `${JSON.stringify(result)}\n`
  const lines = [sentence(command, result)]
  for (const { table, key, live, replayed } of result.comparison?.differences ?? []) {
    lines.push(`  ${table} ${key}`)
    lines.push(`    live      ${JSON.stringify(live)}`, `    replayed  ${JSON.stringify(replayed)}`)
  }
  return `${lines.join('\n')}\n`
}
