import { existsSync, readdirSync, readFileSync } from 'node:fs'
import bindings from 'gtfs-realtime-bindings'
import { describe, expect, test } from 'vitest'
import { feedMessage } from './gtfs-realtime-messages.ts'
import { decode, encode } from './protobuf-codec.ts'
import {
  double,
  float,
  int32,
  int64,
  message,
  nested,
  oneOf,
  repeated,
  required,
  text,
  uint32,
  uint64,
  unknownFields,
} from './protobuf-table.ts'
import type { Field, Message } from './protobuf-table.ts'

const { FeedMessage } = bindings.transit_realtime
const folder = new URL('../../../shared/data/', import.meta.url)
const captures = existsSync(folder)
  ? ['realtime/', 'conformance/rt-validator/'].flatMap((part) =>
      readdirSync(new URL(part, folder), { recursive: true })
        .map((name) => `${part}${String(name)}`)
        .filter((name) => name.endsWith('.pb')),
    )
  : []

type Tree = { readonly [key: string]: unknown }
const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A value of the bindings in our form: snake_case names, lists only where they are not empty. */
const inOurForm = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOurForm)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, held]) => !Array.isArray(held) || held.length > 0)
      .map(([name, held]) => [snake(name), inOurForm(held)]),
  )
}
const readByBindings = (bytes: Uint8Array): unknown =>
  inOurForm(FeedMessage.toObject(FeedMessage.decode(bytes), { enums: String, longs: Number }))
/** JSON has no symbols, and singles are compared as singles. */
const singles = ['latitude', 'longitude', 'bearing', 'speed', 'stop_lat', 'stop_lon']
const comparable = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, held: unknown) =>
    singles.includes(key) ? Math.fround(Number(held)) : held,
  )

describe('against the official bindings', () => {
  test.skipIf(captures.length === 0).each(captures)('%s is read and refused alike', (name) => {
    const bytes = readFileSync(new URL(name, folder))
    let theirs: unknown
    try {
      theirs = readByBindings(bytes)
    } catch {
      expect(() => decode(feedMessage, bytes)).toThrow()
      return
    }
    const ours = decode(feedMessage, bytes)
    expect(comparable({ entity: [], ...ours })).toEqual(
      comparable({ entity: [], ...(theirs as Tree) }),
    )
    const again = FeedMessage.encode(FeedMessage.decode(bytes)).finish()
    expect(encode(feedMessage, ours).equals(again)).toBe(true)
  })

  /** A value with every field set; `variant` walks through the names of enums. */
  const sample = (field: Field<unknown>, variant: number): unknown => {
    if (field.nested) return full(field.nested, variant)
    const names = Object.keys(field.values ?? {})
    if (names.length > 0) return names[variant % names.length]
    if (field.kind === 'text') return `text ${field.number}`
    if (field.kind === 'bool') return true
    return field.kind === 'float' || field.kind === 'double' ? 1.5 : field.number + 300
  }
  const full = (table: Message, variant: number): Tree =>
    Object.fromEntries(
      Object.entries(table.fields).map(([name, field]) => {
        const value = sample(field, variant)
        return [name, field.presence === 'repeated' ? [value] : value]
      }),
    )

  test.each(Array.from({ length: 14 }, (_, variant) => variant))(
    'every field of ours is theirs, with the same number and type (%i)',
    (variant) => {
      const value = full(feedMessage, variant)
      expect(readByBindings(encode(feedMessage, value))).toEqual(value)
    },
  )

  test('every field of theirs is ours', () => {
    const compare = (theirs: object, ours: unknown): void => {
      const prototype = Object.getPrototypeOf(theirs) as Tree
      const names = Object.keys(prototype).filter((name) => typeof prototype[name] !== 'function')
      expect(Object.keys(ours as Tree).sort()).toEqual(names.map(snake).sort())
      for (const [name, held] of Object.entries(theirs)) {
        const [one] = [held].flat() as unknown[]
        const [other] = [(ours as Tree)[snake(name)]].flat()
        if (typeof one === 'object' && one !== null && !('low' in one)) compare(one, other)
      }
    }
    const value = full(feedMessage, 0)
    compare(FeedMessage.decode(encode(feedMessage, value)), value)
  })

  test('every enum of theirs has the same names with us', () => {
    const theirs = new Set<string>()
    const collect = (scope: object): void => {
      for (const [name, held] of Object.entries(scope) as [string, unknown][]) {
        if (typeof held === 'function' && /^[A-Z]/.test(name)) collect(held)
        else if (typeof held === 'object' && held !== null && /^[A-Z]/.test(name))
          theirs.add(JSON.stringify(held))
      }
    }
    collect(bindings.transit_realtime)
    const ours = new Set<string>()
    const walk = (table: Message): void => {
      for (const field of Object.values(table.fields)) {
        if (field.nested) walk(field.nested)
        if (field.values) ours.add(JSON.stringify(field.values))
      }
    }
    walk(feedMessage)
    expect([...ours].sort()).toEqual([...theirs].sort())
  })
})

describe('numbers', () => {
  const table = message({
    small: int32(1),
    big: int64(2),
    positive: uint32(3),
    huge: uint64(4),
    single: float(5),
    exact: double(6),
  })
  const again = (value: Tree) => decode(table, encode(table, value))

  test.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 31 - 1, -1, -45, -(2 ** 31)])(
    'a delay of %i survives',
    (small) => expect(again({ small })).toEqual({ small }),
  )
  test.each([0, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1, -1, -(2 ** 40), 1 - 2 ** 53])(
    'a time of %i survives',
    (big) => expect(again({ big })).toEqual({ big }),
  )
  test('unsigned numbers use their whole range', () => {
    expect(again({ positive: 2 ** 32 - 1 })).toEqual({ positive: 2 ** 32 - 1 })
    expect(again({ huge: 2 ** 53 - 1 })).toEqual({ huge: 2 ** 53 - 1 })
  })
  test('the largest 64-bit number stays huge although it cannot be exact', () => {
    const read = decode(table, Uint8Array.from([0x20, ...Array<number>(9).fill(255), 1]))
    expect(read).toEqual({ huge: 2 ** 64 })
    expect(again(read)).toEqual({ huge: 2 ** 64 - 2048 })
  })
  test.each([47.59672, -122.32821, 0, -0.5, 1e-7, 3.4e38, 359.9])(
    '%d is read as written',
    (single) => {
      const read = again({ single, exact: single })
      expect(read.exact).toBe(single)
      expect(Math.fround(read.single!)).toBe(Math.fround(single))
      if (Math.abs(single) < 1e6 && Math.abs(single) > 1e-6) expect(read.single).toBe(single)
    },
  )
  test('a fraction is not written where a whole number belongs', () => {
    expect(() => encode(table, { small: 1.5 })).toThrow(/1.5 is not a whole number/)
  })
})

describe('messages', () => {
  const inner = message({ name: required(text(1)), note: text(2), tags: repeated(text(3)) })
  const outer = message({ inner: nested(1, inner), kind: oneOf(2, { RED: 0, BLUE: 5 }) })

  test('text of any length and script survives', () => {
    for (const name of ['', 'a', 'x'.repeat(24), 'y'.repeat(25), 'déviation', '駅'.repeat(200)])
      expect(decode(inner, encode(inner, { name }))).toEqual({ name })
  })

  test('an enum number without a name stays a number, a name unknown to us is an error', () => {
    expect(decode(outer, Uint8Array.from([0x10, 3]))).toEqual({ kind: 3 })
    expect(encode(outer, { kind: 3 })).toEqual(Buffer.from([0x10, 3]))
    expect(() => encode(outer, { kind: 'GREEN' })).toThrow('kind has no value called GREEN')
  })

  test('a single message given in two parts is one message', () => {
    const parts = [
      { name: 'a', tags: ['x'] },
      { name: 'b', note: 'n', tags: ['y'] },
    ]
    const bytes = parts.map((part) => encode(outer, { inner: part }))
    const joined = { inner: { name: 'b', note: 'n', tags: ['x', 'y'] } }
    expect(decode(outer, Buffer.concat(bytes))).toEqual(joined)
  })

  test('a required field must be there, reading and writing', () => {
    expect(() => decode(inner, Uint8Array.from([]))).toThrow('the required field name is missing')
    expect(() => encode(outer, { inner: {} })).toThrow('name is required')
  })

  test('a known number with another wire type is kept as unknown', () => {
    const bytes = Uint8Array.from([0x15, 1, 2, 3, 4])
    const read = decode(outer, bytes)
    expect(Object.keys(read)).toEqual([])
    expect(encode(outer, { ...read })).toEqual(Buffer.from(bytes))
  })

  test('unknown fields of every wire type survive a copy and stay out of JSON', () => {
    const group = [0xa3, 0x06, 0x08, 0x01, 0xa4, 0x06]
    const fixed = [0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5, 0x06, 1, 2, 3, 4]
    const bytes = Uint8Array.from([0xa0, 0x06, 0x96, 0x01, ...group, ...fixed, 0xa2, 0x06, 1, 65])
    const read = decode(outer, bytes)
    expect(read[unknownFields]).toEqual(Buffer.from(bytes))
    expect(encode(outer, { ...read })).toEqual(Buffer.from(bytes))
    expect(JSON.stringify(read)).toBe('{}')
  })

  test.each([
    ['a field number of zero', [0x00, 0x01]],
    ['a key of more than 32 bits', [0x88, 0x80, 0x80, 0x80, 0x10, 0x01]],
    ['a number without end', [0x10, ...Array<number>(10).fill(0x80), 0x01]],
    ['a wire type that does not exist', [0x16]],
    ['a group that ends without a start', [0x2c]],
    ['a group that never ends', [0x2b, 0x08, 0x01]],
    ['groups without end in each other', Array<number>(10_000).fill(0x2b)],
    ['a length beyond the end', [0x0a, 0x05, 0x0a]],
    ['a length beyond 32 bits', [0xa2, 0x06, 0x80, 0x80, 0x80, 0x80, 0x10]],
  ])('%s is an error', (_, bytes) => {
    expect(() => decode(outer, Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ name: 'WireError' }),
    )
  })
})
