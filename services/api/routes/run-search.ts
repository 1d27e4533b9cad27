/**
 * Runs by words: an id or how it begins (through the key), else part of an id, a pipeline, an asset that
 * went in or came out, or an error. Words have no index, so one request looks at so many runs and no
 * more, newest first, and says where the next one goes on.
 */
import { sql, type SqlBool } from 'kysely'
import { likeOf } from '../held.ts'
import type { RunQuery } from './run-summary.ts'

/** How many runs one request looks at, however few of them fit. */
export const searchedMax = 10_000

const idLength = 26
/** The time of an id and some of what tells ids of one moment apart. */
const idStart = /^[0-9A-HJKMNP-TV-Z]{12,26}$/

const words = (q: string): ReturnType<typeof sql<SqlBool>> => {
  const like = `%${likeOf(q)}%`
  const artifacts = sql.id('artifacts')
  return sql<SqlBool>`(
    runs.run ilike ${like} or runs.pipeline ilike ${like}
    or runs.error ->> 'type' ilike ${like} or runs.error ->> 'message' ilike ${like}
    or exists (
      select from jsonb_each(runs.inputs) i where i.value ->> 'asset' ilike ${like})
    or (${q.includes('/')} and exists (
      select from ${artifacts} a
      where a.tenant = runs.tenant and a.run = runs.run and a.asset ilike ${like})))`
}

export type Place = readonly [seq: number, run: string]

/** Where the looking of this request ends; null when it comes to the oldest run. */
export const floorOf = async (query: RunQuery): Promise<Place | null> => {
  const row = await query
    .clearSelect()
    .select(['runs.seq', 'runs.run'])
    .orderBy('runs.seq', 'desc')
    .orderBy('runs.run', 'desc')
    .offset(searchedMax - 1)
    .limit(1)
    .executeTakeFirst()
  return row ? [row.seq, row.run] : null
}

export const isIdStart = (q: string): boolean => idStart.test(q.toUpperCase())

export const withIdStart = (query: RunQuery, q: string): RunQuery => {
  const start = q.toUpperCase()
  return query
    .where('runs.run', '>=', start.padEnd(idLength, '0'))
    .where('runs.run', '<=', start.padEnd(idLength, 'Z'))
}

export const withWords = (query: RunQuery, q: string, floor: Place | null): RunQuery => {
  const found = query.where(words(q))
  return floor === null
    ? found
    : found.where(sql<SqlBool>`(runs.seq, runs.run) >= (${floor[0]}, ${floor[1]})`)
}
