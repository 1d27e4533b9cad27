/**
 * The demo agency's realtime feeds: pure functions of the network, a seed and an instant.
 *
 * Every trip of the schedule that is under way has a vehicle and a prediction. A trip's delay
 * wanders slowly with the clock; the position is where the schedule would have the vehicle that
 * much earlier. So positions, predictions and schedule agree with each other at every moment, and
 * the same instant always gives the same bytes.
 */
import bindings from 'gtfs-realtime-bindings'
import { runsOn } from './network.ts'
import type { Call, Environment, Network, Point, Trip } from './network.ts'
import { agencyTimezone } from './schedule.ts'
import { serviceDays } from './service-day.ts'
import type { ServiceDay } from './service-day.ts'

const rt = bindings.transit_realtime
type Entity = bindings.transit_realtime.IFeedEntity

/** One trip under way. */
type Ride = {
  readonly trip: Trip
  readonly day: ServiceDay
  readonly delay_s: number
  /** Seconds since the trip's scheduled start, less its delay: where on its way it is. */
  readonly progress_s: number
}

export type Scene = {
  readonly environment: Environment
  readonly network: Network
  readonly seed: number
  readonly nowMs: number
}

export const feedNames = ['vehicle_positions', 'trip_updates', 'alerts'] as const
export type FeedName = (typeof feedNames)[number]

/** Vehicles show up at their first stop this long before they leave. */
const layover_s = 300
const testVehicles = 3

export function makeFeed(feed: FeedName, scene: Scene): Uint8Array {
  const { nowMs } = scene
  const entities: Record<FeedName, () => Entity[]> = {
    vehicle_positions: () => [
      ...ridesAt(scene).map((ride) => vehicleEntity(ride, nowMs)),
      ...(scene.environment === 'qa' ? testEntities(nowMs) : []),
    ],
    trip_updates: () => ridesAt(scene).map((ride) => tripUpdateEntity(ride, nowMs)),
    alerts: () => alertEntities(nowMs),
  }
  const { FULL_DATASET } = rt.FeedHeader.Incrementality
  const message = rt.FeedMessage.create({
    header: {
      gtfsRealtimeVersion: '2.0',
      incrementality: FULL_DATASET,
      timestamp: seconds(nowMs),
    },
    entity: entities[feed](),
  })
  return rt.FeedMessage.encode(message).finish()
}

function ridesAt({ network, seed, nowMs }: Scene): Ride[] {
  return serviceDays(agencyTimezone, nowMs).flatMap((day) =>
    network.trips.flatMap((trip): Ride[] => {
      // Trials exist in the schedule of qa only; the realtime feeds of both have the same trips.
      if (trip.id.includes('_QA') || !runsOn(trip, day.date, day.weekday)) return []
      const delay_s = delayOf(trip, seed, nowMs)
      const progress_s = (nowMs - day.startMs) / 1_000 - trip.start_s - delay_s
      const end_s = (trip.pattern.calls.at(-1) as Call).arrival_s
      return progress_s < -layover_s || progress_s > end_s
        ? []
        : [{ trip, day, delay_s, progress_s }]
    }),
  )
}

/** From one minute early to five minutes late, the same for everybody who asks at one time. */
function delayOf(trip: Trip, seed: number, nowMs: number): number {
  const phase = hash(`${seed}:${trip.id}`) / 2 ** 32
  const wave = Math.sin(2 * Math.PI * (phase + nowMs / 3_600_000))
  return Math.round((120 + 180 * wave) / 10) * 10
}

function vehicleEntity({ trip, day, progress_s }: Ride, nowMs: number): Entity {
  const { calls, shape } = trip.pattern
  const nextIndex = calls.findIndex((call) => call.departure_s >= progress_s)
  const next = calls[nextIndex] as Call
  const before = calls[Math.max(0, nextIndex - 1)] as Call
  const isStopped = progress_s >= next.arrival_s || nextIndex === 0
  const share = (progress_s - before.departure_s) / (next.arrival_s - before.departure_s)
  const dist_m = isStopped ? next.dist_m : before.dist_m + share * (next.dist_m - before.dist_m)
  const { STOPPED_AT, IN_TRANSIT_TO } = rt.VehiclePosition.VehicleStopStatus
  const speed = (next.dist_m - before.dist_m) / (next.arrival_s - before.departure_s)
  return {
    id: `vehicle_${trip.vehicleId}`,
    vehicle: {
      trip: tripDescriptor(trip, day),
      vehicle: { id: trip.vehicleId, label: `${trip.pattern.route.shortName}-${trip.vehicleId}` },
      position: { ...pointAt(shape, dist_m), speed: isStopped ? 0 : speed },
      currentStopSequence: nextIndex + 1,
      stopId: next.stop.id,
      currentStatus: isStopped ? STOPPED_AT : IN_TRANSIT_TO,
      timestamp: seconds(nowMs),
    },
  }
}

function tripUpdateEntity(ride: Ride, nowMs: number): Entity {
  const { trip, day, delay_s, progress_s } = ride
  const at = (offset_s: number) => ({
    delay: delay_s,
    time: seconds(day.startMs) + trip.start_s + offset_s + delay_s,
  })
  const stopTimeUpdate = trip.pattern.calls.flatMap((call, index) =>
    call.departure_s < progress_s
      ? []
      : [
          {
            stopSequence: index + 1,
            stopId: call.stop.id,
            ...(index === 0 ? {} : { arrival: at(call.arrival_s) }),
            departure: at(call.departure_s),
          },
        ],
  )
  return {
    id: `trip_${trip.id}`,
    tripUpdate: {
      trip: tripDescriptor(trip, day),
      vehicle: { id: trip.vehicleId },
      timestamp: seconds(nowMs),
      stopTimeUpdate,
    },
  }
}

function tripDescriptor(trip: Trip, day: ServiceDay) {
  return {
    tripId: trip.id,
    routeId: trip.pattern.route.id,
    directionId: trip.pattern.direction,
    startDate: day.date,
    scheduleRelationship: rt.TripDescriptor.ScheduleRelationship.SCHEDULED,
  }
}

/** Vehicles of the yard, on no trip: a pipeline for riders should drop them. */
function testEntities(nowMs: number): Entity[] {
  return Array.from({ length: testVehicles }, (_, index) => {
    const angle = (nowMs / 60_000 + index / testVehicles) * 2 * Math.PI
    const position = { latitude: 47.53 + Math.sin(angle) / 500, longitude: -122.3, speed: 4 }
    const id = `TEST-${index + 1}`
    return {
      id: `vehicle_${id}`,
      vehicle: { vehicle: { id, label: `Test ${index + 1}` }, position, timestamp: seconds(nowMs) },
    }
  })
}

/** One alert that stays, and one that comes and goes every two minutes. */
function alertEntities(nowMs: number): Entity[] {
  const { MAINTENANCE, CONSTRUCTION } = rt.Alert.Cause
  const { ACCESSIBILITY_ISSUE, DETOUR } = rt.Alert.Effect
  const english = (text: string) => ({ translation: [{ text, language: 'en' }] })
  const elevator: Entity = {
    id: 'alert_elevator',
    alert: {
      cause: MAINTENANCE,
      effect: ACCESSIBILITY_ISSUE,
      informedEntity: [{ stopId: 'S3' }],
      headerText: english('Central Station: elevator out of service'),
      descriptionText: english('Use the elevator at the "North" entrance.'),
    },
  }
  const detour: Entity = {
    id: 'alert_detour',
    alert: {
      cause: CONSTRUCTION,
      effect: DETOUR,
      informedEntity: [{ routeId: '230' }],
      headerText: english('Route 30: detour at Garnet St'),
    },
  }
  return Math.floor(nowMs / 120_000) % 2 === 0 ? [elevator, detour] : [elevator]
}

function pointAt(shape: readonly Point[], dist_m: number) {
  const index = Math.max(
    1,
    shape.findIndex((point) => point.dist_m >= dist_m),
  )
  const [from, to] = [shape[index - 1] as Point, shape[index] as Point]
  const share = (dist_m - from.dist_m) / (to.dist_m - from.dist_m)
  const east = (to.lon - from.lon) * Math.cos((to.lat * Math.PI) / 180)
  const bearing = ((Math.atan2(east, to.lat - from.lat) * 180) / Math.PI + 360) % 360
  return {
    latitude: from.lat + share * (to.lat - from.lat),
    longitude: from.lon + share * (to.lon - from.lon),
    bearing: Math.round(bearing),
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

/** FNV-1a: small, even, the same everywhere. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193) >>> 0
  }
  return value
}
