/**
 * The log in memory, as weak as the real one: it knows an id for a while only, a reader may hear late
 * and in pieces, and whoever gets no answer does not know. What it acknowledged it never loses
 * (`sync_interval: always`), unless it is told to be the server's default.
 */
import type { Appended, Commit, Log, LogHead, NewCommit, Topic } from '@headway/schemas/ports.ts'
import { Unanswered, type Life, type Server, type Surroundings } from './process.ts'

/** `sync_interval: always`: what is acknowledged is on disk. */
const isSynced = true
const unsyncedMs = 2_000
const appendMsMax = 120_000
const retryMsMin = 20
const retryMsMax = 2_000
const batchMax = 1_000

const topicKey = (tenant: string, { kind, name }: Topic): string => `${tenant}\n${kind}\n${name}`

type Tail = {
  readonly life: Life
  readonly tell: () => void
}

export class LogServer {
  readonly server: Server
  readonly commits: Commit[] = []
  readonly dedupeMs: number
  readonly #around: Surroundings
  readonly #newest = new Map<string, Commit>()
  readonly #ids = new Map<string, { readonly seq: number; readonly at: number }>()
  readonly #tails = new Set<Tail>()
  readonly #onAppend: (commit: Commit) => void

  constructor(
    server: Server,
    around: Surroundings,
    dedupeMs: number,
    onAppend: (commit: Commit) => void,
  ) {
    this.server = server
    this.#around = around
    this.dedupeMs = dedupeMs
    this.#onAppend = onAppend
  }

  append(asked: NewCommit): Appended {
    const at = Math.floor(this.#around.scheduler.now)
    const key = topicKey(asked.tenant, asked.topic)
    const newest = this.#newest.get(key)?.seq ?? 0
    // Even when this very commit was stored before: what was expected is judged first.
    if (asked.expect !== undefined && asked.expect !== newest) return { outcome: 'conflict' }
    const known = this.#ids.get(asked.id)
    if (known && at - known.at < this.dedupeMs) return { outcome: 'duplicate', seq: known.seq }
    const { tenant, topic, id, events } = asked
    const commit: Commit = { tenant, topic, seq: this.commits.length + 1, at, id, events }
    return this.store(key, commit)
  }

  /** Somebody wrote what nobody can read. */
  poison(tenant: string, topic: Topic, problem: string): void {
    const at = Math.floor(this.#around.scheduler.now)
    const seq = this.commits.length + 1
    const commit: Commit = { tenant, topic, seq, at, id: '', events: [], problem }
    this.store(topicKey(tenant, topic), commit)
  }

  store(key: string, commit: Commit): Appended {
    this.#onAppend(commit)
    this.commits.push(commit)
    this.#newest.set(key, commit)
    if (commit.id) this.#ids.set(commit.id, { seq: commit.seq, at: commit.at })
    for (const tail of this.#tails) tail.tell()
    return { outcome: 'stored', seq: commit.seq }
  }

  losePower(): void {
    if (isSynced) return
    const since = this.#around.scheduler.now - this.#around.random.next() * unsyncedMs
    while (this.commits.length > 0 && this.commits.at(-1)!.at >= since) {
      const lost = this.commits.pop()!
      this.#ids.delete(lost.id)
      const key = topicKey(lost.tenant, lost.topic)
      const before = this.commits.findLast(({ tenant, topic }) => topicKey(tenant, topic) === key)
      if (before) this.#newest.set(key, before)
      else this.#newest.delete(key)
    }
  }

  last(tenant: string, topic: Topic): Commit | null {
    return this.#newest.get(topicKey(tenant, topic)) ?? null
  }

  head(kinds?: readonly string[]): LogHead {
    const incarnation = '2026-01-01T00:00:00.000Z'
    if (!kinds) return { seq: this.commits.length, incarnation }
    const newest = this.commits.findLast(({ topic }) => kinds.includes(topic.kind))
    return { seq: newest?.seq ?? 0, incarnation }
  }

  add(tail: Tail): void {
    this.#tails.add(tail)
    tail.life.onEnd.push(() => this.#tails.delete(tail))
  }

  remove(tail: Tail): void {
    this.#tails.delete(tail)
  }
}

type TailOptions = Parameters<Log['tail']>[0]

/** The door of one life to the log: the real one's ways, without its encoding. */
export const logDoor = (log: LogServer, life: Life): Log => {
  const { server } = log
  const { around } = life.process
  const last = (tenant: string, topic: Topic) =>
    life.call(server, 'last', () => log.last(tenant, topic))
  return {
    last,
    at: (seq) => life.call(server, 'at', () => log.commits[seq - 1] ?? null).catch(() => null),
    head: (kinds) => life.call(server, 'head', () => log.head(kinds)),
    append: async (commit) => {
      const startedAt = around.scheduler.now
      const name = `append ${commit.events.map(({ type }) => type).join(' ')}`
      for (let waitMs = retryMsMin; ; waitMs = Math.min(waitMs * 2, retryMsMax)) {
        try {
          const appended = await life.call(server, name, () => log.append(commit))
          if (appended.outcome !== 'conflict') return appended
          const newest = await last(commit.tenant, commit.topic)
          if (newest?.id !== commit.id) return appended
          return { outcome: 'duplicate', seq: newest.seq }
        } catch (error) {
          if (!(error instanceof Unanswered)) throw error
          if (around.scheduler.now - startedAt > appendMsMax) throw error
        }
        await life.clock.sleep(waitMs)
      }
    },
    tail: (options) => ({ [Symbol.asyncIterator]: () => new TailIterator(log, life, options) }),
  }
}

class TailIterator implements AsyncIterator<readonly Commit[]> {
  readonly #log: LogServer
  readonly #life: Life
  readonly #options: TailOptions
  readonly #tail: Tail
  #next: number
  #waiting: ((result: IteratorResult<readonly Commit[]>) => void) | null = null
  #isComing = false
  #isEnded = false

  constructor(log: LogServer, life: Life, options: TailOptions) {
    this.#log = log
    this.#life = life
    this.#options = options
    this.#next = options.from
    this.#tail = { life, tell: () => this.#come() }
    log.add(this.#tail)
    options.signal.addEventListener('abort', () => this.#end())
    if (options.signal.aborted) this.#end()
  }

  next(): Promise<IteratorResult<readonly Commit[]>> {
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#waiting = resolve
      if (this.#next <= this.#log.commits.length) this.#come()
    })
  }

  return(): Promise<IteratorResult<readonly Commit[]>> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  #end(): void {
    this.#isEnded = true
    this.#log.remove(this.#tail)
    this.#waiting?.({ done: true, value: undefined })
    this.#waiting = null
  }

  #come(): void {
    if (this.#isComing || !this.#waiting || this.#life.isDead) return
    const { scheduler, random } = this.#life.process.around
    this.#isComing = true
    const { silentUntil } = this.#life
    const silentMs = Math.max(0, silentUntil - scheduler.now)
    scheduler.after(1 + random.next() * this.#life.tailMs + silentMs, () => {
      this.#isComing = false
      if (this.#isEnded || !this.#waiting) return
      // A restarted server has forgotten who was reading; the reader asks again.
      if (this.#log.server.isDown) return this.#comeLater()
      const batch = this.#batch(random.chance(0.3) ? random.between(1, 3) : batchMax)
      if (batch.length === 0) return
      this.#isComing = true
      this.#life.deliver(() => this.#hand(batch))
    })
  }

  #comeLater(): void {
    this.#isComing = true
    this.#life.process.around.scheduler.after(500, () => {
      this.#isComing = false
      this.#come()
    })
  }

  #batch(max: number): Commit[] {
    const { commits } = this.#log
    const { tenant, kinds, topic } = this.#options
    const batch: Commit[] = []
    let next = this.#next
    for (; next <= commits.length && batch.length < max; next++) {
      const commit = commits[next - 1]!
      if (tenant !== undefined && commit.tenant !== tenant) continue
      if (kinds && !kinds.includes(commit.topic.kind)) continue
      if (topic && (commit.topic.name !== topic.name || commit.topic.kind !== topic.kind)) continue
      batch.push(commit)
    }
    this.#next = next
    return batch
  }

  #hand(batch: readonly Commit[]): void {
    const waiting = this.#waiting
    this.#isComing = false
    this.#waiting = null
    waiting?.({ done: false, value: batch })
  }
}
