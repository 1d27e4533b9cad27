/**
 * Any msgpack or JSON body to a plain value, and back to msgpack: plain maps without records, so that any
 * msgpack reader understands a body alone. Which events there are is none of its business, so that what
 * only wants to look at bytes does not load the catalogue.
 */
import { Packr } from 'msgpackr'

export class CodecError extends Error {
  override readonly name = 'CodecError'
}

const packr = new Packr({ useRecords: false, variableMapSize: true, mapsAsObjects: true })
/** `[` and `{`: in msgpack both would be a lone small number, which no body is. */
const openBrackets = new Set([0x5b, 0x7b])

export const pack = (value: unknown): Uint8Array => packr.pack(value)

export const unpack = (bytes: Uint8Array): unknown => {
  if (bytes.length === 0) throw new CodecError('the body is empty')
  try {
    return openBrackets.has(bytes[0]!)
      ? JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
      : packr.unpack(bytes)
  } catch (error) {
    throw new CodecError(`neither msgpack nor JSON: ${(error as Error).message}`)
  }
}
