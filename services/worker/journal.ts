/**
 * The events of one attempt on their way to the log. Short runs are told at once when they end; a run
 * that takes longer is written down every 100 ms, so that it can be followed; what is too large for one
 * message of the log goes in several. Parts go out in order, under ids that the attempt determines.
 */
import type { Event } from '@headway/schemas/events.ts'
import type { Clock } from '@headway/schemas/ports.ts'
import { traceSeedOf, type Traced } from '@headway/schemas/trace.ts'
import { commitBytesMax, weigh, type Commits } from './commits.ts'

const flushMs = 100
/** Without a reason an abort makes an error with its stack, which costs more than all the rest. */
const flushed = 'flushed'

export class Journal {
  readonly #commits: Pick<Commits, 'append'>
  readonly #clock: Clock
  readonly #id: string
  readonly #run: string
  readonly #trace: string
  #events: Event[] = []
  #bytes = 0
  #part = 0
  #timer: AbortController | null = null
  #isClosed = false
  #writing: Promise<void> = Promise.resolve()

  constructor(commits: Pick<Commits, 'append'>, clock: Clock, id: string, asked: Traced) {
    this.#commits = commits
    this.#clock = clock
    this.#id = id
    this.#run = asked.run
    this.#trace = traceSeedOf(asked)
  }

  note(event: Event): void {
    if (this.#isClosed) return
    const bytes = weigh(event)
    if (this.#bytes + bytes > commitBytesMax) void this.flush().catch(() => {})
    this.#events.push(event)
    this.#bytes += bytes
    if (!this.#timer) void this.#flushLater((this.#timer = new AbortController()))
  }

  /** Resolves when everything noted so far is on disk; rejects when that is not known. */
  flush(): Promise<void> {
    const bytes = this.#bytes
    const events = this.#takeAll()
    if (events.length === 0) return this.#writing
    const id = `${this.#id}-${this.#part++}`
    const part = { id, run: this.#run, trace: this.#trace, events, bytes }
    // Parts of a run stay in order: a commit takes them as they come, and one that failed ends them.
    this.#writing = this.#writing.then(() => this.#commits.append(part))
    return this.#writing
  }

  /** Nothing more is written. */
  close(): void {
    this.#isClosed = true
    this.#takeAll()
  }

  async #flushLater(timer: AbortController): Promise<void> {
    await this.#clock.sleep(flushMs, timer.signal)
    if (!timer.signal.aborted) await this.flush().catch(() => {})
  }

  #takeAll(): readonly Event[] {
    this.#timer?.abort(flushed)
    this.#timer = null
    const events = this.#events
    this.#events = []
    this.#bytes = 0
    return events
  }
}
