/**
 * Lists: a bare array, newest first, and a `Link: <…>; rel="next"` while there is more.
 *
 * A cursor names the last row by values that never change (its place in the log), so rows added while
 * somebody pages neither repeat nor hide others. It belongs to one list with one set of filters.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sql } from 'kysely'
import { Type } from 'typebox'
import { sha256 } from '@headway/schemas/ids.ts'
import { Problem } from './problem.ts'
import { viewed } from './view.ts'

export const limitMax = 200

/** The query parameters every list has. */
export const paging = (limitDefault: number) => ({
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: limitMax, description: `${limitDefault} when left out` }),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 500, description: 'from the Link header; never made by hand' }),
  ),
})

type KeyPart = string | number
export type Page<K extends readonly KeyPart[]> = {
  readonly limit: number
  /** Only rows after this one, in list order. */
  readonly after: K | null
}

const badCursor = (why: string): Problem =>
  new Problem(400, 'bad_cursor', `${why}: start again without cursor and follow the Link headers`)

const filtersOf = (url: URL): string => {
  const filters = [...url.searchParams].filter(([name]) => name !== 'cursor' && name !== 'limit')
  return sha256(
    JSON.stringify([url.pathname, filters.map((pair) => pair.join('=')).toSorted()]),
  ).slice(0, 16)
}

/** The state that is looked at stays the same from page to page, however it was named. */
const urlOf = (request: FastifyRequest): URL => {
  const url = new URL(request.originalUrl, 'http://localhost')
  const view = viewed()
  if (view) url.searchParams.set('asOf', String(view.seq))
  return url
}

const readCursor = <K extends readonly KeyPart[]>(text: string, filters: string, like: K): K => {
  let parsed: { f?: unknown; k?: unknown } | null
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as typeof parsed
  } catch {
    throw badCursor('this is no cursor of ours')
  }
  const key = parsed?.k
  const fits = (part: unknown, i: number) =>
    typeof like[i] === 'number'
      ? Number.isSafeInteger(part)
      : typeof part === 'string' && !part.includes('\0')
  if (!Array.isArray(key) || key.length !== like.length || !key.every(fits))
    throw badCursor('this is no cursor of this list')
  if (parsed?.f !== filters) throw badCursor('the cursor was made with other filters')
  return key as unknown as K
}

/** Which page is asked for. `like` shows the types of the key's parts. */
export const pageOf = <const K extends readonly KeyPart[]>(
  request: FastifyRequest,
  limitDefault: number,
  like: K,
): Page<{ [I in keyof K]: K[I] extends number ? number : string }> => {
  const { limit = limitDefault, cursor } = request.query as { limit?: number; cursor?: string }
  const after = cursor === undefined ? null : readCursor(cursor, filtersOf(urlOf(request)), like)
  return { limit, after } as Page<{ [I in keyof K]: K[I] extends number ? number : string }>
}

/** Rows of a list, newest first, that come after the one of this key. */
export const olderThan = (columns: readonly string[], key: readonly KeyPart[]) =>
  sql<boolean>`(${sql.join(columns.map((name) => sql.ref(name)))}) < (${sql.join(key)})`

/** Cuts `limit + 1` fetched rows to the page and links the next one when there is one. */
export const cutPage = <R>(
  request: FastifyRequest,
  reply: FastifyReply,
  page: { readonly limit: number },
  rows: readonly R[],
  keyOf: (row: R) => readonly KeyPart[],
): readonly R[] => {
  const shown = rows.slice(0, page.limit)
  if (rows.length > page.limit) linkNext(request, reply, keyOf(shown.at(-1)!))
  return shown
}

/** Tells that there is more, or that more can be looked at, after the row of this key. */
export const linkNext = (
  request: FastifyRequest,
  reply: FastifyReply,
  key: readonly KeyPart[],
): void => {
  const url = urlOf(request)
  const cursor = JSON.stringify({ f: filtersOf(url), k: key })
  url.searchParams.set('cursor', Buffer.from(cursor).toString('base64url'))
  void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
}
