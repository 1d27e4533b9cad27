import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import type { RealtimeFeed } from '@headway/schemas/content/gtfs-realtime.ts'
import { unknownFields } from '@headway/schemas/content/protobuf-table.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/**
 * What must hold for every realtime feed. A failure prints its seed and the smallest feed that
 * breaks the claim; `fc.assert(…, { seed, path })` runs it again.
 */

const optional = <T>(field: string, values: fc.Arbitrary<T>) =>
  fc
    .option(values, { nil: undefined })
    .map((value) => (value === undefined ? {} : { [field]: value }))
const record = (...fields: fc.Arbitrary<object>[]) =>
  fc.tuple(...fields).map((parts) => Object.assign({}, ...parts) as object)

const words = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 30 }))
const natural32 = fc.nat({ max: 2 ** 32 - 1 })
const integer32 = fc.integer()
const integer64 = fc.maxSafeInteger()
const natural64 = fc.maxSafeNat()
const single = fc
  .float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-180), max: Math.fround(180) })
  .map((value) => value + 0)
/** Field 1001 with up to twenty bytes: an extension. */
const extension = fc
  .option(fc.uint8Array({ maxLength: 20 }), { nil: undefined })
  .map((bytes) =>
    bytes ? { [unknownFields]: Buffer.from([0xca, 0x3e, bytes.length, ...bytes]) } : {},
  )

const trip = record(
  optional('trip_id', words),
  optional('direction_id', natural32),
  optional('schedule_relationship', fc.constantFrom('SCHEDULED', 'CANCELED', 'NEW', 99)),
  extension,
)
const event = record(optional('delay', integer32), optional('time', integer64))
const stopTime = record(optional('stop_id', words), optional('arrival', event), extension)
const update = record(
  trip.map((value) => ({ trip: value })),
  optional('stop_time_update', fc.array(stopTime, { minLength: 1, maxLength: 4 })),
  optional('timestamp', natural64),
)
const place = record(
  single.map((latitude) => ({ latitude })),
  single.map((longitude) => ({ longitude })),
  optional('odometer', fc.double({ noNaN: true, noDefaultInfinity: true })),
)
const position = record(optional('position', place), optional('stop_id', words), extension)
const entity = record(
  words.map((id) => ({ id })),
  optional('is_deleted', fc.boolean()),
  optional('trip_update', update),
  optional('vehicle', position),
  extension,
)
const header = record(
  fc.constantFrom('1.0', '2.0').map((version) => ({ gtfs_realtime_version: version })),
  optional('timestamp', natural64),
  extension,
)
const feed = fc
  .record({ header, entity: fc.array(entity, { maxLength: 6 }) })
  .map((value) => value as RealtimeFeed)

const bytesOf = (value: RealtimeFeed) => Buffer.from(gtfsRealtime.encode(value)[0]!.bytes)
const digestOf = (value: RealtimeFeed) => gtfsRealtime.inspect(bytesOf(value)).contentDigest

/** Coordinates are singles: a value that was read has the decimals that a single can hold. */
const asRead = (value: RealtimeFeed) => gtfsRealtime.parse(bytesOf(value))
const withoutMemory = (value: RealtimeFeed): RealtimeFeed => ({
  ...value,
  header: { ...value.header },
  entity: value.entity.map((held) => ({ ...held })),
})

test('the content digest does not depend on the order of entities', () => {
  const shuffled = feed.chain((value) =>
    fc
      .shuffledSubarray([...value.entity], { minLength: value.entity.length })
      .map((order) => [value, { ...value, entity: order }] as const),
  )
  fc.assert(fc.property(shuffled, ([one, other]) => digestOf(one) === digestOf(other)))
})

test('the content digest does not depend on the timestamp of the header', () => {
  fc.assert(
    fc.property(feed, natural64, (value, timestamp) => {
      const later = { ...value, header: { ...value.header, timestamp } }
      return digestOf(value) === digestOf(later)
    }),
  )
})

test('the content digest sees every entity that is left out', () => {
  const some = feed.filter((value) => value.entity.length > 0)
  fc.assert(
    fc.property(some, fc.nat(), (value, at) => {
      const left = value.entity.filter((_, index) => index !== at % value.entity.length)
      return digestOf(value) !== digestOf({ ...value, entity: left })
    }),
  )
})

test('what is written is read again, extensions included', () => {
  fc.assert(
    fc.property(feed, (value) => {
      const read = asRead(value)
      expect(asRead(withoutMemory(read))).toEqual(read)
      expect(read.entity.map(({ id }) => id)).toEqual(value.entity.map(({ id }) => id))
      expect(read.header).toEqual(value.header)
      for (const [index, held] of value.entity.entries()) {
        expect(read.entity[index]?.trip_update).toEqual(held.trip_update)
        expect(read.entity[index]?.[unknownFields]).toEqual(held[unknownFields])
      }
    }),
  )
})

test('equal values give equal bytes, remembered or written anew', () => {
  fc.assert(
    fc.property(feed, (value) => {
      const bytes = bytesOf(value)
      const read = gtfsRealtime.parse(bytes)
      return bytesOf(read).equals(bytes) && bytesOf(withoutMemory(read)).equals(bytes)
    }),
  )
})

test('any bytes are a feed or are refused, and nothing else happens', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.uint8Array({ maxLength: 40 }).map((tail) => Buffer.concat([bytesOf(start), tail])),
  )
  fc.assert(
    fc.property(anything, (bytes) => {
      try {
        gtfsRealtime.inspect(bytes)
      } catch (error) {
        expect(error).toMatchObject({ name: 'Refusal' })
      }
    }),
    { numRuns: 2_000 },
  )
})
const start: RealtimeFeed = { header: { gtfs_realtime_version: '2.0' }, entity: [] }
