import {
  bufferOf,
  cursorAt,
  emptySink,
  readEnd,
  readFixed,
  readTag,
  readVarint,
  skipField,
  WireError,
  wireTypes,
  writeBytes,
  writeDouble,
  writeFloat,
  writeText,
  writeVarint,
  written,
} from './protobuf.ts'
import type { Cursor, Sink } from './protobuf.ts'
import { unknownFields } from './protobuf-table.ts'
import type { FieldKind, Fields, Message, NamedField, ValueOf } from './protobuf-table.ts'

/**
 * Reads and writes messages by their tables.
 *
 * Decoded values are frozen all the way down. Single-precision numbers are read as the shortest
 * decimal that gives the same bits back: 47.59672, not 47.59672164916992. An enum number without a
 * name stays a number. Integers beyond 2^53 are rounded, and text that is not UTF-8 is repaired
 * with the replacement character; both are lost only where a message is written anew.
 */

/** While it is being built, a value is a record of fields that may also hold the symbol. */
type Draft = Record<string | symbol, unknown>

/** The fewest decimals that give the same single-precision number. */
const shortest = (single: number): number => {
  for (let scale = 1; scale <= 1e9; scale *= 10) {
    const rounded = Math.round(single * scale) / scale
    if (Math.fround(rounded) === single) return rounded
  }
  return single
}

/** Most strings are short and ASCII, where building them here is faster than a call into C++. */
const readText = (bytes: Buffer, start: number, end: number): string => {
  if (end - start > 24) return bytes.toString('utf8', start, end)
  let made = ''
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index]!
    if (byte > 127) return bytes.toString('utf8', start, end)
    made += String.fromCharCode(byte)
  }
  return made
}

const readNumber = (cursor: Cursor, kind: FieldKind, end: number): number => {
  if (kind === 'float') return shortest(cursor.bytes.readFloatLE(readFixed(cursor, 4, end)))
  if (kind === 'double') return cursor.bytes.readDoubleLE(readFixed(cursor, 8, end))
  readVarint(cursor, end)
  if (kind === 'uint32') return cursor.lo
  if (kind === 'uint64') return cursor.hi * 2 ** 32 + cursor.lo
  if (kind === 'int64') return (cursor.hi | 0) * 2 ** 32 + cursor.lo
  return cursor.lo | 0
}

const readValue = (cursor: Cursor, field: NamedField, end: number): unknown => {
  if (field.nested) {
    const last = readEnd(cursor, end)
    return readMessage(field.nested, cursor, last)
  }
  if (field.kind === 'text') {
    const last = readEnd(cursor, end)
    const made = readText(cursor.bytes, cursor.pos, last)
    cursor.pos = last
    return made
  }
  const number = readNumber(cursor, field.kind, end)
  if (field.kind === 'bool') return number !== 0 || cursor.hi !== 0
  return field.names?.get(number) ?? number
}

/** The format says that a single message given twice is one message, the later fields winning. */
const merged = (part: Message, earlier: unknown, bytes: Buffer): unknown =>
  decode(part, Buffer.concat([encode(part, earlier as Draft), bytes]))

const readMessage = (table: Message, cursor: Cursor, end: number): Draft => {
  const draft: Draft = {}
  let strange: Uint8Array[] | undefined
  let lists: unknown[][] | undefined
  while (cursor.pos < end) {
    const start = cursor.pos
    const tag = readTag(cursor, end)
    const field = table.byNumber[tag >>> 3]
    if (field === undefined || field.wireType !== (tag & 7)) {
      skipField(cursor, tag, end)
      ;(strange ??= []).push(cursor.bytes.subarray(start, cursor.pos))
    } else if (field.presence === 'repeated') {
      let list = draft[field.name] as unknown[] | undefined
      if (list === undefined) {
        list = []
        draft[field.name] = list
        ;(lists ??= []).push(list)
      }
      list.push(readValue(cursor, field, end))
    } else if (field.nested && draft[field.name] !== undefined) {
      const last = readEnd(cursor, end)
      const again = cursor.bytes.subarray(cursor.pos, last)
      draft[field.name] = merged(field.nested, draft[field.name], again)
      cursor.pos = last
    } else draft[field.name] = readValue(cursor, field, end)
  }
  for (const name of table.required)
    if (draft[name] === undefined)
      throw new WireError('incomplete', `the required field ${name} is missing`)
  if (strange) draft[unknownFields] = strange.length === 1 ? strange[0] : Buffer.concat(strange)
  lists?.forEach(Object.freeze)
  return Object.freeze(draft)
}

/** Reads a message that fills the given bytes. */
export const decode = <F extends Fields>(
  table: Message<F>,
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): ValueOf<Message<F>> =>
  readMessage(table, cursorAt(bufferOf(bytes), start), end) as ValueOf<Message<F>>

const writeValue = (sink: Sink, field: NamedField, value: unknown): void => {
  const end = sink.bytes.length - sink.pos
  if (field.nested) writeMessage(sink, field.nested, value as Draft)
  else if (field.kind === 'text') writeText(sink, String(value))
  else if (field.kind === 'bool') writeVarint(sink, value ? 1 : 0)
  else if (field.kind === 'float') writeFloat(sink, Number(value))
  else if (field.kind === 'double') writeDouble(sink, Number(value))
  else if (typeof value === 'string') {
    const number = field.values?.[value]
    if (number === undefined) throw new TypeError(`${field.name} has no value called ${value}`)
    writeVarint(sink, number)
  } else writeVarint(sink, Number(value))
  if (field.wireType === wireTypes.bytes) writeVarint(sink, sink.bytes.length - sink.pos - end)
  writeVarint(sink, field.number * 8 + field.wireType)
}

/** Fields in the order of their numbers, then the unknown ones: written from the end. */
const writeMessage = (sink: Sink, table: Message, value: Readonly<Draft>): void => {
  const strange = value[unknownFields]
  if (strange instanceof Uint8Array) writeBytes(sink, strange)
  for (const field of table.backwards) {
    const held = value[field.name]
    if (held === undefined) {
      if (field.presence === 'required') throw new TypeError(`${field.name} is required`)
    } else if (field.presence === 'repeated') {
      const list = held as readonly unknown[]
      for (let index = list.length - 1; index >= 0; index -= 1) writeValue(sink, field, list[index])
    } else writeValue(sink, field, held)
  }
}

export const encode = <F extends Fields>(
  table: Message<F>,
  value: ValueOf<Message<F>> | Readonly<Draft>,
): Buffer => {
  const sink = emptySink()
  writeMessage(sink, table, value as Readonly<Draft>)
  return written(sink)
}
