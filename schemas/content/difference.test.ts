import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { setCells } from './csv-edit.ts'
import { parseTable } from './csv.ts'
import { Difference, difference } from './difference.ts'
import { differenceLimits } from './difference/shape.ts'
import { createSchedule, gtfsSchedule } from './gtfs-schedule.ts'
import { gtfsRealtime } from './gtfs-realtime.ts'
import type { RealtimeFeed } from './gtfs-realtime.ts'
import type { ContentKindName } from './kind.ts'
import { unknownFields } from './protobuf-table.ts'

const checked = (kind: ContentKindName, before: Uint8Array, after: Uint8Array): Difference => {
  const found = difference(kind, before, after)
  const json = JSON.stringify(found)
  expect(Value.Errors(Difference, found)).toEqual([])
  expect(JSON.parse(json)).toEqual(found)
  expect(Buffer.byteLength(json)).toBeLessThanOrEqual(differenceLimits.bytesMax)
  return found
}

const files: Readonly<Record<string, string>> = {
  'agency.txt': 'agency_id,agency_name\n1,Metro\n',
  'calendar.txt': 'service_id,monday\nwk,1\n',
  'routes.txt': 'route_id,agency_id\nr,1\n',
  'stop_times.txt': 'trip_id,stop_id,stop_sequence\nt,s,1\nt,u,2\n',
  'stops.txt': 'stop_id,stop_name,house_rule\ns,Pike,x\nu,Pine,\n',
  'trips.txt': 'route_id,service_id,trip_id\nr,wk,t\n',
}
const zipOf = (changes: Readonly<Record<string, string | null>> = {}): Uint8Array => {
  const merged = Object.entries({ ...files, ...changes }).flatMap(([name, text]) =>
    text === null ? [] : [[name, Buffer.from(text)] as const],
  )
  return gtfsSchedule.encode(createSchedule(Object.fromEntries(merged)))[0]!.bytes
}
const schedules = (changes: Readonly<Record<string, string | null>>, base = {}) =>
  checked('gtfs_schedule_zip', zipOf(base), zipOf(changes))
const csv = (before: string, after: string) =>
  checked('csv_table', Buffer.from(before), Buffer.from(after))
const feedBytes = (feed: RealtimeFeed): Uint8Array => gtfsRealtime.encode(feed)[0]!.bytes
const header = { gtfs_realtime_version: '2.0' }
const feeds = (before: RealtimeFeed['entity'], after: RealtimeFeed['entity']) =>
  checked(
    'gtfs_rt_protobuf',
    feedBytes({ header, entity: before }),
    feedBytes({ header, entity: after }),
  )

test('the plain type and the schema are the same', () => {
  expectTypeOf<Static<typeof Difference>>().toEqualTypeOf<Difference>()
})

describe('given the same content', () => {
  const same = { verdict: 'identical', parts: [], samples: [] }

  test('the same bytes are identical, even where they are no content at all', () => {
    expect(checked('csv_table', Buffer.from('a\n1\n'), Buffer.from('a\n1\n'))).toEqual(same)
    expect(checked('gtfs_schedule_zip', Buffer.from('x'), Buffer.from('x'))).toEqual(same)
  })

  test('order, quotes and packing make other bytes of the same content', () => {
    expect(csv('a,b\n1,2\n3,4\n', '\ufeffb,a\r\n4,3\r\n"2",1')).toEqual({
      ...same,
      verdict: 'same_content',
    })
    const calendar = 'monday,service_id\n1,wk\n'
    expect(schedules({ 'calendar.txt': calendar }).verdict).toBe('same_content')
  })
})

describe('given bytes that cannot be read', () => {
  test.each([
    ['gtfs_schedule_zip', zipOf(), 'truncated_zip', zipOf().subarray(0, 100)],
    ['gtfs_rt_protobuf', feedBytes({ header, entity: [] }), 'html_page', Buffer.from('<html>')],
    ['csv_table', Buffer.from('a\n1\n'), 'malformed_csv', Buffer.from('a\n"1\n')],
    ['opaque_bytes', Buffer.from('a'), 'empty_body', Buffer.alloc(0)],
  ] as const)('a %s says which side and why', (kind, good, code, bad) => {
    const after = checked(kind, good, bad)
    expect(after).toMatchObject({
      verdict: 'different',
      parts: [{ name: 'content', change: 'unreadable', before: good.length, after: bad.length }],
      samples: [],
    })
    expect(after.parts[0]?.problem).toMatch(new RegExp(`^after: ${code}, `))
    expect(checked(kind, bad, good).parts[0]?.problem).toMatch(new RegExp(`^before: ${code}, `))
  })

  test('both sides are told', () => {
    const { parts } = checked('gtfs_rt_protobuf', Buffer.from('<html>'), Buffer.alloc(0))
    expect(parts[0]?.problem).toMatch(/^before: html_page, .*; after: empty_body, /)
  })
})

test('a kind that has no opinion compares bytes', () => {
  expect(checked('opaque_bytes', Buffer.from('a'), Buffer.from('bc'))).toMatchObject({
    verdict: 'different',
    parts: [{ name: 'content', unit: 'bytes', before: 1, after: 2, changed: 1 }],
  })
})

describe('given two tables', () => {
  test('rows without a key are removed and added, as often as they are there', () => {
    const { parts, samples } = csv('a,b\n1,x\n1,x\n2,y\n', 'a,b\n2,y\n1,x\n3,\n')
    expect(parts).toEqual([
      {
        name: 'table.csv',
        unit: 'rows',
        change: 'changed',
        before: 3,
        after: 3,
        added: 1,
        removed: 1,
        changed: 0,
      },
    ])
    expect(samples).toEqual([
      {
        part: 'table.csv',
        key: 'row 2',
        change: 'removed',
        fields: { a: ['1', null], b: ['x', null] },
      },
      { part: 'table.csv', key: 'row 3', change: 'added', fields: { a: [null, '3'] } },
    ])
  })

  test('a column that one side has is a change of columns, not of every row', () => {
    expect(csv('a,b\n1,x\n2,y\n', 'c,a\nnew,1\n,2\n').parts).toMatchObject([
      { added: 0, removed: 0, changed: 0, columns: { added: ['c'], removed: ['b'] } },
    ])
  })

  test('columns of the same name are told apart', () => {
    expect(csv('a,a\n1,2\n', 'a\n1\n').parts).toMatchObject([
      { added: 0, removed: 0, columns: { added: [], removed: ['a (2)'] } },
    ])
  })

  test('the changes of MobilityData’s own example are found', () => {
    const { parts } = schedules(
      { 'stops.txt': 'stop_id,stop_name,stop_lat\nB,Train station,45.4912\nC,Park,1\n' },
      { 'stops.txt': 'stop_id,stop_name,stop_lat\nB,,45.4900\nA,Center,45.5000\n' },
    )
    expect(parts).toMatchObject([
      { added: 1, removed: 1, changed: 1, fields: { stop_name: 1, stop_lat: 1 } },
    ])
  })
})

describe('given two schedules', () => {
  test('rows are matched by their primary key, all of it', () => {
    const { parts, samples } = schedules({
      'stop_times.txt': 'stop_sequence,trip_id,stop_id\n3,t,s\n2,t,s\n1,t,s\n',
    })
    expect(parts).toMatchObject([
      { name: 'stop_times.txt', added: 1, removed: 0, changed: 1, fields: { stop_id: 1 } },
    ])
    expect(samples).toEqual([
      { part: 'stop_times.txt', key: 't, 2', change: 'changed', fields: { stop_id: ['u', 's'] } },
      {
        part: 'stop_times.txt',
        key: 't, 3',
        change: 'added',
        fields: { stop_sequence: [null, '3'], trip_id: [null, 't'], stop_id: [null, 's'] },
      },
    ])
  })

  test('the one row of feed_info needs no key', () => {
    const info = (version: number) => ({ 'feed_info.txt': `feed_version\n${version}\n` })
    expect(schedules(info(2), info(1)).parts).toMatchObject([
      { changed: 1, fields: { feed_version: 1 } },
    ])
  })

  test('of rows with one key the equal ones are matched first, then the first with the first', () => {
    const stops = (rows: string) => ({ 'stops.txt': `stop_id,stop_name\n${rows}` })
    const equal = schedules(stops('s,B\ns,C\n'), stops('s,A\ns,B\n'))
    expect(equal.samples).toMatchObject([{ change: 'changed', fields: { stop_name: ['A', 'C'] } }])
    const both = schedules(stops('s,C\ns,D\n'), stops('s,A\ns,B\n'))
    expect(both.samples).toMatchObject([
      { change: 'changed', fields: { stop_name: ['A', 'C'] } },
      { change: 'changed', fields: { stop_name: ['B', 'D'] } },
    ])
  })

  test('a cell of a changed row that is only quoted otherwise did not change', () => {
    const stops = 'stop_id,stop_name,house_rule\ns,"Pike",y\nu,Pine,\n'
    expect(schedules({ 'stops.txt': stops }).parts[0]?.fields).toEqual({ house_rule: 1 })
  })

  test('spaces around a cell count, and so do cells beyond the header', () => {
    const { parts } = schedules({
      'stops.txt': 'stop_id,stop_name,house_rule\ns,Pike ,x,y\nu,Pine\n',
    })
    expect(parts).toMatchObject([
      { changed: 1, fields: { stop_name: 1, 'cell 1 beyond the header': 1 } },
    ])
  })

  test('files come and go as a whole, rows or none', () => {
    const { parts, samples } = schedules(
      { 'frequencies.txt': 'trip_id,start_time\n', 'notes.md': 'hello' },
      { 'levels.txt': 'level_id\nL\n', 'a.md': 'x' },
    )
    expect(parts).toMatchObject([
      { name: 'a.md', unit: 'bytes', change: 'removed', before: 1, after: 0 },
      { name: 'frequencies.txt', unit: 'rows', change: 'added', added: 0 },
      { name: 'levels.txt', unit: 'rows', change: 'removed', before: 1, after: 0, removed: 1 },
      { name: 'notes.md', unit: 'bytes', change: 'added', before: 0, after: 5 },
    ])
    expect(samples).toMatchObject([{ part: 'levels.txt', key: 'L', change: 'removed' }])
  })

  test('a file that stops being a table differs in its bytes', () => {
    expect(schedules({ 'house.txt': 'a\n"' }, { 'house.txt': 'a\n1\n' }).parts).toMatchObject([
      { name: 'house.txt', unit: 'bytes', change: 'changed', before: 4, after: 3 },
    ])
  })
})

describe('given two realtime feeds', () => {
  const trip = { trip_id: 't1' }
  const stop = (stop_sequence: number, delay: number) => ({ stop_sequence, arrival: { delay } })

  test('each kind of entity is a part, matched by id', () => {
    const { parts, samples } = feeds(
      [
        { id: 'a', vehicle: { stop_id: '1' } },
        { id: 'b', alert: { cause: 'STRIKE' } },
      ],
      [
        { id: 'c', trip_update: { trip } },
        { id: 'a', vehicle: { stop_id: '2' } },
      ],
    )
    expect(parts).toMatchObject([
      { name: 'vehicle_positions', added: 0, removed: 0, changed: 1, fields: { stop_id: 1 } },
      { name: 'trip_updates', before: 0, after: 1, added: 1, removed: 0, changed: 0 },
      { name: 'alerts', before: 1, after: 0, added: 0, removed: 1, changed: 0 },
    ])
    expect(samples).toMatchObject([
      { key: 'a', change: 'changed', fields: { stop_id: ['1', '2'] } },
      { key: 'c', change: 'added', fields: { trip: [null, '{"trip_id":"t1"}'] } },
      { key: 'b', change: 'removed', fields: { cause: ['STRIKE', null] } },
    ])
  })

  test('a change is named by its path and counted by its field', () => {
    const update = (...stops: ReturnType<typeof stop>[]) => [
      { id: 'a', trip_update: { trip, stop_time_update: stops } },
    ]
    const { parts, samples } = feeds(
      update(stop(1, 0), stop(2, 10), stop(3, 20)),
      update(stop(2, 15), stop(3, 25)),
    )
    expect(parts[0]?.fields).toEqual({
      'stop_time_update[].arrival.delay': 1,
      'stop_time_update[]': 1,
    })
    expect(samples[0]?.fields).toEqual({
      'stop_time_update[0].arrival.delay': ['10', '15'],
      'stop_time_update[1].arrival.delay': ['20', '25'],
      'stop_time_update[0]': ['{"stop_sequence":1,"arrival":{"delay":0}}', null],
    })
  })

  test('extensions are opaque bytes, wherever they are', () => {
    const extension = (byte: number) => ({ [unknownFields]: Buffer.from([0xca, 0x3e, 1, byte]) })
    const feed = (byte: number): RealtimeFeed => ({
      header: { ...header, ...extension(byte) },
      entity: [{ id: 'a', vehicle: { trip: { ...trip, ...extension(byte) } }, ...extension(byte) }],
      ...extension(byte),
    })
    const { samples } = checked('gtfs_rt_protobuf', feedBytes(feed(1)), feedBytes(feed(2)))
    const changed = ['ca3e0101', 'ca3e0102']
    expect(samples).toMatchObject([
      {
        part: 'header',
        fields: { unknown_fields: changed, 'feed.unknown_fields': changed },
      },
      {
        part: 'vehicle_positions',
        fields: { 'trip.unknown_fields': changed, entity_unknown_fields: changed },
      },
    ])
  })

  test('the timestamp of the header never counts', () => {
    const feed = (timestamp: number, feed_version: string) =>
      feedBytes({ header: { ...header, timestamp, feed_version }, entity: [] })
    expect(checked('gtfs_rt_protobuf', feed(1, 'a'), feed(2, 'a')).verdict).toBe('same_content')
    const [part] = checked('gtfs_rt_protobuf', feed(1, 'a'), feed(2, 'b')).parts
    expect(part).toMatchObject({ name: 'header', unit: 'header', changed: 1 })
    expect(part?.fields).toEqual({ feed_version: 1 })
  })

  test('an entity under a new id is known by its vehicle or trip', () => {
    const entities = (id: string, stop_id: string) => [
      { id, vehicle: { vehicle: { id: 'v' }, stop_id } },
    ]
    const { parts, samples } = feeds(entities('a', '1'), entities('b', '2'))
    expect(parts).toMatchObject([{ added: 0, removed: 0, changed: 1 }])
    expect(samples[0]?.fields).toEqual({ stop_id: ['1', '2'], entity_id: ['a', 'b'] })
  })

  test('ids given twice pair what is equal first', () => {
    const entity = (stop_id: string) => ({ id: 'a', vehicle: { stop_id } })
    expect(feeds([entity('1'), entity('2')], [entity('2'), entity('3')]).samples).toMatchObject([
      { change: 'changed', fields: { stop_id: ['1', '3'] } },
    ])
  })

  test('the same values written otherwise differ in their bytes', () => {
    const usual = feedBytes({ header, entity: [{ id: 'a', is_deleted: true }] })
    const swapped = Buffer.from(usual)
    Buffer.from([0x10, 1, 0x0a, 1, 97]).copy(swapped, swapped.length - 5)
    expect(checked('gtfs_rt_protobuf', usual, swapped).parts).toMatchObject([{ unit: 'bytes' }])
  })
})

describe('given much', () => {
  const text = (fill: string, n: number) => fill.repeat(200) + n

  test('samples are taken of every change and every part in turn', () => {
    const rows = (count: number, name: string) =>
      `level_id,level_name\n${Array.from({ length: count }, (_, n) => `${n},${name}\n`).join('')}`
    const { parts, samples } = schedules(
      { 'levels.txt': `${rows(50, 'b')}x,\n`, 'trips.txt': `${files['trips.txt']}r,wk,t2\n` },
      { 'levels.txt': rows(51, 'a') },
    )
    expect(parts).toMatchObject([{ added: 1, removed: 1, changed: 50 }, { added: 1 }])
    const counted: Record<string, number> = {}
    for (const { part, change } of samples)
      counted[`${part} ${change}`] = (counted[`${part} ${change}`] ?? 0) + 1
    expect(counted).toEqual({
      'levels.txt changed': 18,
      'levels.txt removed': 1,
      'levels.txt added': 1,
      'trips.txt added': 1,
    })
  })

  test.each(['x', '\u0001', '😀', '"', '\0'])('of %j, it still fits', (fill) => {
    const table = (file: number, value: string) => {
      const columns = Array.from({ length: 40 }, (_, n) => text(fill, n).replaceAll('"', '""'))
      const quoted = (cells: readonly string[]) => cells.map((each) => `"${each}"`).join(',')
      const body = Array.from({ length: 3 }, () =>
        quoted(columns.map((_, n) => value.replaceAll('"', '""') + n + file)),
      )
      return [`${text('f', file)}.txt`, `${quoted(columns)}\n${body.join('\n')}\n`] as const
    }
    const many = (value: string) =>
      Object.fromEntries(Array.from({ length: 100 }, (_, n) => table(n, value)))
    const found = schedules(many(text(fill, 2)), many(text(fill, 1)))
    expect(found.parts.length + (found.partsOmitted ?? 0)).toBe(100)
    expect(found.samples.length).toBeGreaterThan(0)
    expect(JSON.stringify(found)).not.toMatch(/\\u0000|\\ud[89a-f]/)
  })
})

const data = new URL('../../../shared/data/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, data))
const counts = ({ parts }: Difference) =>
  parts.map(({ name, added, removed, changed }) => [name, added, removed, changed])

describe.skipIf(!existsSync(data))('given real feeds', () => {
  const captures = 'realtime/sequence-nyct-ace-2024-02-08/'

  test('two versions of BART', () => {
    const [before, after] = ['2016-v38', '2018-v47'].map((name) =>
      read(`schedule/versions/bart-${name}.zip`),
    )
    expect(counts(checked('gtfs_schedule_zip', before!, after!))).toEqual([
      ['calendar.txt', 0, 0, 3],
      ['calendar_dates.txt', 12, 50, 0],
      ['fare_attributes.txt', 42, 32, 0],
      ['fare_rules.txt', 2304, 2025, 0],
      ['feed_info.txt', 0, 0, 1],
      ['routes.txt', 0, 0, 4],
      ['shapes.txt', 34, 0, 1],
      ['stop_times.txt', 33_167, 31_932, 0],
      ['stops.txt', 3, 0, 43],
      ['transfers.txt', 2, 0, 0],
      ['trips.txt', 2525, 2513, 0],
    ])
  })

  test('an edit of Sound Transit’s schedule is what is found, and nothing else', () => {
    const bytes = read('schedule/soundtransit-SC-Fall-2024.11.zip')
    const schedule = gtfsSchedule.parse(bytes)
    const table = schedule.table('stop_times.txt') ?? parseTable(Buffer.alloc(0))
    let row = 0
    const edited = setCells(table, 'departure_time', (time) => (row++ % 1000 ? time : `${time}!`))
    const after = gtfsSchedule.encode(schedule.with('stop_times.txt', edited))[0]!.bytes
    const found = checked('gtfs_schedule_zip', bytes, after)
    expect(counts(found)).toEqual([['stop_times.txt', 0, 0, 194]])
    expect(found.parts[0]?.fields).toEqual({ departure_time: 194 })
  })

  test('another order is the same content, other rows are what is found', () => {
    const [base, reordered, modified] = ['', '-change_order', '-modified_rows'].map((suffix) =>
      read(`schedule/diff/bibus${suffix}.zip`),
    )
    expect(checked('gtfs_schedule_zip', base!, reordered!).verdict).toBe('same_content')
    expect(counts(checked('gtfs_schedule_zip', base!, modified!))).toEqual([
      ['routes.txt', 1, 0, 0],
      ['stops.txt', 0, 1, 1],
    ])
  })

  test('every capture against the next is readable, bounded and symmetric', () => {
    const names = readdirSync(new URL(captures, data)).toSorted()
    for (const [index, name] of names.slice(1).entries()) {
      const [before, after] = [read(captures + names[index]!), read(captures + name)]
      const there = checked('gtfs_rt_protobuf', before, after)
      expect(counts(checked('gtfs_rt_protobuf', after, before))).toEqual(
        counts(there).map(([part, added, removed, changed]) => [part, removed, added, changed]),
      )
    }
  })

  test('one moved vehicle is one field', () => {
    const before = read('realtime/soundtransit/vehicle_position_1683740698.pb')
    const after = read('realtime/nasty/st-content-changed-same-timestamp.pb')
    const found = checked('gtfs_rt_protobuf', before, after)
    expect(found.parts).toMatchObject([{ changed: 1, fields: { 'position.latitude': 1 } }])
  })
})
