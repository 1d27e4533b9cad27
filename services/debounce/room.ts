/**
 * The debounce room: follows the log, keeps the windows, asks for runs.
 *
 * Any number of instances do the same work from the same log. They need no leader: a timer is armed by
 * compare-and-set, a request is appended only if the pipeline's subject is still where the decision saw
 * it, and a run command is queued once per id. So an instance that dies is not missed, and what it left
 * half-done (a request without a command) the others do when they read it.
 *
 * The log is followed from its first event; until the head of the start is reached nothing is decided.
 * Then every change leads to a look at the pipelines it touched, a fired timer to one more, and a slow
 * tick looks for what was lost on the way: a window without timer, a request without command, a worker
 * without heartbeat.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { Board, entityKey, type Pipeline } from './board.ts'
import { decide, due } from './decider.ts'

const source = 'debounce'
/** A request that the log has not heard of for this long may have lost its command. */
const silentRunMs = 15_000
const dueConcurrency = 8
/** Ids of commands remembered, so that reading our own request back does not queue it again. */
const sentMax = 10_000

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
  readonly #looking = new Map<string, Promise<void>>()
  readonly #again = new Map<string, number>()
  /** Pipeline → sequence of our own newest request: nothing is decided before it was read back. */
  readonly #requested = new Map<string, number>()
  readonly #sent = new Set<string>()
  readonly #missing = new Map<string, number>()
  #caughtUp = false
  #waiting: { readonly seq: number; readonly resolve: () => void }[] = []

  constructor(doors: Doors, signal: AbortSignal) {
    this.#doors = doors
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  async follow(): Promise<void> {
    const { log } = this.#doors
    const head = await log.head()
    if (head.seq === 0) this.#caughtUp = true
    for await (const commits of log.tail({ from: 1, signal: this.#signal })) {
      const touched = new Set<Pipeline>()
      for (const commit of commits) {
        for (const pipeline of this.#board.apply(commit)) touched.add(pipeline)
        if (this.#caughtUp) this.#sendRequested(commit)
      }
      this.#wake()
      if (!this.#caughtUp && this.#board.seq >= head.seq) {
        this.#caughtUp = true
        for (const pipeline of this.#board.pipelines()) {
          touched.add(pipeline)
          void this.#resendLost(pipeline, 0).catch(() => {})
        }
      }
      if (this.#caughtUp) for (const pipeline of touched) void this.#look(pipeline, this.#board.now)
    }
    await Promise.allSettled(this.#looking.values())
  }

  /** Fired timers: catch up with the log as it is now, then look with the server's time of firing. */
  async takeDue(): Promise<void> {
    const { control, log } = this.#doors
    await control.consume<'CloseWindow'>(
      { kind: 'due' },
      { concurrency: dueConcurrency, signal: this.#signal },
      async (delivery) => {
        if (!delivery.command) return delivery.refuse(delivery.problem ?? 'unreadable')
        try {
          await this.#reached((await log.head()).seq)
          await this.#look({ tenant: delivery.tenant, id: delivery.command.pipeline }, delivery.at)
          delivery.ack()
        } catch (error) {
          this.#doors.logger.warn({ error: String(error) }, 'a due window is looked at again')
          delivery.retry(500)
        }
      },
    )
  }

  async lookForLosses(tickMs: number): Promise<void> {
    const { clock, logger } = this.#doors
    while (!this.#signal.aborted) {
      await clock.sleep(tickMs, this.#signal)
      if (!this.#caughtUp || this.#signal.aborted) continue
      try {
        for (const { tenant, id, state } of this.#board.pipelines()) {
          if (state.triggers.length > 0 || state.openRuns.length === 0)
            await this.#look({ tenant, id }, this.#board.now)
          await this.#resendLost({ tenant, id }, silentRunMs)
        }
        await this.#watchWorkers()
      } catch (error) {
        logger.warn({ error: String(error) }, 'looking for losses failed; it is done again')
      }
    }
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
    const { log, control } = this.#doors
    const key = entityKey(pipeline.tenant, pipeline.id)
    if ((this.#requested.get(key) ?? 0) > this.#board.seq) return
    const state = this.#board.stateOf(pipeline)
    const moment = this.#board.moment(pipeline, now)
    const [request] = decide(state, moment)
    if (!request) {
      const next = due(state, moment)
      if (next)
        await control.arm(
          { kind: 'due', tenant: pipeline.tenant, pipeline: pipeline.id },
          next.at,
          {
            type: 'CloseWindow',
            pipeline: pipeline.id,
          },
        )
      return
    }
    const appended = await log.append({
      tenant: pipeline.tenant,
      topic: { kind: 'pipeline', name: pipeline.id },
      id: `request-${request.run}`,
      events: [request],
      expect: state.topicSeq,
      source,
      run: request.run,
      correlationId: request.run,
    })
    // Somebody was faster: what they wrote comes along the log and leads to the next look.
    if (appended.outcome === 'conflict') return
    this.#requested.set(key, appended.seq)
    await this.#send(pipeline.tenant, request, 0, `run-${request.run}`)
  }

  #sendRequested(commit: Commit): void {
    for (const event of commit.events)
      if (event.type === 'RunRequested')
        void this.#send(commit.tenant, event, 0, `run-${event.run}`).catch(() => {})
  }

  async #send(
    tenant: string,
    request: EventOf<'RunRequested'>,
    priorAttempts: number,
    id: string,
  ): Promise<void> {
    if (this.#sent.has(id)) return
    this.#sent.add(id)
    if (this.#sent.size > sentMax) this.#sent.delete(this.#sent.values().next().value!)
    try {
      await this.#doors.control.send(tenant, { type: 'RunPipeline', request, priorAttempts }, id)
    } catch (error) {
      this.#sent.delete(id)
      throw error
    }
  }

  /** A request nobody works on and nobody holds lost its command with the queue: tell it again. */
  async #resendLost(pipeline: Pipeline, silentMs: number): Promise<void> {
    const { control, clock } = this.#doors
    const state = this.#board.stateOf(pipeline)
    const silent = state.openRuns.filter((open) => clock.now() - open.heardAt >= silentMs)
    const versions = new Set(silent.map((open) => open.request.pipelineVersion))
    for (const version of versions) {
      const queue = {
        kind: 'run' as const,
        tenant: pipeline.tenant,
        pipeline: pipeline.id,
        version,
        concurrency: state.definition?.concurrency ?? 1,
      }
      const depth = await control.depth(queue)
      if (depth === null) await control.ensureQueue(queue)
      if (depth !== 0) continue
      const minute = Math.floor(clock.now() / 60_000)
      for (const open of silent)
        if (open.request.pipelineVersion === version)
          await this.#send(
            pipeline.tenant,
            open.request,
            open.attempt,
            `run-${open.run}-again-${minute}`,
          )
    }
  }

  /** Heartbeats are volatile; only their end is a fact. Two looks in a row must miss one. */
  async #watchWorkers(): Promise<void> {
    if (this.#board.workers.size === 0) return
    const { live, log, clock } = this.#doors
    const present = new Set(await live.keys('worker'))
    for (const [worker, { joined, lost, topicSeq, tenant }] of this.#board.workers) {
      const isPresent = present.has(`worker/${worker}`)
      const misses = isPresent ? 0 : (this.#missing.get(worker) ?? 0) + 1
      this.#missing.set(worker, misses)
      if (isPresent !== lost || (!isPresent && misses < 2)) continue
      const at = toTimestamp(clock.now())
      await log.append({
        tenant,
        topic: { kind: 'worker', name: joined.pool },
        id: `worker-${worker}-${isPresent ? 'back' : 'lost'}-${topicSeq}`,
        events: [
          isPresent
            ? { ...joined, at }
            : { type: 'WorkerLost', v: 1, at, worker, pool: joined.pool },
        ],
        source,
      })
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
