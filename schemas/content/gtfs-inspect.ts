import { createHash } from 'node:crypto'
import { cell, parseTable } from './csv.ts'
import type { Table } from './csv.ts'
import { Refusal, inspectLimits } from './kind.ts'
import type { InspectLimits, Inspection } from './kind.ts'
import { tableDigest } from './table-digest.ts'
import { textRefusal } from './text.ts'
import { expand, looksLikeZip, readZip } from './zip.ts'

/**
 * Proves that bytes are a GTFS Schedule feed that can be served, and nothing more: an archive that
 * every reader understands in the same way, the files without which there is no service, the id
 * columns that hold them together, at least one trip with stop times. All else (references, dates,
 * values) is for validation steps, because a feed with mistakes may still be better than none.
 *
 * Files are inflated, indexed and hashed one after another, so the memory needed is that of the
 * largest file.
 */

const expected = 'a GTFS Schedule zip archive'

const requiredFiles: readonly (readonly string[])[] = [
  ['agency.txt'],
  ['routes.txt'],
  ['trips.txt'],
  ['stops.txt', 'locations.geojson'],
  ['stop_times.txt'],
  ['calendar.txt', 'calendar_dates.txt'],
]

/** Columns that must be there; of alternatives, one. */
const requiredColumns: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'routes.txt': [['route_id']],
  'trips.txt': [['route_id'], ['service_id'], ['trip_id']],
  'stops.txt': [['stop_id']],
  'stop_times.txt': [
    ['trip_id'],
    ['stop_id', 'location_id', 'location_group_id'],
    ['stop_sequence'],
  ],
  'calendar.txt': [['service_id']],
  'calendar_dates.txt': [['service_id'], ['date']],
}

/** Files of the specification: unreadable CSV in one of them is a defect of the feed. */
const knownTables = new Set(
  (
    'agency areas attributions booking_rules calendar calendar_dates fare_attributes ' +
    'fare_leg_join_rules fare_leg_rules fare_media fare_products fare_rules fare_transfer_rules ' +
    'feed_info frequencies levels location_group_stops location_groups networks pathways ' +
    'rider_categories route_networks routes shapes stop_areas stop_times stops timeframes ' +
    'transfers translations trips'
  )
    .split(' ')
    .map((name) => `${name}.txt`),
)

const mainFiles = ['agency', 'routes', 'trips', 'stops', 'stop_times', 'calendar', 'calendar_dates']
const furtherFiles = ['shapes', 'frequencies', 'transfers', 'pathways', 'fare_products']
const feedFacts = ['feed_version', 'feed_start_date', 'feed_end_date', 'feed_publisher_name']
const factCharactersMax = 200

/** What is remembered of a file once its bytes are gone. */
type FileSummary = {
  readonly digest: string
  readonly columns: readonly string[]
  readonly rows: number
  readonly facts: Readonly<Record<string, string>>
}

/** The table of a file; null when it is none. */
export const readTable = (name: string, bytes: Buffer): Table | null => {
  if (!name.toLowerCase().endsWith('.txt')) return null
  try {
    return parseTable(bytes)
  } catch (error) {
    if (!(error instanceof Refusal) || !knownTables.has(name)) return null
    throw new Refusal(error.code, `${name}: ${error.message}`)
  }
}

const readFeedFacts = (table: Table): Record<string, string> => {
  const facts: Record<string, string> = {}
  if (table.rowCount === 0) return facts
  for (const column of feedFacts) {
    const text = cell(table, 0, column)
    if (text) facts[column] = text.slice(0, factCharactersMax)
  }
  return facts
}

const summarize = (name: string, bytes: Buffer): FileSummary => {
  const table = readTable(name, bytes)
  if (!table) {
    const digest = createHash('sha256').update(bytes).digest('hex')
    return { digest: `bytes ${digest}`, columns: [], rows: 0, facts: {} }
  }
  return {
    digest: `table ${tableDigest(table)}`,
    columns: table.columns,
    rows: table.rowCount,
    facts: name === 'feed_info.txt' ? readFeedFacts(table) : {},
  }
}

type Summaries = ReadonlyMap<string, FileSummary>

const listed = (names: readonly string[], none: string) => names.slice(0, 12).join(', ') || none

const assertFiles = (names: readonly string[]) => {
  for (const alternatives of requiredFiles)
    if (!alternatives.some((name) => names.includes(name)))
      throw new Refusal(
        'missing_required_file',
        `expected ${alternatives.join(' or ')}, found ${listed(names, 'no files')}`,
      )
}

const assertColumns = (files: Summaries) => {
  for (const [name, needed] of Object.entries(requiredColumns)) {
    const file = files.get(name)
    // One of the two calendars may be an empty file; the trips need only the other.
    if (!file || (name.startsWith('calendar') && file.columns.length === 0)) continue
    for (const alternatives of needed)
      if (!alternatives.some((column) => file.columns.includes(column)))
        throw new Refusal(
          'missing_required_column',
          `expected ${alternatives.join(' or ')} in ${name}, found ${listed(file.columns, 'none')}`,
        )
  }
}

const assertService = (files: Summaries) => {
  for (const name of ['trips.txt', 'stop_times.txt'])
    if (files.get(name)?.rows === 0)
      throw new Refusal(
        'no_service',
        `expected at least one row in ${name}, found its header alone`,
      )
  const calendars = [files.get('calendar.txt'), files.get('calendar_dates.txt')]
  if (calendars.every((file) => !file || file.columns.length === 0))
    throw new Refusal('missing_required_column', 'expected service_id in calendar.txt, found none')
}

const factsOf = (files: Summaries, trailingBytes: number) => {
  const facts: Record<string, number | string> = { files: files.size }
  for (const name of [...mainFiles, ...furtherFiles]) {
    const file = files.get(`${name}.txt`)
    if (file) facts[name] = file.rows
  }
  if (trailingBytes > 0) facts['trailing_bytes'] = trailingBytes
  return { ...facts, ...files.get('feed_info.txt')?.facts }
}

export const inspectSchedule = (
  bytes: Uint8Array,
  limits: InspectLimits = inspectLimits,
): Inspection => {
  if (bytes.length === 0) throw new Refusal('empty_body', `expected ${expected}, found no bytes`)
  if (!looksLikeZip(bytes)) {
    const start = Buffer.from(bytes.subarray(0, 8)).toString('hex')
    const binary = `expected ${expected}, found bytes that begin with ${start}`
    throw textRefusal(bytes, expected) ?? new Refusal('malformed_zip', binary)
  }
  const { entries, trailingBytes } = readZip(bytes, limits)
  assertFiles(entries.map((entry) => entry.name))
  const files = new Map(entries.map((entry) => [entry.name, summarize(entry.name, expand(entry))]))
  assertColumns(files)
  assertService(files)
  const lines = [...files].map(([name, file]) => JSON.stringify([name, file.digest])).toSorted()
  return {
    contentDigest: createHash('sha256').update(lines.join('\n')).digest('hex'),
    rows: [...files.values()].reduce((sum, file) => sum + file.rows, 0),
    facts: factsOf(files, trailingBytes),
  }
}
