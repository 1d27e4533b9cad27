/**
 * A process that can be killed, stopped for a while, cut off and started again. Everything it does
 * outside itself goes through `call` and `post`, is counted, and may meet the fault that was drawn for
 * that number. Whatever comes back to it goes through `deliver`: a dead life hears of nothing any more,
 * a sleeping one hears of it when it wakes.
 */
import type { Clock, Logger } from '@headway/schemas/ports.ts'
import type { EffectFault } from './faults.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** Where a request goes: what is down answers nobody. */
export type Server = { readonly name: string; isDown: boolean }

export type Surroundings = {
  readonly scheduler: Scheduler
  readonly random: Random
  /** Null when nobody listens: words cost time. */
  readonly tell: ((who: string, what: string) => void) | null
  /** Everything that is asked of a server is told as well. */
  readonly isEveryEffectTold: boolean
  /** Counts faults that took effect. */
  readonly onFault: (kind: string) => void
}

/** How often an answer comes before anything else happens. */
const promptly = 0.6
const tailMsMax = [4, 20, 60, 200] as const
/** As the clients of NATS are configured. */
const timeoutMs = 5_000

/** Nobody answered in time: what was asked may have happened or not. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}

const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} }

export class Process {
  readonly name: string
  readonly around: Surroundings
  readonly faults = new Map<number, EffectFault>()
  effects = 0
  lives = 0
  skewMs = 0
  /** Nothing runs in it before then. */
  sleepsUntil = 0
  life: Life | null = null
  /** Takes no faults any more. */
  isSafe = false
  /** Starts no life any more. */
  isRetired = false
  /** Hears how a life ended that was not killed. */
  readonly onEnded: (how: 'ended' | Error) => void
  readonly #start: (life: Life) => Promise<void>

  constructor(
    name: string,
    around: Surroundings,
    start: (life: Life) => Promise<void>,
    onEnded: (how: 'ended' | Error) => void,
  ) {
    this.name = name
    this.around = around
    this.#start = start
    this.onEnded = onEnded
  }

  /** Starts a life; when it ends, however it ends, another one follows. */
  start(): void {
    if (this.life || this.isRetired) return
    const life = new Life(this, ++this.lives)
    this.life = life
    this.around.tell?.(this.name, `starts (life ${life.number})`)
    this.#start(life).then(
      () => life.end('ended'),
      (error: unknown) => life.end(error instanceof Error ? error : new Error(String(error))),
    )
  }

  kill(restartMs: number): void {
    const { life, around } = this
    if (!life) return
    around.tell?.(this.name, `is killed, back in ${restartMs} ms`)
    life.die()
    this.sleepsUntil = 0
    around.scheduler.after(restartMs, () => this.start())
  }

  pause(ms: number): void {
    const { scheduler, tell } = this.around
    tell?.(this.name, `stands still for ${ms} ms`)
    this.sleepsUntil = Math.max(this.sleepsUntil, scheduler.now + ms)
  }

  wake(): void {
    this.sleepsUntil = Math.min(this.sleepsUntil, this.around.scheduler.now)
  }
}

export class Life {
  readonly process: Process
  readonly number: number
  readonly #stop = new AbortController()
  isDead = false
  /** How late its readers of the log hear of a commit at most. */
  readonly tailMs: number
  /** Its readers of the log hear nothing before then. */
  silentUntil = 0
  /** Called once when it is dead or has ended. */
  readonly onEnd: (() => void)[] = []
  readonly logger: Logger

  constructor(process: Process, number: number) {
    this.process = process
    this.number = number
    this.tailMs = process.around.random.pick(tailMsMax)
    const { tell } = process.around
    const say = (fields: object, message: string) =>
      tell?.(process.name, `${message} ${JSON.stringify(fields)}`)
    this.logger = tell ? { info: () => {}, warn: say, error: say } : silent
  }

  get name(): string {
    return `${this.process.name}.${this.number}`
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** SIGTERM. */
  stop(): void {
    this.process.around.tell?.(this.process.name, 'is told to stop')
    this.process.around.scheduler.after(1, () => this.deliver(() => this.#stop.abort()))
  }

  /** SIGKILL. */
  die(): void {
    if (this.isDead) return
    this.isDead = true
    this.process.life = null
    for (const end of this.onEnd) end()
  }

  /** Its program ran to its end, or fell. */
  end(how: 'ended' | Error): void {
    if (this.isDead) return
    const { process } = this
    this.die()
    process.around.tell?.(process.name, how === 'ended' ? 'has ended' : `fell: ${how.message}`)
    process.onEnded(how)
  }

  deliver(what: () => void): void {
    if (this.isDead) return
    const { scheduler, random } = this.process.around
    const { sleepsUntil } = this.process
    if (scheduler.now >= sleepsUntil) return what()
    scheduler.after(sleepsUntil - scheduler.now + random.next(), () => this.deliver(what))
  }

  /** Asks a server; rejects when no answer came, whether it was done or not. */
  call<T>(server: Server, name: string, serve: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#send(server, name, serve, (answer) => resolve(answer), reject)
    })
  }

  /** Tells a server without waiting for an answer. */
  post(server: Server, name: string, serve: () => void): void {
    this.#send(server, name, serve, null, () => {})
  }

  readonly clock: Clock = {
    now: () => Math.floor(this.process.around.scheduler.now + this.process.skewMs),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const { scheduler } = this.process.around
        const done = () => {
          scheduler.cancel(pending)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        const pending = scheduler.after(Math.max(0, ms), () => this.deliver(done))
        signal?.addEventListener('abort', done)
      }),
  }

  #send<T>(
    server: Server,
    name: string,
    serve: () => T,
    resolve: ((answer: T) => void) | null,
    reject: (error: Error) => void,
  ): void {
    if (this.isDead) return
    const { process } = this
    const { around } = process
    const { scheduler, random } = around
    const number = ++process.effects
    const fault = process.isSafe ? undefined : process.faults.get(number)
    if (around.isEveryEffectTold) around.tell?.(process.name, `#${number} ${name}`)
    if (fault) {
      around.onFault(fault.kind)
      around.tell?.(process.name, `#${number} ${name}: ${fault.kind}`)
      if (fault.kind === 'crash before') return process.kill(fault.ms)
      if (fault.kind === 'pause before') process.pause(fault.ms)
    }
    const kind = fault?.kind
    const sentMs = Math.max(0, process.sleepsUntil - scheduler.now)
    const thereMs = sentMs + 1 + random.next() * 2 + (kind === 'request late' ? fault!.ms : 0)
    let isGivenUp = false
    const giveUp = () => {
      isGivenUp = true
      reject(new Unanswered(`${name}: nobody answered`))
    }
    const fail = (afterMs: number) => {
      if (resolve) scheduler.after(Math.max(1, afterMs), () => this.deliver(giveUp))
    }
    if (kind === 'request late' && thereMs - sentMs > timeoutMs) fail(sentMs + timeoutMs)
    scheduler.after(thereMs, () => {
      if (server.isDown || kind === 'request lost') return fail(timeoutMs)
      let answer: T
      try {
        answer = serve()
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        if (resolve) scheduler.after(1, () => this.deliver(() => reject(error)))
        return
      }
      if (kind === 'crash after') return process.life === this ? process.kill(fault!.ms) : undefined
      if (kind === 'pause after' && process.life === this) process.pause(fault!.ms)
      if (!resolve) return
      if (kind === 'reply lost') return fail(timeoutMs)
      const take = () => isGivenUp || resolve(answer)
      if (kind === undefined && random.chance(promptly)) return this.deliver(take)
      const backMs = 1 + random.next() * 2 + (kind === 'reply late' ? fault!.ms : 0)
      scheduler.after(backMs, () => this.deliver(take))
    })
  }
}

/** What a server answers instead of doing what it was asked. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
}
