/**
 * Puts pushes on the log, each delivery once. Whether a delivery is new is decided on everything the log
 * has about its source, and appended only if that is still everything (compare-and-set), so two APIs, a
 * crash or a redelivery years later make no second push. Nothing is remembered before it is appended:
 * a delivery that got a 503 is new when it comes again.
 *
 * Deliveries that come while an append is under way are the next one's, all in one commit.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import type { ApiPorts } from '../api.ts'
import { timeOf } from '../moments.ts'
import { Problem } from '../problem.ts'
import { topicOf, type Sources } from './sources.ts'

const togetherMax = 100
const waitingMax = 2_000

/** A push that the log may know already. */
export type Arrival = Omit<EventOf<'PushReceived'>, 'type' | 'v' | 'at' | 'source' | 'task'>
export type Taken = { readonly task: string; readonly seq: number; readonly repeated: boolean }

type Waiting = {
  readonly arrivals: readonly Arrival[]
  readonly resolve: (taken: readonly Taken[]) => void
  readonly reject: (error: unknown) => void
}

type Ports = Pick<ApiPorts, 'log' | 'clock' | 'tenant'>

export class Intake {
  readonly #ports: Ports
  readonly #sources: Sources
  readonly #queues = new Map<string, Waiting[]>()

  constructor(ports: Ports, sources: Sources) {
    this.#ports = ports
    this.#sources = sources
  }

  /** All arrivals of one delivery, together on the log or not at all. */
  take(source: string, arrivals: readonly Arrival[]): Promise<readonly Taken[]> {
    return new Promise((resolve, reject) => {
      const waiting = { arrivals, resolve, reject }
      const queue = this.#queues.get(source)
      if (!queue) {
        this.#queues.set(source, [waiting])
        void this.#work(source)
      } else if (queue.length < waitingMax) queue.push(waiting)
      else reject(tooMany())
    })
  }

  async #work(source: string): Promise<void> {
    const queue = this.#queues.get(source)!
    while (queue.length > 0) {
      const together = queue.splice(0, togetherMax)
      try {
        const taken = await this.#append(
          source,
          together.flatMap(({ arrivals }) => arrivals),
        )
        let from = 0
        for (const { arrivals, resolve } of together)
          resolve(taken.slice(from, (from += arrivals.length)))
      } catch (error) {
        for (const { reject } of together) reject(error)
      }
    }
    this.#queues.delete(source)
  }

  async #append(source: string, arrivals: readonly Arrival[]): Promise<readonly Taken[]> {
    const { log, tenant } = this.#ports
    const topic = topicOf(source)
    for (;;) {
      const known = this.#sources.get(source)
      const expect = known?.seq ?? 0
      const fresh = this.#freshOf(source, arrivals)
      const tasks = new Map(fresh.map((event) => [event.delivery, event.task]))
      const takenAt = (seq: number) =>
        arrivals.map(({ delivery }) => {
          const task = tasks.get(delivery)
          return task === undefined
            ? { task: known!.deliveries.get(delivery)!, seq: known!.seq, repeated: true }
            : { task, seq, repeated: false }
        })
      if (fresh.length === 0) return takenAt(expect)
      const name = sha256(JSON.stringify([...tasks.keys()])).slice(0, 32)
      const id = `push-${tenant}-${source}-${expect}-${name}`
      const commit = { tenant, topic, id, events: fresh, source: 'api', expect }
      const appended = await log.append(commit)
      if (appended.outcome === 'stored') {
        this.#sources.apply({ tenant, topic, events: fresh, seq: appended.seq })
        return takenAt(appended.seq)
      }
      // Somebody else was first, perhaps with these very deliveries: look again when that is known here.
      const { seq = 0 } =
        appended.outcome === 'duplicate' ? appended : ((await log.last(tenant, topic)) ?? {})
      await this.#sources.reached(source, seq)
    }
  }

  /** The events of what the log does not have, each delivery once. */
  #freshOf(source: string, arrivals: readonly Arrival[]): readonly EventOf<'PushReceived'>[] {
    const { tenant, clock } = this.#ports
    const deliveries = this.#sources.get(source)?.deliveries
    const now = clock.now()
    const fresh = new Map<string, EventOf<'PushReceived'>>()
    for (const arrival of arrivals) {
      const { delivery } = arrival
      if (deliveries?.has(delivery) || fresh.has(delivery)) continue
      const task = ulidOf(now, tenant, source, delivery)
      fresh.set(delivery, { type: 'PushReceived', v: 1, at: timeOf(now), source, task, ...arrival })
    }
    return [...fresh.values()]
  }
}

const tooMany = (): Problem =>
  new Problem(503, 'source_busy', 'the log does not keep up with this source: send it again', {
    headers: { 'retry-after': '5' },
  })
