/**
 * Tables of earlier states, kept for people who look at them. They are made when somebody asks, one
 * after the other, in schemas beside the live ones; a few are kept, and the one that nobody asked for
 * longest makes room. They are worth nothing: at the start, at the end and after a crash all of them go.
 *
 * One of the projectors keeps them, which is who has the turn in the database. It alone answers, so two
 * never make the same one; when it goes, the next one to get the turn begins with none.
 *
 * Who was told of tables goes on reading them for a moment: they stay that long in any case, and when
 * all that may be kept are read right now, others are refused for the time being.
 */
import pg from 'pg'
import { AsOfAnswer, asOfService, AsOfWish, isAsOfWish } from '@headway/schemas/as-of.ts'
import type { Service } from '@headway/schemas/ports.ts'
import type { Doors, SideDoors } from '@headway/streams/room.ts'
import { dropPast, dropSchema, makePast, pastSchema } from './past-tables.ts'
import { clientOptions, lockSpace, pastLock } from './store.ts'

const turnMs = 3_000
const sweepMs = 5_000
/** Copying and following is worth it for this share of the way from the beginning. */
const followedShare = 1 / 4
const waitingMax = 8

export type PastOptions = {
  /** How many states. */
  readonly keptMax: number
  /** Nobody's tables go after this time. */
  readonly idleMs: number
  /** Who was told of them reads them for so long. */
  readonly readMs: number
}
const defaults: PastOptions = { keptMax: 4, idleMs: 600_000, readMs: 10_000 }

type PastDoors = Pick<Doors, 'log' | 'clock' | 'logger'> & Pick<SideDoors, 'services'>
type Kept = {
  readonly seq: number
  readonly made: Promise<void>
  isMade: boolean
  /** Where in the log they are. */
  reached: number
  askedAt: number
}

class RefusedError extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}
const busy = (message: string): RefusedError => new RefusedError(503, 'as_of_busy', message)

/** Answers for earlier states until the signal fires, whenever this projector has the turn. */
export const keepPast = async (
  doors: PastDoors,
  pgUrl: string,
  signal: AbortSignal,
  options: Partial<PastOptions> = {},
): Promise<void> => {
  const { clock, logger } = doors
  while (!signal.aborted) {
    const keeper = new pg.Client(clientOptions(pgUrl, 'past'))
    const lost = new AbortController()
    keeper.on('error', () => lost.abort())
    try {
      await keeper.connect()
      if (await hasTurn(keeper)) {
        const either = AbortSignal.any([signal, lost.signal])
        await new Past(doors, pgUrl, keeper, { ...defaults, ...options }, either).run()
      }
    } catch (error) {
      if (!signal.aborted) logger.warn({ error: String(error) }, 'earlier states are not kept')
    } finally {
      await keeper.end().catch(() => {})
    }
    await clock.sleep(turnMs, signal)
  }
}

const hasTurn = async (keeper: pg.Client): Promise<boolean> => {
  const { rows } = await keeper.query<{ mine: boolean }>(
    `select pg_try_advisory_lock(${lockSpace}, ${pastLock}) as mine`,
  )
  return rows[0]!.mine
}

class Past {
  readonly #doors: PastDoors
  readonly #pgUrl: string
  readonly #keeper: pg.Client
  readonly #options: PastOptions
  readonly #signal: AbortSignal
  readonly #kept = new Map<number, Kept>()
  /** Ends when the last one that was asked for is made. */
  #making: Promise<void> = Promise.resolve()

  constructor(
    doors: PastDoors,
    pgUrl: string,
    keeper: pg.Client,
    options: PastOptions,
    signal: AbortSignal,
  ) {
    this.#doors = doors
    this.#pgUrl = pgUrl
    this.#keeper = keeper
    this.#options = options
    this.#signal = signal
  }

  async run(): Promise<void> {
    const { clock, services } = this.#doors
    await dropPast(this.#keeper)
    await services.serve(this.#service, this.#signal)
    try {
      while (!this.#signal.aborted) {
        await clock.sleep(sweepMs, this.#signal)
        for (const kept of this.#restingFor(this.#options.idleMs)) await this.#drop(kept)
      }
    } finally {
      await this.#making
      await dropPast(this.#keeper).catch(() => {})
    }
  }

  readonly #service: Service = {
    name: asOfService,
    tenant: null,
    version: '1.0.0',
    description: 'Keeps the read models as of earlier commits of the log',
    request: AsOfWish,
    response: AsOfAnswer,
    answer: async (request): Promise<AsOfAnswer> => {
      if (!isAsOfWish(request))
        throw new RefusedError(400, 'bad_request', 'the request does not fit')
      const { seq, withinMs } = request
      const kept = this.#kept.get(seq) ?? this.#order(seq)
      kept.askedAt = this.#now()
      if (!kept.isMade) await this.#within(withinMs, kept.made)
      kept.askedAt = this.#now()
      return { schema: kept.isMade ? pastSchema(seq) : null, done: kept.reached, total: seq }
    },
  }

  #now(): number {
    return this.#doors.clock.now()
  }

  async #within(ms: number, made: Promise<void>): Promise<void> {
    const enough = new AbortController()
    const patience = this.#doors.clock.sleep(ms, enough.signal)
    await Promise.race([made, patience]).finally(() => enough.abort())
  }

  #order(seq: number): Kept {
    if ([...this.#kept.values()].filter(({ isMade }) => !isMade).length >= waitingMax)
      throw busy(`${waitingMax} other states are waited for`)
    const made = this.#making.then(() => this.#make(kept))
    const kept: Kept = { seq, made, isMade: false, reached: 0, askedAt: this.#now() }
    this.#kept.set(seq, kept)
    this.#making = made.catch((error: unknown) => {
      this.#kept.delete(seq)
      if (!this.#signal.aborted && !(error instanceof RefusedError))
        this.#doors.logger.warn({ seq, error: String(error) }, 'an earlier state was not made')
    })
    return kept
  }

  async #make(kept: Kept): Promise<void> {
    const { seq } = kept
    if (this.#now() - kept.askedAt > this.#options.readMs)
      throw busy('nobody waits for it any more')
    await this.#makeRoom()
    const from = this.#earlier(seq)
    if (from) from.askedAt = this.#now()
    await makePast(this.#doors, this.#pgUrl, {
      seq,
      schema: pastSchema(seq),
      from: from && pastSchema(from.seq),
      signal: this.#signal,
      onBatch: (reached) => (kept.reached = reached),
    })
    kept.reached = seq
    kept.isMade = true
  }

  /** The nearest one from which the rest of the way is short. */
  #earlier(seq: number): Kept | null {
    const near = [...this.#kept.values()].filter(
      (kept) => kept.isMade && kept.seq < seq && seq - kept.seq <= seq * followedShare,
    )
    return near.toSorted((a, b) => b.seq - a.seq)[0] ?? null
  }

  /** Made ones that nobody asked for so long, longest first. */
  #restingFor(ms: number): readonly Kept[] {
    const since = this.#now() - ms
    return [...this.#kept.values()]
      .filter(({ isMade, askedAt }) => isMade && askedAt <= since)
      .toSorted((a, b) => a.askedAt - b.askedAt)
  }

  async #makeRoom(): Promise<void> {
    const { keptMax, readMs } = this.#options
    const made = [...this.#kept.values()].filter(({ isMade }) => isMade)
    if (made.length < keptMax) return
    const [oldest] = this.#restingFor(readMs)
    if (!oldest) throw busy(`${made.length} other states are looked at right now`)
    await this.#drop(oldest)
  }

  /** Nobody is told of it before it is gone. */
  async #drop({ seq }: Kept): Promise<void> {
    this.#kept.delete(seq)
    await dropSchema(this.#keeper, pastSchema(seq))
  }
}
