/**
 * How the log remembers what a sink held. Plain values stay readable. Of a secret there is a keyed digest,
 * so that a change can be seen, and the value sealed, so that it can be restored; both need the key of
 * `HEADWAY_SEAL_KEY`. Without one nothing of a secret is kept, and it can't be rolled back.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { Held } from '@headway/schemas/rules/definition.ts'

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16
/** What stands for the digest of a secret when there is no key. */
export const unknownDigest = 'unknown'

export type Seal = {
  /** Whether secrets can be restored. */
  readonly isKeyed: boolean
  hold(key: string, text: string, isSecret: boolean): Held
  /** The text again; null when it was a secret that nobody sealed, or under another key. */
  open(key: string, held: Held): string | null
}

const derive = (secret: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, 'headway', purpose, 32))

export const openSeal = (secret = process.env.HEADWAY_SEAL_KEY): Seal => {
  const keys = secret ? { digest: derive(secret, 'digest'), seal: derive(secret, 'seal') } : null
  const seal = (key: string, text: string, by: Buffer): string => {
    const nonce = randomBytes(nonceBytes)
    const encrypt = createCipheriv(cipher, by, nonce, { authTagLength: tagBytes })
    encrypt.setAAD(Buffer.from(key))
    const sealed = Buffer.concat([encrypt.update(text, 'utf8'), encrypt.final()])
    return Buffer.concat([nonce, encrypt.getAuthTag(), sealed]).toString('base64')
  }
  const unseal = (key: string, sealed: string, by: Buffer): string | null => {
    const bytes = Buffer.from(sealed, 'base64')
    const nonce = bytes.subarray(0, nonceBytes)
    const decrypt = createDecipheriv(cipher, by, nonce, { authTagLength: tagBytes })
    try {
      decrypt.setAAD(Buffer.from(key))
      decrypt.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes))
      const text = decrypt.update(bytes.subarray(nonceBytes + tagBytes))
      return Buffer.concat([text, decrypt.final()]).toString('utf8')
    } catch {
      return null
    }
  }
  return {
    isKeyed: keys !== null,
    hold: (key, text, isSecret) => {
      if (!isSecret) return { plain: text }
      if (!keys) return { digest: unknownDigest }
      const digest = createHmac('sha256', keys.digest).update(`${key}\0${text}`).digest('hex')
      return { digest, sealed: seal(key, text, keys.seal) }
    },
    open: (key, held) => {
      if ('plain' in held) return held.plain
      return keys && held.sealed !== undefined ? unseal(key, held.sealed, keys.seal) : null
    },
  }
}
