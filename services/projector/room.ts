/**
 * The projector room: follows the log and keeps the tables.
 *
 * It starts where the tables are, projects what comes in batches, and writes each batch and the new
 * position in one transaction.
 *
 *   following    the usual state
 *   overtaken    another projector was faster, or a rebuild swapped the tables: what is in memory is
 *                forgotten, what the others did is skipped
 *   broken off   Postgres or NATS is away: after a pause it starts again from the position in the
 *                tables, so nothing is skipped and nothing is written twice
 *   stopped      the log is not the one the tables were made from (`history.ts`)
 *
 * A commit that the database refuses though the columns allowed it is passed alone and shown as
 * unreadable: one poisoned fact must not keep the others away.
 */
import type { Commit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { checkHistory, commitMark, HistoryError, models } from './history.ts'
import { addWrite, Projection, type Changes } from './projection.ts'
import type { Position, Store } from './store.ts'

const pauseMsMin = 100
const pauseMsMax = 5_000
const checkMs = 3_000

export type ProjectorDoors = Pick<Doors, 'log' | 'clock' | 'logger'>
export type ProjectorOptions = {
  readonly signal: AbortSignal
  /** Makes the tables anew when they are of other read models. */
  readonly rebuild?: () => Promise<void>
  /** Hears of every batch that this projector wrote. */
  readonly onStored?: OnStored
}
export type OnStored = (commits: readonly Commit[], changes: Changes) => void

/** The tables are of other read models and nobody here can make them anew. */
export class ModelsError extends Error {
  override readonly name = 'ModelsError'
}

export const runProjector = async (
  doors: ProjectorDoors,
  store: Store,
  { signal, rebuild, onStored }: ProjectorOptions,
): Promise<void> => {
  const { clock, logger } = doors
  for (let pauseMs = pauseMsMin; !signal.aborted;) {
    const stop = new AbortController()
    const onAbort = () => stop.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const position = await startOf(doors, store)
      if (position.models !== models) {
        if (!rebuild) throw new ModelsError('the tables are of other read models: headway rebuild')
        await rebuild()
        continue
      }
      const following = new Following(doors, store, position, onStored)
      const parts = [
        following.run(stop.signal, () => (pauseMs = pauseMsMin)),
        watch(doors, following, stop.signal),
      ].map((part) => part.finally(() => stop.abort()))
      for (const part of await Promise.allSettled(parts))
        if (part.status === 'rejected') throw part.reason
    } catch (error) {
      if (error instanceof HistoryError || error instanceof ModelsError) throw error
      if (signal.aborted) return
      logger.warn({ error: String(error) }, 'projecting was broken off and is taken up again')
      await clock.sleep(pauseMs, signal)
      pauseMs = Math.min(pauseMs * 2, pauseMsMax)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}

/** Where the tables are, made when there are none. */
const startOf = async ({ log }: ProjectorDoors, store: Store): Promise<Position> => {
  let position = await store.position()
  if (!position) {
    const { incarnation } = await log.head()
    await store.create({ incarnation, seq: 0, commit: '', models, build: 0 })
    position = await store.position()
  }
  if (!position) throw new Error('the position is missing')
  await checkHistory(log, position)
  return position
}

/**
 * Looks from time to time whether it is still the same history, and whether anything comes. After a
 * restart of the server a subscription may stay silent for half a minute; a log that goes on while we
 * wait and hear nothing is read anew from the position.
 */
const watch = async (
  { clock, log }: ProjectorDoors,
  following: Following,
  signal: AbortSignal,
): Promise<void> => {
  for (let toHear = 0; ;) {
    await clock.sleep(checkMs, signal)
    if (signal.aborted) return
    const { position } = following
    // A server that does not answer says nothing about the history.
    const head = await log.head().catch(() => null)
    const isSilent = following.isWaiting && following.position === position && !signal.aborted
    if (isSilent && position.seq < toHear) throw new Error('nothing comes though the log goes on')
    toHear = head?.seq ?? 0
    await checkHistory(log, position).catch((error: unknown) => {
      if (error instanceof HistoryError) throw error
    })
  }
}

/** From one position on, until the signal or until something breaks. */
export class Following {
  position: Position
  /** For the log to go on; false while a batch is written. */
  isWaiting = true
  readonly #doors: Pick<ProjectorDoors, 'log' | 'logger'>
  readonly #store: Store
  readonly #onStored: OnStored | undefined
  readonly #projection = new Projection()

  constructor(
    doors: Pick<ProjectorDoors, 'log' | 'logger'>,
    store: Store,
    position: Position,
    onStored?: OnStored,
  ) {
    this.#doors = doors
    this.#onStored = onStored
    this.#store = store
    this.position = position
  }

  /** Up to and with `target`, or for good. */
  async run(signal: AbortSignal, onBatch: () => void, target = Infinity): Promise<void> {
    if (this.position.seq >= target) return
    const stop = new AbortController()
    const either = AbortSignal.any([signal, stop.signal])
    const from = this.position.seq + 1
    try {
      for await (const commits of this.#doors.log.tail({ from, signal: either })) {
        this.isWaiting = false
        await this.#take(commits.filter(({ seq }) => seq <= target))
        this.isWaiting = true
        onBatch()
        if (this.position.seq >= target || signal.aborted) return
      }
    } finally {
      stop.abort()
    }
  }

  async #take(commits: readonly Commit[]): Promise<void> {
    for (;;) {
      const rest = commits.filter(({ seq }) => seq > this.position.seq)
      if (rest.length === 0) return
      try {
        if ((await this.#project(rest)) === 'stored') return
      } catch (error) {
        if (!isRefused(error)) throw error
        this.#projection.forget()
        await this.#takeOneByOne(rest)
        continue
      }
      await this.#reload()
    }
  }

  async #takeOneByOne(commits: readonly Commit[]): Promise<void> {
    for (const commit of commits) {
      try {
        if ((await this.#project([commit])) === 'overtaken') return await this.#reload()
      } catch (error) {
        if (!isRefused(error)) throw error
        this.#projection.forget()
        const problem = `refused by the database: ${String(error)}`
        this.#doors.logger.error({ seq: commit.seq, problem }, 'a commit is passed over')
        await this.#project([{ ...commit, events: [], problem }])
      }
    }
  }

  async #project(commits: readonly Commit[]): Promise<'stored' | 'overtaken'> {
    const projection = this.#projection
    await this.#load(commits)
    const changes: Changes = new Map()
    for (const commit of commits)
      for (const write of projection.project(commit)) addWrite(changes, write)
    const last = commits.at(-1)!
    const to = { ...this.position, seq: last.seq, commit: commitMark(last.id) }
    const outcome = await this.#store.commit(changes, this.position, to)
    if (outcome === 'overtaken') return outcome
    this.position = to
    this.#onStored?.(commits, changes)
    projection.trim()
    return outcome
  }

  /** Everything that these commits may change or look at. */
  async #load(commits: readonly Commit[]): Promise<void> {
    const asked = new Set<string>()
    for (;;) {
      const wanted = this.#projection.wanted(commits, asked)
      if (wanted.size === 0) return
      for (const [table, rows] of await this.#store.load(wanted))
        this.#projection.learn(table, rows)
    }
  }

  /** Somebody else moved the tables: go on from where they are now. */
  async #reload(): Promise<void> {
    this.#projection.forget()
    const position = await this.#store.position()
    if (!position || position.seq < this.position.seq || position.models !== models)
      throw new Error('the tables were replaced')
    this.position = position
  }
}

/** Data that the database cannot keep (SQLSTATE classes 22, 23 and 54): trying again changes nothing. */
const isRefused = (error: unknown): boolean =>
  /^(22|23|54)/.test((error as { code?: string }).code ?? '')
