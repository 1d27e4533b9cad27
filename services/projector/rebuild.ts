/**
 * The read models made anew beside the live ones.
 *
 *   replay     the log up to where the live tables are, into another schema, while everything serves
 *   index      keys and indexes
 *   catch up   what was projected meanwhile, the last of it under the projector's lock
 *   compare    both sets of tables at exactly the same position, row for row
 *   swap       two renames in one transaction (`rebuild`), or the copy is thrown away (`verify`)
 *
 * Readers never see anything in between. Until the swap the live tables are not touched, so whatever
 * interrupts this leaves them as they were, and it can be run again. Projectors wait from the last of
 * the catching up to the swap, notice that the tables are others, and go on.
 */
import pg from 'pg'
import type { Log } from '@headway/schemas/ports.ts'
import { liveSchema } from '@headway/schemas/tables.ts'
import type { Doors } from '@headway/streams/room.ts'
import { Bulk } from './bulk.ts'
import { compare, type Comparison } from './compare.ts'
import { historyProblem, models } from './history.ts'
import { InterruptedError, Replay } from './replay.ts'
import { Following } from './room.ts'
import {
  clientOptions,
  lockOf,
  lockSpace,
  openStore,
  readPosition,
  rebuildLock,
  type Position,
} from './store.ts'

export const shadowSchema = `${liveSchema}_shadow`
const oldSchema = `${liveSchema}_old`
/** Commits behind the live tables that are caught up with under the lock. */
const lockedCommitsMax = 2_000

export type Phase = 'replay' | 'index' | 'catch up' | 'compare' | 'swap' | 'done'
export type Progress = {
  readonly phase: Phase
  /** Commits so far and in all, and events so far. */
  readonly done: number
  readonly total: number
  readonly events: number
}
export type RebuildOptions = {
  readonly pgUrl: string
  /** Put the new tables in the place of the live ones. */
  readonly swap: boolean
  readonly signal: AbortSignal
  readonly tell: (progress: Progress) => void
}
export type Rebuilt = {
  readonly seq: number
  readonly events: number
  readonly rows: number
  /** Null when there was nothing to compare with: no live tables, or of another log. */
  readonly comparison: Comparison | null
}

/** Another rebuild or verify is under way. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
}

export const rebuild = async (
  doors: Pick<Doors, 'log' | 'logger'>,
  options: RebuildOptions,
): Promise<Rebuilt> => {
  const [keeper, writer] = ['rebuild', 'rebuild-copy'].map(
    (name) => new pg.Client(clientOptions(options.pgUrl, name)),
  ) as [pg.Client, pg.Client]
  // A lost connection fails the query that is under way, and that is where it is handled.
  for (const client of [keeper, writer]) client.on('error', () => {})
  try {
    await Promise.all([keeper.connect(), writer.connect()])
    await takeTurn(keeper)
    return await new Rebuild(doors, options, keeper, writer).run()
  } finally {
    await Promise.allSettled([writer.end(), keeper.end()])
  }
}

const takeTurn = async (keeper: pg.Client): Promise<void> => {
  const { rows } = await keeper.query<{ mine: boolean }>(
    `select pg_try_advisory_lock(${lockSpace}, ${rebuildLock}) as mine`,
  )
  if (!rows[0]!.mine) throw new BusyError('another rebuild or verify is under way')
}

class Rebuild {
  readonly #doors: Pick<Doors, 'log' | 'logger'>
  readonly #log: Log
  readonly #options: RebuildOptions
  readonly #keeper: pg.Client
  readonly #writer: pg.Client
  #seq = 0
  #total = 0
  #events = 0

  constructor(
    doors: Pick<Doors, 'log' | 'logger'>,
    options: RebuildOptions,
    keeper: pg.Client,
    writer: pg.Client,
  ) {
    this.#doors = doors
    this.#log = doors.log
    this.#options = options
    this.#keeper = keeper
    this.#writer = writer
  }

  async run(): Promise<Rebuilt> {
    const head = await this.#log.head()
    const live = await readPosition(this.#keeper, liveSchema)
    const isSameLog = live !== null && (await historyProblem(this.#log, live)) === null
    const bulk = new Bulk(this.#writer, shadowSchema)
    try {
      const start = await this.#replay(bulk, {
        incarnation: head.incarnation,
        seq: isSameLog ? live.seq : head.seq,
        commit: '',
        models,
        build: (live?.build ?? 0) + 1,
      })
      return await this.#settle(start, isSameLog, bulk.rows)
    } finally {
      await this.#writer.query('rollback').catch(() => {})
      await this.#writer.query(`drop schema if exists ${shadowSchema} cascade`).catch(() => {})
    }
  }

  async #replay(bulk: Bulk, goal: Position): Promise<Position> {
    this.#total = goal.seq
    this.#tell('replay')
    await bulk.begin()
    const replay = new Replay(bulk)
    await replay.run(this.#log, goal.seq, this.#options.signal, () => {
      this.#seq = replay.seq
      this.#events = replay.events
      this.#tell('replay')
    })
    const position = { ...goal, commit: replay.commit }
    await bulk.drained()
    this.#tell('index')
    await bulk.finish(position, () => this.#interruptible())
    return position
  }

  /** Catches up, holds the projectors still, compares, swaps. */
  async #settle(start: Position, isSameLog: boolean, rows: number): Promise<Rebuilt> {
    const store = openStore(this.#options.pgUrl, shadowSchema)
    const following = new Following(this.#doors, store, start)
    const catchUp = async () => {
      const live = isSameLog ? await readPosition(this.#keeper, liveSchema) : null
      this.#total = live?.seq ?? start.seq
      const behind = this.#total - following.position.seq
      if (behind > 0) {
        this.#tell('catch up')
        await following.run(this.#options.signal, () => this.#tell('catch up'), this.#total)
        this.#interruptible()
        this.#seq = following.position.seq
      }
      return behind
    }
    const lock = `${lockSpace}, ${lockOf(liveSchema)}`
    try {
      while ((await catchUp()) > lockedCommitsMax);
      await this.#keeper.query(`select pg_advisory_lock(${lock})`)
      await catchUp()
      this.#tell('compare')
      const comparison = isSameLog ? await this.#compare() : null
      this.#interruptible()
      if (this.#options.swap) await this.#swap()
      await this.#keeper.query(`select pg_advisory_unlock(${lock})`)
      await this.#keeper.query(`drop schema if exists ${oldSchema} cascade`)
      this.#tell('done')
      const { seq } = following.position
      return { seq, events: this.#events, rows: comparison?.rows ?? rows, comparison }
    } finally {
      await store.close()
    }
  }

  #compare(): Promise<Comparison> {
    return compare(this.#keeper, this.#writer, liveSchema, shadowSchema)
  }

  async #swap(): Promise<void> {
    this.#tell('swap')
    await this.#keeper.query(`drop schema if exists ${oldSchema} cascade`)
    await this.#keeper.query(
      `begin;
       create schema if not exists ${liveSchema};
       alter schema ${liveSchema} rename to ${oldSchema};
       alter schema ${shadowSchema} rename to ${liveSchema};
       commit`,
    )
  }

  #interruptible(): void {
    if (this.#options.signal.aborted)
      throw new InterruptedError('interrupted; the live tables are as they were')
  }

  #tell(phase: Phase): void {
    this.#options.tell({
      phase,
      done: this.#seq,
      total: this.#total,
      events: this.#events,
    })
  }
}
