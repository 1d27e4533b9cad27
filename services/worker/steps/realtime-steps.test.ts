import { existsSync, readFileSync } from 'node:fs'
import type {
  Alert,
  FeedEntity,
  TripUpdate,
  VehiclePosition,
} from '@headway/schemas/content/gtfs-realtime-messages.ts'
import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import type { RealtimeFeed } from '@headway/schemas/content/gtfs-realtime.ts'
import { unknownFields } from '@headway/schemas/content/protobuf-table.ts'
import { describe, expect, test } from 'vitest'
import { combineFeeds } from './combine-feeds.ts'
import { filterStops } from './filter-stops.ts'
import { passthroughRealtime } from './passthrough-realtime.ts'
import { renameVehicles } from './rename-vehicles.ts'
import { drawSteps } from './step.ts'
import type { Finding, StepContext } from './step.ts'

const folder = new URL('../../../../shared/data/realtime/', import.meta.url)
const capture = (name: string) => gtfsRealtime.parse(readFileSync(new URL(name, folder)))
const real = describe.skipIf(!existsSync(folder))

/** Runs a step on what is given, as the worker does; what comes out has been through its bytes. */
const when = <Given>(
  { definition }: { definition: { run(given: Given, context: StepContext): unknown } },
  given: Given,
) => {
  const findings: Finding[] = []
  const context: StepContext = {
    now: '2026-01-02T03:04:05Z',
    signal: new AbortController().signal,
    ask: () => undefined,
    log: () => undefined,
    finding: (finding) => void findings.push(finding),
  }
  const made = definition.run(given, context) as RealtimeFeed
  const counts = Object.fromEntries(findings.map(({ code, count }) => [code, count ?? 1]))
  return { made, output: gtfsRealtime.parse(bytesOf(made)), findings, counts }
}
const bytesOf = (feed: RealtimeFeed) => Buffer.from(gtfsRealtime.encode(feed)[0]!.bytes)

const header = { gtfs_realtime_version: '2.0', timestamp: 1_700_000_000 }
/** A feed as a step gets it: read from bytes, therefore frozen. */
const feedOf = (entity: readonly FeedEntity[], more: Partial<RealtimeFeed['header']> = {}) =>
  gtfsRealtime.parse(bytesOf({ header: { ...header, ...more }, entity }))
const strange = { [unknownFields]: Buffer.from([0xca, 0x3e, 0x01, 0x61]) }

const vehicle = (id: string, held: VehiclePosition): FeedEntity => ({ id, vehicle: held })
const update = (id: string, held: Partial<TripUpdate>): FeedEntity => ({
  id,
  trip_update: { trip: { trip_id: id }, ...held },
})
const stops = (...ids: string[]) => ids.map((stop_id) => ({ stop_id }))

describe('passthrough_realtime', () => {
  test('hands on the very feed it was given', () => {
    const feed = feedOf([vehicle('1', { stop_id: 'A' })])
    const { made, findings } = when(passthroughRealtime, { feed })
    expect(made).toBe(feed)
    expect(findings).toEqual([])
  })
})

describe('rename_vehicles', () => {
  const labelled = { vehicle: { id: '7', label: '11 [222]' } }

  test('labels get the prefix in vehicle positions and trip updates, ids do not', () => {
    const feed = feedOf([vehicle('1', labelled), update('2', labelled)])
    const { output, counts } = when(renameVehicles, { feed, prefix: 'ST ' })
    expect(output.entity[0]?.vehicle?.vehicle).toEqual({ id: '7', label: 'ST 11 [222]' })
    expect(output.entity[1]?.trip_update?.vehicle).toEqual({ id: '7', label: 'ST 11 [222]' })
    expect(counts).toEqual({ vehicle_renamed: 2 })
  })

  test('ids get the prefix when asked', () => {
    const feed = feedOf([vehicle('1', labelled), vehicle('2', { vehicle: { id: '8' } })])
    const { output } = when(renameVehicles, { feed, prefix: 'ST ', ids: true })
    expect(output.entity[0]?.vehicle?.vehicle).toEqual({ id: 'ST 7', label: 'ST 11 [222]' })
    expect(output.entity[1]?.vehicle?.vehicle).toEqual({ id: 'ST 8' })
    expect(output.entity.map(({ id }) => id)).toEqual(['1', '2'])
  })

  test('running it on its own output changes nothing', () => {
    const once = when(renameVehicles, { feed: feedOf([vehicle('1', labelled)]), prefix: 'ST ' })
    const twice = when(renameVehicles, { feed: once.output, prefix: 'ST ' })
    expect(twice.made).toBe(once.output)
    expect(twice.findings).toEqual([])
  })

  test('a vehicle without a label, or with an empty one, stays as it is', () => {
    const feed = feedOf([
      vehicle('1', { vehicle: { id: '7' } }),
      vehicle('2', { vehicle: { label: '' } }),
      vehicle('3', { stop_id: 'A' }),
    ])
    expect(when(renameVehicles, { feed, prefix: 'ST ' }).made).toBe(feed)
  })

  test('unknown fields stay on every level', () => {
    const held = { vehicle: { label: 'a', ...strange }, ...strange }
    const feed = feedOf([{ id: '1', vehicle: held, ...strange }])
    const { output } = when(renameVehicles, { feed, prefix: 'p' })
    const named = { vehicle: { label: 'pa', ...strange }, ...strange }
    expect(output.entity).toEqual([{ id: '1', vehicle: named, ...strange }])
  })

  test('an empty prefix is refused where the pipeline is written', () => {
    const place = () => drawSteps(() => renameVehicles({ feed: handle, prefix: '' }), ['feed'])
    expect(place).toThrow(/rename_vehicles: option prefix must have at least 1 character/)
  })
})

const handle = { node: 'feed', kind: gtfsRealtime }

describe('filter_stops', () => {
  test('matching stop time updates leave their trip update', () => {
    const feed = feedOf([update('1', { stop_time_update: stops('A', 'yard-1', 'B', 'X9') })])
    const given = { feed, ids: ['X9'], patterns: ['^yard'] }
    const { output, counts } = when(filterStops, given)
    expect(output.entity[0]?.trip_update?.stop_time_update).toEqual(stops('A', 'B'))
    expect(counts).toEqual({ stop_time_update_removed: 2 })
  })

  test('a trip update with nothing left leaves the feed', () => {
    const feed = feedOf([update('1', { stop_time_update: stops('A') }), update('2', { delay: 5 })])
    const { output, counts } = when(filterStops, { feed, ids: ['A'] })
    expect(output.entity.map(({ id }) => id)).toEqual(['2'])
    expect(counts).toEqual({ stop_time_update_removed: 1, trip_update_removed: 1 })
  })

  test.each(['CANCELED', 'DELETED'] as const)('a %s trip stays without stops', (relationship) => {
    const trip = { trip_id: '1', schedule_relationship: relationship }
    const feed = feedOf([update('1', { trip, stop_time_update: stops('A'), delay: 5 })])
    const { output, counts } = when(filterStops, { feed, ids: ['A'] })
    expect(output.entity).toEqual([{ id: '1', trip_update: { trip, delay: 5 } }])
    expect(counts).toEqual({ stop_time_update_removed: 1 })
  })

  test('a vehicle at a matching stop no longer says where in the sequence it is', () => {
    const rest = { timestamp: 5, vehicle: { id: '7' } }
    const at = { stop_id: 'A', current_stop_sequence: 3, current_status: 'STOPPED_AT' } as const
    const other = { ...at, stop_id: 'B' }
    const feed = feedOf([vehicle('1', { ...at, ...rest }), vehicle('2', { ...other, ...rest })])
    const { output, counts } = when(filterStops, { feed, ids: ['A'] })
    expect(output.entity).toEqual([vehicle('1', rest), vehicle('2', { ...other, ...rest })])
    expect(counts).toEqual({ vehicle_stop_cleared: 1 })
  })

  test('an alert loses the stop, and goes when it spoke of nothing else', () => {
    const alert = (id: string, held: Alert) => ({ id, alert: held })
    const general = alert('3', { cause: 'STRIKE' })
    const feed = feedOf([
      alert('1', { informed_entity: [{ stop_id: 'A' }, { route_id: 'A' }] }),
      alert('2', { informed_entity: [{ stop_id: 'A' }] }),
      general,
    ])
    const { output, counts } = when(filterStops, { feed, ids: ['A'] })
    expect(output.entity).toEqual([alert('1', { informed_entity: [{ route_id: 'A' }] }), general])
    expect(counts).toEqual({ informed_entity_removed: 2, alert_removed: 1 })
  })

  test('an entity that holds something else stays without its trip update', () => {
    const both = { ...update('1', { stop_time_update: stops('A') }), vehicle: { timestamp: 5 } }
    const { output } = when(filterStops, { feed: feedOf([both]), ids: ['A'] })
    expect(output.entity).toEqual([vehicle('1', { timestamp: 5 })])
  })

  test('a feed without matching stops is handed on as it is', () => {
    const feed = feedOf([update('1', { stop_time_update: [{ stop_sequence: 1 }, ...stops('AB')] })])
    const { made, findings } = when(filterStops, { feed, ids: ['A'], patterns: ['^B'] })
    expect(made).toBe(feed)
    expect(findings).toEqual([])
  })

  test('unknown fields stay on every level', () => {
    const kept = { stop_id: 'B', ...strange }
    const held = { stop_time_update: [...stops('A'), kept], ...strange }
    const feed = feedOf([{ ...update('1', held), ...strange }])
    const { output } = when(filterStops, { feed, ids: ['A'] })
    const left = { ...held, stop_time_update: [kept] }
    expect(output.entity).toEqual([{ ...update('1', left), ...strange }])
  })

  test('a broken pattern is refused where the pipeline is written', () => {
    const place = () =>
      drawSteps(() => filterStops({ feed: handle, patterns: ['^a', '('] }), ['feed'])
    expect(place).toThrow('filter_stops: option patterns[1] is not a regular expression')
  })
})

describe('combine_feeds', () => {
  test('the first entity with an id wins and the others are reported', () => {
    const first = feedOf([vehicle('1', { stop_id: 'A' }), vehicle('2', { stop_id: 'A' })])
    const second = feedOf([vehicle('2', { stop_id: 'B' }), vehicle('3', { stop_id: 'B' })])
    const { output, findings } = when(combineFeeds, { feeds: [first, second] })
    expect(output.entity.map(({ id, vehicle: held }) => [id, held?.stop_id])).toEqual([
      ['1', 'A'],
      ['2', 'A'],
      ['3', 'B'],
    ])
    const subject = { entity_id: '2' }
    expect(findings).toMatchObject([
      { code: 'duplicate_entity_id', severity: 'warning', subject, count: 1 },
    ])
  })

  test('entities of different kinds with one id stay, the later ones under a qualified id', () => {
    const vehicles = feedOf([vehicle('1', { stop_id: 'A' }), vehicle('2', {})])
    const updates = feedOf([update('1', { delay: 5 }), update('3', {})])
    const alerts = feedOf([{ id: '1', alert: {}, ...strange }])
    const { output, findings } = when(combineFeeds, { feeds: [vehicles, updates, alerts] })
    expect(output.entity.map(({ id }) => id)).toEqual(['1', '2', '1:trip_update', '3', '1:alert'])
    expect(output.entity[2]?.trip_update).toEqual({ trip: { trip_id: '1' }, delay: 5 })
    expect(output.entity[4]).toEqual({ id: '1:alert', alert: {}, ...strange })
    expect(findings).toMatchObject([{ code: 'entity_id_qualified', severity: 'info', count: 2 }])
  })

  test('combining once more what was combined changes nothing, with its sources or without', () => {
    const vehicles = feedOf([vehicle('1', {})])
    const updates = feedOf([update('1', {})])
    const once = when(combineFeeds, { feeds: [vehicles, updates] }).output
    const alone = when(combineFeeds, { feeds: [once] })
    expect(alone.output).toEqual(once)
    expect(alone.findings).toEqual([])
    const again = when(combineFeeds, { feeds: [once, vehicles, updates] })
    expect(again.output).toEqual(once)
    expect(again.counts).toEqual({ duplicate_entity_id: 2 })
  })

  test.each([
    [1, 2, 2],
    [2, 1, 2],
    [2, undefined, 2],
    [undefined, 2, 2],
    [undefined, undefined, undefined],
  ])('of the timestamps %s and %s the result has %s', (one, other, newest) => {
    const { timestamp: _, ...timeless } = header
    const feeds = [one, other].map((timestamp) => ({
      header: timestamp === undefined ? timeless : { ...header, timestamp },
      entity: [],
    }))
    expect(when(combineFeeds, { feeds }).output.header.timestamp).toBe(newest)
  })

  test('the header is otherwise that of the first, and other versions are reported', () => {
    const feeds = [
      feedOf([], { gtfs_realtime_version: '1.0', feed_version: 'a', ...strange }),
      feedOf([], { timestamp: 1_800_000_000 }),
    ]
    const { output, counts } = when(combineFeeds, { feeds })
    const expected = { gtfs_realtime_version: '1.0', feed_version: 'a', timestamp: 1_800_000_000 }
    expect(output.header).toEqual({ ...expected, ...strange })
    expect(counts).toEqual({ mixed_versions: 1 })
  })

  test('no feeds at all make a feed that says nothing, as of the request', () => {
    const { output, findings } = when(combineFeeds, { feeds: [] })
    expect(output.entity).toEqual([])
    expect(output.header).toMatchObject({ timestamp: Date.parse('2026-01-02T03:04:05Z') / 1000 })
    expect(findings).toEqual([])
  })

  test('what nobody knows about a feed itself is kept from each', () => {
    const feeds = [{ ...feedOf([]), ...strange }, feedOf([]), { ...feedOf([]), ...strange }]
    const both = Buffer.concat([strange[unknownFields], strange[unknownFields]])
    expect(when(combineFeeds, { feeds }).output[unknownFields]).toEqual(both)
  })
})

real('real captures', () => {
  const extension = Buffer.from([0xca, 0x3e])
  const extensions = (feed: RealtimeFeed) =>
    bytesOf(feed).toString('latin1').split(extension.toString('latin1')).length - 1

  test('every step keeps the NYCT extensions of what it keeps', () => {
    const feed = capture('nyct-a-division.pb')
    const before = extensions(feed)
    expect(before).toBeGreaterThan(1_000)
    expect(extensions(when(passthroughRealtime, { feed }).output)).toBe(before)
    expect(extensions(when(combineFeeds, { feeds: [feed] }).output)).toBe(before)
    expect(extensions(when(renameVehicles, { feed, prefix: 'p' }).output)).toBe(before)

    const { output } = when(filterStops, { feed, patterns: ['^1[01]'] })
    const removed = ({ stop_id = '' }) => /^1[01]/.test(stop_id)
    const stopTimes = ({ entity }: RealtimeFeed) =>
      entity.flatMap(({ trip_update }) => trip_update?.stop_time_update ?? [])
    const kept = stopTimes(feed).filter((stopTime) => !removed(stopTime))
    expect(kept.length).toBeLessThan(stopTimes(feed).length - 100)
    expect(stopTimes(output)).toEqual(kept)
    const ids = new Set(output.entity.map(({ id }) => id))
    const trips = ({ entity }: RealtimeFeed) =>
      entity.filter(({ id }) => ids.has(id)).map(({ trip_update }) => trip_update?.trip)
    expect(trips(output)).toEqual(trips(feed))
    expect(trips(output).some((trip) => trip?.[unknownFields])).toBe(true)
  })

  test('Sound Transit vehicles are renamed in both feeds, once', () => {
    for (const name of ['vehicle_position', 'trip_update']) {
      const feed = capture(`soundtransit/${name}_1683740698.pb`)
      const { output, counts } = when(renameVehicles, { feed, prefix: 'Link ' })
      const named = output.entity.filter(({ vehicle: position, trip_update }) =>
        (position ?? trip_update)?.vehicle?.label?.startsWith('Link '),
      )
      expect(named.length).toBeGreaterThan(5)
      expect(counts).toEqual({ vehicle_renamed: named.length })
    }
  })

  test('the three Caltrain feeds of one moment make one, with everything that is in them', () => {
    const names = ['trip-updates', 'vehicle-positions', 'service-alerts']
    const feeds = names.map((name) => capture(`caltrain-2023-${name}.pb`))
    const { output, counts } = when(combineFeeds, { feeds })
    const given = feeds.flatMap(({ entity }) => entity)
    const shared = given.length - new Set(given.map(({ id }) => id)).size
    expect(shared).toBeGreaterThan(10)
    expect(counts).toEqual({ entity_id_qualified: shared })
    const withoutId = (entity: FeedEntity) => ({ ...entity, id: '' })
    expect(output.entity.map(withoutId)).toEqual(given.map(withoutId))
    expect(new Set(output.entity.map(({ id }) => id)).size).toBe(given.length)
    expect(output.header.timestamp).toBe(
      Math.max(...feeds.map((feed) => feed.header.timestamp ?? 0)),
    )
  })

  test('a step leaves entities that it does not touch as the bytes they were', () => {
    const feed = capture('mbta-vehiclepositions.pb')
    const [first] = feed.entity
    const stop = first?.vehicle?.stop_id ?? ''
    const { made } = when(filterStops, { feed, ids: [stop] })
    const untouched = made.entity.filter((entity) => feed.entity.includes(entity))
    expect(untouched.length).toBeLessThan(feed.entity.length)
    expect(untouched.length).toBeGreaterThan(40)
    const source = readFileSync(new URL('mbta-vehiclepositions.pb', folder))
    const headerBytes = bytesOf({ ...feed, entity: [] }).length
    for (const entity of untouched) {
      const alone = bytesOf({ ...feed, entity: [entity] }).subarray(headerBytes)
      expect(source.includes(alone)).toBe(true)
    }
  })
})
