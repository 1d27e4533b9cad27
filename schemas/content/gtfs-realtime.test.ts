import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { gtfsRealtime } from './gtfs-realtime.ts'
import type { RealtimeFeed } from './gtfs-realtime.ts'
import { Refusal } from './kind.ts'
import { unknownFields } from './protobuf-table.ts'

const folder = new URL('../../../shared/data/realtime/', import.meta.url)
const capture = (name: string) => readFileSync(new URL(name, folder))

const inspected = (bytes: Uint8Array) => {
  try {
    return gtfsRealtime.inspect(bytes)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}
const outcome = (bytes: Uint8Array): number | string => {
  const result = inspected(bytes)
  return result instanceof Refusal ? result.code : result.rows
}
const written = (feed: RealtimeFeed): Buffer => Buffer.from(gtfsRealtime.encode(feed)[0]!.bytes)
const json = (feed: RealtimeFeed): unknown =>
  JSON.parse(Buffer.from(gtfsRealtime.encode(feed)[1]!.bytes).toString())
/** The same values without their memory of the bytes they came from. */
const rewritten = (feed: RealtimeFeed): RealtimeFeed => ({
  ...feed,
  header: { ...feed.header },
  entity: feed.entity.map((entity) => ({ ...entity })),
})
const occurrences = (bytes: Buffer, part: Buffer) => {
  let count = 0
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1)) count += 1
  return count
}

const header = { gtfs_realtime_version: '2.0', timestamp: 1_700_000_000 }
const vehicle = (id: string, label = id) => ({ id, vehicle: { vehicle: { id, label } } })

/** Entities of an accepted capture, or the code of the refusal. */
const outcomes: Record<string, number | string> = {
  'brest-alerts.pb': 12,
  'caltrain-2023-service-alerts.pb': 0,
  'caltrain-2023-trip-updates.pb': 19,
  'caltrain-2023-vehicle-positions.pb': 14,
  'example-trip-updates.pb': 26,
  'invalid.pb': 'text_document',
  'kcm-vehicle-positions-2021-09-02-1.pb': 627,
  'kcm-vehicle-positions-2021-09-02-2.pb': 570,
  'lmu-vehicles.pb': 9,
  'mbta-tripupdates.pb': 49,
  'mbta-vehiclepositions.pb': 48,
  'miway-vehicle-positions.pb': 139,
  'mmri-3b.pb': 2,
  'mmri-3c.pb': 1,
  'mmri-3e.pb': 1,
  'nasty/kcm-html-503.pb': 'html_page',
  'nasty/kcm-truncated.pb': 'truncated_protobuf',
  'nasty/st-content-changed-same-timestamp.pb': 14,
  'nasty/st-duplicate-entity-id.pb': 14,
  'nasty/st-empty.pb': 'empty_body',
  'nasty/st-header-timestamp-back-10min.pb': 14,
  'nasty/st-only-timestamp-changed.pb': 14,
  'nyct-a-division.pb': 460,
  'raba-trip-updates.pb': 9,
  'raba-vehicle-positions.pb': 22,
  'septa-trip-updates.pb': 35,
  'sequence-nyct-ace-2024-02-08/1707397157.ace.pb': 320,
  'sequence-nyct-ace-2024-02-08/1707397217.ace.pb': 314,
  'sequence-nyct-ace-2024-02-08/1707397277.ace.pb': 318,
  'sequence-nyct-ace-2024-02-08/1707397338.ace.pb': 320,
  'sequence-nyct-ace-2024-02-08/1707397398.ace.pb': 318,
  'sequence-nyct-ace-2024-02-08/1707397458.ace.pb': 322,
  'sequence-nyct-ace-2024-02-08/1707397519.ace.pb': 314,
  'sequence-nyct-ace-2024-02-08/1707397579.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707397640.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707397700.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707397760.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707397821.ace.pb': 306,
  'sequence-nyct-ace-2024-02-08/1707397881.ace.pb': 306,
  'sequence-nyct-ace-2024-02-08/1707397942.ace.pb': 310,
  'sequence-nyct-ace-2024-02-08/1707398002.ace.pb': 314,
  'sequence-nyct-ace-2024-02-08/1707398063.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707398123.ace.pb': 310,
  'sequence-nyct-ace-2024-02-08/1707398184.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707398244.ace.pb': 312,
  'sequence-nyct-ace-2024-02-08/1707398305.ace.pb': 312,
  'soundtransit/trip_update_1683740698.pb': 14,
  'soundtransit/trip_update_1683740798.pb': 14,
  'soundtransit/trip_update_1683746223_bad.pb': 14,
  'soundtransit/vehicle_position_1683740698.pb': 14,
  'soundtransit/vehicle_position_1683740798.pb': 14,
  'soundtransit/vehicle_position_1683746223_bad.pb': 14,
}
const accepted = Object.keys(outcomes).filter((name) => typeof outcomes[name] === 'number')
const soundTransit = accepted.filter((name) => name.startsWith('soundtransit/'))

describe.skipIf(!existsSync(folder))('real captures', () => {
  test('the table has a row for every capture', () => {
    const there = readdirSync(folder, { recursive: true }).map(String)
    expect(Object.keys(outcomes)).toEqual(there.filter((name) => name.endsWith('.pb')).sort())
  })

  test.each(Object.entries(outcomes))('%s gives %s', (name, expected) => {
    expect(outcome(capture(name))).toBe(expected)
  })

  test.each(accepted)('%s leaves as the bytes it came as', (name) => {
    const bytes = capture(name)
    expect(written(gtfsRealtime.parse(bytes)).equals(bytes)).toBe(true)
  })

  test.each(accepted)('%s says the same when every message is written anew', (name) => {
    const bytes = capture(name)
    const feed = gtfsRealtime.parse(bytes)
    const anew = written(rewritten(feed))
    // MBTA writes fields in another order than that of their numbers.
    expect(anew.equals(bytes)).toBe(!name.startsWith('mbta'))
    expect(gtfsRealtime.parse(anew)).toEqual(feed)
  })

  test.each(accepted.filter((name) => name.includes('nyct')))('%s keeps its extensions', (name) => {
    const extension = Buffer.from([0xca, 0x3e])
    const bytes = capture(name)
    const feed = gtfsRealtime.parse(bytes)
    expect(feed.header[unknownFields]).toBeDefined()
    expect(occurrences(bytes, extension)).toBeGreaterThan(300)
    const anew = written(rewritten(feed))
    expect(occurrences(anew, extension)).toBe(occurrences(bytes, extension))
  })

  test.each(soundTransit)('feed.json of %s is the one Sound Transit publishes', (name) => {
    const ours = json(gtfsRealtime.parse(capture(name)))
    const theirs: unknown = JSON.parse(capture(name.replace('.pb', '.json')).toString())
    // Theirs has more decimals than the single-precision numbers of the protobuf form can hold.
    const asSingle = (key: string, value: unknown) =>
      key === 'latitude' || key === 'longitude' ? Math.fround(Number(value)) : value
    const comparable = (value: unknown) => JSON.parse(JSON.stringify(value), asSingle) as unknown
    expect(comparable(ours)).toEqual(comparable(theirs))
  })

  test('a newer header timestamp alone is no change, a moved vehicle is', () => {
    const digest = (name: string) => gtfsRealtime.inspect(capture(name)).contentDigest
    const before = digest('soundtransit/vehicle_position_1683740698.pb')
    expect(digest('nasty/st-only-timestamp-changed.pb')).toBe(before)
    expect(digest('nasty/st-header-timestamp-back-10min.pb')).toBe(before)
    expect(digest('nasty/st-content-changed-same-timestamp.pb')).not.toBe(before)
    expect(digest('nasty/st-duplicate-entity-id.pb')).not.toBe(before)
  })

  test('the facts of a mixed feed count what its entities hold', () => {
    const { facts, sourceAt } = gtfsRealtime.inspect(capture('nyct-a-division.pb'))
    const counts = { vehicles: 174, trip_updates: 285, alerts: 1, others: 0 }
    expect(facts).toEqual({ version: '1.0', ...counts, duplicate_entity_ids: 0 })
    expect(sourceAt).toBe('2021-11-26T20:56:25.000Z')
  })

  test('an entity id given twice is counted, not refused', () => {
    const { facts } = gtfsRealtime.inspect(capture('nasty/st-duplicate-entity-id.pb'))
    expect(facts['duplicate_entity_ids']).toBe(1)
  })

  test('a feed cut off anywhere is refused or ends at the border of an entity', () => {
    const bytes = capture('soundtransit/vehicle_position_1683740698.pb')
    const found = new Set<number | string>()
    // The first three bytes alone are line breaks: a text without words.
    for (let end = 4; end < bytes.length; end += 1) found.add(outcome(bytes.subarray(0, end)))
    const counts = Array.from({ length: 14 }, (_, count) => count)
    expect(found).toEqual(new Set([...counts, 'truncated_protobuf']))
  })

  test('whatever byte is broken, the answer is a refusal or a feed that can be read', () => {
    const bytes = capture('caltrain-2023-vehicle-positions.pb')
    for (let at = 0; at < bytes.length; at += 1) {
      const broken = Buffer.from(bytes)
      broken[at] = broken[at]! ^ 0xff
      if (!(inspected(broken) instanceof Refusal)) {
        const feed = gtfsRealtime.parse(broken)
        expect(gtfsRealtime.parse(written(rewritten(feed)))).toEqual(feed)
      }
    }
  })
})

describe('refusals', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values)
  const ofHeader = [0x0a, 0x05, 0x0a, 0x03, 0x32, 0x2e, 0x30]

  test.each([
    ['a feed without a header', bytes(0x12, 0x04, 0x0a, 0x02, 0x61, 0x62), 'missing_header'],
    ['a header without a version', bytes(0x0a, 0x02, 0x10, 0x00), 'missing_header'],
    ['an entity without an id', bytes(...ofHeader, 0x12, 0x00), 'malformed_protobuf'],
    ['an entity broken inside', bytes(...ofHeader, 0x12, 2, 0x0a, 9), 'malformed_protobuf'],
    ['gzip', bytes(0x1f, 0x8b, 0x08, 0x00), 'malformed_protobuf'],
    ['an image', bytes(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), 'malformed_protobuf'],
    ['a zip', Buffer.from('PK\u0003\u0004'), 'malformed_protobuf'],
    ['a header that breaks off', bytes(...ofHeader.slice(0, 4)), 'truncated_protobuf'],
    ['a JSON feed', Buffer.from('{"header":{}}'), 'json_document'],
  ])('%s is refused', (_, given, code) => {
    expect(outcome(given)).toBe(code)
  })

  test('a refusal says which entity is broken', () => {
    const feed = written({ header, entity: [vehicle('a')] })
    const broken = Buffer.concat([feed, bytes(0x12, 0x03, 0x0a, 0x05, 0x61)])
    expect(() => gtfsRealtime.parse(broken)).toThrow(/in its entity 2 .* 5 bytes where 1 are left/)
  })
})

describe('values', () => {
  test('a feed of a header alone is good', () => {
    const inspection = gtfsRealtime.inspect(written({ header, entity: [] }))
    expect(inspection).toMatchObject({ rows: 0, sourceAt: '2023-11-14T22:13:20.000Z' })
  })

  test.each([0, 253_402_300_800, Number.MAX_SAFE_INTEGER])('%s says nothing of when', (at) => {
    const feed = { header: { ...header, timestamp: at }, entity: [] }
    expect(gtfsRealtime.inspect(written(feed))).not.toHaveProperty('sourceAt')
  })

  test('the renditions are feed.pb and then feed.json', () => {
    const renditions = gtfsRealtime.encode({ header, entity: [vehicle('a')] })
    expect(renditions.map(({ name, mediaType }) => [name, mediaType])).toEqual([
      ['feed.pb', 'application/x-protobuf'],
      ['feed.json', 'application/json'],
    ])
    expect(json({ header, entity: [vehicle('a')] })).toEqual({ header, entity: [vehicle('a')] })
  })

  test('a value read cannot be changed in place', () => {
    const feed = gtfsRealtime.parse(written({ header, entity: [vehicle('a')] }))
    expect(() => Object.assign(feed.entity[0]!.vehicle!.vehicle!, { label: 'b' })).toThrow(
      TypeError,
    )
    expect(() => Object.assign(feed.header, { timestamp: 1 })).toThrow(TypeError)
    expect(() => (feed.entity as unknown[]).push(1)).toThrow(TypeError)
  })

  test('a changed entity is written with its change', () => {
    const feed = gtfsRealtime.parse(written({ header, entity: [vehicle('a'), vehicle('b')] }))
    const changed = { ...feed, entity: [feed.entity[0]!, { ...feed.entity[1]!, id: 'c' }] }
    const { entity } = gtfsRealtime.parse(written(changed))
    expect(entity).toEqual([vehicle('a'), { ...vehicle('b'), id: 'c' }])
  })

  test('fields of the feed itself that nobody knows survive and count', () => {
    const plain = written({ header, entity: [vehicle('a')] })
    const strange = Buffer.concat([plain, Buffer.from([0xc2, 0x3e, 0x01, 0x61])])
    const feed = gtfsRealtime.parse(strange)
    expect(written(rewritten(feed)).equals(strange)).toBe(true)
    const digests = [plain, strange].map((bytes) => gtfsRealtime.inspect(bytes).contentDigest)
    expect(digests[0]).not.toBe(digests[1])
  })

  test('a header given twice is one header whose later fields win', () => {
    const first = written({ header: { ...header, feed_version: 'a' }, entity: [] })
    const second = written({ header: { ...header, timestamp: 1_700_000_060 }, entity: [] })
    const feed = gtfsRealtime.parse(Buffer.concat([first, second]))
    expect(feed.header).toEqual({ ...header, timestamp: 1_700_000_060, feed_version: 'a' })
    expect(gtfsRealtime.parse(written(feed)).header).toEqual(feed.header)
  })

  test('the digest sees the version of the header and how often an entity is given', () => {
    const digest = (feed: RealtimeFeed) => gtfsRealtime.inspect(written(feed)).contentDigest
    const once = digest({ header, entity: [vehicle('a')] })
    expect(digest({ header: { ...header, timestamp: 5 }, entity: [vehicle('a')] })).toBe(once)
    expect(digest({ header, entity: [vehicle('a'), vehicle('a')] })).not.toBe(once)
    const older = { ...header, gtfs_realtime_version: '1.0' }
    expect(digest({ header: older, entity: [vehicle('a')] })).not.toBe(once)
  })
})
