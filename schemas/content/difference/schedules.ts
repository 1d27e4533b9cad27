import { parseTable } from '../csv.ts'
import { readTable } from '../gtfs-inspect.ts'
import type { Schedule } from '../gtfs-schedule.ts'
import { expand } from '../zip.ts'
import type { ZipEntry } from '../zip.ts'
import { compareTables } from './tables.ts'
import { bytesDiffer } from './tally.ts'
import type { PartDifference } from './tally.ts'

/**
 * The difference of two GTFS Schedule feeds, file by file. A file that is packed the same is not
 * even inflated, and no file is remembered once it is compared, so the memory needed is that of the
 * largest file, twice.
 */

/**
 * Primary keys as the specification names them. Files whose key is every column of theirs, and files
 * of the agency's own, are not here: their rows have nothing to be matched by.
 */
const primaryKeys: Readonly<Record<string, readonly string[]>> = {
  agency: ['agency_id'],
  areas: ['area_id'],
  attributions: ['attribution_id'],
  booking_rules: ['booking_rule_id'],
  calendar: ['service_id'],
  calendar_dates: ['service_id', 'date'],
  fare_attributes: ['fare_id'],
  fare_leg_join_rules: ['from_network_id', 'to_network_id', 'from_stop_id', 'to_stop_id'],
  fare_leg_rules: [
    'network_id',
    'from_area_id',
    'to_area_id',
    'from_timeframe_group_id',
    'to_timeframe_group_id',
    'fare_product_id',
  ],
  fare_media: ['fare_media_id'],
  fare_products: ['fare_product_id', 'rider_category_id', 'fare_media_id'],
  fare_transfer_rules: [
    'from_leg_group_id',
    'to_leg_group_id',
    'fare_product_id',
    'transfer_count',
    'duration_limit',
  ],
  feed_info: [],
  frequencies: ['trip_id', 'start_time'],
  levels: ['level_id'],
  location_groups: ['location_group_id'],
  networks: ['network_id'],
  pathways: ['pathway_id'],
  rider_categories: ['rider_category_id'],
  route_networks: ['route_id'],
  routes: ['route_id'],
  shapes: ['shape_id', 'shape_pt_sequence'],
  stop_times: ['trip_id', 'stop_sequence'],
  stops: ['stop_id'],
  transfers: [
    'from_stop_id',
    'to_stop_id',
    'from_trip_id',
    'to_trip_id',
    'from_route_id',
    'to_route_id',
  ],
  translations: [
    'table_name',
    'field_name',
    'language',
    'record_id',
    'record_sub_id',
    'field_value',
  ],
  trips: ['trip_id'],
}
const keyByFile = new Map(Object.entries(primaryKeys).map(([name, key]) => [`${name}.txt`, key]))

type Entries = { readonly before?: ZipEntry | undefined; readonly after?: ZipEntry | undefined }

const emptyTable = () => parseTable(Buffer.alloc(0))

const compareAlone = (name: string, entry: ZipEntry, change: 'added' | 'removed') => {
  const table = readTable(name, expand(entry))
  const sizes = { before: 0, after: 0, [change === 'added' ? 'after' : 'before']: entry.size }
  if (!table) return bytesDiffer(name, sizes, { change })
  const [before, after] = change === 'added' ? [emptyTable(), table] : [table, emptyTable()]
  return compareTables(name, before, after, keyByFile.get(name), change)
}

const compareFile = (name: string, { before, after }: Entries): PartDifference | undefined => {
  if (!before || !after)
    return before
      ? compareAlone(name, before, 'removed')
      : after && compareAlone(name, after, 'added')
  if (before.method === after.method && before.compressed.equals(after.compressed)) return undefined
  const [one, other] = [expand(before), expand(after)]
  if (one.equals(other)) return undefined
  const [table, otherTable] = [readTable(name, one), readTable(name, other)]
  return table && otherTable
    ? compareTables(name, table, otherTable, keyByFile.get(name))
    : bytesDiffer(name, { before: one.length, after: other.length })
}

const entriesByName = (schedule: Schedule) =>
  new Map(schedule.entries().map((entry) => [entry.name, entry]))

export const compareSchedules = (before: Schedule, after: Schedule): PartDifference[] => {
  const [ones, others] = [entriesByName(before), entriesByName(after)]
  const names = [...new Set([...ones.keys(), ...others.keys()])].toSorted()
  return names.flatMap(
    (name) => compareFile(name, { before: ones.get(name), after: others.get(name) }) ?? [],
  )
}
