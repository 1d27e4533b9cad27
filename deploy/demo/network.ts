/**
 * The demo agency's network as data: stops, lines, and the trips that drive on them all day long.
 *
 * Everything else is derived from it: the schedule files, and where a vehicle is at a moment. So
 * the realtime feeds cannot name a trip or a stop that the schedule does not have. It never looks
 * at a clock and has no randomness, so one version of this file means one network.
 */
export type Environment = 'prod' | 'qa'

export type Point = { readonly lat: number; readonly lon: number; readonly dist_m: number }

export type Stop = {
  readonly id: string
  readonly name: string
  readonly lat: number
  readonly lon: number
  /** 0 stop or platform, 1 station, 2 entrance. */
  readonly locationType: 0 | 1 | 2
  readonly parent: string
  readonly platform: string
}

export type Route = {
  readonly id: string
  readonly shortName: string
  readonly longName: string
  readonly type: 0 | 3
  readonly color: string
}

/** One route in one direction: where it stops, how it bends, how long it takes. */
export type Pattern = {
  readonly route: Route
  readonly direction: 0 | 1
  readonly shapeId: string
  readonly headsign: string
  readonly shape: readonly Point[]
  readonly calls: readonly Call[]
}

export type Call = {
  readonly stop: Stop
  readonly dist_m: number
  /** Seconds after the trip's start. */
  readonly arrival_s: number
  readonly departure_s: number
}

export type Trip = {
  readonly id: string
  readonly serviceId: 'DAILY' | 'WEEKDAY'
  readonly pattern: Pattern
  /** Seconds after the start of the service day. */
  readonly start_s: number
  readonly vehicleId: string
}

/** Days without the weekday trips, in spite of the calendar. */
export const holidays: readonly string[] = ['20261225', '20270101', '20271225', '20280101']

export function runsOn(trip: Trip, date: string, weekday: number): boolean {
  if (trip.serviceId === 'DAILY') return true
  return weekday >= 1 && weekday <= 5 && !holidays.includes(date)
}

export type Network = {
  readonly stops: readonly Stop[]
  readonly routes: readonly Route[]
  readonly patterns: readonly Pattern[]
  readonly trips: readonly Trip[]
}

const stationNames = ['Airport', 'Stadium', 'Central', 'Market', 'University', 'Harbor']
const streets = ['Alder', 'Birch', 'Cedar', 'Dogwood', 'Elm', 'Fir', 'Garnet']
const avenues = ['1st', '8th', '15th']

const routes: readonly Route[] = [
  { id: '100', shortName: '1', longName: 'Airport - Harbor', type: 0, color: '28813F' },
  { id: '210', shortName: '10', longName: 'Alder - Cedar Crosstown', type: 3, color: '0054A6' },
  { id: '220', shortName: '20', longName: 'Dogwood Circulator', type: 3, color: '0054A6' },
  { id: '230', shortName: '30', longName: 'Central - Garnet', type: 3, color: '0054A6' },
  { id: '240', shortName: '40', longName: 'Night Owl', type: 3, color: '5B2C83' },
]

/** Which bus stops a bus route serves; the rail route serves the stations. */
const busLines: Readonly<Record<string, readonly number[]>> = {
  '210': [0, 1, 2, 5, 4, 3, 6, 7],
  '220': [9, 10, 11, 14, 13, 12, 9],
  '230': [6, 8, 11, 14, 17, 20, 19, 18],
  '240': [0, 4, 8, 12, 16, 20, 15],
}

const speed_mps = { 0: 14, 3: 7 } as const
const dwell_s = { 0: 40, 3: 20 } as const
const hour_s = 3_600

export function makeNetwork(environment: Environment): Network {
  const stops = makeStops(environment)
  const patterns = routes.flatMap((route) => {
    const isRenamed = environment === 'qa' && route.id === '220'
    const named = isRenamed ? { ...route, longName: `${route.longName} (revised)` } : route
    return [makePattern(named, 0, stops), makePattern(named, 1, stops)]
  })
  const trips = patterns.flatMap((pattern) => makeTrips(pattern, environment))
  return { stops, routes: [...new Set(patterns.map(({ route }) => route))], patterns, trips }
}

function makeStops(environment: Environment): Stop[] {
  const stations = stationNames.flatMap((name, index): Stop[] => {
    const [lat, lon] = [47.55 + index * 0.018, -122.32 + Math.sin(index) * 0.012]
    const id = `S${index + 1}`
    const platform = (letter: string, offset: number): Stop => ({
      id: `${id}-${letter}`,
      name: `${name} Station`,
      lat,
      lon: lon + offset,
      locationType: 0,
      parent: id,
      platform: letter,
    })
    const station: Stop = { ...platform('', 0), id, locationType: 1, parent: '' }
    const entrance: Stop = {
      ...station,
      id: `${id}-E`,
      name: `${name} Station, Main Street "North" Entrance`,
      lat: lat + 0.0004,
      locationType: 2,
      parent: id,
    }
    const both = [platform('A', -0.0001), platform('B', 0.0001)]
    return name === 'Central' ? [station, ...both, entrance] : [station, ...both]
  })
  const corners = streets.flatMap((street, row) =>
    avenues.map((avenue, column): Stop => {
      const isMoved = environment === 'qa' && street === 'Fir' && avenue === '8th'
      return {
        id: `B${twoDigits(row * avenues.length + column + 1)}`,
        name: `${avenue} Ave & ${street} St${isMoved ? ', temporary' : ''}`,
        lat: 47.56 + row * 0.014 + (isMoved ? 0.0006 : 0),
        lon: -122.35 + column * 0.022 + (row % 2) * 0.004,
        locationType: 0,
        parent: '',
        platform: '',
      }
    }),
  )
  return [...stations, ...corners]
}

function makePattern(route: Route, direction: 0 | 1, stops: readonly Stop[]): Pattern {
  const corners = stops.filter((stop) => stop.id.startsWith('B'))
  const letter = direction === 0 ? 'A' : 'B'
  const forward =
    busLines[route.id]?.map((index) => corners[index] as Stop) ??
    stops.filter((stop) => stop.platform === letter)
  const served = direction === 0 ? forward : [...forward].reverse()
  const shape = makeShape(served)
  let clock_s = 0
  const calls = served.map((stop, index): Call => {
    const point = shape[index * 2] as Point
    const before = shape[Math.max(0, index * 2 - 2)] as Point
    const ride_s = Math.ceil((point.dist_m - before.dist_m) / speed_mps[route.type] / 10) * 10
    const arrival_s = clock_s + ride_s
    const isEnd = index === 0 || index === served.length - 1
    clock_s = arrival_s + (isEnd ? 0 : dwell_s[route.type])
    return { stop, dist_m: point.dist_m, arrival_s, departure_s: clock_s }
  })
  const headsign = (served.at(-1) as Stop).name
  return { route, direction, shapeId: `${route.id}_${direction}`, headsign, shape, calls }
}

/** Through every stop, with one bend between two stops: point 2n is stop n. */
function makeShape(served: readonly Stop[]): Point[] {
  const shape: Point[] = []
  const add = (lat: number, lon: number) => {
    const last = shape.at(-1)
    shape.push({ lat, lon, dist_m: last === undefined ? 0 : last.dist_m + metres(last, lat, lon) })
  }
  for (const [index, stop] of served.entries()) {
    const before = served[index - 1]
    if (before !== undefined) {
      add((before.lat + stop.lat) / 2 + 0.001, (before.lon + stop.lon) / 2 - 0.001)
    }
    add(stop.lat, stop.lon)
  }
  return shape
}

/** Every hour of the day, and every half hour in between at the peaks of a weekday. */
function makeTrips(pattern: Pattern, environment: Environment): Trip[] {
  const { route, direction } = pattern
  const offset_s = routes.findIndex(({ id }) => id === route.id) * 720 + direction * 1_800
  const trip = (suffix: string, serviceId: Trip['serviceId'], start_s: number): Trip => ({
    id: `${pattern.shapeId}_${suffix}`,
    serviceId,
    pattern,
    start_s,
    vehicleId: `${route.shortName}${direction}${twoDigits((Math.round(start_s / 900) % 24) + 1)}`,
  })
  const hourly = Array.from({ length: 24 }, (_, hour) =>
    trip(`D${twoDigits(hour)}`, 'DAILY', hour * hour_s + offset_s),
  )
  const peaks = [6, 7, 8, 15, 16, 17].map((hour) =>
    trip(`W${twoDigits(hour)}`, 'WEEKDAY', hour * hour_s + hour_s / 2 + offset_s),
  )
  const trials = environment === 'qa' && route.id === '240' ? [trip('QA1', 'DAILY', 43_200)] : []
  return [...hourly, ...peaks, ...trials]
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

function metres(from: { lat: number; lon: number }, lat: number, lon: number): number {
  const perDegree_m = 111_195
  const north = (lat - from.lat) * perDegree_m
  const east = (lon - from.lon) * perDegree_m * Math.cos((lat * Math.PI) / 180)
  return Math.round(Math.hypot(north, east))
}
