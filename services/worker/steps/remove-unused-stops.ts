import { columnReader } from '@headway/schemas/content/csv.ts'
import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import type { Schedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { readStops, stopReferences, withoutStops } from '@headway/schemas/content/gtfs-stops.ts'
import type { Stop } from '@headway/schemas/content/gtfs-stops.ts'
import { step, Type } from './step.ts'

/**
 * Removes the stops that nothing in the feed uses.
 *
 * A stop is used when any file refers to it: a stop time, a transfer, a pathway, a file we have
 * never heard of. With it stay its station, and what makes the station usable: entrances, nodes of
 * the pathways, boarding areas of platforms that stay. So no reference is ever left dangling.
 */

const entrance = '2'
const genericNode = '3'
const boardingArea = '4'

const referredStops = (feed: Schedule): Set<string> => {
  const referred = new Set<string>()
  for (const { name, table, columns } of stopReferences(feed)) {
    if (name === 'stops.txt') continue
    for (const column of columns) {
      const read = columnReader(table, column)
      for (let row = 0; row < table.rowCount; row++) referred.add(read(row))
    }
  }
  return referred
}

/** Adds parents of kept stops, then parts of kept stations, and then boarding areas of those. */
const keptStops = (stops: readonly Stop[], referred: ReadonlySet<string>): Set<string> => {
  const byId = new Map(stops.map((stop) => [stop.id, stop]))
  const kept = new Set<string>()
  const keepWithParents = (id: string) => {
    for (let stop = byId.get(id); stop && !kept.has(stop.id); stop = byId.get(stop.parent))
      kept.add(stop.id)
  }
  for (const id of referred) keepWithParents(id)
  for (const stop of stops) {
    const isPart = stop.type === entrance || stop.type === genericNode || stop.type === boardingArea
    if (isPart && kept.has(stop.parent)) kept.add(stop.id)
  }
  return kept
}

export const removeUnusedStops = step({
  name: 'remove_unused_stops',
  description: 'Removes stops that no stop time and no other file refers to.',
  inputs: { feed: gtfsSchedule },
  options: Type.Object({}, { additionalProperties: false }),
  output: gtfsSchedule,
  run({ feed }, context) {
    const table = feed.table('stops.txt')
    if (!table) return feed
    const stops = readStops(table)
    const kept = keptStops(stops, referredStops(feed))
    const removed = stops.filter((stop) => !kept.has(stop.id))
    if (removed.length === 0) return feed
    context.finding({
      code: 'unused_stops_removed',
      severity: 'info',
      message: `${removed.length} of ${stops.length} stops were not used`,
      count: removed.length,
    })
    const examples = removed.slice(0, 20).map((stop) => stop.id)
    context.log(`removed stops: ${examples.join(', ')}${removed.length > 20 ? ', …' : ''}`)
    return withoutStops(feed, (id) => !kept.has(id))
  },
})
