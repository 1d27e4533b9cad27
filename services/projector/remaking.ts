/**
 * The copy of the tables at people's wish: built, compared, swapped or thrown away, each when it is asked
 * for over NATS. One at a time, whichever projector hears of it: the database holds the turn, so what is
 * told here is volatile and only for people who look. Who asked for it is on the log.
 */
import { toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import type { Service } from '@headway/schemas/ports.ts'
import {
  isProjectionWish,
  ProjectionAccepted,
  projectionService,
  ProjectionWish,
  workKey,
  type ProjectionAction,
  type ProjectionWork,
} from '@headway/schemas/projections.ts'
import type { Doors } from '@headway/streams/room.ts'
import { reportOf } from './compare-report.ts'
import { Pace } from './pace.ts'
import {
  BusyError,
  dropShadow,
  NoShadowError,
  plans,
  remake,
  type Progress,
  type Rebuilt,
} from './rebuild.ts'

/** All tables together: they are made anew as one. */
const projection = 'tables'
const tellMs = 250
const runningKeptMs = 5_000
const endedKeptMs = 86_400_000
/** What is refused is refused within this time; what goes on for longer is under way. */
const refusedMs = 300

class Refused extends Error {
  readonly status = 409
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
const refusalOf = (error: unknown): unknown => {
  if (error instanceof BusyError) return new Refused('projections_busy', error.message)
  if (error instanceof NoShadowError) return new Refused('no_shadow', error.message)
  return error
}

type RemakingDoors = Pick<Doors, 'log' | 'logger' | 'live' | 'clock'>

export class Remaking {
  readonly #doors: RemakingDoors
  readonly #pgUrl: string
  readonly #signal: AbortSignal
  readonly #underWay = new Set<Promise<void>>()

  constructor(doors: RemakingDoors, pgUrl: string, signal: AbortSignal) {
    this.#doors = doors
    this.#pgUrl = pgUrl
    this.#signal = signal
  }

  readonly service: Service = {
    name: projectionService,
    tenant: null,
    version: '1.0.0',
    description: 'Builds the tables anew beside the live ones, compares, swaps',
    request: ProjectionWish,
    response: ProjectionAccepted,
    answer: async (request, tenant) => {
      if (!isProjectionWish(request)) throw new Refused('bad_request', 'the request does not fit')
      await this.#note(request, tenant)
      await this.#begin(request)
      return { status: 'accepted' }
    },
  }

  /** Resolves when nothing is under way any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  /** Who asks is on the log before anything is done. */
  async #note({ action, actor }: ProjectionWish, tenant: string): Promise<void> {
    const now = this.#doors.clock.now()
    const about = { v: 1 as const, at: toTimestamp(now), projection, action, actor }
    await this.#doors.log.append({
      tenant,
      topic: { kind: 'projection', name: projection },
      id: `${action}-${ulidOf(now, tenant, JSON.stringify(actor))}`,
      events: [{ type: 'ProjectionRequested', ...about }],
      source: 'projector',
    })
  }

  /** Resolves when it is under way, or done; rejects when it is refused. */
  async #begin({ action, actor }: ProjectionWish): Promise<void> {
    const { clock, logger } = this.#doors
    const telling = new Telling(this.#doors, { action, actor, startedAt: clock.now() })
    logger.info({ action, actor }, 'the copy of the tables is worked on')
    const ended = this.#do(action, (progress) => telling.heed(progress)).then(
      (result) => telling.end(result),
      (error: unknown) => {
        if (refusalOf(error) !== error) {
          telling.stop()
          throw error
        }
        logger.error({ action, error: String(error) }, 'the copy of the tables was not made')
        return telling.end(error as Error)
      },
    )
    this.#underWay.add(ended)
    ended.finally(() => this.#underWay.delete(ended)).catch(() => {})
    const patience = new AbortController()
    await Promise.race([ended, clock.sleep(refusedMs, patience.signal)])
      .catch((error: unknown) => {
        throw refusalOf(error)
      })
      .finally(() => patience.abort())
    void telling.goOn()
  }

  async #do(action: ProjectionAction, tell: (progress: Progress) => void): Promise<Rebuilt | null> {
    if (action === 'drop') {
      await dropShadow(this.#pgUrl)
      return null
    }
    const plan = action === 'rebuild' ? plans.shadow : plans[action]
    return remake(this.#doors, { pgUrl: this.#pgUrl, plan, signal: this.#signal, tell })
  }
}

/** Tells how it goes, a few times a second, and how it went. */
class Telling {
  readonly #doors: RemakingDoors
  readonly #head: Pick<ProjectionWork, 'action' | 'actor' | 'startedAt'>
  readonly #pace: Pace
  #progress: Progress = { phase: 'replay', done: 0, total: 0, events: 0 }
  #hasEnded = false

  constructor(doors: RemakingDoors, head: Pick<ProjectionWork, 'action' | 'actor' | 'startedAt'>) {
    this.#doors = doors
    this.#head = head
    this.#pace = new Pace(head.startedAt)
  }

  heed(progress: Progress): void {
    this.#progress = progress
    this.#pace.measure(progress, this.#doors.clock.now())
  }

  async goOn(): Promise<void> {
    while (!this.#hasEnded) {
      await this.#put({ status: 'running' }, runningKeptMs)
      await this.#doors.clock.sleep(tellMs)
    }
  }

  stop(): void {
    this.#hasEnded = true
  }

  async end(result: Rebuilt | Error | null): Promise<void> {
    this.stop()
    if (result instanceof Error)
      return this.#put({ status: 'failed', problem: result.message }, endedKeptMs)
    const comparison = result?.comparison
    const report = comparison ? { comparison: reportOf(comparison) } : {}
    await this.#put({ status: 'done', ...report }, endedKeptMs)
  }

  async #put(more: Pick<ProjectionWork, 'status'> & Partial<ProjectionWork>, ttlMs: number) {
    const { phase, done, total } = this.#progress
    const { rate, etaMs } = this.#pace
    const work: ProjectionWork = {
      ...this.#head,
      at: this.#doors.clock.now(),
      phase,
      done,
      total,
      eventsPerSecond: Math.round(rate),
      etaMs: etaMs && Math.round(etaMs),
      ...more,
    }
    // Nobody waits for it: it is told again, or the tables tell.
    await this.#doors.live.put(workKey, JSON.stringify(work), ttlMs).catch(() => {})
  }
}
