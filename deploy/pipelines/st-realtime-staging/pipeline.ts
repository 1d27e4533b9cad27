import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import { definePipeline, optional } from '@headway/worker/pipeline.ts'
import { combineFeeds } from '@headway/worker/steps/combine-feeds.ts'
import { filterStops } from '@headway/worker/steps/filter-stops.ts'
import { renameVehicles } from '@headway/worker/steps/rename-vehicles.ts'

/** Production's vehicles under new names with QA's test vehicles beside them; closed stops are left out. */
export const pipeline = definePipeline({
  feedType: 'realtime',
  inputs: {
    vehicle_positions: gtfsRealtime,
    test_vehicles: optional(gtfsRealtime),
    trip_updates: optional(gtfsRealtime),
  },
  flow({ vehicle_positions, test_vehicles, trip_updates }) {
    const vehicles = renameVehicles({ feed: vehicle_positions, prefix: 'ST ' })
    const trips = filterStops({ feed: trip_updates, ids: ['B05'], patterns: ['^C1-'] })
    return { 'feed.pb': combineFeeds({ feeds: [vehicles, test_vehicles, trips] }) }
  },
})
