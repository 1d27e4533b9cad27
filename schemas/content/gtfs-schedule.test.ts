import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { setCells, tableBytes } from './csv-edit.ts'
import { parseTable } from './csv.ts'
import { createSchedule, gtfsSchedule } from './gtfs-schedule.ts'
import type { Schedule } from './gtfs-schedule.ts'
import { Refusal, inspectLimits } from './kind.ts'
import { packEntry, readZip, writeZip } from './zip.ts'

const files: Readonly<Record<string, string>> = {
  'agency.txt': 'agency_id,agency_name\n1,Metro\n',
  'calendar.txt': 'service_id,monday\nwk,1\n',
  'routes.txt': 'route_id,agency_id\nr,1\n',
  'stop_times.txt': 'trip_id,stop_id,stop_sequence\nt,s,1\nt,u,2\n',
  'stops.txt': 'stop_id,stop_name,house_rule\ns,Pike,x\nu,Pine,\n',
  'trips.txt': 'route_id,service_id,trip_id\nr,wk,t\n',
}
const encoded = (schedule: Schedule) => gtfsSchedule.encode(schedule)[0]?.bytes ?? Buffer.alloc(0)
const zipOf = (changes: Readonly<Record<string, string | null>> = {}): Buffer =>
  writeZip(
    Object.entries({ ...files, ...changes }).flatMap(([name, text]) =>
      text === null ? [] : [packEntry(name, Buffer.from(text))],
    ),
  )
const digestOf = (bytes: Uint8Array) => gtfsSchedule.inspect(bytes).contentDigest

const verdict = (bytes: Uint8Array): string => {
  try {
    gtfsSchedule.inspect(bytes)
    return 'accepted'
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}
const messageOf = (bytes: Uint8Array): string => {
  try {
    gtfsSchedule.inspect(bytes)
    return 'accepted'
  } catch (error) {
    return error instanceof Refusal ? error.message : 'failed'
  }
}

describe('given bytes that are no feed', () => {
  test.each([
    ['empty_body', Buffer.alloc(0)],
    ['html_page', Buffer.from('<!DOCTYPE html><html><body>503</body></html>')],
    ['json_document', Buffer.from('{"error": "no such feed"}')],
    ['base64_text', Buffer.from(zipOf().toString('base64'))],
    ['text_document', Buffer.from('Forbidden')],
    ['malformed_zip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])],
    ['truncated_zip', zipOf().subarray(0, 100)],
    ['missing_required_file', writeZip([])],
  ])('they are refused as %s', (code, bytes) => {
    expect(verdict(bytes)).toBe(code)
  })
})

describe('given a feed that lacks something', () => {
  test.each([
    ['agency.txt', 'missing_required_file'],
    ['routes.txt', 'missing_required_file'],
    ['trips.txt', 'missing_required_file'],
    ['stops.txt', 'missing_required_file'],
    ['stop_times.txt', 'missing_required_file'],
    ['calendar.txt', 'missing_required_file'],
  ])('without %s it is refused as %s, and told what was found', (name, code) => {
    const bytes = zipOf({ [name]: null })
    expect(verdict(bytes)).toBe(code)
    expect(messageOf(bytes)).toMatch(new RegExp(`expected ${name}.*, found .*\\.txt`))
  })

  test.each([
    ['stops.txt', 'name\nPike\n', 'missing_required_column'],
    ['routes.txt', 'agency_id\n1\n', 'missing_required_column'],
    ['trips.txt', 'route_id,trip_id\nr,t\n', 'missing_required_column'],
    ['stop_times.txt', 'trip_id,stop_sequence\nt,1\n', 'missing_required_column'],
    ['calendar.txt', 'monday\n1\n', 'missing_required_column'],
    ['calendar.txt', '', 'missing_required_column'],
    ['trips.txt', 'route_id,service_id,trip_id\n', 'no_service'],
    ['stop_times.txt', 'trip_id,stop_id,stop_sequence\n', 'no_service'],
    ['stops.txt', 'stop_id,stop_name\ns,"Pike\nu,Pine\n', 'malformed_csv'],
  ])('with a %s of %j it is refused as %s', (name, text, code) => {
    expect(verdict(zipOf({ [name]: text }))).toBe(code)
  })

  test('more than allowed is a bomb', () => {
    const limits = { ...inspectLimits, expandedBytesMax: 100 }
    expect(() => gtfsSchedule.inspect(zipOf(), limits)).toThrow('expands to more than 100 bytes')
  })

  test.each([
    [
      'dates instead of a calendar',
      { 'calendar.txt': null, 'calendar_dates.txt': 'service_id,date\nwk,20260101\n' },
    ],
    [
      'an empty calendar beside dates',
      { 'calendar.txt': '', 'calendar_dates.txt': 'service_id,date\nwk,20260101\n' },
    ],
    [
      'zones instead of stops',
      {
        'stops.txt': null,
        'locations.geojson': '{}',
        'stop_times.txt': 'trip_id,location_id,stop_sequence\nt,z,1\n',
      },
    ],
    ['a licence with a quote in it', { 'LICENSE.txt': 'the so-called\n"licence\n' }],
    ['a BOM, CRLF and short rows', { 'stops.txt': '\ufeffstop_id,stop_name\r\ns\r\nu,Pine\r\n' }],
  ])('with %s it is accepted', (_, changes) => {
    expect(verdict(zipOf(changes))).toBe('accepted')
  })
})

describe('given the content digest', () => {
  const base = digestOf(zipOf())

  test('packing, folders and junk do not count', () => {
    const names = Object.entries(files).toReversed()
    const stored = writeZip(
      names.map(([name, text]) => {
        const content = Buffer.from(text)
        return { ...packEntry(`gtfs/${name}`, content), method: 0, compressed: content }
      }),
    )
    expect(digestOf(stored)).toBe(base)
    expect(digestOf(zipOf({ '.DS_Store': 'x', '__MACOSX/._a': 'y' }))).toBe(base)
  })

  test.each([
    ['a file more', { 'house.txt': 'a\n1\n' }],
    ['a file with a header alone', { 'frequencies.txt': 'trip_id\n' }],
    ['a file that is not CSV', { 'notes.md': 'hello' }],
    ['an unknown column', { 'stops.txt': 'stop_id,stop_name,house_rule\ns,Pike,y\nu,Pine,\n' }],
    [
      'a file under another name',
      { 'calendar.txt': null, 'calendar_dates.txt': 'service_id,date\n' },
    ],
  ])('%s counts', (_, changes) => {
    expect(digestOf(zipOf(changes))).not.toBe(base)
  })

  test('bytes of files that are not CSV count', () => {
    expect(digestOf(zipOf({ 'notes.md': 'a' }))).not.toBe(digestOf(zipOf({ 'notes.md': 'b' })))
  })

  test('it is the one that earlier versions were named by', () => {
    expect(base).toMatchInlineSnapshot(
      `"5f5c8540a6edf2672b371e92c44689412a125174381973c00d16e78e01aafc12"`,
    )
  })
})

describe('given a schedule', () => {
  const schedule = gtfsSchedule.parse(zipOf({ 'notes.md': 'hello' }))

  test('inspection and value count the same rows', () => {
    expect(gtfsSchedule.rows(schedule)).toBe(8)
    expect(gtfsSchedule.inspect(zipOf()).rows).toBe(8)
  })

  test('facts tell rows per file and what feed_info says', () => {
    const info = 'feed_version,feed_start_date\n"v,1",20260101\n'
    expect(gtfsSchedule.inspect(zipOf({ 'feed_info.txt': info })).facts).toMatchObject({
      stops: 2,
      stop_times: 2,
      files: 7,
      feed_version: 'v,1',
      feed_start_date: '20260101',
    })
  })

  test('a table is a view, other files are bytes', () => {
    expect(schedule.table('stops.txt')?.rowCount).toBe(2)
    expect(schedule.table('notes.md')).toBeUndefined()
    expect(schedule.bytes('notes.md')?.toString()).toBe('hello')
    expect(schedule.table('absent.txt')).toBeUndefined()
  })

  test('text that is not CSV has no table, counts no rows and is written as it came', () => {
    const licence = 'the so-called\n"licence\n'
    const feed = gtfsSchedule.parse(zipOf({ 'LICENSE.txt': licence }))
    expect(feed.table('LICENSE.txt')).toBeUndefined()
    expect(gtfsSchedule.rows(feed)).toBe(8)
    expect(gtfsSchedule.parse(encoded(feed)).bytes('LICENSE.txt')?.toString()).toBe(licence)
  })

  test('replacing a file gives another feed and leaves this one alone', () => {
    const other = schedule.with('stops.txt', Buffer.from('stop_id\nz\n')).without('notes.md')
    expect(other.names).not.toContain('notes.md')
    expect(other.table('stops.txt')?.rowCount).toBe(1)
    expect([schedule.names.length, schedule.table('stops.txt')?.rowCount]).toEqual([7, 2])
  })

  test('replacing a table by itself, or taking out what is absent, gives the same feed', () => {
    const stops = schedule.table('stops.txt') ?? parseTable(Buffer.alloc(0))
    expect(schedule.with('stops.txt', stops)).toBe(schedule)
    expect(schedule.without('absent.txt')).toBe(schedule)
  })

  test('files nobody touched are written compressed as they came', () => {
    const stops = schedule.table('stops.txt') ?? parseTable(Buffer.alloc(0))
    const edited = schedule.with(
      'stops.txt',
      setCells(stops, 'stop_name', (name) => `${name}!`),
    )
    const found = Object.fromEntries(
      readZip(encoded(edited)).entries.map((entry) => [entry.name, entry]),
    )
    for (const entry of readZip(zipOf()).entries)
      if (entry.name !== 'stops.txt')
        expect(found[entry.name]?.compressed.equals(entry.compressed), entry.name).toBe(true)
    expect(gtfsSchedule.parse(encoded(edited)).bytes('stops.txt')?.toString()).toBe(
      'stop_id,stop_name,house_rule\ns,Pike!,x\nu,Pine!,\n',
    )
  })

  test('it is written as one archive', () => {
    const [rendition, ...others] = gtfsSchedule.encode(schedule)
    expect([rendition?.name, rendition?.mediaType]).toEqual(['feed.zip', 'application/zip'])
    expect(others).toEqual([])
  })

  test('a feed made of tables and bytes is written like one that was read', () => {
    const made = createSchedule(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
    )
    expect(digestOf(encoded(made))).toBe(digestOf(zipOf()))
    const tables = made.names.map((name) => [name, made.table(name)?.source ?? Buffer.alloc(0)])
    expect(Buffer.from(encoded(createSchedule(Object.fromEntries(tables))))).toEqual(encoded(made))
  })
})

const data = new URL('../../../shared/data/schedule/', import.meta.url)
const archives = existsSync(data)
  ? readdirSync(data, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.zip'))
      .toSorted()
  : []
const refused: Readonly<Record<string, string>> = {
  'nasty/c-missing-stops.zip': 'missing_required_file',
  'nasty/c-only-headers.zip': 'no_service',
  'nasty/empty-0-bytes.zip': 'empty_body',
  'nasty/html-error-page.zip': 'html_page',
  'nasty/path-traversal.zip': 'unsafe_zip',
  'nasty/truncated-half.zip': 'truncated_zip',
}
const read = (name: string) => readFileSync(new URL(name, data))

describe.skipIf(archives.length === 0)('given real feeds', () => {
  test.each(archives)('%s is accepted, or refused for the right reason', (name) => {
    expect(verdict(read(name))).toBe(refused[name] ?? 'accepted')
  })

  test.each(archives.filter((name) => !refused[name]))('%s passes through unharmed', (name) => {
    const bytes = read(name)
    const schedule = gtfsSchedule.parse(bytes)
    const once = encoded(schedule)
    expect(digestOf(once)).toBe(digestOf(bytes))
    expect(Buffer.compare(encoded(schedule), once)).toBe(0)
    expect(Buffer.compare(encoded(gtfsSchedule.parse(once)), once)).toBe(0)
    const again = gtfsSchedule.parse(once)
    expect(again.names).toEqual(schedule.names)
    for (const file of schedule.names)
      expect(again.bytes(file)?.equals(schedule.bytes(file) ?? Buffer.alloc(0)), file).toBe(true)
  })

  test('a feed in another order is the same, with other rows it is not', () => {
    const [base, reordered, modified] = ['', '-change_order', '-modified_rows'].map((suffix) =>
      digestOf(read(`diff/bibus${suffix}.zip`)),
    )
    expect(reordered).toBe(base)
    expect(modified).not.toBe(base)
  })

  test.each(['c-bom-crlf-all', 'macosx-junk', 'nested-one-folder', 'trailing-garbage'])(
    '%s says the same as the feed it was made from',
    (name) => expect(digestOf(read(`nasty/${name}.zip`))).toBe(digestOf(read('nasty/ok.zip'))),
  )

  test('a page that a gateway appended is counted among the facts', () => {
    expect(gtfsSchedule.inspect(read('caltrain-2023.zip')).facts['trailing_bytes']).toBe(680)
  })

  test('a table that is written is the file that was read', () => {
    const schedule = gtfsSchedule.parse(read('soundtransit-SC-Fall-2024.11.zip'))
    for (const name of schedule.names) {
      const table = schedule.table(name)
      if (table) expect(tableBytes(table).equals(schedule.bytes(name) ?? table.source)).toBe(true)
    }
  })
})
