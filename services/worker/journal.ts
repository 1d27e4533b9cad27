/**
 * The events of one attempt on their way to the log. Short runs become one commit; a run that takes
 * longer is written down every 100 ms, so that it can be followed; what is too large for one message of
 * the log goes in several. Commits go out one after the other, under ids that the attempt determines.
 */
import { encodeEvents } from '@headway/schemas/codec.ts'
import type { Event } from '@headway/schemas/events.ts'
import type { Log, NewCommit } from '@headway/schemas/ports.ts'

const flushMs = 100
/** A message of the log holds a million bytes, headers included. */
const commitBytesMax = 800_000

type Frame = Pick<NewCommit, 'tenant' | 'topic' | 'source' | 'run' | 'correlationId'>

export class Journal {
  readonly #log: Pick<Log, 'append'>
  readonly #commit: Frame
  readonly #id: string
  #events: Event[] = []
  #bytes = 0
  #part = 0
  #timer: NodeJS.Timeout | null = null
  #isClosed = false
  #writing: Promise<void> = Promise.resolve()

  constructor(log: Pick<Log, 'append'>, id: string, commit: Frame) {
    this.#log = log
    this.#id = id
    this.#commit = commit
  }

  note(event: Event): void {
    if (this.#isClosed) return
    const bytes = encodeEvents([event]).length
    if (this.#bytes + bytes > commitBytesMax) void this.flush().catch(() => {})
    this.#events.push(event)
    this.#bytes += bytes
    this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), flushMs)
  }

  /** Resolves when everything noted so far is on disk; rejects when that is not known. */
  flush(): Promise<void> {
    const events = this.#takeAll()
    if (events.length === 0) return this.#writing
    const id = `${this.#id}-${this.#part++}`
    this.#writing = this.#writing.then(async () => {
      await this.#log.append({ ...this.#commit, id, events })
    })
    return this.#writing
  }

  /** Nothing more is written. */
  close(): void {
    this.#isClosed = true
    this.#takeAll()
  }

  #takeAll(): readonly Event[] {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const events = this.#events
    this.#events = []
    this.#bytes = 0
    return events
  }
}
