import { createHash } from 'node:crypto'
import { Refusal } from './kind.ts'
import type { ContentKind } from './kind.ts'

/**
 * Bytes whose meaning is nobody's business here: a PDF map, a firmware image, a file of settings.
 * Every byte counts, so the content digest is the digest of the bytes. An empty body is refused,
 * because it has always been an accident.
 */
export const opaqueBytes: ContentKind<Uint8Array> = {
  name: 'opaque_bytes',

  inspect(bytes) {
    if (bytes.length === 0) throw new Refusal('empty_body', 'expected bytes, found none')
    const contentDigest = createHash('sha256').update(bytes).digest('hex')
    return { contentDigest, rows: 0, facts: { bytes: bytes.length } }
  },

  parse: (bytes) => bytes,

  encode: (bytes) => [{ name: 'content.bin', mediaType: 'application/octet-stream', bytes }],

  rows: () => 0,
}
