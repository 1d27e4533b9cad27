import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { step, Type } from './step.ts'

/**
 * Publishes a schedule as it came: an agency's feed under our address, with our history and our
 * gates in front of it. The archive is written anew (without junk, folders and bytes behind its
 * end), every file in it as it was.
 */
export const passthroughSchedule = step({
  name: 'passthrough_schedule',
  description: 'Hands on a schedule unchanged.',
  inputs: { feed: gtfsSchedule },
  options: Type.Object({}, { additionalProperties: false }),
  output: gtfsSchedule,
  run: ({ feed }) => feed,
})
