/**
 * The events of one attempt on their way to the log. Short runs become one commit; a run that takes
 * longer is written down every 100 ms, so that it can be followed. Commits go out one after the other,
 * under ids that the attempt determines.
 */
import type { Event } from '@headway/schemas/events.ts'
import type { Log, NewCommit } from '@headway/schemas/ports.ts'

const flushMs = 100

export class Journal {
  readonly #log: Log
  readonly #commit: Pick<NewCommit, 'tenant' | 'topic' | 'source' | 'run' | 'correlationId'>
  readonly #id: string
  #events: Event[] = []
  #part = 0
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(
    log: Log,
    id: string,
    commit: Pick<NewCommit, 'tenant' | 'topic' | 'source' | 'run' | 'correlationId'>,
  ) {
    this.#log = log
    this.#id = id
    this.#commit = commit
  }

  note(event: Event): void {
    this.#events.push(event)
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), flushMs)
  }

  /** Resolves when everything noted so far is on disk; rejects when that is not known. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#events.length === 0) return this.#writing
    const events = this.#events
    this.#events = []
    const id = `${this.#id}-${this.#part++}`
    const before = this.#writing
    this.#writing = before.then(async () => {
      await this.#log.append({ ...this.#commit, id, events })
    })
    return this.#writing
  }

  /** Nothing more is written. */
  drop(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#events = []
  }
}
