/**
 * The way of a pipeline's run events to the log. One commit is under way at a time; what several runs
 * have to say meanwhile goes together in the next one. A commit costs one write to the disk whatever its
 * size, so under load many runs share it, and a lone run never waits for company.
 */
import type { Event } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Log, NewCommit } from '@headway/schemas/ports.ts'

/** A message of the log holds a million bytes, headers included. */
export const commitBytesMax = 800_000

export type Part = {
  /** Deterministic: what is said again has the same id. */
  readonly id: string
  readonly run: string
  /** What the run's trace stands for. */
  readonly trace?: string
  readonly events: readonly Event[]
  readonly bytes: number
}
type Waiting = {
  readonly part: Part
  readonly stored: () => void
  readonly failed: (error: unknown) => void
}

export class Commits {
  readonly #log: Pick<Log, 'append'>
  readonly #frame: Pick<NewCommit, 'tenant' | 'topic' | 'source'>
  #waiting: Waiting[] = []
  #isWriting = false
  #counted = 0

  constructor(log: Pick<Log, 'append'>, frame: Pick<NewCommit, 'tenant' | 'topic' | 'source'>) {
    this.#log = log
    this.#frame = frame
  }

  /** A number for each execution: no two have the same id, however often one is delivered. */
  count(): number {
    return ++this.#counted
  }

  /** Resolves when it is on disk; rejects when that is not known. */
  append(part: Part): Promise<void> {
    return new Promise((stored, failed) => {
      this.#waiting.push({ part, stored, failed })
      if (!this.#isWriting) void this.#write()
    })
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const group = this.#next()
      try {
        await this.#log.append(this.#commitOf(group.map(({ part }) => part)))
        for (const { stored } of group) stored()
      } catch (error) {
        for (const { failed } of group) failed(error)
      }
    }
    this.#isWriting = false
  }

  #next(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { part } of this.#waiting) {
      bytes += part.bytes
      if (count > 0 && bytes > commitBytesMax) break
      count++
    }
    const group = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    return group
  }

  #commitOf(parts: readonly Part[]): NewCommit {
    const [first] = parts
    const events = parts.flatMap((part) => part.events)
    if (parts.length === 1 && first) {
      const { id, run, trace = run } = first
      return { ...this.#frame, id, events, run, correlationId: run, trace }
    }
    const ids = sha256(parts.map(({ id }) => id).join('\n'))
    return { ...this.#frame, id: `runs-${ids.slice(0, 32)}`, events }
  }
}

/** About how many bytes a value takes in a message; never less. */
export const weigh = (value: unknown): number => {
  if (typeof value === 'string')
    return 5 + (value.length < 100 ? 3 * value.length : Buffer.byteLength(value))
  if (typeof value !== 'object' || value === null) return 9
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + weigh(one), 5)
  let sum = 5
  for (const [key, held] of Object.entries(value)) sum += 2 + key.length + weigh(held)
  return sum
}
