/**
 * How far the read models are. Every answer says it (`X-Projected-Seq`), and who has just written can
 * ask for an answer that knows of it (`Min-Projected-Seq`).
 *
 * The position is read before the rows, so it never promises more than they hold. One that is a moment
 * old is a true lower bound still, which spares a busy API half of its queries.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '@headway/schemas/ports.ts'
import type { ApiDatabase } from './database.ts'

/** How long whoever needs to know waits for the read models. */
export const projectedWaitMs = 2_000
const freshMs = 25
const pollMs = 10

export class Position {
  readonly #db: Kysely<ApiDatabase>
  readonly #clock: Clock
  #seq = 0
  #moment = ''
  #readAt = -Infinity
  #reading: Promise<number> | null = null

  constructor(db: Kysely<ApiDatabase>, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** Another one whenever the rows may be others than at the last reading. */
  get moment(): string {
    return this.#moment
  }

  /** At least this much of the log is in the read models. */
  read(): number | Promise<number> {
    if (performance.now() - this.#readAt < freshMs) return this.#seq
    return (this.#reading ??= this.#ask().finally(() => (this.#reading = null)))
  }

  /** Waits until `seq` is projected; gives the position then, or the one reached at the end. */
  async reached(seq: number, withinMs: number, signal?: AbortSignal): Promise<number> {
    const endsAt = performance.now() + withinMs
    for (;;) {
      const projected = this.#seq >= seq ? await this.read() : await this.#ask()
      if (projected >= seq || signal?.aborted || performance.now() >= endsAt) return projected
      await this.#clock.sleep(pollMs, signal)
    }
  }

  async #ask(): Promise<number> {
    const readAt = performance.now()
    const row = await this.#db
      .selectFrom('position')
      .select(['incarnation', 'build', 'seq'])
      .executeTakeFirst()
    this.#seq = row?.seq ?? 0
    this.#moment = row ? `${row.incarnation} ${row.build} ${row.seq}` : ''
    this.#readAt = readAt
    return this.#seq
  }
}
