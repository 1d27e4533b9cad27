/**
 * The read models made anew beside the live ones.
 *
 *   replay     the log up to where the live tables are, into another schema, while everything serves
 *   index      keys and indexes
 *   catch up   what was projected meanwhile, the last of it under the projector's lock
 *   compare    both sets of tables at exactly the same position, row for row, in a snapshot: the
 *              projectors go on
 *   swap       two renames in one transaction, under the lock again
 *
 * `rebuild` does all of it and `verify` throws the copy away instead of swapping. People who want to look
 * in between take the steps one by one: `shadow` keeps the copy, `compare` and `swap` go on with it from
 * wherever it was left.
 *
 * Readers never see anything in between. Until the swap the live tables are not touched, so whatever
 * interrupts this leaves them as they were, and it can be run again. Projectors wait for the last of the
 * catching up and notice after a swap that the tables are others.
 */
import pg from 'pg'
import type { Log } from '@headway/schemas/ports.ts'
import { liveSchema, shadowSchema } from '@headway/schemas/tables.ts'
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
  moveStrangers,
  openStore,
  readPosition,
  rebuildLock,
  type Position,
} from './store.ts'

const oldSchema = `${liveSchema}_old`
/** Commits behind the live tables that are caught up with under the lock. */
const lockedCommitsMax = 2_000

export type Phase = 'replay' | 'index' | 'catch up' | 'compare' | 'swap' | 'done'
export type Progress = {
  readonly phase: Phase
  /** Commits so far and in all, or tables while they are compared; and events so far. */
  readonly done: number
  readonly total: number
  readonly events: number
}
export type Plan = {
  /** From the first event; otherwise the copy that is there goes on. */
  readonly build: boolean
  readonly compare: boolean
  readonly outcome: 'swap' | 'keep' | 'drop'
}
export const plans = {
  rebuild: { build: true, compare: true, outcome: 'swap' },
  verify: { build: true, compare: true, outcome: 'drop' },
  shadow: { build: true, compare: false, outcome: 'keep' },
  compare: { build: false, compare: true, outcome: 'keep' },
  swap: { build: false, compare: false, outcome: 'swap' },
} as const satisfies Record<string, Plan>

export type RebuildOptions = {
  readonly pgUrl: string
  readonly plan: Plan
  readonly signal: AbortSignal
  readonly tell: (progress: Progress) => void
}
export type Rebuilt = {
  readonly seq: number
  readonly events: number
  readonly rows: number
  /** Null when nothing was compared: not asked for, no live tables, or of another log. */
  readonly comparison: Comparison | null
}

/** Another rebuild or verify is under way. */
export class BusyError extends Error {
  override readonly name = 'BusyError'
}

/** There is no copy that could go on. */
export class NoShadowError extends Error {
  override readonly name = 'NoShadowError'
}

type RebuildDoors = Pick<Doors, 'log' | 'logger'>

/** All of it at once: into the place of the live tables, or only to prove that they are equal. */
export const rebuild = (
  doors: RebuildDoors,
  { swap, ...options }: Omit<RebuildOptions, 'plan'> & { readonly swap: boolean },
): Promise<Rebuilt> => remake(doors, { ...options, plan: swap ? plans.rebuild : plans.verify })

export const remake = async (doors: RebuildDoors, options: RebuildOptions): Promise<Rebuilt> => {
  const { keeper, writer, close } = await openClients(options.pgUrl)
  try {
    return await new Rebuild(doors, options, keeper, writer).run()
  } finally {
    await close()
  }
}

/** Throws the copy away. */
export const dropShadow = async (pgUrl: string): Promise<void> => {
  const { keeper, close } = await openClients(pgUrl)
  try {
    await keeper.query(`drop schema if exists ${shadowSchema} cascade`)
  } finally {
    await close()
  }
}

/** Two connections, the first of which has the turn as long as it lives. */
const openClients = async (pgUrl: string) => {
  const [keeper, writer] = ['rebuild', 'rebuild-copy'].map(
    (name) => new pg.Client(clientOptions(pgUrl, name)),
  ) as [pg.Client, pg.Client]
  // A lost connection fails the query that is under way, and that is where it is handled.
  for (const client of [keeper, writer]) client.on('error', () => {})
  const close = async () => void (await Promise.allSettled([writer.end(), keeper.end()]))
  try {
    await Promise.all([keeper.connect(), writer.connect()])
    await takeTurn(keeper)
    return { keeper, writer, close }
  } catch (error) {
    await close()
    throw error
  }
}

const takeTurn = async (keeper: pg.Client): Promise<void> => {
  const { rows } = await keeper.query<{ mine: boolean }>(
    `select pg_try_advisory_lock(${lockSpace}, ${rebuildLock}) as mine`,
  )
  if (!rows[0]!.mine) throw new BusyError('another rebuild or verify is under way')
}

class Rebuild {
  readonly #doors: RebuildDoors
  readonly #log: Log
  readonly #options: RebuildOptions
  readonly #keeper: pg.Client
  readonly #writer: pg.Client
  #seq = 0
  #total = 0
  #events = 0
  #rows = 0
  #isSameLog = false

  constructor(doors: RebuildDoors, options: RebuildOptions, keeper: pg.Client, writer: pg.Client) {
    this.#doors = doors
    this.#log = doors.log
    this.#options = options
    this.#keeper = keeper
    this.#writer = writer
  }

  async run(): Promise<Rebuilt> {
    const { build, outcome } = this.#options.plan
    const live = await readPosition(this.#keeper, liveSchema)
    this.#isSameLog = live !== null && (await historyProblem(this.#log, live)) === null
    let isKept = !build
    try {
      const start = build ? await this.#build(live) : await this.#takeUp()
      const result = await this.#finish(start)
      isKept = outcome === 'keep'
      return result
    } finally {
      await this.#writer.query('rollback').catch(() => {})
      if (!isKept)
        await this.#writer.query(`drop schema if exists ${shadowSchema} cascade`).catch(() => {})
    }
  }

  async #build(live: Position | null): Promise<Position> {
    const head = await this.#log.head()
    const goal = this.#isSameLog ? live!.seq : head.seq
    this.#total = goal
    this.#tell('replay')
    const bulk = new Bulk(this.#writer, shadowSchema)
    await bulk.begin()
    const replay = new Replay(bulk)
    await replay.run(this.#log, goal, this.#options.signal, () => {
      this.#seq = replay.seq
      this.#events = replay.events
      this.#tell('replay')
    })
    const build = (live?.build ?? 0) + 1
    const { incarnation } = head
    const position = { incarnation, seq: goal, commit: replay.commit, models, build }
    await bulk.drained()
    this.#tell('index')
    await bulk.finish(position, () => this.#interruptible())
    this.#rows = bulk.rows
    return position
  }

  /** Where the copy was left. */
  async #takeUp(): Promise<Position> {
    const position = await readPosition(this.#keeper, shadowSchema)
    if (!position) throw new NoShadowError('no copy was built: rebuild first')
    const problem =
      position.models === models
        ? await historyProblem(this.#log, position)
        : 'it has other read models'
    if (problem !== null)
      throw new NoShadowError(`the copy that was built is of no use, rebuild again: ${problem}`)
    this.#seq = position.seq
    return position
  }

  async #finish(start: Position): Promise<Rebuilt> {
    const { compare: compares, outcome } = this.#options.plan
    const store = openStore(this.#options.pgUrl, shadowSchema)
    const following = new Following(this.#doors, store, start)
    try {
      const comparison = compares && this.#isSameLog ? await this.#compare(following) : null
      this.#interruptible()
      if (outcome === 'swap') await this.#hold(following, () => this.#swap())
      if (outcome === 'keep') await this.#catchUp(following)
      await this.#keeper.query(`drop schema if exists ${oldSchema} cascade`)
      this.#tell('done')
      const { seq } = following.position
      return { seq, events: this.#events, rows: comparison?.rows ?? this.#rows, comparison }
    } finally {
      await store.close()
    }
  }

  /** How far behind the live tables it was. */
  async #catchUp(following: Following): Promise<number> {
    const live = this.#isSameLog ? await readPosition(this.#keeper, liveSchema) : null
    this.#total = live?.seq ?? following.position.seq
    const behind = this.#total - following.position.seq
    if (behind <= 0) return 0
    this.#tell('catch up')
    const onBatch = () => {
      this.#seq = following.position.seq
      this.#tell('catch up')
    }
    await following.run(this.#options.signal, onBatch, this.#total)
    this.#interruptible()
    return behind
  }

  /** Both sets of tables at one position, and no projector moves them meanwhile. */
  async #hold(following: Following, act: () => Promise<unknown>): Promise<void> {
    while ((await this.#catchUp(following)) > lockedCommitsMax);
    const lock = `${lockSpace}, ${lockOf(liveSchema)}`
    await this.#keeper.query(`select pg_advisory_lock(${lock})`)
    await this.#catchUp(following)
    this.#interruptible()
    await act()
    await this.#keeper.query(`select pg_advisory_unlock(${lock})`)
  }

  async #compare(following: Following): Promise<Comparison> {
    await this.#hold(following, () =>
      this.#keeper.query(
        `begin isolation level repeatable read; select from ${liveSchema}.position`,
      ),
    )
    const { seq } = following.position
    const onTable = (done: number, total: number) => {
      this.#interruptible()
      this.#options.tell({ phase: 'compare', done, total, events: this.#events })
    }
    const found = await compare(this.#keeper, this.#writer, liveSchema, shadowSchema, onTable)
    await this.#keeper.query('commit')
    return { ...found, seq }
  }

  async #swap(): Promise<void> {
    this.#tell('swap')
    await this.#keeper.query(`drop schema if exists ${oldSchema} cascade`)
    await this.#keeper.query(
      `begin;
       create schema if not exists ${liveSchema};
       alter schema ${liveSchema} rename to ${oldSchema};
       alter schema ${shadowSchema} rename to ${liveSchema};
       ${moveStrangers(oldSchema, liveSchema)};
       commit`,
    )
  }

  #interruptible(): void {
    if (this.#options.signal.aborted)
      throw new InterruptedError('interrupted; the live tables are as they were')
  }

  #tell(phase: Phase): void {
    this.#options.tell({ phase, done: this.#seq, total: this.#total, events: this.#events })
  }
}
