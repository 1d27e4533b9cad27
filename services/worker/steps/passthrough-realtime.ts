import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import { step, Type } from './step.ts'

/**
 * Publishes a realtime feed as it came: another agency's feed under our address, with our history,
 * our feed.json beside it and our gates in front of it.
 */
export const passthroughRealtime = step({
  name: 'passthrough_realtime',
  description: 'Hands on a realtime feed unchanged.',
  inputs: { feed: gtfsRealtime },
  options: Type.Object({}, { additionalProperties: false }),
  output: gtfsRealtime,
  run: ({ feed }) => feed,
})
