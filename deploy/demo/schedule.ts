/**
 * The demo schedule: a small but complete GTFS archive, made from the network.
 *
 * It has what real archives have and naive readers trip over: stations with platforms and an
 * entrance, quoted names, times after 24:00, CRLF in one file, a column and a file that no
 * standard knows. The same environment always gives the same bytes (on one Node version).
 */
import { packEntry, writeZip } from '../../schemas/content/zip.ts'
import { holidays, makeNetwork } from './network.ts'
import type { Environment, Network, Stop } from './network.ts'

export const agencyTimezone = 'America/Los_Angeles'
/** When this schedule was published. */
export const publishedAt = new Date('2026-09-14T08:00:00Z')

type Cell = string | number

export function makeScheduleZip(environment: Environment): Buffer {
  const files = scheduleFiles(environment, makeNetwork(environment))
  return writeZip(
    Object.entries(files).map(([name, text]) => packEntry(name, Buffer.from(text, 'utf8'))),
  )
}

function scheduleFiles(environment: Environment, network: Network): Record<string, string> {
  return {
    'agency.txt': `agency_id,agency_name,agency_url,agency_timezone,agency_lang
HB,Headway Bay Transit,https://demo.invalid,${agencyTimezone},en
`,
    'feed_info.txt': `feed_publisher_name,feed_publisher_url,feed_lang,feed_version
PIMS,https://demo.invalid,en,2026-09-14 ${environment}
`,
    'routes.txt': routesFile(network),
    'stops.txt': stopsFile(network),
    'calendar.txt': calendarFile(),
    'calendar_dates.txt': table(holidays, {
      service_id: () => 'WEEKDAY',
      date: (date) => date,
      exception_type: () => 2,
    }),
    'trips.txt': tripsFile(network),
    'stop_times.txt': stopTimesFile(network),
    'shapes.txt': shapesFile(network),
    'fare_attributes.txt': `fare_id,price,currency_type,payment_method,transfers,transfer_duration
RAIL,3.00,USD,1,,7200
BUS,2.75,USD,0,1,7200
`,
    'fare_rules.txt': table(network.routes, {
      fare_id: ({ type }) => (type === 0 ? 'RAIL' : 'BUS'),
      route_id: ({ id }) => id,
    }),
    // Known to no standard: what the signs on the vehicles say.
    'pims_signs.txt': table(network.patterns, {
      sign_id: ({ shapeId }) => `SIGN_${shapeId}`,
      route_id: ({ route }) => route.id,
      direction_id: ({ direction }) => direction,
      text: ({ route, headsign }) => `${route.shortName} to ${headsign}`,
    }),
  }
}

function calendarFile(): string {
  const days = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']
  return `service_id,${days.join(',')},start_date,end_date
DAILY,1,1,1,1,1,1,1,20260101,20361231
WEEKDAY,1,1,1,1,1,0,0,20260101,20361231
`
}

function routesFile({ routes }: Network): string {
  return table(routes, {
    route_id: ({ id }) => id,
    agency_id: () => 'HB',
    route_short_name: ({ shortName }) => shortName,
    route_long_name: ({ longName }) => longName,
    route_type: ({ type }) => type,
    route_color: ({ color }) => color,
    route_text_color: () => 'FFFFFF',
  })
}

/** `pims_stop_ref` is a column of the agency's own; CRLF is how its tool writes this file. */
function stopsFile({ stops }: Network): string {
  const columns: Columns<Stop> = {
    stop_id: ({ id }) => id,
    stop_code: ({ locationType }, index) => (locationType === 0 ? 1_000 + index : ''),
    stop_name: ({ name }) => name,
    stop_lat: ({ lat }) => lat.toFixed(6),
    stop_lon: ({ lon }) => lon.toFixed(6),
    location_type: ({ locationType }) => locationType,
    parent_station: ({ parent }) => parent,
    platform_code: ({ platform }) => platform,
    wheelchair_boarding: () => 1,
    pims_stop_ref: ({ id }) => `PIMS-${id}`,
  }
  return table(stops, columns, '\r\n')
}

function tripsFile({ trips }: Network): string {
  return table(trips, {
    route_id: ({ pattern }) => pattern.route.id,
    service_id: ({ serviceId }) => serviceId,
    trip_id: ({ id }) => id,
    trip_headsign: ({ pattern }) => pattern.headsign,
    direction_id: ({ pattern }) => pattern.direction,
    block_id: ({ serviceId, vehicleId }) => `${serviceId}_${vehicleId}`,
    shape_id: ({ pattern }) => pattern.shapeId,
  })
}

function stopTimesFile({ trips }: Network): string {
  const calls = trips.flatMap((trip) =>
    trip.pattern.calls.map((call, index) => ({ trip, call, index })),
  )
  return table(calls, {
    trip_id: ({ trip }) => trip.id,
    arrival_time: ({ trip, call }) => timeText(trip.start_s + call.arrival_s),
    departure_time: ({ trip, call }) => timeText(trip.start_s + call.departure_s),
    stop_id: ({ call }) => call.stop.id,
    stop_sequence: ({ index }) => index + 1,
    shape_dist_traveled: ({ call }) => call.dist_m,
    timepoint: ({ index }) => (index === 0 ? 1 : 0),
  })
}

function shapesFile({ patterns }: Network): string {
  const points = patterns.flatMap(({ shapeId, shape }) =>
    shape.map((point, index) => ({ shapeId, point, index })),
  )
  return table(points, {
    shape_id: ({ shapeId }) => shapeId,
    shape_pt_lat: ({ point }) => point.lat.toFixed(6),
    shape_pt_lon: ({ point }) => point.lon.toFixed(6),
    shape_pt_sequence: ({ index }) => index + 1,
    shape_dist_traveled: ({ point }) => point.dist_m,
  })
}

/** Hours go on after midnight: 25:10:00 belongs to the service day before. */
export function timeText(seconds: number): string {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}

type Columns<Row> = Readonly<Record<string, (row: Row, index: number) => Cell>>

function table<Row>(rows: readonly Row[], columns: Columns<Row>, end = '\n'): string {
  const lines = rows.map((row, index) =>
    Object.values(columns).map((cell) => cellText(cell(row, index))),
  )
  return [Object.keys(columns), ...lines].map((cells) => cells.join(',') + end).join('')
}

function cellText(cell: Cell): string {
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
