/** How much is written a second, told while something is, and once more when it ends. */
import { pulseKey, type Pulse as Told } from '@headway/schemas/projections.ts'
import { tableGroups } from '@headway/schemas/tables.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { OnStored } from './room.ts'

const everyMs = 1_000
const keptMs = 5_000

const groupOf = new Map(
  Object.entries(tableGroups).flatMap(([group, tables]) => tables.map((table) => [table, group])),
)

export class Pulse {
  #events = 0
  readonly #rows = new Map<string, number>()

  readonly onStored: OnStored = (commits, changes) => {
    for (const { events } of commits) this.#events += events.length
    for (const [table, rows] of changes) {
      const group = groupOf.get(table)!
      this.#rows.set(group, (this.#rows.get(group) ?? 0) + rows.size)
    }
  }

  /** Nobody waits for it, and what could not be told is of no use a second later. */
  async run({ live, clock }: Pick<Doors, 'live' | 'clock'>, signal: AbortSignal): Promise<void> {
    for (let before = clock.now(), isQuiet = true; !signal.aborted;) {
      await clock.sleep(everyMs, signal)
      const now = clock.now()
      if (this.#events > 0 || !isQuiet) {
        const pulse = JSON.stringify(this.#take(now, (now - before) / 1_000))
        await live.put(pulseKey, pulse, keptMs).catch(() => {})
        isQuiet = JSON.parse(pulse).eventsPerSecond === 0
      }
      before = now
    }
  }

  #take(at: number, seconds: number): Told {
    const rowsPerSecond = Object.fromEntries(
      [...this.#rows].map(([group, rows]) => [group, Math.round(rows / seconds)]),
    )
    const eventsPerSecond = Math.round(this.#events / seconds)
    this.#events = 0
    this.#rows.clear()
    return { at, eventsPerSecond, rowsPerSecond }
  }
}
