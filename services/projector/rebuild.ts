/**
 * The log, folded anew into a schema beside the live one.
 *
 * The first pass runs while everything serves: commits are folded in chunks, and while one chunk is
 * copied into Postgres the next one is folded. Then the projector's lock is taken, the rest up to the
 * live position is added, and the two sets of tables are compared at exactly the same place. `rebuild`
 * swaps the schemas in that same transaction; `verify` throws the copy away. Readers never see anything
 * in between, and whatever is interrupted leaves the live tables as they were.
 */
import pg from 'pg'
import type { Commit } from '@headway/schemas/ports.ts'
import { liveSchema } from '@headway/schemas/tables.ts'
import { compare, type Comparison } from './compare.ts'
import { Fold } from './fold.ts'
import { readModels } from './read-models/index.ts'
import { modelsFingerprint, type ProjectorDoors } from './room.ts'
import { Shadow, shadowSchema } from './shadow.ts'
import { openStore, poolOf, projectorLock, type Position } from './store.ts'

const oldSchema = 'headway_old'
const chunkCommits = 4_000

export type Progress = {
  readonly phase: 'replay' | 'index' | 'compare' | 'done'
  /** Stream sequences so far and in all, and events so far. */
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
  /** Null when there was nothing to compare with: no live tables, other models or another log. */
  readonly comparison: Comparison | null
}

export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
}

export const rebuild = async (
  { log }: Pick<ProjectorDoors, 'log'>,
  options: RebuildOptions,
): Promise<Rebuilt> => {
  const store = openStore(options.pgUrl)
  const pool = poolOf(options.pgUrl, 'rebuild', 1)
  const writer = new pg.Client({
    connectionString: options.pgUrl,
    application_name: 'headway-rebuild',
  })
  writer.on('error', () => {})
  await writer.connect()
  const shadow = new Shadow(writer)
  try {
    await store.prepare()
    await shadow.prepare()
    const replay = new Replay(log, shadow, options)
    const head = await log.head()
    const live = await store.position()
    const isComparable =
      live !== null &&
      live.models === modelsFingerprint &&
      live.incarnation === head.incarnation &&
      live.seq <= head.seq
    await replay.upTo(isComparable ? live.seq : head.seq)
    replay.tell('index')
    await shadow.index()
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock($1)', [projectorLock])
      const now = await store.position()
      if (isComparable && now) await replay.upTo(now.seq)
      const position = await replay.position(head.incarnation)
      if (position) await shadow.finish(position)
      replay.tell('compare')
      const comparison = isComparable ? await compare(client, liveSchema, shadowSchema) : null
      if (options.swap) await swap(client)
      await client.query('commit')
      replay.tell('done')
      return { seq: replay.seq, events: replay.events, comparison }
    } finally {
      client.release()
    }
  } finally {
    await shadow.drop().catch(() => {})
    await writer.query(`drop schema if exists ${oldSchema} cascade`).catch(() => {})
    await Promise.all([writer.end(), pool.end(), store.close()])
  }
}

const swap = async (client: pg.PoolClient): Promise<void> => {
  await client.query(`drop schema if exists ${oldSchema} cascade`)
  await client.query(`alter schema ${liveSchema} rename to ${oldSchema}`)
  await client.query(`alter schema ${shadowSchema} rename to ${liveSchema}`)
}

/** A replay that can be taken further: to the first target, then to where the live tables are. */
class Replay {
  seq = 0
  events = 0
  #commitId = ''
  #total = 0
  readonly #log: ProjectorDoors['log']
  readonly #shadow: Shadow
  readonly #fold: Fold
  readonly #options: RebuildOptions

  constructor(log: ProjectorDoors['log'], shadow: Shadow, options: RebuildOptions) {
    this.#log = log
    this.#shadow = shadow
    this.#fold = new Fold(readModels, shadow)
    this.#options = options
  }

  async upTo(target: number): Promise<void> {
    this.#total = target
    if (this.seq >= target) return
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, this.#options.signal])
    let chunk: Commit[] = []
    for await (const batch of this.#log.tail({ from: this.seq + 1, signal })) {
      const isLast = batch.at(-1)!.seq >= target
      chunk.push(...(isLast ? batch.filter((commit) => commit.seq <= target) : batch))
      if (!isLast && chunk.length < chunkCommits) continue
      await this.#take(chunk)
      chunk = []
      if (isLast) return
    }
    throw new InterruptedError('the replay was interrupted; the live tables are as they were')
  }

  async position(incarnation: string): Promise<Position | null> {
    if (this.seq === 0) return null
    return { incarnation, seq: this.seq, commitId: this.#commitId, models: modelsFingerprint }
  }

  tell(phase: Progress['phase']): void {
    this.#options.tell({ phase, done: this.seq, total: this.#total, events: this.events })
  }

  async #take(chunk: readonly Commit[]): Promise<void> {
    const last = chunk.at(-1)
    if (!last) return
    await this.#shadow.write(await this.#fold.take(chunk))
    for (const { events } of chunk) this.events += events.length
    this.seq = last.seq
    this.#commitId = last.id
    this.tell('replay')
  }
}
