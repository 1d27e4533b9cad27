import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { removeUnusedStops } from '@headway/worker/steps/remove-unused-stops.ts'
import { updateFeedInfo } from '@headway/worker/steps/update-feed-info.ts'
import { validateStopHierarchy } from '@headway/worker/steps/validate-stop-hierarchy.ts'

/** QA's schedule, marked as such, with the next rules: no stops are merged here. */
export const pipeline = definePipeline({
  feedType: 'schedule',
  inputs: { schedule: gtfsSchedule },
  flow({ schedule }) {
    const named = updateFeedInfo({
      feed: schedule,
      fields: { feed_publisher_name: 'Headway Demo (staging)' },
    })
    return { 'feed.zip': validateStopHierarchy({ feed: removeUnusedStops({ feed: named }) }) }
  },
})
