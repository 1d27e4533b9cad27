import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import { definePipeline, optional } from '@headway/worker/pipeline.ts'
import { combineFeeds } from '@headway/worker/steps/combine-feeds.ts'
import { passthroughRealtime } from '@headway/worker/steps/passthrough-realtime.ts'

/** Vehicles and trip updates as they come, in one feed. */
export const pipeline = definePipeline({
  feedType: 'realtime',
  inputs: { vehicle_positions: gtfsRealtime, trip_updates: optional(gtfsRealtime) },
  flow({ vehicle_positions, trip_updates }) {
    const vehicles = passthroughRealtime({ feed: vehicle_positions, as: 'vehicles' })
    const trips = passthroughRealtime({ feed: trip_updates, as: 'trips' })
    return { 'feed.pb': combineFeeds({ feeds: [vehicles, trips] }) }
  },
})
