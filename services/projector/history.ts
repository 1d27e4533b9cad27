/**
 * Are the tables and the log of one history? After a lossy power cut, a restore or a new stream the
 * sequences mean other facts; going on would mix two histories without anybody noticing. So it is asked
 * at every start and every few seconds, and answered by three things: the log is the same one, it is
 * long enough, and the commit at the tables' position is the one that was projected.
 */
import { sha256 } from '@headway/schemas/ids.ts'
import type { Log } from '@headway/schemas/ports.ts'
import { modelsText } from './read-models/index.ts'
import type { Position } from './store.ts'

/** The tables were made from another log than the one that is there. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}

/** Changes when any read model or table does. */
export const models: string = sha256(modelsText()).slice(0, 16)

/** The same commit has the same text here; headers and ids may be anything. */
export const commitMark = (id: string): string => id.slice(0, 200).replaceAll('\0', '\ufffd')

/** What speaks against the position in this log; null when nothing does. */
export const historyProblem = async (log: Log, position: Position): Promise<string | null> => {
  const head = await log.head()
  if (head.incarnation !== position.incarnation)
    return `the log was created at ${head.incarnation}, theirs at ${position.incarnation}`
  if (head.seq < position.seq) return `the log ends at ${head.seq}, they are at ${position.seq}`
  // Without an id there is nothing to compare.
  if (position.commit === '') return null
  const commit = await log.at(position.seq)
  // Null may also mean that nobody answered: the next look tells.
  if (!commit || commitMark(commit.id) === position.commit) return null
  return `commit ${position.seq} is ${commit.id}, they saw ${position.commit} there`
}

export const checkHistory = async (log: Log, position: Position): Promise<void> => {
  const problem = await historyProblem(log, position)
  if (problem === null) return
  throw new HistoryError(
    `the read models were made from another log: ${problem}. Nothing was changed. If the log that ` +
      'is there is the right one, make them anew from it: npm run headway -- rebuild',
  )
}
