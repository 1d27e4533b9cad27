/**
 * API tokens: `hw_<id>_<secret>`. The id names it on the log and in lists; the log has the SHA-256 of
 * the whole and never the secret, whose 256 random bits make slower hashes pointless.
 */
import { sha256 } from './ids.ts'

export const tokenPattern = /^hw_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/
export const tokenBytes = { id: 12, secret: 32 } as const
const letters = 'abcdefghijkmnpqrstuvwxyz23456789'

export type MintedToken = { readonly id: string; readonly token: string; readonly hash: string }

const idOf = (random: Uint8Array): string =>
  [...random.subarray(0, tokenBytes.id)].map((byte) => letters[byte % 32]).join('')

/** A token of these random bytes; `tokenBytes.id` and then `tokenBytes.secret` of them. */
export const mintToken = (random: Uint8Array): MintedToken => {
  if (random.length < tokenBytes.id + tokenBytes.secret) throw new Error('too few random bytes')
  const id = idOf(random)
  const secret = Buffer.from(random.subarray(tokenBytes.id, tokenBytes.id + tokenBytes.secret))
  const token = `hw_${id}_${secret.toString('base64url')}`
  return { id, token, hash: sha256(token) }
}
