/**
 * The debounce room: follows the log, keeps the windows, asks for runs, and gives them their turn.
 *
 * Any number of instances do the same work from the same log. They need no leader: a timer is armed by
 * compare-and-set, a decision is appended only if the pipeline's subject is still where it was taken,
 * and a run command is queued once per id. So an instance that dies is not missed, and what it left
 * half-done (a request without a command) the others do when they read it.
 *
 * The log is followed from its first event; until the head of the start is reached nothing is decided.
 * Then every change leads to a look at the pipelines it touched, a fired timer to one more, and a slow
 * tick looks for what was lost on the way: a window without timer, a request without command, a worker
 * without heartbeat.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import type { Doors } from '@headway/streams/room.ts'
import { takeCommands } from '@headway/streams/take.ts'
import { Board, entityKey, type Pipeline } from './board.ts'
import { decide, dispatched, looks, type Moment } from './decider.ts'
import { Dispatch } from './dispatch.ts'
import type { PipelineState } from './state.ts'
import { watchWorkers } from './watch.ts'

const source = 'debounce'
/** A request that the log has not heard of for this long may have lost its command. */
const silentRunMs = 15_000
/** At the start, others may be about to queue the commands of the newest requests. */
const justNowMs = 3_000
const dueConcurrency = 8
const rearmTicks = 15

export type DebounceOptions = {
  readonly signal: AbortSignal
  /** How often to look for what was lost. */
  readonly tickMs?: number
}

export const runDebounce = async (doors: Doors, options: DebounceOptions): Promise<void> => {
  const room = new DebounceRoom(doors, options.signal)
  await Promise.all([room.follow(), room.takeDue(), room.lookForLosses(options.tickMs ?? 2_000)])
}

class DebounceRoom {
  readonly #doors: Doors
  readonly #signal: AbortSignal
  readonly #board = new Board()
  readonly #dispatch: Dispatch
  readonly #looking = new Map<string, Promise<void>>()
  readonly #again = new Map<string, number>()
  /** Pipeline → sequence of our own newest decision: nothing is decided before it was read back. */
  readonly #decided = new Map<string, number>()
  readonly #missing = new Map<string, number>()
  /** Pipeline → timer → the moment it was armed for lately. */
  readonly #armed = new Map<string, Map<string, number>>()
  #caughtUp = false
  #waiting: { readonly seq: number; readonly resolve: () => void }[] = []

  constructor(doors: Doors, signal: AbortSignal) {
    this.#doors = doors
    this.#signal = signal
    this.#dispatch = new Dispatch(doors)
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  async follow(): Promise<void> {
    const { log } = this.#doors
    const head = await log.head()
    if (head.seq === 0) this.#caughtUp = true
    for await (const commits of log.tail({ from: 1, signal: this.#signal })) {
      const touched = new Set<Pipeline>()
      for (const commit of commits)
        for (const pipeline of this.#board.apply(commit)) touched.add(pipeline)
      this.#wake()
      const isFirst = !this.#caughtUp && this.#board.seq >= head.seq
      if (isFirst) {
        this.#caughtUp = true
        for (const pipeline of this.#board.pipelines()) touched.add(pipeline)
      }
      if (!this.#caughtUp) continue
      for (const pipeline of touched) {
        const state = this.#board.stateOf(pipeline)
        // What was in the queue before the start is still there, or it is found to be lost.
        if (isFirst) this.#dispatch.assumeSent(dispatched(state))
        if (isFirst) void this.#sendLost(pipeline, state, justNowMs).catch(() => {})
        else void this.#dispatch.send(pipeline, state, dispatched(state)).catch(() => {})
        void this.#look(pipeline, this.#board.now)
      }
    }
    await Promise.allSettled(this.#looking.values())
  }

  /** Fired timers: catch up with the log as it is now, then look with the server's time of firing. */
  async takeDue(): Promise<void> {
    const { log, logger } = this.#doors
    await takeCommands<'CloseWindow'>(
      this.#doors,
      { kind: 'due' },
      { concurrency: dueConcurrency, signal: this.#signal, source },
      async ({ pipeline }, delivery) => {
        if (this.#signal.aborted) return delivery.retry(0)
        const { tenant } = delivery
        try {
          await this.#reached((await log.head()).seq)
          // A timer that fires while it is replaced may take its replacement along.
          this.#armed.delete(entityKey(tenant, pipeline))
          await this.#look({ tenant, id: pipeline }, delivery.at)
          delivery.ack()
        } catch (error) {
          logger.warn({ error: String(error) }, 'a due window is looked at again')
          delivery.retry(500)
        }
      },
    )
  }

  async lookForLosses(tickMs: number): Promise<void> {
    const { clock, logger } = this.#doors
    for (let ticks = 1; !this.#signal.aborted; ticks++) {
      await clock.sleep(tickMs, this.#signal)
      // Timers may get lost as well: they are armed anew from time to time.
      if (ticks % rearmTicks === 0) this.#armed.clear()
      if (!this.#caughtUp || this.#signal.aborted) continue
      try {
        for (const { tenant, id, state } of this.#board.pipelines()) {
          await this.#look({ tenant, id }, this.#board.now)
          await this.#sendLost({ tenant, id }, state, silentRunMs)
        }
        await watchWorkers(this.#doors, this.#board.workers, this.#missing)
      } catch (error) {
        logger.warn({ error: String(error) }, 'looking for losses failed; it is done again')
      }
    }
  }

  #sendLost(pipeline: Pipeline, state: PipelineState, silentMs: number): Promise<void> {
    return this.#dispatch.sendLost(pipeline, state, silentMs, async () => {
      await this.#reached((await this.#doors.log.head()).seq)
      return this.#board.stateOf(pipeline)
    })
  }

  /** One look at a time per pipeline; a look asked for meanwhile follows it. */
  #look(pipeline: Pipeline, now: number): Promise<void> {
    const key = entityKey(pipeline.tenant, pipeline.id)
    const running = this.#looking.get(key)
    if (running) {
      this.#again.set(key, Math.max(now, this.#again.get(key) ?? 0))
      return running
    }
    const look = this.#decideAndAct(pipeline, now)
      .catch((error: unknown) => {
        this.#doors.logger.warn({ pipeline: pipeline.id, error: String(error) }, 'a look failed')
      })
      .then(() => {
        this.#looking.delete(key)
        const again = this.#again.get(key)
        this.#again.delete(key)
        return again === undefined ? undefined : this.#look(pipeline, again)
      })
    this.#looking.set(key, look)
    return look
  }

  async #decideAndAct(pipeline: Pipeline, now: number): Promise<void> {
    const { log } = this.#doors
    const key = entityKey(pipeline.tenant, pipeline.id)
    if ((this.#decided.get(key) ?? 0) > this.#board.seq) return
    const state = this.#board.stateOf(pipeline)
    const moment = this.#board.moment(pipeline, now)
    const { decided, ended } = decide(state, moment)
    for (const event of ended) await this.#end(pipeline, event as EventOf<'RunCancelled'>)
    if (decided.length === 0) return this.#arm(pipeline, state, moment)
    const requests = decided.filter((event) => event.type === 'RunRequested')
    const [only] = requests
    const appended = await log.append({
      tenant: pipeline.tenant,
      topic: { kind: 'pipeline', name: pipeline.id },
      id: only ? `request-${only.run}` : `decision-${pipeline.id}-${state.topicSeq}-${moment.seq}`,
      events: decided,
      expect: state.topicSeq,
      source,
      ...(only && requests.length === 1 ? { run: only.run, correlationId: only.run } : {}),
    })
    // Somebody was faster: what they wrote comes along the log and leads to the next look.
    if (appended.outcome !== 'conflict') this.#decided.set(key, appended.seq)
  }

  async #end(
    pipeline: Pipeline,
    event: EventOf<'RunCancelled' | 'RunDeadLettered'>,
  ): Promise<void> {
    await this.#doors.log.append({
      tenant: pipeline.tenant,
      topic: { kind: 'run', name: pipeline.id },
      id: `ended-${event.run}-${event.epoch ?? 0}-${event.attempt}-${event.type}`,
      events: [event],
      source,
      run: event.run,
      correlationId: event.run,
    })
  }

  async #arm({ tenant, id }: Pipeline, state: PipelineState, moment: Moment): Promise<void> {
    const key = entityKey(tenant, id)
    const armed = this.#armed.get(key) ?? new Map<string, number>()
    this.#armed.set(key, armed)
    for (const { at, ...look } of looks(state, moment)) {
      const name = JSON.stringify(look)
      if (armed.get(name) === at) continue
      await this.#doors.control.arm({ ...look, tenant, pipeline: id }, at, {
        type: 'CloseWindow',
        pipeline: id,
      })
      armed.set(name, at)
    }
  }

  #reached(seq: number): Promise<void> {
    if (this.#board.seq >= seq || this.#signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push({ seq, resolve })
    })
  }

  #wake(): void {
    const isReached = ({ seq }: { seq: number }) => seq <= this.#board.seq || this.#signal.aborted
    const reached = this.#waiting.filter(isReached)
    this.#waiting = this.#waiting.filter((waiter) => !isReached(waiter))
    for (const waiter of reached) waiter.resolve()
  }
}
