import { existsSync, readFileSync } from 'node:fs'
import { rowRecord } from '@headway/schemas/content/csv.ts'
import { createSchedule, gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import type { Schedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { describe, expect, test } from 'vitest'
import { mergeStops } from './merge-stops.ts'
import { passthroughSchedule } from './passthrough-schedule.ts'
import { removeUnusedStops } from './remove-unused-stops.ts'
import type { Finding, StepContext } from './step.ts'
import { updateFeedInfo } from './update-feed-info.ts'
import { validateStopHierarchy } from './validate-stop-hierarchy.ts'

const feedOf = (files: Readonly<Record<string, string>>): Schedule =>
  createSchedule(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
  )
const textOf = (feed: Schedule, name: string) => feed.bytes(name)?.toString()

const watched = () => {
  const findings: Finding[] = []
  const context: StepContext = {
    now: '2026-01-01T00:00:00Z',
    signal: AbortSignal.any([]),
    ask: () => undefined,
    log: () => undefined,
    finding: (finding) => findings.push(finding),
  }
  const codes = () => findings.map(({ code }) => code)
  return { context, findings, codes }
}

describe('given passthrough_schedule', () => {
  test('the feed is handed on as it is', () => {
    const feed = feedOf({ 'stops.txt': 'stop_id\n1\n' })
    expect(passthroughSchedule.definition.run({ feed }, watched().context)).toBe(feed)
  })
})

describe('given update_feed_info', () => {
  const run = (files: Record<string, string>, fields: Record<string, string>) => {
    const { context, codes } = watched()
    const feed = updateFeedInfo.definition.run({ feed: feedOf(files), fields }, context) as Schedule
    return { text: textOf(feed, 'feed_info.txt'), codes: codes() }
  }
  const whole = 'feed_publisher_name,feed_publisher_url,feed_lang,feed_version\nA,http://a,en,1\n'

  test('fields are set and the others keep their bytes', () => {
    expect(run({ 'feed_info.txt': whole }, { feed_version: '2, final' })).toEqual({
      text: whole.replace(',1\n', ',"2, final"\n'),
      codes: [],
    })
  })

  test('a missing column is added', () => {
    const { text } = run({ 'feed_info.txt': whole }, { feed_end_date: '20260101' })
    expect(text).toBe(
      whole.replace('version\n', 'version,feed_end_date\n').replace(',1\n', ',1,20260101\n'),
    )
  })

  test.each([
    ['absent', {}],
    ['empty', { 'feed_info.txt': '' }],
    ['a header alone', { 'feed_info.txt': 'feed_version\n' }],
  ])('a file that is %s gets a row, and what it lacks is told', (_, files) => {
    expect(run(files, { feed_version: '2' })).toEqual({
      text: 'feed_version\n2\n',
      codes: Array.from({ length: 3 }, () => 'missing_required_column'),
    })
  })
})

const stops =
  'stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,house_rule\n' +
  'st,Station,1,1,1,,keep\n' +
  'p1,Platform,1,1,0,st,\n' +
  'p2,Platform,1,1,,st,\n' +
  'e1,Entrance,1,1,2,st,\n' +
  'b1,,,,4,p1,\n' +
  'lone,Lone,1,1,0,,\n' +
  'old,Old station,1,1,1,,\n' +
  'oldent,Old entrance,1,1,2,old,\n'
const stopTimes = 'trip_id,stop_sequence,stop_id\nt,1,p1\nt,2,lone\nt,3,p2\n'

describe('given merge_stops', () => {
  const files = {
    'stops.txt': stops,
    'stop_times.txt': stopTimes,
    'transfers.txt': 'from_stop_id,to_stop_id\np2,lone\np1,lone\n',
    'pathways.txt': 'pathway_id,from_stop_id,to_stop_id\nw,e1,p2\n',
    'house_signs.txt': 'sign,stop_id\n7,p2\n',
    'translations.txt':
      'table_name,record_id,translation\nstops,p2,Quai\nstops,p1,Quai\nroutes,p2,x\n',
  }
  const run = (
    merges: { from: string[]; into: string }[],
    changes: Record<string, string> = {},
  ) => {
    const { context, findings, codes } = watched()
    const given = feedOf({ ...files, ...changes })
    const feed = mergeStops.definition.run({ feed: given, merges }, context) as Schedule
    return { given, feed, findings, codes: codes() }
  }

  test('every reference follows, in files nobody knows as well', () => {
    const { feed, codes } = run([{ from: ['p2'], into: 'p1' }])
    expect(textOf(feed, 'stop_times.txt')).toBe(stopTimes.replace('3,p2', '3,p1'))
    expect(textOf(feed, 'pathways.txt')).toBe('pathway_id,from_stop_id,to_stop_id\nw,e1,p1\n')
    expect(textOf(feed, 'house_signs.txt')).toBe('sign,stop_id\n7,p1\n')
    expect(textOf(feed, 'stops.txt')).toBe(stops.replace(/^p2.*\n/m, ''))
    expect(codes).toEqual(['stops_merged'])
  })

  test('rows that became copies leave, and translations of merged stops too', () => {
    const { feed } = run([{ from: ['p2'], into: 'p1' }])
    expect(textOf(feed, 'transfers.txt')).toBe('from_stop_id,to_stop_id\np1,lone\n')
    expect(textOf(feed, 'translations.txt')).toBe(
      'table_name,record_id,translation\nstops,p1,Quai\nroutes,p2,x\n',
    )
  })

  test('the given feed stays what it was', () => {
    const { given } = run([{ from: ['p2'], into: 'p1' }])
    for (const [name, text] of Object.entries(files)) expect(textOf(given, name)).toBe(text)
  })

  test('parents follow, and a platform that takes in its station has none', () => {
    const { feed } = run([{ from: ['st'], into: 'p1' }])
    const table = feed.table('stops.txt')
    const parents = Array.from({ length: table?.rowCount ?? 0 }, (_, row) =>
      table ? rowRecord(table, row) : {},
    ).map((stop) => `${stop['stop_id']}<${stop['parent_station']}`)
    expect(parents.slice(0, 4)).toEqual(['p1<', 'p2<p1', 'e1<p1', 'b1<p1'])
  })

  test('chains end at their last stop, circles are reported and left alone', () => {
    const chain = run([
      { from: ['p1'], into: 'p2' },
      { from: ['p2'], into: 'lone' },
    ])
    expect(textOf(chain.feed, 'stop_times.txt')).toBe(stopTimes.replaceAll(/p[12]/g, 'lone'))
    const circle = run([
      { from: ['p1'], into: 'p2' },
      { from: ['p2'], into: 'p1' },
    ])
    expect(circle.codes).toEqual(['circular_merge', 'circular_merge'])
    expect(circle.feed).toBe(circle.given)
  })

  test('unknown stops are reported and nothing else happens', () => {
    const { feed, given, findings } = run([
      { from: ['nope'], into: 'p1' },
      { from: ['p1'], into: 'nowhere' },
    ])
    expect(feed).toBe(given)
    expect(findings.map(({ code, severity, subject }) => [code, severity, subject])).toEqual([
      ['unknown_stop', 'warning', { stop_id: 'nope' }],
      ['unknown_stop', 'error', { stop_id: 'nowhere' }],
    ])
  })

  test('a stop served twice in a row is reported by sequence, not by the order of rows', () => {
    const apart = 'trip_id,stop_sequence,stop_id\nt,10,p2\nt,2,p1\nt,9,lone\nu,1,p1\nu,3,p2\n'
    const { findings } = run([{ from: ['p2'], into: 'p1' }], { 'stop_times.txt': apart })
    expect(findings[1]).toMatchObject({
      code: 'stop_time_repeats_stop',
      subject: { trip_id: 'u', stop_id: 'p1', stop_sequence: '3' },
      count: 1,
    })
  })

  test('repeats that were there before are not told again', () => {
    const before = 'trip_id,stop_sequence,stop_id\nt,1,p1\nt,2,p1\nt,3,lone\nt,4,p2\n'
    const { codes } = run([{ from: ['p2'], into: 'p1' }], { 'stop_times.txt': before })
    expect(codes).toEqual(['stops_merged'])
  })
})

describe('given remove_unused_stops', () => {
  const run = (files: Record<string, string>) => {
    const { context, findings } = watched()
    const feed = feedOf({ 'stops.txt': stops, ...files })
    const after = removeUnusedStops.definition.run({ feed }, context) as Schedule
    const table = after.table('stops.txt')
    const rows = Array.from({ length: table?.rowCount ?? 0 }, (_, row) => row)
    return {
      feed,
      after,
      findings,
      ids: rows.map((row) => table && rowRecord(table, row)['stop_id']),
    }
  }

  test('parents, entrances and boarding areas of used stops stay, the others go', () => {
    const { ids, findings } = run({ 'stop_times.txt': 'trip_id,stop_id\nt,p1\n' })
    expect(ids).toEqual(['st', 'p1', 'e1', 'b1'])
    expect(findings).toMatchObject([{ code: 'unused_stops_removed', count: 4 }])
  })

  test('boarding areas of platforms that go leave with them', () => {
    expect(run({ 'stop_times.txt': 'trip_id,stop_id\nt,p2\n' }).ids).toEqual(['st', 'p2', 'e1'])
  })

  test('a used boarding area keeps its platform and its station', () => {
    expect(run({ 'house_signs.txt': 'stop_id\nb1\n' }).ids).toEqual(['st', 'p1', 'e1', 'b1'])
  })

  test('a reference from any file is a use', () => {
    const { ids } = run({ 'transfers.txt': 'from_stop_id,to_stop_id\nlone,oldent\n' })
    expect(ids).toEqual(['lone', 'old', 'oldent'])
  })

  test('when all are used the feed is the same', () => {
    const all = 'stop_id\nst\np1\np2\ne1\nb1\nlone\nold\noldent\n'
    const { feed, after, findings } = run({ 'house_signs.txt': all })
    expect(after).toBe(feed)
    expect(findings).toEqual([])
  })
})

describe('given validate_stop_hierarchy', () => {
  const run = (rows: string, files: Record<string, string> = {}) => {
    const { context, findings } = watched()
    const header =
      'stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,platform_code\n'
    const feed = feedOf({ 'stops.txt': header + rows, ...files })
    const after = validateStopHierarchy.definition.run({ feed }, context)
    expect(after).toBe(feed)
    return findings
  }
  const sound = 'st,S,1,1,1,,\np,P,1,1,0,st,1\n'
  const served = { 'stop_times.txt': 'trip_id,stop_id\nt,p\n' }

  test('a sound feed has no findings', () => {
    expect(run(`${sound}e,E,1,1,2,st,\nb,,,,4,p,\n`, served)).toEqual([])
  })

  test.each([
    ['location_without_parent_station', 'error', 'e,E,1,1,2,,\n'],
    ['station_with_parent_station', 'error', 's2,S,1,1,1,st,\nq,P,1,1,2,s2,\n'],
    ['wrong_parent_location_type', 'error', 'e,E,1,1,2,p,\n'],
    ['wrong_parent_location_type', 'error', 'b,,,,4,st,\n'],
    ['foreign_key_violation', 'error', 'e,E,1,1,2,gone,\n'],
    ['unused_station', 'info', 's2,S,1,1,1,,\n'],
    ['missing_stop_name', 'error', 'e,,1,1,2,st,\n'],
    ['stop_without_location', 'error', 'e,E,1,,2,st,\n'],
    ['duplicate_key', 'error', 'p,P,1,1,0,st,1\n'],
    ['unexpected_enum_value', 'warning', 'x,X,1,1,9,,\n'],
    ['stop_without_stop_time', 'warning', 'q,Q,1,1,0,,\n'],
  ])('%s is an %s', (code, severity, rows) => {
    expect(run(sound + rows, served)).toMatchObject([{ code, severity }])
  })

  test('a platform outside of stations, and trips that serve a station, are told', () => {
    const times = { 'stop_times.txt': 'trip_id,stop_id\nt,p\nt,q\nt,st\n' }
    expect(run(`${sound}q,Q,1,1,0,,3\n`, times)).toMatchObject([
      { code: 'platform_without_parent_station', subject: { stop_id: 'q' } },
      { code: 'location_with_unexpected_stop_time', subject: { stop_id: 'st' } },
    ])
  })

  test('unknown stops are told once per file and column', () => {
    const files = {
      'stop_times.txt': 'trip_id,stop_id\nt,p\nt,gone\nu,gone\n',
      'transfers.txt': 'from_stop_id,to_stop_id\ngone,p\n',
    }
    expect(run(sound, files).map(({ subject }) => subject)).toEqual([
      { filename: 'stop_times.txt', field_name: 'stop_id', field_value: 'gone' },
      { filename: 'transfers.txt', field_name: 'from_stop_id', field_value: 'gone' },
    ])
  })

  test('after a hundred findings of a code the rest is counted', () => {
    const entrances = Array.from({ length: 130 }, (_, i) => `e${i},E,1,1,2,,\n`).join('')
    const findings = run(sound + entrances, served)
    expect(findings).toHaveLength(101)
    expect(findings.at(-1)).toMatchObject({ code: 'location_without_parent_station', count: 30 })
  })
})

const data = new URL('../../../../shared/data/schedule/', import.meta.url)
describe.skipIf(!existsSync(data))('given Sound Transit', () => {
  const bytes = () => readFileSync(new URL('soundtransit-SC-Fall-2024.11.zip', data))

  test('steps leave a feed that can be served, with unknown files and columns', () => {
    const { context, codes } = watched()
    const parsed = gtfsSchedule.parse(bytes())
    const merges = [{ from: ['E09-T2'], into: '99111' }]
    const merged = mergeStops.definition.run({ feed: parsed, merges }, context) as Schedule
    const feed = removeUnusedStops.definition.run({ feed: merged }, context) as Schedule
    const encoded = gtfsSchedule.encode(feed)[0]?.bytes ?? Buffer.alloc(0)
    const { facts } = gtfsSchedule.inspect(encoded)
    expect(facts).toMatchObject({ files: 21, stop_times: 193_415, trips: 15_092 })
    expect(feed.table('stops.txt')?.columns).toContain('tts_stop_name')
    expect(feed.bytes('facilities.txt')).toEqual(parsed.bytes('facilities.txt'))
    expect(codes()).toContain('stops_merged')
  })
})
