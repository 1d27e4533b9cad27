/** Bytes to text: UTF-8, or UTF-16 where a byte order mark says so. What is neither is refused. */
import { bytesMax, FormatError } from './source.ts'

const encodingOf = (bytes: Uint8Array): string => {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}

/** Up to the first bytes that are not text. */
const decodable = (bytes: Uint8Array, encoding: string): string => {
  let [low, high] = [0, bytes.length]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    try {
      new TextDecoder(encoding, { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      low = middle
    } catch {
      high = middle - 1
    }
  }
  return new TextDecoder(encoding).decode(bytes.subarray(0, low), { stream: true })
}

export const decode = (file: string, bytes: Uint8Array): string => {
  if (bytes.length > bytesMax)
    throw new FormatError(file, 1, 1, `more than ${bytesMax} bytes: split the file`)
  const encoding = encodingOf(bytes)
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    const lines = decodable(bytes, encoding).split('\n')
    const column = lines.at(-1)!.length + 1
    throw new FormatError(file, lines.length, column, `not ${encoding} text: save it as UTF-8`)
  }
}
