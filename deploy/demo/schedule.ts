/**
 * The demo schedule: a small but complete GTFS archive, made from the network.
 *
 * It has what real archives have and naive readers trip over: stations with platforms and an
 * entrance, quoted names, times after 24:00, CRLF in one file, a column and a file that no
 * standard knows. The same environment always gives the same bytes (on one Node version).
 */
import { packEntry, writeZip } from '../../schemas/content/zip.ts'
import { makeNetwork } from './network.ts'
import type { Environment, Network } from './network.ts'

export const agencyTimezone = 'America/Los_Angeles'
/** When this schedule was published. */
export const publishedAt = new Date('2026-09-14T08:00:00Z')

type Cell = string | number
type Row = readonly Cell[]

export function makeScheduleZip(environment: Environment): Buffer {
  const files = scheduleFiles(environment, makeNetwork(environment))
  return writeZip(
    Object.entries(files).map(([name, text]) => packEntry(name, Buffer.from(text, 'utf8'))),
  )
}

function scheduleFiles(environment: Environment, network: Network): Record<string, string> {
  return {
    'agency.txt': table('agency_id,agency_name,agency_url,agency_timezone,agency_lang', [
      ['HB', 'Headway Bay Transit', 'https://demo.invalid', agencyTimezone, 'en'],
    ]),
    'feed_info.txt': table(
      'feed_publisher_name,feed_publisher_url,feed_lang,feed_start_date,feed_end_date,feed_version',
      [['PIMS', 'https://demo.invalid', 'en', 20260101, 20361231, `2026-09-14 ${environment}`]],
    ),
    'routes.txt': routesFile(network),
    'stops.txt': stopsFile(network),
    'calendar.txt': table(
      'service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date',
      [
        ['DAILY', 1, 1, 1, 1, 1, 1, 1, 20260101, 20361231],
        ['WEEKDAY', 1, 1, 1, 1, 1, 0, 0, 20260101, 20361231],
      ],
    ),
    'calendar_dates.txt': table('service_id,date,exception_type', [
      ['WEEKDAY', 20261225, 2],
      ['WEEKDAY', 20270101, 2],
    ]),
    'trips.txt': tripsFile(network),
    'stop_times.txt': stopTimesFile(network),
    'shapes.txt': shapesFile(network),
    'fare_attributes.txt': table(
      'fare_id,price,currency_type,payment_method,transfers,agency_id,transfer_duration',
      [
        ['RAIL', '3.00', 'USD', 1, '', 'HB', 7_200],
        ['BUS', '2.75', 'USD', 0, 1, 'HB', 7_200],
      ],
    ),
    'fare_rules.txt': table(
      'fare_id,route_id',
      network.routes.map((route) => [route.type === 0 ? 'RAIL' : 'BUS', route.id]),
    ),
    // Known to no standard: what the signs on the vehicles say.
    'pims_signs.txt': table(
      'sign_id,route_id,direction_id,text',
      network.patterns.map(({ route, direction, headsign }) => [
        ...[`SIGN_${route.id}_${direction}`, route.id, direction],
        `${route.shortName} to ${headsign}`,
      ]),
    ),
  }
}

function routesFile(network: Network): string {
  return table(
    'route_id,agency_id,route_short_name,route_long_name,route_type,route_color,route_text_color',
    network.routes.map((route) => [
      ...[route.id, 'HB', route.shortName, route.longName, route.type, route.color, 'FFFFFF'],
    ]),
  )
}

/** `pims_stop_ref` is a column of the agency's own; CRLF is how its tool writes this file. */
function stopsFile(network: Network): string {
  const columns =
    'stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station,platform_code,' +
    'wheelchair_boarding,pims_stop_ref'
  return table(
    columns,
    network.stops.map((stop, index) => [
      ...[stop.id, stop.locationType === 0 ? 1000 + index : '', stop.name],
      ...[stop.lat.toFixed(6), stop.lon.toFixed(6)],
      ...[stop.locationType, stop.parent, stop.platform, 1, `PIMS-${stop.id}`],
    ]),
    '\r\n',
  )
}

function tripsFile(network: Network): string {
  return table(
    'route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id',
    network.trips.map(({ id, serviceId, pattern, vehicleId }) => [
      ...[pattern.route.id, serviceId, id, pattern.headsign, pattern.direction],
      ...[`${serviceId}_${vehicleId}`, pattern.shapeId],
    ]),
  )
}

function stopTimesFile(network: Network): string {
  const columns =
    'trip_id,arrival_time,departure_time,stop_id,stop_sequence,shape_dist_traveled,timepoint'
  const rows = network.trips.flatMap((trip) =>
    trip.pattern.calls.map((call, index): Row => [
      trip.id,
      timeText(trip.start_s + call.arrival_s),
      timeText(trip.start_s + call.departure_s),
      ...[call.stop.id, index + 1, call.dist_m, index === 0 ? 1 : 0],
    ]),
  )
  return table(columns, rows)
}

function shapesFile(network: Network): string {
  const rows = network.patterns.flatMap(({ shapeId, shape }) =>
    shape.map(({ lat, lon, dist_m }, index): Row => [
      ...[shapeId, lat.toFixed(6), lon.toFixed(6), index + 1, dist_m],
    ]),
  )
  return table('shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled', rows)
}

/** Hours go on after midnight: 25:10:00 belongs to the service day before. */
export function timeText(seconds: number): string {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

function table(columns: string, rows: readonly Row[], end = '\n'): string {
  return [columns, ...rows.map((row) => row.map(cellText).join(','))].join(end) + end
}

function cellText(cell: Cell): string {
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
