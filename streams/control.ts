/**
 * The work queue's door: timers that JetStream holds, and commands that wait until done.
 *
 * A timer is a schedule, one per subject, so arming is replacing. Several rooms may arm the same one;
 * they agree by compare-and-set on the schedule's sequence, and the later moment stands. After the last
 * arm there is always a fire with a higher sequence, and a fire only means "look again".
 *
 * A taker never holds more than it has hands for, because the lease of a message that waits in a buffer
 * runs as well: one pull for each free hand, or as many as the queue gives out at a time.
 */
import { AckPolicy, JetStreamApiError, type JsMsg } from '@nats-io/jetstream'
import { nanos, type MsgHdrs } from '@nats-io/transport-node'
import { CodecError, decodeCommand, encodeCommand } from '@headway/schemas/codec.ts'
import type { Command } from '@headway/schemas/commands.ts'
import type { Control, Delivery, Queue, Timer } from '@headway/schemas/ports.ts'
import type { Connection } from './connect.ts'
import { aboutOf, commandSubject, parseSubject, queueConsumer, timerSubject } from './subjects.ts'

const stream = 'CONTROL'
/** How long a taker may be silent before its command goes to another one. */
export const leaseMs = 4_000
/** A restarted server has forgotten who was asking; each asks again after this. */
const pullMs = 5_000
/** Of a standing request: two missed heartbeats tell that the server forgot it. */
const takeMs = 10_000
const heartbeatMs = 1_000
const againMs = 250
const wrongLastSequence = 10071

const deliveryOf = <C extends Command>(message: JsMsg, returns: Returns): Delivery<C> => {
  const isOld = message.seq <= returns.seq
  const base = {
    tenant: parseSubject(message.subject).tenant,
    about: aboutOf(message.subject),
    deliveries: message.info.deliveryCount,
    ...(isOld ? { sinceReturn: returns.times } : {}),
    at: Number(message.timestampNanos / 1_000_000n),
    ack: () => message.ack(),
    retry: (delayMs: number) => message.nak(delayMs),
    refuse: (reason: string) => message.term(reason),
    working: () => message.working(),
  }
  try {
    return { ...base, command: decodeCommand(message.data) as C }
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return { ...base, command: null, problem: error.message, sample: message.data }
  }
}

/** How often the server came back, the first time included, and the newest message that was there then. */
type Returns = { readonly times: number; readonly seq: number }

/**
 * Watches the server come back. What it holds then may have been handed out, or settled, without its
 * knowing; as long as it has not said how much that is, everything counts as old.
 */
const watchReturns = ({ nc, jsm, onReconnect }: Connection): (() => Returns) => {
  let returns: Returns = { times: 0, seq: Infinity }
  const learn = async () => {
    const times = returns.times + 1
    returns = { times, seq: Infinity }
    while (returns.times === times && returns.seq === Infinity && !nc.isClosed())
      try {
        const { state } = await jsm.streams.info(stream)
        if (returns.times === times) returns = { times, seq: state.last_seq }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, againMs))
      }
  }
  onReconnect(() => void learn())
  void learn()
  return () => returns
}

type Armed = { readonly specification: string; readonly command: Uint8Array }

const headerOf = (headers: MsgHdrs | undefined, name: string): string => headers?.get(name) ?? ''

export const openControl = (connection: Connection): Control => {
  const { js, jsm, onReconnect } = connection
  let returns: (() => Returns) | null = null
  /** The armed schedule of a timer: its sequence (0 for none), specification and command. */
  const armed = async (timer: Timer): Promise<Armed & { seq: number }> => {
    const message = await jsm.streams.getMessage(stream, { last_by_subj: timerSubject(timer) })
    if (!message) return { seq: 0, specification: '', command: new Uint8Array() }
    const specification = headerOf(message.header, 'Nats-Schedule')
    return { seq: message.seq, specification, command: message.data }
  }

  /** Sets the schedule unless `stands` says that what is armed is good; again when outrun. */
  const schedule = async (
    timer: Timer,
    specification: string,
    command: Command,
    stands: (current: Armed) => boolean,
    ttl?: string,
  ): Promise<void> => {
    for (;;) {
      const current = await armed(timer)
      if (current.seq > 0 && stands(current)) return
      try {
        await js.publish(timerSubject(timer), encodeCommand(command), {
          expect: { lastSubjectSequence: current.seq },
          schedule: {
            specification,
            target: commandSubject(timer.tenant, command),
            ...(ttl ? { ttl } : {}),
          },
        })
        return
      } catch (error) {
        if (!(error instanceof JetStreamApiError && error.code === wrongLastSequence)) throw error
      }
    }
  }

  const ensureQueue = async (queue: Queue): Promise<void> => {
    const { name, filter } = queueConsumer(queue)
    await jsm.consumers
      .add(stream, {
        durable_name: name,
        description: `Headway: ${queue.kind} commands`,
        filter_subject: filter,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(leaseMs),
        max_deliver: -1,
        max_ack_pending: queue.kind === 'run' ? queue.concurrency : 10_000,
      })
      .catch(async (error: unknown) => {
        const differs = error instanceof JetStreamApiError && error.code === 10148
        if (!differs) throw error
        if (queue.kind === 'run')
          await jsm.consumers.update(stream, name, { max_ack_pending: queue.concurrency })
      })
  }

  return {
    arm: (timer, at, command) =>
      schedule(timer, `@at ${new Date(at).toISOString()}`, command, (current) => {
        const armedAt = Date.parse(current.specification.replace(/^@at /, ''))
        return armedAt >= at
      }),
    repeat: (timer, everyMs, command) => {
      const specification = `@every ${Math.max(1, Math.round(everyMs / 1_000))}s`
      const ttl = `${Math.max(1, Math.round(everyMs / 1_000))}s`
      const told = encodeCommand(command)
      const stands = (current: Armed) =>
        current.specification === specification && Buffer.compare(current.command, told) === 0
      return schedule(timer, specification, command, stands, ttl)
    },
    disarm: async (timer) => {
      await jsm.streams.purge(stream, { filter: timerSubject(timer) })
    },
    send: async (tenant, command, id) => {
      await js.publish(commandSubject(tenant, command), encodeCommand(command), {
        msgID: id,
        retries: 5,
      })
    },
    ensureQueue,
    depth: async (queue) => {
      const { name } = queueConsumer(queue)
      const info = await jsm.consumers.info(stream, name).catch((error: unknown) => {
        if (error instanceof JetStreamApiError && error.code === 10014) return null
        throw error
      })
      return info && info.num_pending + info.num_ack_pending
    },
    consume: async (queue, { concurrency, signal }, handle) => {
      const { name } = queueConsumer(queue)
      const read = (returns ??= watchReturns(connection))
      const hand = (message: JsMsg) => handle(deliveryOf(message, read()))
      // Without an answer each hand tries again, for as long as it takes.
      await ensureQueue(queue).catch(() => {})
      const stopped = new Promise<'stopped'>((resolve) => {
        if (signal.aborted) resolve('stopped')
        signal.addEventListener('abort', () => resolve('stopped'), { once: true })
      })
      if (queue.kind === 'run') return takeAll(js, queue, ensureQueue, { signal, stopped }, hand)
      const takeTurns = async () => {
        while (!signal.aborted) {
          try {
            const consumer = await js.consumers.get(stream, name)
            await takeOneByOne(consumer, { signal, stopped, onReconnect }, hand)
          } catch {
            await ensureQueue(queue).catch(() => {})
            await new Promise((resolve) => setTimeout(resolve, againMs))
          }
        }
      }
      await Promise.all(Array.from({ length: concurrency }, takeTurns))
    },
  }
}

/**
 * Takes whatever the server gives: it gives out no more than `concurrency` at a time, whoever takes them,
 * so one standing request is enough for all hands.
 */
const takeAll = async (
  js: Connection['js'],
  queue: Extract<Queue, { kind: 'run' }>,
  ensureQueue: (queue: Queue) => Promise<void>,
  { signal, stopped }: { readonly signal: AbortSignal; readonly stopped: Promise<'stopped'> },
  hand: (message: JsMsg) => Promise<void>,
): Promise<void> => {
  const { name } = queueConsumer(queue)
  const handled = new Set<Promise<void>>()
  while (!signal.aborted) {
    try {
      const consumer = await js.consumers.get(stream, name)
      const messages = await consumer.consume({
        max_messages: queue.concurrency,
        expires: takeMs,
        idle_heartbeat: heartbeatMs,
        abort_on_missing_resource: true,
      })
      void stopped.then(() => messages.stop())
      if (signal.aborted) messages.stop()
      for await (const message of messages) {
        const done = hand(message).catch(() => {})
        handled.add(done)
        void done.then(() => handled.delete(done))
      }
    } catch {
      await ensureQueue(queue).catch(() => {})
      await Promise.race([new Promise((resolve) => setTimeout(resolve, againMs)), stopped])
    }
  }
  await Promise.all(handled)
}

/**
 * Pulls, hands over, pulls again. A pull that waits when the signal fires, or when the connection was
 * lost and the server has forgotten it, is given up.
 */
const takeOneByOne = async (
  consumer: { next(options: { expires: number }): Promise<JsMsg | null> },
  {
    signal,
    stopped,
    onReconnect,
  }: Pick<Connection, 'onReconnect'> & {
    readonly signal: AbortSignal
    readonly stopped: Promise<'stopped'>
  },
  hand: (message: JsMsg) => Promise<void>,
): Promise<void> => {
  while (!signal.aborted) {
    const pull = consumer.next({ expires: pullMs })
    let deaf = () => {}
    const lost = new Promise<'lost'>((resolve) => {
      deaf = onReconnect(() => resolve('lost'))
    })
    const taken = await Promise.race([pull, stopped, lost]).finally(() => deaf())
    if (taken === 'stopped' || taken === 'lost') {
      // What still arrives is handed over as well: the taker knows that it stops, and how to give back.
      pull.then(
        (late) => late && hand(late),
        () => {},
      )
      if (taken === 'stopped') return
      continue
    }
    if (!taken) continue
    await hand(taken)
  }
}
