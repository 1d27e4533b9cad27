/**
 * The projector room: follows the log and keeps the tables.
 *
 * It starts where the tables are, folds what comes in batches, and writes each batch with the new
 * position in one transaction. Whatever fails (Postgres restarts, NATS restarts, another projector was
 * faster) it forgets what it had in memory and starts again from the position in the tables, so nothing
 * is skipped and nothing is written twice.
 *
 * Before it goes on from a position it makes sure that the log is still the one the tables were made
 * from: same incarnation, long enough, the same commit at that place. After a lossy power cut or a
 * restore sequences mean other facts, and going on would mix two histories. Then it stops and says so.
 */
import { sha256 } from '@headway/schemas/ids.ts'
import type { LogHead } from '@headway/schemas/ports.ts'
import { tables } from '@headway/schemas/tables.ts'
import type { Doors } from '@headway/streams/room.ts'
import { Fold } from './fold.ts'
import { readModels } from './read-models/index.ts'
import type { Position, Store } from './store.ts'

const pauseMs = 300

/** The tables were made from another log than the one that is there. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}

/** Changes when any read model or table does. */
export const modelsFingerprint = sha256(
  JSON.stringify([readModels.map(({ table, version }) => [table, version]), tables]),
).slice(0, 16)

export type ProjectorDoors = Pick<Doors, 'log' | 'clock' | 'logger'>

export const runProjector = async (
  doors: ProjectorDoors,
  store: Store,
  options: { readonly signal: AbortSignal; readonly rebuild: () => Promise<void> },
): Promise<void> => {
  const { clock, logger } = doors
  const { signal } = options
  while (!signal.aborted) {
    try {
      await store.prepare()
      const position = await store.position()
      if (position && position.models !== modelsFingerprint) await options.rebuild()
      else await project(doors, store, position, signal)
    } catch (error) {
      if (error instanceof HistoryError) throw error
      logger.warn({ error: String(error) }, 'projecting was broken off and is taken up again')
      await clock.sleep(pauseMs, signal)
    }
  }
}

const project = async (
  { log }: ProjectorDoors,
  store: Store,
  start: Position | null,
  signal: AbortSignal,
): Promise<void> => {
  const head = await log.head()
  if (start) await checkHistory(log, head, start)
  const fold = new Fold(readModels, store)
  let position = start
  for await (const commits of log.tail({ from: (start?.seq ?? 0) + 1, signal })) {
    const changes = await fold.take(commits)
    const last = commits.at(-1)!
    const next: Position = {
      incarnation: head.incarnation,
      seq: last.seq,
      commitId: last.id,
      models: modelsFingerprint,
    }
    if ((await store.commit(changes, position, next)) === 'overtaken') return
    position = next
  }
}

/** Throws unless the position is a place in this log. */
export const checkHistory = async (
  log: Doors['log'],
  head: LogHead,
  position: Position,
): Promise<void> => {
  const why =
    head.incarnation !== position.incarnation
      ? `the log was created at ${head.incarnation}, the tables are from ${position.incarnation}`
      : head.seq < position.seq
        ? `the log ends at ${head.seq}, the tables are at ${position.seq}`
        : (await log.at(position.seq))?.id !== position.commitId
          ? `the commit at ${position.seq} is another one than when it was projected`
          : null
  if (why)
    throw new HistoryError(
      `the tables were made from another log: ${why}. If the log that is there is the right one, ` +
        'run `npm run headway -- rebuild` to make the tables anew from it.',
    )
}
