/**
 * Names and ids. Ids are derived, never drawn: the same decision on the same facts gives the same
 * id wherever and however often it is taken, so a retry cannot make a second thing.
 *
 * A ULID is 26 characters of Crockford base 32: 10 of milliseconds, 16 of entropy. Ours take the
 * entropy from a SHA-256 of what the id stands for, so they sort by time and repeat when asked again.
 */
import { createHash } from 'node:crypto'

/** `pims/prod/vehicle_positions`: one to eight parts of letters, digits, `_`, `-` and `.`. */
export type AssetKey = string
/** `st-realtime-production`: letters, digits, `_` and `-`. */
export type PipelineId = string
/** The first 12 hex digits of the SHA-256 of a pipeline folder. */
export type PipelineVersion = string
/** ULID of a run: time of the request and a hash of what it was decided on. */
export type RunId = string
/** ULID of an asset version. */
export type VersionId = string
/** SHA-256, 64 lower-case hex digits. */
export type Digest = string
/** RFC 3339 in UTC with milliseconds. */
export type Timestamp = string

export const assetKeyPattern = '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,7}$'
export const namePattern = '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$'
export const versionPattern = '^[0-9a-f]{12}$'
export const ulidPattern = '^[0-9A-HJKMNP-TV-Z]{26}$'
export const digestPattern = '^[0-9a-f]{64}$'

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A ULID for the moment `atMs` (milliseconds since 1970 UTC) that stands for `parts` and nothing else. */
export const ulidOf = (atMs: number, ...parts: readonly (string | number)[]): string => {
  let time = ''
  for (let rest = Math.floor(atMs), i = 0; i < 10; i++, rest = Math.floor(rest / 32))
    time = crockford[rest % 32] + time
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest()
  let entropy = ''
  for (let i = 0; i < 16; i++) entropy += crockford[hash[i]! % 32]
  return time + entropy
}

/** The moment a ULID carries, in milliseconds since 1970 UTC. */
export const ulidTimeMs = (ulid: string): number => {
  let ms = 0
  for (const character of ulid.slice(0, 10)) ms = ms * 32 + crockford.indexOf(character)
  return ms
}

export const sha256 = (bytes: Uint8Array | string): Digest =>
  createHash('sha256').update(bytes).digest('hex')

let lastMs = Number.NaN
let lastTimestamp = ''

/** Events of one moment come in rows, and writing a date costs more than comparing a number. */
export const toTimestamp = (atMs: number): Timestamp => {
  if (atMs !== lastMs) [lastMs, lastTimestamp] = [atMs, new Date(atMs).toISOString()]
  return lastTimestamp
}
