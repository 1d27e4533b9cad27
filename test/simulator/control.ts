/**
 * The work queue in memory, as weak as the real one: acknowledgements are honoured however late, a
 * message whose taker is silent goes to another one, what was not yet on disk is gone after a power cut,
 * ids are known for a while only, and a timer that fires may take its newer replacement with it.
 */
import type { Command } from '@headway/schemas/commands.ts'
import type { Queue, Timer } from '@headway/schemas/ports.ts'
import type { Pending } from './scheduler.ts'
import { ServerError, type Server, type Surroundings } from './process.ts'

export const leaseMs = 4_000
const unsyncedMs = 1_500
const timerLateMsMax = 250
const replacedMs = 60

/** One taker's connection to one queue. */
export type Taker = {
  free: number
  isGone: boolean
  readonly hand: (message: Message, deliveries: number) => void
}

export type Message = {
  readonly seq: number
  readonly queue: string
  readonly tenant: string
  readonly about: string
  /** Null when nobody can read it. */
  readonly command: Command | null
  readonly at: number
  deliveries: number
  state: 'waiting' | 'taken' | 'gone'
  leaseUntil: number
  lease: Pending | null
}

type Consumer = {
  readonly takers: Taker[]
  readonly again: Message[]
  pendingMax: number
  /** Delivered and neither acknowledged nor gone. */
  pending: number
}

export type Schedule = {
  readonly seq: number
  readonly specification: string
  readonly everyMs: number | null
  readonly armedAt: number
  readonly at: number
  readonly tenant: string
  readonly command: Command
  fire: Pending | null
}

export const queueKey = (queue: Queue): string => {
  if (queue.kind === 'drift') return `drift\n${queue.pool}`
  if (queue.kind !== 'run') return queue.kind
  return `run\n${queue.tenant}\n${queue.pipeline}\n${queue.version}`
}

const nameOf = (timer: Timer): string => {
  if ('asset' in timer) return timer.asset
  return 'source' in timer ? timer.source : timer.pipeline
}

export const timerKey = (timer: Timer): string =>
  `${timer.tenant}\n${timer.kind}\n${nameOf(timer)}\n${'about' in timer ? timer.about : ''}`

const queueOf = (tenant: string, command: Command): { queue: string; about: string } => {
  switch (command.type) {
    case 'FetchAsset':
      return { queue: 'fetch', about: command.asset }
    case 'ResolvePush':
    case 'PollSource':
      return { queue: 'resolve', about: command.source }
    case 'CloseWindow':
      return { queue: 'due', about: command.pipeline }
    case 'CheckDrift':
      return { queue: `drift\n${command.pool}`, about: command.pipeline }
    case 'RunPipeline': {
      const { pipeline, pipelineVersion } = command.request
      const version = command.pipelineVersion ?? pipelineVersion
      return { queue: `run\n${tenant}\n${pipeline}\n${version}`, about: pipeline }
    }
  }
}

export class ControlServer {
  readonly server: Server
  readonly dedupeMs: number
  readonly #around: Surroundings
  readonly #messages = new Map<string, Message[]>()
  readonly #consumers = new Map<string, Consumer>()
  readonly #schedules = new Map<string, Schedule>()
  readonly #ids = new Map<string, number>()
  /** How to take back what is not on disk yet, newest last. */
  #undo: { readonly at: number; readonly undo: () => void }[] = []
  #seq = 0

  /** The newest of what was ever queued or armed. */
  get seq(): number {
    return this.#seq
  }

  constructor(server: Server, around: Surroundings, dedupeMs: number) {
    this.server = server
    this.#around = around
    this.dedupeMs = dedupeMs
  }

  send(tenant: string, command: Command, id: string): void {
    const { now } = this.#around.scheduler
    const known = this.#ids.get(id)
    if (known !== undefined && now - known < this.dedupeMs) return
    this.#ids.set(id, now)
    this.#done(() => this.#ids.delete(id))
    const { queue, about } = queueOf(tenant, command)
    this.#store(queue, tenant, about, command)
  }

  /** Somebody queued what nobody can read. */
  poison(queue: string, tenant: string, about: string): void {
    this.#store(queue, tenant, about, null)
  }

  ensure(queue: Queue): void {
    const key = queueKey(queue)
    const pendingMax = queue.kind === 'run' ? queue.concurrency : 10_000
    const known = this.#consumers.get(key)
    if (known) {
      known.pendingMax = pendingMax
      return
    }
    this.#consumers.set(key, { takers: [], again: [], pendingMax, pending: 0 })
    this.#done(() => {
      this.#consumers.delete(key)
      // The next one begins anew with whatever is there.
      for (const message of this.#messages.get(key) ?? []) {
        this.#release(message)
        message.state = 'waiting'
      }
    })
  }

  depth(queue: Queue): number | null {
    const key = queueKey(queue)
    if (!this.#consumers.has(key)) return null
    return this.#messages.get(key)?.length ?? 0
  }

  /** A taker is there, or has a hand free again. */
  ask(queue: string, taker: Taker): void {
    const consumer = this.#consumers.get(queue)
    if (!consumer) throw new ServerError('there is no such consumer')
    if (!consumer.takers.includes(taker)) consumer.takers.push(taker)
    this.#serve(queue)
  }

  leave(queue: string, taker: Taker): void {
    taker.isGone = true
    const takers = this.#consumers.get(queue)?.takers
    const place = takers?.indexOf(taker) ?? -1
    if (place >= 0) takers!.splice(place, 1)
  }

  ack(message: Message): void {
    if (message.state === 'gone') return
    const wasTaken = message.state === 'taken'
    const messages = this.#messages.get(message.queue)!
    messages.splice(messages.indexOf(message), 1)
    this.#release(message)
    message.state = 'gone'
    const consumer = this.#consumers.get(message.queue)
    const again = consumer?.again.indexOf(message) ?? -1
    if (again >= 0) consumer!.again.splice(again, 1)
    if (consumer && wasTaken) consumer.pending--
    this.#done(() => {
      message.state = 'waiting'
      message.deliveries = Math.max(0, message.deliveries - 1)
      messages.push(message)
      messages.sort((a, b) => a.seq - b.seq)
    })
    this.#serve(message.queue)
  }

  retry(message: Message, delayMs: number): void {
    if (message.state === 'taken') this.#lease(message, delayMs)
  }

  working(message: Message): void {
    if (message.state === 'taken') message.leaseUntil = this.#around.scheduler.now + leaseMs
  }

  armed(timer: Timer): Schedule | null {
    return this.#schedules.get(timerKey(timer)) ?? null
  }

  /** False when the schedule is not where the caller saw it. */
  arm(
    timer: Timer,
    what: Pick<Schedule, 'specification' | 'everyMs' | 'at' | 'command'>,
    expect: number,
  ): boolean {
    const key = timerKey(timer)
    const before = this.#schedules.get(key) ?? null
    if ((before?.seq ?? 0) !== expect) return false
    const { now } = this.#around.scheduler
    const seq = ++this.#seq
    const schedule = { ...what, seq, armedAt: now, tenant: timer.tenant, fire: null }
    this.#schedules.set(key, schedule)
    this.#done(() => {
      if (this.#schedules.get(key)?.seq !== seq) return
      if (before) this.#schedules.set(key, before)
      else this.#schedules.delete(key)
    })
    this.#wait(key, schedule)
    return true
  }

  disarm(timer: Timer): void {
    const key = timerKey(timer)
    const before = this.#schedules.get(key)
    if (!before) return
    this.#schedules.delete(key)
    this.#done(() => {
      if (!this.#schedules.has(key)) this.#schedules.set(key, before)
    })
  }

  /** Some of what was not on disk is gone, as if it had never been asked for. */
  losePower(): void {
    const since = this.#around.scheduler.now - this.#around.random.next() * unsyncedMs
    while (this.#undo.length > 0 && this.#undo.at(-1)!.at >= since) this.#undo.pop()!.undo()
    this.#undo = []
  }

  /** After a restart everybody is forgotten who was asking; what was taken keeps its lease. */
  comeBack(): void {
    for (const { takers } of this.#consumers.values()) takers.length = 0
    for (const [key, schedule] of this.#schedules) this.#wait(key, schedule)
  }

  /** Everything that is being worked on goes out once more. */
  redeliver(): void {
    for (const messages of this.#messages.values())
      for (const message of messages)
        if (message.state === 'taken') {
          message.leaseUntil = this.#around.scheduler.now
          if (message.lease) this.#around.scheduler.cancel(message.lease)
          this.#expire(message)
        }
  }

  #store(queue: string, tenant: string, about: string, command: Command | null): void {
    const message: Message = {
      seq: ++this.#seq,
      queue,
      tenant,
      about,
      command,
      at: Math.floor(this.#around.scheduler.now),
      deliveries: 0,
      state: 'waiting',
      leaseUntil: 0,
      lease: null,
    }
    let messages = this.#messages.get(queue)
    if (!messages) this.#messages.set(queue, (messages = []))
    messages.push(message)
    this.#done(() => {
      if (message.state !== 'gone') this.#forget(message)
    })
    this.#serve(queue)
  }

  #forget(message: Message): void {
    const consumer = this.#consumers.get(message.queue)
    if (consumer && message.state === 'taken') consumer.pending--
    this.#release(message)
    message.state = 'gone'
    const messages = this.#messages.get(message.queue)!
    const place = messages.indexOf(message)
    if (place >= 0) messages.splice(place, 1)
  }

  #serve(queue: string): void {
    const consumer = this.#consumers.get(queue)
    if (!consumer || this.server.isDown) return
    const { again, takers } = consumer
    for (;;) {
      const taker = takers.find(({ free }) => free > 0)
      if (!taker) return
      const redelivered = again.shift()
      if (redelivered) {
        if (redelivered.state === 'taken') this.#hand(taker, redelivered)
        continue
      }
      if (consumer.pending >= consumer.pendingMax) return
      const message = this.#messages.get(queue)?.find(({ state }) => state === 'waiting')
      if (!message) return
      message.state = 'taken'
      consumer.pending++
      this.#hand(taker, message)
    }
  }

  #hand(taker: Taker, message: Message): void {
    taker.free--
    message.deliveries++
    this.#lease(message, leaseMs)
    taker.hand(message, message.deliveries)
  }

  #lease(message: Message, ms: number): void {
    const { scheduler } = this.#around
    this.#release(message)
    message.leaseUntil = scheduler.now + ms
    message.lease = scheduler.after(ms, () => this.#expire(message))
  }

  #release(message: Message): void {
    if (message.lease) this.#around.scheduler.cancel(message.lease)
    message.lease = null
  }

  #expire(message: Message): void {
    message.lease = null
    if (message.state !== 'taken') return
    const leftMs = message.leaseUntil - this.#around.scheduler.now
    if (leftMs > 0) {
      message.lease = this.#around.scheduler.after(leftMs, () => this.#expire(message))
      return
    }
    const consumer = this.#consumers.get(message.queue)
    if (!consumer) {
      message.state = 'waiting'
      return
    }
    if (!consumer.again.includes(message)) consumer.again.push(message)
    this.#serve(message.queue)
  }

  #wait(key: string, schedule: Schedule): void {
    const { scheduler, random } = this.#around
    if (schedule.fire) scheduler.cancel(schedule.fire)
    const lateMs = 1 + random.next() * timerLateMsMax
    const inMs = Math.max(0, schedule.at - scheduler.now) + lateMs
    schedule.fire = scheduler.after(inMs, () => this.#fire(key, schedule))
  }

  #fire(key: string, schedule: Schedule): void {
    const { scheduler } = this.#around
    schedule.fire = null
    if (this.server.isDown) return
    const current = this.#schedules.get(key)
    // A replacement that came while the old one was being fired goes with it.
    const isReplaced = current !== schedule
    if (isReplaced && !(current && scheduler.now - current.armedAt < replacedMs)) return
    if (schedule.everyMs === null) {
      this.#schedules.delete(key)
      this.#done(() => {
        if (!this.#schedules.has(key)) this.#schedules.set(key, schedule)
      })
    } else if (!isReplaced) {
      const next = { ...schedule, at: scheduler.now + schedule.everyMs }
      this.#schedules.set(key, next)
      this.#wait(key, next)
    }
    const { tenant, command } = schedule
    const { queue, about } = queueOf(tenant, command)
    this.#store(queue, tenant, about, command)
  }

  #done(undo: () => void): void {
    this.#undo.push({ at: this.#around.scheduler.now, undo })
  }
}
