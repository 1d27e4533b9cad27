import type {
  FeedEntity,
  VehicleDescriptor,
} from '@headway/schemas/content/gtfs-realtime-messages.ts'
import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import { step, Type } from './step.ts'

/**
 * Puts a prefix before the labels of vehicles, so that riders and dispatchers can tell the vehicles
 * of two operators apart when their numbers overlap.
 *
 * Ids are left alone unless asked for, because other systems join on them. Running the step on its
 * own output changes nothing, and a vehicle without a label does not get one.
 */

type Rename = (text: string | undefined) => string | undefined

/** Answers the descriptor it was given when there is nothing to rename. */
const renamed = (vehicle: VehicleDescriptor, rename: Rename, ids: boolean): VehicleDescriptor => {
  const label = rename(vehicle.label)
  const id = ids ? rename(vehicle.id) : vehicle.id
  if (label === vehicle.label && id === vehicle.id) return vehicle
  return { ...vehicle, ...(label !== undefined && { label }), ...(id !== undefined && { id }) }
}

const renamedIn = <Part extends { readonly vehicle?: VehicleDescriptor }>(
  part: Part,
  rename: Rename,
  ids: boolean,
): Part => {
  if (!part.vehicle) return part
  const vehicle = renamed(part.vehicle, rename, ids)
  return vehicle === part.vehicle ? part : { ...part, vehicle }
}

const renamedEntity = (entity: FeedEntity, rename: Rename, ids: boolean): FeedEntity => {
  const vehicle = entity.vehicle && renamedIn(entity.vehicle, rename, ids)
  const update = entity.trip_update && renamedIn(entity.trip_update, rename, ids)
  if (vehicle === entity.vehicle && update === entity.trip_update) return entity
  return { ...entity, ...(vehicle && { vehicle }), ...(update && { trip_update: update }) }
}

export const renameVehicles = step({
  name: 'rename_vehicles',
  description: 'Puts a prefix before the labels (and ids, if asked) of vehicles.',
  inputs: { feed: gtfsRealtime },
  options: Type.Object(
    {
      prefix: Type.String({ minLength: 1, description: 'What to put before each label.' }),
      ids: Type.Optional(Type.Boolean({ description: 'Whether ids get the prefix as well.' })),
    },
    { additionalProperties: false },
  ),
  output: gtfsRealtime,
  run({ feed, prefix, ids = false }, context) {
    const rename: Rename = (text) =>
      text === undefined || text === '' || text.startsWith(prefix) ? text : prefix + text
    let count = 0
    const entity = feed.entity.map((before) => {
      const after = renamedEntity(before, rename, ids)
      if (after !== before) count += 1
      return after
    })
    if (count === 0) return feed
    const message = `vehicles were given the prefix ${prefix}`
    context.finding({ code: 'vehicle_renamed', severity: 'info', message, count })
    return { ...feed, entity }
  },
})
