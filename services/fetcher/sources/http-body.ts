/**
 * A body, read and unpacked within `sizeBytesMax` at every stage: as announced, as it comes, and after
 * each encoding, so that neither an endless body nor a bomb takes more memory than was allowed.
 */
import type { Dispatcher } from 'undici'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'

const decoders = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
])
/** More encodings on top of each other than this are somebody's joke. */
const encodingsMax = 3

export class TooLarge extends Error {
  override readonly name = 'TooLarge'
  readonly sizeBytes: number
  constructor(sizeBytes: number) {
    super('too large')
    this.sizeBytes = sizeBytes
  }
}

/** A failure of our own naming; its message may be told. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly type: string
  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

export const firstOf = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

/** Nobody wants to read this body, however long it takes to come. */
export const discard = ({ body }: Dispatcher.ResponseData): void => {
  body.on('error', () => {})
  body.destroy()
}

const decode = async (name: string, bytes: Uint8Array, max: number): Promise<Uint8Array> => {
  const decoder = decoders.get(name)
  if (!decoder)
    throw new HttpError('encoding_unknown', 'the body has an encoding that was not asked for')
  try {
    return await decoder(bytes, { maxOutputLength: max })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge(max + 1)
    throw new HttpError('encoding_broken', `the ${name} encoding of the body is broken`)
  }
}

export const readBody = async (
  response: Dispatcher.ResponseData,
  max: number,
): Promise<Uint8Array> => {
  const announced = Number(firstOf(response.headers['content-length']) ?? 0)
  if (announced > max) {
    discard(response)
    throw new TooLarge(announced)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > max) throw new TooLarge(size)
    chunks.push(chunk)
  }
  let bytes: Uint8Array = Buffer.concat(chunks, size)
  if (size === 0) return bytes
  const encodings = String(response.headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  if (encodings.length > encodingsMax)
    throw new HttpError('encoding_unknown', `the body has more than ${encodingsMax} encodings`)
  for (const name of encodings.reverse()) bytes = await decode(name, bytes, max)
  return bytes
}
