/**
 * Sources as the log knows them: what they are, and which deliveries it has. Kept by following the log,
 * for as long as the API runs; an append that was decided on too little is refused by the log, and
 * `reached` waits for what was missing.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import type { Commit, Topic } from '@headway/schemas/ports.ts'
import type { SourceDefinition } from '@headway/schemas/rules/definition.ts'
import type { ApiPorts } from '../api.ts'

export type Source = {
  readonly name: string
  /** Null when it was removed, or when somebody pushed for it before it was defined. */
  definition: SourceDefinition | null
  /** Sequence of the newest commit about it. */
  seq: number
  /** Delivery → its task. A delivery is known for good, however late it is sent again. */
  readonly deliveries: Map<string, string>
}

export const topicOf = (source: string): Topic => ({ kind: 'source', name: source })

const pauseMs = 250
const recentMax = 2_000

type Ports = Pick<ApiPorts, 'log' | 'clock' | 'logger' | 'tenant'>

export class Sources {
  readonly #ports: Ports
  readonly #signal: AbortSignal
  readonly #sources = new Map<string, Source>()
  /** Task → its push, of those that the read models may not know yet. */
  readonly #recent = new Map<string, EventOf<'PushReceived'>>()
  #wake: (() => void)[] = []
  #caughtUp: Promise<void> | null = null

  constructor(ports: Ports, signal: AbortSignal) {
    this.#ports = ports
    this.#signal = signal
  }

  /** Begins to follow; resolves when everything that is on the log now is known. */
  follow(): Promise<void> {
    return (this.#caughtUp ??= new Promise((resolve) => void this.#follow(resolve)))
  }

  get(name: string): Source | null {
    return this.#sources.get(name) ?? null
  }

  defined(): readonly (Source & { readonly definition: SourceDefinition })[] {
    const isDefined = (source: Source) => source.definition !== null
    return [...this.#sources.values()].filter(isDefined) as never
  }

  recent(task: string): EventOf<'PushReceived'> | null {
    return this.#recent.get(task) ?? null
  }

  /** The same commit may be told twice: by who appended it and by the log. */
  apply({ topic, events, seq, tenant }: Pick<Commit, 'topic' | 'events' | 'seq' | 'tenant'>): void {
    if (topic.kind !== 'source' || tenant !== this.#ports.tenant) return
    const source = this.#of(topic.name)
    if (seq <= source.seq) return
    for (const event of events) {
      if (event.type === 'SourceDefined') this.#define(source, event.definition)
      if (event.type === 'SourceRemoved') source.definition = null
      if (event.type !== 'PushReceived') continue
      if (!source.deliveries.has(event.delivery)) source.deliveries.set(event.delivery, event.task)
      this.#recent.set(event.task, event)
      if (this.#recent.size > recentMax) this.#recent.delete(this.#recent.keys().next().value!)
    }
    source.seq = seq
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Resolves when everything about a source up to `seq` is known here. */
  async reached(name: string, seq: number): Promise<void> {
    while ((this.#sources.get(name)?.seq ?? 0) < seq && !this.#signal.aborted)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #of(name: string): Source {
    let source = this.#sources.get(name)
    if (!source) {
      source = { name, definition: null, seq: 0, deliveries: new Map() }
      this.#sources.set(name, source)
    }
    return source
  }

  #define(source: Source, definition: SourceDefinition): void {
    source.definition = definition
    if (definition.webhook?.verify === false)
      this.#ports.logger.warn(
        { source: source.name },
        'the deliveries of this source are NOT checked: anybody who reaches its address can push',
      )
  }

  async #follow(caughtUp: () => void): Promise<void> {
    const { log, clock, logger } = this.#ports
    const kinds = ['source'] as const
    let next = 1
    while (!this.#signal.aborted) {
      try {
        const head = await log.head(kinds)
        if (head.seq < next) caughtUp()
        for await (const commits of log.tail({ from: next, kinds, signal: this.#signal })) {
          for (const commit of commits) this.apply(commit)
          next = commits.at(-1)!.seq + 1
          if (next > head.seq) caughtUp()
        }
      } catch (error) {
        logger.warn({ error: String(error) }, 'the log of sources is not there; trying again')
      }
      await clock.sleep(pauseMs, this.#signal)
    }
    for (const wake of this.#wake.splice(0)) wake()
  }
}
