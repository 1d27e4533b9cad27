import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { passthroughRealtime } from '@headway/worker/steps/passthrough-realtime.ts'

/** Any realtime feed, checked and republished as protobuf and JSON. */
export const pipeline = definePipeline({
  feedType: 'realtime',
  inputs: { feed: gtfsRealtime },
  flow: ({ feed }) => ({ 'feed.pb': passthroughRealtime({ feed }) }),
})
