/** How fast something goes and how long it will still take, from what it told so far. */
import type { Progress } from './rebuild.ts'

/** Weight of the newest measurement in the rate. */
const smoothing = 0.2
const measuredMsMin = 50

export class Pace {
  /** Events a second. */
  rate = 0
  etaMs: number | null = null
  readonly #startedAt: number
  #last: { readonly at: number; readonly events: number }

  constructor(now: number) {
    this.#startedAt = now
    this.#last = { at: now, events: 0 }
  }

  measure({ phase, done, total, events }: Progress, now: number): void {
    const elapsedMs = now - this.#startedAt
    this.etaMs = done > 0 && phase === 'replay' ? ((total - done) * elapsedMs) / done : null
    const ms = now - this.#last.at
    if (ms < measuredMsMin || events === this.#last.events) return
    const rate = ((events - this.#last.events) * 1_000) / ms
    this.rate = this.rate === 0 ? rate : this.rate * (1 - smoothing) + rate * smoothing
    this.#last = { at: now, events }
  }
}
