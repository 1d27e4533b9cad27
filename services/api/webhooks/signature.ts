/**
 * Whether bytes were signed with one of our keys. Every key is tried and every comparison takes the same
 * time, so that how long the answer takes tells nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const same = (given: string, wanted: string): boolean => {
  // Of one length whatever was given, so that lengths tell nothing either.
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}

const someKey = (keys: readonly string[], fits: (key: string) => boolean): boolean =>
  keys.map((key) => key !== '' && fits(key)).includes(true)

/** The key itself was sent. */
export const isKey = (given: string | undefined, keys: readonly string[]): boolean =>
  given !== undefined && someKey(keys, (key) => same(given, key))

/** HMAC-SHA256 of the body in hexadecimal. */
export const isHexOf = (
  given: string | undefined,
  body: Uint8Array,
  keys: readonly string[],
): boolean =>
  given !== undefined &&
  /^[0-9a-f]{64}$/i.test(given) &&
  someKey(keys, (key) =>
    same(given.toLowerCase(), createHmac('sha256', key).update(body).digest('hex')),
  )

/** The same behind `sha256=`. */
export const isPrefixedHexOf = (
  given: string | undefined,
  body: Uint8Array,
  keys: readonly string[],
): boolean => given?.startsWith('sha256=') === true && isHexOf(given.slice(7), body, keys)

const toleranceMs = 5 * 60_000
const standardKey = (key: string): Buffer =>
  key.startsWith('whsec_') ? Buffer.from(key.slice(6), 'base64') : Buffer.from(key)

/** Standard Webhooks: `v1,<base64>` over id, time in seconds and body; several with blanks between. */
export const isStandardOf = (
  given: {
    readonly id: string | undefined
    readonly timestamp: string | undefined
    readonly signatures: string | undefined
  },
  body: Uint8Array,
  keys: readonly string[],
  now: number,
): boolean => {
  const { id, timestamp, signatures } = given
  if (!id || !signatures || !timestamp || !/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(now - Number(timestamp) * 1_000) > toleranceMs) return false
  const versions = signatures.split(' ').filter((one) => one.startsWith('v1,'))
  return someKey(keys, (key) => {
    const signed = createHmac('sha256', standardKey(key)).update(`${id}.${timestamp}.`).update(body)
    const wanted = `v1,${signed.digest('base64')}`
    return versions.map((one) => same(one, wanted)).includes(true)
  })
}
