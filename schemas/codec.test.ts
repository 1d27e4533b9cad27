import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeCommand, decodeEvents, encodeCommand, encodeEvents } from './codec.ts'
import { schemas, type Event, type EventType } from './events.ts'
import { examples } from './examples.ts'
import { ulidOf, ulidPattern, ulidTimeMs } from './ids.ts'
import { CodecError, unpack } from './unpack.ts'

const types = Object.keys(schemas) as EventType[]
const golden = (type: EventType) =>
  new URL(`./golden/${type}.v${examples[type].v}.msgpack`, import.meta.url)

describe('an event', () => {
  /** A missing file is written once, by hand of a developer; from then on its bytes are for ever. */
  test.each(types)('%s is read from its golden bytes as it was written', (type) => {
    if (!existsSync(golden(type)) && !process.env.CI) {
      mkdirSync(new URL('./golden/', import.meta.url), { recursive: true })
      writeFileSync(golden(type), encodeEvents([examples[type]]))
    }
    expect(decodeEvents(readFileSync(golden(type)))).toEqual([examples[type]])
  })

  test.each(types)('%s comes back from its bytes, as msgpack and as JSON', (type) => {
    const event: Event = examples[type]
    expect(decodeEvents(encodeEvents([event]))).toEqual([event])
    expect(decodeEvents(Buffer.from(JSON.stringify([event])))).toEqual([event])
    expect(decodeEvents(Buffer.from(JSON.stringify(event)))).toEqual([event])
  })

  test('is plain msgpack: a fixed array of fixed or sized maps, no extension records', () => {
    const bytes = encodeEvents([examples.FetchRecovered])
    expect(bytes[0]).toBe(0x91)
    expect(bytes[1]! >> 4).toBe(0x8)
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['an empty commit', Buffer.from('[]')],
    ['a broken byte', new Uint8Array([0xc1])],
    ['half a map', encodeEvents([examples.RunRequested]).subarray(0, 40)],
    ['broken JSON', Buffer.from('[{"type":')],
    ['an unknown type', Buffer.from('{"type":"Surprise","v":1}')],
    ['a name of Object', Buffer.from('{"type":"constructor","v":1}')],
    ['a missing field', Buffer.from('{"type":"FetchRecovered","v":1,"at":"x"}')],
    ['a wrong version', Buffer.from('{"type":"FetchRecovered","v":2,"at":"x","asset":"a"}')],
    ['a key that climbs', Buffer.from('{"type":"FetchRecovered","v":1,"at":"x","asset":"/a"}')],
  ])('is refused, not crashed on, when it is %s [I17]', (_, bytes) => {
    expect(() => decodeEvents(bytes)).toThrow(CodecError)
  })

  test('keeps fields that this version does not know', () => {
    const event = { ...examples.FetchRecovered, later: 1 }
    expect(decodeEvents(Buffer.from(JSON.stringify(event)))).toEqual([event])
  })

  test('cannot smuggle a prototype', () => {
    const text = '{"type":"FetchRecovered","v":1,"at":"x","asset":"a","__proto__":{"polluted":1}}'
    decodeEvents(Buffer.from(text))
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(unpack(encodeEvents([examples.FetchRecovered]))).toEqual([examples.FetchRecovered])
  })
})

test('a command comes back from its bytes', () => {
  const command = {
    type: 'RunPipeline' as const,
    request: examples.RunRequested,
    priorAttempts: 2,
    seq: 41,
    epoch: 1,
    reuseFrom: 0,
    answers: { approve: { approved: true } },
  }
  expect(decodeCommand(encodeCommand(command))).toEqual(command)
  expect(() => decodeCommand(Buffer.from('{"type":"FetchRecovered"}'))).toThrow(CodecError)
})

describe('a derived id', () => {
  test('is a ULID of its moment, the same for the same parts and another one for others', () => {
    const at = Date.UTC(2026, 10, 21)
    const id = ulidOf(at, 'tenant', 'pipeline', 7)
    expect(id).toMatch(new RegExp(ulidPattern))
    expect(ulidTimeMs(id)).toBe(at)
    expect(ulidOf(at, 'tenant', 'pipeline', 7)).toBe(id)
    expect(ulidOf(at, 'tenant', 'pipeline7')).not.toBe(id)
    expect(ulidOf(at + 1, 'a') > ulidOf(at, 'z')).toBe(true)
  })
})
