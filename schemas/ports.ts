/**
 * The whole outside world of a room, as a handful of ports. Rooms are written against these types;
 * `main.ts` builds the real ones and the simulator builds weak in-memory ones. A port may fail in
 * every way the real thing can, and says here what it promises all the same.
 */
import type { Command, CommandType } from './commands.ts'
import type { Event } from './events.ts'
import type { AssetKey, Digest, PipelineId, PipelineVersion } from './ids.ts'

/** What a commit is about. Names what lives, never what happens. */
export type Topic = { readonly kind: TopicKind; readonly name: string }
export const topicKinds = [
  'asset',
  'pipeline',
  'run',
  'interaction',
  'release',
  'worker',
  'source',
  'rule',
  'sink',
  'token',
  'projection',
] as const
export type TopicKind = (typeof topicKinds)[number]

export type NewCommit = {
  readonly tenant: string
  readonly topic: Topic
  /** Deterministic: the same decision on the same state has the same id. */
  readonly id: string
  readonly events: readonly Event[]
  /** The room or program that writes, for people. */
  readonly source: string
  /** Last sequence of the topic that the decision was taken on; 0 when there was none. */
  readonly expect?: number
  readonly run?: string
  /** What led to it and what it belongs to; found in the events when left out, see `cause.ts`. */
  readonly causationId?: string
  readonly correlationId?: string
  /** What its trace stands for, see `trace.ts`; found in the events when left out. */
  readonly trace?: string
}

/** The events of one decision as the log keeps them, all or nothing. */
export type Commit = {
  readonly tenant: string
  readonly topic: Topic
  readonly seq: number
  /** The server's time of recording, milliseconds since 1970 UTC. */
  readonly at: number
  readonly id: string
  readonly events: readonly Event[]
  /** Set when the message could not be decoded; `events` is empty then. */
  readonly problem?: string
}

export type Appended =
  | { readonly outcome: 'stored' | 'duplicate'; readonly seq: number }
  | { readonly outcome: 'conflict' }

export type LogHead = { readonly seq: number; readonly incarnation: string }

export type Log = {
  /** Resolves when the commit is on disk. Rejects when that is unknown: append again, same id. */
  append(commit: NewCommit): Promise<Appended>
  /** The newest commit of a topic. */
  last(tenant: string, topic: Topic): Promise<Commit | null>
  at(seq: number): Promise<Commit | null>
  /** The newest sequence, of all or of the named kinds; 0 when there is none. */
  head(kinds?: readonly TopicKind[]): Promise<LogHead>
  /**
   * Commits from `from` on, in order, without gaps, in batches as they come; ends with the signal.
   * `tenant` left out means all.
   */
  tail(options: {
    readonly from: number
    readonly tenant?: string
    readonly kinds?: readonly TopicKind[]
    /** Only this topic (of `tenant`). */
    readonly topic?: Topic
    readonly signal: AbortSignal
  }): AsyncIterable<readonly Commit[]>
}

export type Timer =
  | { readonly kind: 'due'; readonly tenant: string; readonly pipeline: PipelineId }
  | { readonly kind: 'redrive'; readonly tenant: string; readonly pipeline: PipelineId }
  /** Of a question or of a cancellation: `about` tells them apart. */
  | {
      readonly kind: 'deadline'
      readonly tenant: string
      readonly pipeline: PipelineId
      readonly about: string
    }
  | { readonly kind: 'fetch'; readonly tenant: string; readonly asset: AssetKey }
  | { readonly kind: 'fetch-full'; readonly tenant: string; readonly asset: AssetKey }
  | { readonly kind: 'poll'; readonly tenant: string; readonly source: string }
  | { readonly kind: 'drift'; readonly tenant: string; readonly pipeline: PipelineId }

/** A queue of commands: one per kind, one per pool for drift, one per pipeline version for runs. */
export type Queue =
  | { readonly kind: 'fetch' }
  | { readonly kind: 'due' }
  | { readonly kind: 'resolve' }
  | { readonly kind: 'drift'; readonly pool: string }
  | {
      readonly kind: 'run'
      readonly tenant: string
      readonly pipeline: PipelineId
      readonly version: PipelineVersion
      readonly concurrency: number
    }

export type Delivery<C extends Command = Command> = {
  readonly tenant: string
  /** Null when it could not be decoded; `problem` says why, `sample` how it begins. */
  readonly command: C | null
  readonly problem?: string
  readonly sample?: Uint8Array
  /** The pipeline or asset it is about. */
  readonly about: string
  /** 1 on the first delivery. A crash of the receiver counts. */
  readonly deliveries: number
  /**
   * Set when it was queued before the server last came back, which may have forgotten that it handed it
   * out, or that it was settled: how often the server had come back by then.
   */
  readonly sinceReturn?: number
  readonly at: number
  /** Only after the effect is durable. Late acknowledgements of lost deliveries are honoured. */
  readonly ack: () => void
  readonly retry: (delayMs: number) => void
  readonly refuse: (reason: string) => void
  /** Renews the lease. */
  readonly working: () => void
}

export type Control = {
  /** One timer fires once at `at` and tells `command`; a later moment replaces an earlier one. */
  arm(timer: Timer, at: number, command: Command): Promise<void>
  /** Fires every `everyMs` (≥ 1,000); a timer whose time and command are unchanged keeps its phase. */
  repeat(timer: Timer, everyMs: number, command: Command): Promise<void>
  disarm(timer: Timer): Promise<void>
  /** Resolves when the command is queued; the same id within two minutes is queued once. */
  send(tenant: string, command: Command, id: string): Promise<void>
  ensureQueue(queue: Queue): Promise<void>
  /** How many commands wait or are being worked on; null when the queue does not exist. */
  depth(queue: Queue): Promise<number | null>
  /**
   * Takes at most `concurrency` commands at a time and hands each to `handle`, which settles it.
   * Resolves when the signal fired and everything taken was handled.
   */
  consume<T extends CommandType>(
    queue: Queue,
    options: { readonly concurrency: number; readonly signal: AbortSignal },
    handle: (delivery: Delivery<Extract<Command, { type: T }>>) => Promise<void>,
  ): Promise<void>
}

/** Bytes by digest, each tenant's apart. What `put` resolved for is durable. */
export type Content = {
  put(tenant: string, bytes: Uint8Array): Promise<Digest>
  /** Verified on read. Null when there are no such bytes. */
  get(tenant: string, digest: Digest): Promise<Uint8Array | null>
  /** How much is stored, of all tenants; left out where nobody asks. */
  sizeBytes?(): Promise<number>
}

/** Small, volatile, shared facts with a time to live: presence, rate limits. Lost on a restart. */
export type Live = {
  put(key: string, value: string, ttlMs: number): Promise<void>
  get(key: string): Promise<{ readonly value: string; readonly revision: number } | null>
  /** False when somebody was faster. `revision` 0 means the key must not exist. */
  swap(key: string, value: string, revision: number, ttlMs: number): Promise<boolean>
  keys(prefix: string): Promise<readonly string[]>
}

/** A question that programs ask over NATS: found by `nats service list`, JSON in, JSON out. */
export type Service = {
  /** One word, as people list it. */
  readonly name: string
  /** Whose questions it answers; null: every tenant's. */
  readonly tenant: string | null
  readonly version: string
  readonly description: string
  /** JSON Schema of what is asked and of what is answered, shown to who looks for services. */
  readonly request: object
  readonly response: object
  /** A thrown error with a `status` is answered with it; any other is ours to blame. */
  answer(request: unknown, tenant: string): Promise<object>
}

export type Services = {
  /** Resolves when it is found; it answers until the signal fires. */
  serve(service: Service, signal: AbortSignal): Promise<void>
  /** Rejects with the `status` and `code` of a refusal, 503 when nobody answers within the time. */
  ask(tenant: string, name: string, request: object, withinMs: number): Promise<unknown>
}

export type Clock = {
  /** Milliseconds since 1970 UTC, by this machine. Never a base for what the log decides. */
  now(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** How rooms speak to the people who run them. */
export type Logger = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
