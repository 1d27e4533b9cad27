/**
 * The log's door: append and read.
 *
 * An append is acknowledged when it is on disk. When the answer is lost the commit may be stored or
 * not, so it is sent again under the same id until somebody answers: the server knows the id for two
 * minutes, and a decision that must be unique also carries the last sequence it was taken on, which
 * never expires. A conflict may be our own first try; the id of the newest message tells.
 */
import {
  DeliverPolicy,
  JetStreamApiError,
  type JsMsg,
  type PubAck,
  type StoredMsg,
} from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { causeOf, correlationOf } from '@headway/schemas/cause.ts'
import { decodeEvents, encodeEvents } from '@headway/schemas/codec.ts'
import type { Event } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Appended, Commit, Log, NewCommit } from '@headway/schemas/ports.ts'
import { spanIdOf, traceIdOf, traceparentOf, traceSeedOf } from '@headway/schemas/trace.ts'
import type { Connection } from './connect.ts'
import { filterOf, parseSubject, subjectOf } from './subjects.ts'

const stream = 'EVENTS'
const batchMax = 1_000
/** A server that forgot the consumer shows by two missed heartbeats; after a reconnect nobody waits. */
const consumeOptions = { max_messages: batchMax, expires: 10_000, idle_heartbeat: 1_000 }
const retryMsMax = 2_000
const appendMsMax = 120_000
/** Wrong last sequence; the same on a replicated stream; the same id is being stored right now. */
const conflictCodes = new Set([10071, 10164, 10158])

/** A version begins a trace, what it leads to goes on with it. */
const seedOf = ({ trace, events, correlationId, id }: NewCommit): string => {
  const [first] = events
  if (trace !== undefined) return trace
  if (first?.type === 'AssetVersioned' && first.origin.by !== 'run') return first.version
  if (first?.type === 'RunRequested') return traceSeedOf(first)
  return correlationId ?? id
}

/** CloudEvents in binary mode, and the story of the commit in one line. */
const headersOf = (commit: NewCommit): MsgHdrs => {
  const first = commit.events[0]!
  const types = commit.events.map((event) => event.type)
  const h = headers()
  h.set('ce-specversion', '1.0')
  h.set('ce-id', commit.id)
  h.set('ce-type', types.length === 1 ? `headway.${first.type}.v${first.v}` : 'headway.Commit.v1')
  h.set('ce-source', `/headway/${commit.source}`)
  h.set('ce-subject', encodeURI(commit.topic.name))
  h.set('ce-time', first.at)
  h.set('ce-datacontenttype', 'application/msgpack')
  const { correlationId = correlationOf(commit.events) } = commit
  const { causationId = causeOf(commit.events)?.id } = commit
  h.set('ce-correlationid', correlationId ?? commit.id)
  if (causationId) h.set('ce-causationid', causationId)
  h.set('traceparent', traceparentOf(traceIdOf(seedOf(commit)), spanIdOf(commit.id)))
  h.set('Headway-Events', types.join(' '))
  if (commit.run) h.set('Headway-Run', commit.run)
  return h
}

type Raw = {
  readonly subject: string
  readonly seq: number
  readonly at: number
  readonly data: Uint8Array
  /** Asked for only when wanted: headers are parsed then, and a replay wants none of them. */
  readonly id: () => string
}

const commitOf = ({ subject, seq, at, data, id }: Raw): Commit => {
  const { tenant, topic } = parseSubject(subject)
  let events: readonly Event[] = []
  let problem: string | null = null
  try {
    events = decodeEvents(data)
  } catch (error) {
    problem = (error as Error).message
  }
  return {
    tenant,
    topic,
    seq,
    at,
    events,
    get id() {
      return id()
    },
    ...(problem === null ? {} : { problem }),
  }
}

const fromStored = (message: StoredMsg): Commit =>
  commitOf({
    subject: message.subject,
    seq: message.seq,
    at: message.time.getTime(),
    data: message.data,
    id: () => message.header.get('Nats-Msg-Id'),
  })

const fromDelivered = (message: JsMsg): Commit =>
  commitOf({
    subject: message.subject,
    seq: message.seq,
    at: Number(message.timestampNanos / 1_000_000n),
    data: message.data,
    id: () => message.headers?.get('Nats-Msg-Id') ?? '',
  })

export const openLog = ({ js, jsm, onReconnect }: Connection): Log => {
  const lastOn = shared(async (subject: string): Promise<Commit | null> => {
    const message = await jsm.streams.getMessage(stream, { last_by_subj: subject })
    return message && fromStored(message)
  })
  const last = (tenant: string, topic: Commit['topic']) => lastOn(subjectOf(tenant, topic))

  const append = async (commit: NewCommit): Promise<Appended> => {
    const subject = subjectOf(commit.tenant, commit.topic)
    const body = encodeEvents(commit.events)
    const options = {
      msgID: commit.id,
      headers: headersOf(commit),
      ...(commit.expect === undefined ? {} : { expect: { lastSubjectSequence: commit.expect } }),
    }
    const startedAt = performance.now()
    for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, retryMsMax)) {
      try {
        const ack: PubAck = await js.publish(subject, body, options)
        return { outcome: ack.duplicate ? 'duplicate' : 'stored', seq: ack.seq }
      } catch (error) {
        if (error instanceof JetStreamApiError) {
          if (!conflictCodes.has(error.code)) throw error
          const newest = await last(commit.tenant, commit.topic)
          if (newest?.id === commit.id) return { outcome: 'duplicate', seq: newest.seq }
          return { outcome: 'conflict' }
        }
        if (performance.now() - startedAt > appendMsMax) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs))
    }
  }

  return {
    append,
    last,
    at: async (seq) => {
      const message = await jsm.streams.getMessage(stream, { seq }).catch(() => null)
      return message && fromStored(message)
    },
    head: async (kinds) => {
      const info = await jsm.streams.info(stream)
      const incarnation = toTimestamp(Date.parse(info.created))
      if (!kinds) return { seq: info.state.last_seq, incarnation }
      const newest = await Promise.all(
        kinds.map((kind) => jsm.streams.getMessage(stream, { last_by_subj: filterOf(kind) })),
      )
      return { seq: Math.max(0, ...newest.map((message) => message?.seq ?? 0)), incarnation }
    },
    async *tail({ from, tenant, kinds, topic, signal }) {
      const filters = topic
        ? [subjectOf(tenant ?? 'default', topic)]
        : kinds?.map((kind) => filterOf(kind, tenant))
      let next = from
      while (!signal.aborted) {
        const consumer = await js.consumers
          .get(stream, {
            deliver_policy: DeliverPolicy.StartSequence,
            opt_start_seq: Math.max(1, next),
            ...(filters ? { filter_subjects: filters } : {}),
          })
          .catch(() => null)
        if (!consumer) {
          await new Promise((resolve) => setTimeout(resolve, 250))
          continue
        }
        const messages = await consumer.consume(consumeOptions)
        const stop = () => messages.stop()
        signal.addEventListener('abort', stop, { once: true })
        if (signal.aborted) stop()
        const deaf = onReconnect(stop)
        try {
          for await (const batch of inBatches(messages, fromDelivered)) {
            if (signal.aborted) break
            next = batch.at(-1)!.seq + 1
            yield batch
          }
        } finally {
          signal.removeEventListener('abort', stop)
          deaf()
          messages.stop()
          await consumer.delete().catch(() => false)
        }
      }
    },
  }
}

/**
 * Many who ask the same at once get one answer, asked for after all of them had asked: while one question
 * is under way the next ones wait and are asked together.
 */
const shared = <T>(ask: (key: string) => Promise<T>): ((key: string) => Promise<T>) => {
  const underWay = new Map<string, Promise<unknown>>()
  const next = new Map<string, Promise<T>>()
  const begin = (key: string): Promise<T> => {
    next.delete(key)
    const asked = ask(key)
    const settled = asked.then(
      () => {},
      () => {},
    )
    underWay.set(key, settled)
    void settled.then(() => underWay.get(key) === settled && underWay.delete(key))
    return asked
  }
  return (key) => {
    const before = underWay.get(key)
    if (!before) return begin(key)
    let waiting = next.get(key)
    if (!waiting) next.set(key, (waiting = before.then(() => begin(key))))
    return waiting
  }
}

/**
 * Gathers what arrives while the reader is busy into one batch, at most `batchMax` at a time. Nothing
 * waits for company: a lone message is a batch.
 */
async function* inBatches<In, Out>(
  source: AsyncIterable<In>,
  convert: (one: In) => Out,
): AsyncGenerator<readonly Out[]> {
  let batch: Out[] = []
  let ended = false
  let wakeReader = () => {}
  let wakeWriter = () => {}
  const pump = (async () => {
    for await (const one of source) {
      batch.push(convert(one))
      wakeReader()
      if (batch.length >= batchMax) await new Promise<void>((resolve) => (wakeWriter = resolve))
    }
  })().finally(() => {
    ended = true
    wakeReader()
  })
  for (;;) {
    if (batch.length === 0) {
      if (ended) break
      await new Promise<void>((resolve) => (wakeReader = resolve))
      continue
    }
    const taken = batch
    batch = []
    wakeWriter()
    yield taken
  }
  await pump
}
