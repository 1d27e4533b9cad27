/** Times in queries: RFC 3339, or how long ago (`15m`, `-2h`). */
import { parseDuration } from '@headway/schemas/config/units.ts'
import { toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import { Problem } from './problem.ts'

/** Writers' clocks differ from the log's by less than this. */
const skewMs = 3_600_000
const ulidTimeMsMax = 2 ** 48 - 1
const rfc3339 = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/

export const momentOf = (name: string, text: string, now: number): number => {
  const agoMs = parseDuration(text.replace(/^-/, ''))
  // A plus sign that was not encoded arrives as a blank.
  const at =
    agoMs === null
      ? rfc3339.test(text)
        ? Date.parse(text)
        : rfc3339.test(text.replace(' ', '+'))
          ? Date.parse(text.replace(' ', '+'))
          : NaN
      : now - agoMs
  if (Number.isFinite(at) && Math.abs(at) < 8.64e15 && at > -6.2e13) return at
  throw new Problem(
    400,
    'bad_parameter',
    `?${name} is a time like 2026-11-21T08:00:00Z, or how long ago, like 15m or 2h`,
  )
}

/** RFC 3339, or how far ahead (`2h`). */
export const momentAhead = (name: string, text: string, now: number): number => {
  const aheadMs = parseDuration(text)
  return aheadMs === null ? momentOf(name, text, now) : now + aheadMs
}

/** The first ten characters of a ULID: ids sort by time, so a bound on ids is a bound on an index. */
const ulidPrefix = (atMs: number): string =>
  ulidOf(Math.min(Math.max(0, atMs), ulidTimeMsMax)).slice(0, 10)

export const ulidFloor = (atMs: number): string => ulidPrefix(atMs - skewMs)
export const ulidCeiling = (atMs: number): string => ulidPrefix(atMs + skewMs) + 'Z'.repeat(16)

/** Ids that an idempotency key gives have no time: it is 0. */
export const timelessCeiling = '0000000001'

/** What is beyond any date is the last one: a cursor that somebody made up must not break us. */
export const timeOf = (atMs: number): string =>
  toTimestamp(Math.min(Math.max(0, atMs), 253_402_300_799_999))
