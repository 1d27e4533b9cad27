/**
 * The protobuf wire, and only the wire: numbers, lengths and the skipping of what nobody knows.
 *
 * Reading goes forward over a cursor and never past the given end. Writing goes backward from the
 * end of a growing buffer, because a nested message is preceded by its length and the length is
 * known once the message is written: no second pass, no copies.
 *
 * A message that runs past its end is told apart from one that makes no sense, so that a capture
 * cut off by a broken connection can be named as such.
 */

/** The bytes end too early, they make no sense, or a field is missing that must be there. */
export type WireProblem = 'cut' | 'senseless' | 'incomplete'

export class WireError extends Error {
  override readonly name = 'WireError'
  readonly problem: WireProblem
  constructor(problem: WireProblem, message: string) {
    super(message)
    this.problem = problem
  }
}

/** Varints are 64 bit; they are read as two unsigned 32-bit halves, `lo` and `hi`. */
export type Cursor = { readonly bytes: Buffer; pos: number; lo: number; hi: number }

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 }

const nestedGroupsMax = 100

/** A view, not a copy. */
export const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export const cursorAt = (bytes: Buffer, pos: number): Cursor => ({ bytes, pos, lo: 0, hi: 0 })

const cutOff = () => new WireError('cut', 'the bytes end in the middle of a field')

export const readVarint = (cursor: Cursor, end: number): void => {
  const { bytes } = cursor
  let { pos } = cursor
  // Most numbers are keys, lengths and small values of one byte.
  if (pos < end && bytes[pos]! < 128) {
    cursor.lo = bytes[pos]!
    cursor.hi = 0
    cursor.pos = pos + 1
    return
  }
  let lo = 0
  let hi = 0
  for (let shift = 0; shift < 70; shift += 7) {
    if (pos >= end) throw cutOff()
    const byte = bytes[pos++]!
    const bits = byte & 127
    if (shift < 28) lo |= bits << shift
    else if (shift === 28) {
      lo |= bits << 28
      hi = bits >>> 4
    } else hi |= bits << (shift - 32)
    if (byte < 128) {
      cursor.pos = pos
      cursor.lo = lo >>> 0
      cursor.hi = hi >>> 0
      return
    }
  }
  throw new WireError('senseless', 'a number is longer than ten bytes')
}

/** Reads a field's key; the answer is `number * 8 + wire type`. */
export const readTag = (cursor: Cursor, end: number): number => {
  readVarint(cursor, end)
  if (cursor.hi !== 0 || cursor.lo < 8)
    throw new WireError('senseless', 'a field has an impossible number')
  return cursor.lo
}

/** Reads a length and answers where the bytes it announces end. */
export const readEnd = (cursor: Cursor, end: number): number => {
  readVarint(cursor, end)
  const announced = cursor.hi * 2 ** 32 + cursor.lo
  const last = cursor.pos + announced
  if (last > end)
    throw new WireError(
      'cut',
      `a field announces ${announced} bytes where ${end - cursor.pos} are left`,
    )
  return last
}

/** Moves behind a fixed-width value and answers where it started. */
export const readFixed = (cursor: Cursor, bytes: number, end: number): number => {
  const start = cursor.pos
  if (start + bytes > end) throw cutOff()
  cursor.pos = start + bytes
  return start
}

/** Moves behind the value of a field whose key was just read. */
export const skipField = (cursor: Cursor, tag: number, end: number, depth = 0): void => {
  const wireType = tag & 7
  if (wireType === wireTypes.varint) readVarint(cursor, end)
  else if (wireType === wireTypes.fixed64) readFixed(cursor, 8, end)
  else if (wireType === wireTypes.bytes) cursor.pos = readEnd(cursor, end)
  else if (wireType === wireTypes.fixed32) readFixed(cursor, 4, end)
  else if (wireType === wireTypes.startGroup && depth < nestedGroupsMax) {
    const closing = tag - wireTypes.startGroup + wireTypes.endGroup
    for (let inner = readTag(cursor, end); inner !== closing; inner = readTag(cursor, end))
      skipField(cursor, inner, end, depth + 1)
  } else
    throw new WireError('senseless', `field ${tag >>> 3} has the impossible wire type ${wireType}`)
}

/** What is written stands between `pos` and the end of `bytes`. */
export type Sink = { bytes: Buffer; pos: number }

export const emptySink = (): Sink => ({ bytes: Buffer.allocUnsafe(256), pos: 256 })

export const written = (sink: Sink): Buffer => sink.bytes.subarray(sink.pos)

/**
 * Makes room for `length` bytes in front and answers where they start. The buffer may be another
 * one afterwards, so `sink.bytes` must be read after the call.
 */
const reserve = (sink: Sink, length: number): number => {
  if (sink.pos < length) {
    const used = sink.bytes.length - sink.pos
    const grown = Buffer.allocUnsafe(Math.max(sink.bytes.length * 2, used + length))
    sink.bytes.copy(grown, grown.length - used, sink.pos)
    sink.pos = grown.length - used
    sink.bytes = grown
  }
  sink.pos -= length
  return sink.pos
}

/** Numbers outside of 31 bits: seven bits at a time, negative ones in two's complement. */
const writeWide = (sink: Sink, value: number): void => {
  if (!Number.isInteger(value)) throw new TypeError(`${value} is not a whole number`)
  const limited = value > unsignedMax ? unsignedMax : value
  let rest = BigInt.asUintN(64, BigInt(limited))
  const sevens: number[] = []
  for (; rest > 127n; rest >>= 7n) sevens.push(Number(rest & 127n) | 128)
  sevens.push(Number(rest))
  writeBytes(sink, Uint8Array.from(sevens))
}

/** The largest number below 2^64 that a double can hold. */
const unsignedMax = 2 ** 64 - 2048

export const writeVarint = (sink: Sink, value: number): void => {
  let rest = value | 0
  if (rest !== value || rest < 0) {
    writeWide(sink, value)
    return
  }
  const length =
    rest < 1 << 7 ? 1 : rest < 1 << 14 ? 2 : rest < 1 << 21 ? 3 : rest < 1 << 28 ? 4 : 5
  const start = reserve(sink, length)
  const { bytes } = sink
  const last = start + length - 1
  for (let index = start; index < last; index += 1, rest >>>= 7) bytes[index] = rest | 128
  bytes[last] = rest
}

export const writeBytes = (sink: Sink, bytes: Uint8Array): void => {
  const start = reserve(sink, bytes.length)
  sink.bytes.set(bytes, start)
}

/** Short ASCII is most of what there is, and quicker here than through a call into C++. */
export const writeText = (sink: Sink, text: string): void => {
  if (text.length <= 24) {
    const start = reserve(sink, text.length)
    let index = 0
    for (; index < text.length; index += 1) {
      const unit = text.charCodeAt(index)
      if (unit > 127) break
      sink.bytes[start + index] = unit
    }
    if (index === text.length) return
    sink.pos += text.length
  }
  const start = reserve(sink, Buffer.byteLength(text))
  sink.bytes.write(text, start)
}

export const writeFloat = (sink: Sink, value: number): void => {
  const start = reserve(sink, 4)
  sink.bytes.writeFloatLE(value, start)
}

export const writeDouble = (sink: Sink, value: number): void => {
  const start = reserve(sink, 8)
  sink.bytes.writeDoubleLE(value, start)
}
