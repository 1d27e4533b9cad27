/**
 * The tables as of one commit, in a schema of their own: folded from the first event, or, where tables
 * of a little earlier are at hand, copied from these and followed from there. Both give the same rows.
 */
import pg from 'pg'
import type { Doors } from '@headway/streams/room.ts'
import { Bulk } from './bulk.ts'
import { tableNames } from './columns.ts'
import { models } from './history.ts'
import { InterruptedError, Replay } from './replay.ts'
import { Following } from './room.ts'
import { clientOptions, createIndexes, createKey, createTables, openStore } from './store.ts'

export type PastOrder = {
  readonly schema: string
  readonly seq: number
  /** Schema of tables that are a little earlier; null: from the first event. */
  readonly from: string | null
  readonly signal: AbortSignal
  readonly onBatch: (seq: number) => void
}
type PastDoors = Pick<Doors, 'log' | 'logger'>

const pastSchemas = '^headway_at_[0-9]+$'
export const pastSchema = (seq: number): string => `headway_at_${seq}`

/** Resolves when the tables are there; whatever goes wrong leaves none. */
export const makePast = async (
  doors: PastDoors,
  pgUrl: string,
  order: PastOrder,
): Promise<void> => {
  const writer = new pg.Client(clientOptions(pgUrl, 'past'))
  // A lost connection fails the query that is under way, and that is where it is handled.
  writer.on('error', () => {})
  await writer.connect()
  try {
    if (order.from === null) await fold(doors, writer, order)
    else {
      await copy(writer, order.from, order.schema)
      await follow(doors, pgUrl, order)
    }
  } catch (error) {
    await writer.query('rollback').catch(() => {})
    await dropSchema(writer, order.schema).catch(() => {})
    throw error
  } finally {
    await writer.end().catch(() => {})
  }
}

const fold = async ({ log }: PastDoors, writer: pg.Client, order: PastOrder): Promise<void> => {
  const { schema, seq, signal, onBatch } = order
  const { incarnation } = await log.head()
  const bulk = new Bulk(writer, schema)
  await bulk.begin()
  const replay = new Replay(bulk)
  await replay.run(log, seq, signal, () => onBatch(replay.seq))
  const { commit } = replay
  await bulk.finish({ incarnation, seq, commit, models, build: 0 }, () => {})
}

const copy = async (writer: pg.Client, from: string, to: string): Promise<void> => {
  await writer.query(`set synchronous_commit = off; drop schema if exists ${to} cascade`)
  await writer.query(`begin; ${createTables(to)}`)
  for (const table of [...tableNames, 'position'])
    await writer.query(`insert into ${to}.${table} select * from ${from}.${table}`)
  for (const table of tableNames)
    for (const statement of [createKey(to, table), ...createIndexes(to, table)])
      await writer.query(statement)
  await writer.query('commit')
  for (const table of tableNames) await writer.query(`analyze ${to}.${table}`)
}

const follow = async (doors: PastDoors, pgUrl: string, order: PastOrder): Promise<void> => {
  const { schema, seq, signal, onBatch } = order
  const store = openStore(pgUrl, schema)
  try {
    const following = new Following(doors, store, (await store.position())!)
    await following.run(signal, () => onBatch(following.position.seq), seq)
    if (following.position.seq < seq) throw new InterruptedError('interrupted')
  } finally {
    await store.close()
  }
}

export const dropSchema = async (client: pg.Client, schema: string): Promise<void> => {
  await client.query(`drop schema if exists ${schema} cascade`)
}

/** One by one: a schema takes many locks. */
export const dropPast = async (client: pg.Client): Promise<void> => {
  const { rows } = await client.query<{ nspname: string }>(
    'select nspname from pg_namespace where nspname ~ $1',
    [pastSchemas],
  )
  for (const { nspname } of rows) await dropSchema(client, nspname)
}
