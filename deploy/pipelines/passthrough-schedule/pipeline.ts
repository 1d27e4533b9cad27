import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { passthroughSchedule } from '@headway/worker/steps/passthrough-schedule.ts'

/** Any schedule, checked and republished in a deterministic form. */
export const pipeline = definePipeline({
  feedType: 'schedule',
  inputs: { schedule: gtfsSchedule },
  flow: ({ schedule }) => ({ 'feed.zip': passthroughSchedule({ feed: schedule }) }),
})
