import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { mergeStops } from '@headway/worker/steps/merge-stops.ts'
import { removeUnusedStops } from '@headway/worker/steps/remove-unused-stops.ts'
import { updateFeedInfo } from '@headway/worker/steps/update-feed-info.ts'
import { validateStopHierarchy } from '@headway/worker/steps/validate-stop-hierarchy.ts'

/** The agency's schedule with our name on it, duplicate stops merged and unused ones removed. */
export const pipeline = definePipeline({
  feedType: 'schedule',
  inputs: { schedule: gtfsSchedule },
  flow({ schedule }) {
    const named = updateFeedInfo({
      feed: schedule,
      fields: { feed_publisher_name: 'Headway Demo' },
    })
    const merged = mergeStops({ feed: named, merges: [{ from: ['B02'], into: 'B01' }] })
    const used = removeUnusedStops({ feed: merged })
    return { 'feed.zip': validateStopHierarchy({ feed: used }) }
  },
})
