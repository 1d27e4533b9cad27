import { createHash } from 'node:crypto'
import { Refusal } from './kind.ts'
import {
  bufferOf,
  cursorAt,
  emptySink,
  readEnd,
  readTag,
  skipField,
  WireError,
  wireTypes,
  writeBytes,
  writeVarint,
  written,
} from './protobuf.ts'

/**
 * A realtime feed as bytes: taken apart into its header and its entities, and put together again,
 * without looking into either. What the content digest covers is decided here.
 */

const headerTag = 1 * 8 + wireTypes.bytes
const entityTag = 2 * 8 + wireTypes.bytes
const timestampNumber = 3

export const expectedFeed = 'a GTFS Realtime feed as protobuf'

/** The bytes of a feed's fields; `strange` are whole fields that the format does not know. */
export type Outline = {
  readonly headers: readonly Buffer[]
  readonly entities: readonly Buffer[]
  readonly strange: readonly Buffer[]
}

const outlineOf = (bytes: Buffer): Outline => {
  const headers: Buffer[] = []
  const entities: Buffer[] = []
  const strange: Buffer[] = []
  const cursor = cursorAt(bytes, 0)
  while (cursor.pos < bytes.length) {
    const start = cursor.pos
    const tag = readTag(cursor, bytes.length)
    if (tag === headerTag || tag === entityTag) {
      const end = readEnd(cursor, bytes.length)
      const parts = tag === headerTag ? headers : entities
      parts.push(bytes.subarray(cursor.pos, end))
      cursor.pos = end
    } else {
      skipField(cursor, tag, bytes.length)
      strange.push(bytes.subarray(start, cursor.pos))
    }
  }
  return { headers, entities, strange }
}

/** Every feed in the wild starts with its header; what starts otherwise is garbage, not cut off. */
export const takeApart = (feed: Uint8Array): Outline => {
  const bytes = bufferOf(feed)
  try {
    return outlineOf(bytes)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    const cut = error.problem === 'cut' && bytes[0] === headerTag
    throw new Refusal(
      cut ? 'truncated_protobuf' : 'malformed_protobuf',
      `expected ${expectedFeed}, but in these ${bytes.length} bytes ${error.message}`,
    )
  }
}

export const putTogether = (
  header: Uint8Array,
  entities: readonly Uint8Array[],
  strange: Uint8Array,
): Buffer => {
  const sink = emptySink()
  const writePart = (tag: number, bytes: Uint8Array) => {
    writeBytes(sink, bytes)
    writeVarint(sink, bytes.length)
    writeVarint(sink, tag)
  }
  writeBytes(sink, strange)
  for (let index = entities.length - 1; index >= 0; index -= 1)
    writePart(entityTag, entities[index]!)
  writePart(headerTag, header)
  return written(sink)
}

const withoutTimestamp = (header: Buffer): Buffer => {
  const cursor = cursorAt(header, 0)
  const kept: Buffer[] = []
  while (cursor.pos < header.length) {
    const start = cursor.pos
    const tag = readTag(cursor, header.length)
    skipField(cursor, tag, header.length)
    if (tag >>> 3 !== timestampNumber) kept.push(header.subarray(start, cursor.pos))
  }
  return Buffer.concat(kept)
}

/**
 * SHA-256 of the feed with its entities in the order of their bytes and without the timestamp of
 * its header. Unknown fields and extensions count, and so does an entity given twice.
 */
export const contentDigestOf = ({ headers, entities, strange }: Outline): string => {
  const header = withoutTimestamp(Buffer.concat(headers))
  const sorted = entities.toSorted((one, other) => Buffer.compare(one, other))
  return createHash('sha256')
    .update(putTogether(header, sorted, Buffer.concat(strange)))
    .digest('hex')
}
