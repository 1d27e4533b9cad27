import type {
  Alert,
  FeedEntity,
  TripUpdate,
  VehiclePosition,
} from '@headway/schemas/content/gtfs-realtime-messages.ts'
import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import { step, Type } from './step.ts'
import type { StepContext } from './step.ts'

/**
 * Takes stops out of a realtime feed that are not in the public schedule: yards, relief points,
 * platforms of another agency.
 *
 * Trip updates lose the stops, vehicles lose where they stand in the sequence, alerts no longer
 * speak of the stops. A trip update or an alert that says nothing afterwards leaves the feed,
 * because consumers read an alert about nothing as an alert about everything. A trip that is
 * canceled or deleted stays: for it, having no stops is the message.
 */

type Matches = (stopId: string | undefined) => boolean
type Counts = Record<string, number>

const isPattern = (text: string): boolean => {
  try {
    return Boolean(new RegExp(text))
  } catch {
    return false
  }
}

const stopMatcher = (ids: readonly string[], patterns: readonly string[]): Matches => {
  const known = new Set(ids)
  const compiled = patterns.map((pattern) => new RegExp(pattern))
  return (stopId) =>
    stopId !== undefined && (known.has(stopId) || compiled.some((pattern) => pattern.test(stopId)))
}

const relationshipsWithoutStops: readonly unknown[] = ['CANCELED', 'DELETED']

const add = (counts: Counts, code: string, count = 1): void => {
  counts[code] = (counts[code] ?? 0) + count
}

/** A list without the stops, the same list when none is in it, null when nothing is left of it. */
const without = <T extends { readonly stop_id?: string }>(
  list: readonly T[],
  matches: Matches,
): readonly T[] | null => {
  const kept = list.filter((item) => !matches(item.stop_id))
  if (kept.length === list.length) return list
  return kept.length === 0 ? null : kept
}

const filteredUpdate = (update: TripUpdate, matches: Matches, counts: Counts) => {
  const { stop_time_update: before = [], ...rest } = update
  const kept = without(before, matches)
  if (kept === before) return update
  add(counts, 'stop_time_update_removed', before.length - (kept?.length ?? 0))
  if (kept) return { ...update, stop_time_update: kept }
  if (relationshipsWithoutStops.includes(update.trip.schedule_relationship)) return rest
  add(counts, 'trip_update_removed')
  return null
}

const filteredVehicle = (vehicle: VehiclePosition, matches: Matches, counts: Counts) => {
  if (!matches(vehicle.stop_id)) return vehicle
  add(counts, 'vehicle_stop_cleared')
  const { stop_id: _id, current_stop_sequence: _at, current_status: _status, ...rest } = vehicle
  return rest
}

const filteredAlert = (alert: Alert, matches: Matches, counts: Counts) => {
  const before = alert.informed_entity ?? []
  const kept = without(before, matches)
  if (kept === before) return alert
  add(counts, 'informed_entity_removed', before.length - (kept?.length ?? 0))
  if (kept) return { ...alert, informed_entity: kept }
  add(counts, 'alert_removed')
  return null
}

/** An entity with nothing left but its id leaves the feed. */
const filteredEntity = (
  entity: FeedEntity,
  matches: Matches,
  counts: Counts,
): FeedEntity | null => {
  const { trip_update: update, vehicle, alert, ...rest } = entity
  const updateAfter = update && filteredUpdate(update, matches, counts)
  const vehicleAfter = vehicle && filteredVehicle(vehicle, matches, counts)
  const alertAfter = alert && filteredAlert(alert, matches, counts)
  if (updateAfter === update && vehicleAfter === vehicle && alertAfter === alert) return entity
  const after = {
    ...rest,
    ...(updateAfter && { trip_update: updateAfter }),
    ...(vehicleAfter && { vehicle: vehicleAfter }),
    ...(alertAfter && { alert: alertAfter }),
  }
  return Object.keys(after).length > 1 ? after : null
}

const messages: Readonly<Record<string, string>> = {
  stop_time_update_removed: 'stop time updates were removed',
  trip_update_removed: 'trip updates were removed because no stop was left',
  vehicle_stop_cleared: 'vehicles no longer say at which stop they are',
  informed_entity_removed: 'stops were removed from alerts',
  alert_removed: 'alerts were removed because they spoke of nothing else',
}

const report = (counts: Counts, context: StepContext): void => {
  for (const [code, count] of Object.entries(counts))
    context.finding({ code, severity: 'info', message: messages[code] ?? code, count })
}

const pattern = Type.Refine(Type.String(), isPattern, () => 'is not a regular expression')

export const filterStops = step({
  name: 'filter_stops',
  description: 'Removes stops from trip updates, vehicle positions and alerts.',
  inputs: { feed: gtfsRealtime },
  options: Type.Object(
    {
      ids: Type.Optional(Type.Array(Type.String(), { description: 'Stop ids, as they are.' })),
      patterns: Type.Optional(
        Type.Array(pattern, {
          description: 'Regular expressions that match anywhere in a stop id; ^ and $ bind them.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  output: gtfsRealtime,
  run({ feed, ids = [], patterns = [] }, context) {
    const matches = stopMatcher(ids, patterns)
    const counts: Counts = {}
    const entity = feed.entity
      .map((before) => filteredEntity(before, matches, counts))
      .filter((after) => after !== null)
    report(counts, context)
    return Object.keys(counts).length === 0 ? feed : { ...feed, entity }
  },
})
