import { columnReader } from '@headway/schemas/content/csv.ts'
import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import type { Schedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { readStops, stopReferences } from '@headway/schemas/content/gtfs-stops.ts'
import type { Stop } from '@headway/schemas/content/gtfs-stops.ts'
import { step, Type } from './step.ts'
import type { Finding, StepContext } from './step.ts'

/**
 * Checks stops, stations and what is inside them, and every reference to a stop. The feed passes
 * through; what to do about a finding is for the gate behind it.
 *
 * Codes and severities are those of MobilityData's canonical validator, so that people find the
 * explanation they know. A defect of the export tool tends to hit every row, hence only the first
 * findings of a code are told one by one and the rest is counted.
 */

const findingsPerCodeMax = 100
const platform = '0'
const station = '1'
const boardingArea = '4'
const partsOfStations = ['2', '3', boardingArea]
const namedTypes = [platform, station, '2']

const severities = {
  duplicate_key: 'error',
  foreign_key_violation: 'error',
  location_with_unexpected_stop_time: 'error',
  location_without_parent_station: 'error',
  missing_stop_name: 'error',
  station_with_parent_station: 'error',
  stop_without_location: 'error',
  unexpected_enum_value: 'warning',
  wrong_parent_location_type: 'error',
  stop_without_stop_time: 'warning',
  platform_without_parent_station: 'info',
  unused_station: 'info',
} as const satisfies Record<string, Finding['severity']>
type Code = keyof typeof severities
type Subject = Readonly<Record<string, string>>
type Tell = (code: Code, message: string, subject: Subject) => void

const teller = (context: StepContext) => {
  const counts = new Map<Code, number>()
  const tell: Tell = (code, message, subject) => {
    const count = (counts.get(code) ?? 0) + 1
    counts.set(code, count)
    if (count <= findingsPerCodeMax)
      context.finding({ code, severity: severities[code], message, subject })
  }
  const tellRest = () => {
    for (const [code, total] of counts) {
      const count = total - findingsPerCodeMax
      const message = `${count} more of ${total} are not listed`
      if (count > 0) context.finding({ code, severity: severities[code], message, count })
    }
  }
  return { tell, tellRest }
}

type Stops = ReadonlyMap<string, Stop>

const checkParent = (stop: Stop, stops: Stops, tell: Tell) => {
  const subject = { stop_id: stop.id, parent_station: stop.parent }
  if (stop.type === station) {
    const message = `station ${stop.id} is inside ${stop.parent}; stations stand alone`
    tell('station_with_parent_station', message, subject)
    return
  }
  const parent = stops.get(stop.parent)
  const wanted = stop.type === boardingArea ? platform : station
  if (!parent)
    tell('foreign_key_violation', `stop ${stop.id} is inside an unknown ${stop.parent}`, subject)
  else if (parent.type !== wanted) {
    const message = `${stop.id} is inside ${parent.id} of type ${parent.type}, expected ${wanted}`
    tell('wrong_parent_location_type', message, subject)
  }
}

const checkStop = (stop: Stop, stops: Stops, tell: Tell) => {
  const { id, type } = stop
  const subject = { stop_id: id }
  if (!['0', '1', '2', '3', '4'].includes(type)) {
    tell('unexpected_enum_value', `stop ${id} has location_type ${type}`, subject)
    return
  }
  if (stop.parent) checkParent(stop, stops, tell)
  else if (partsOfStations.includes(type))
    tell('location_without_parent_station', `${id} of type ${type} is in no station`, subject)
  else if (type === platform && stop.platformCode)
    tell('platform_without_parent_station', `platform ${id} is in no station`, subject)
  if (!namedTypes.includes(type)) return
  if (!stop.name) tell('missing_stop_name', `stop ${id} has no name`, subject)
  if (!stop.located) tell('stop_without_location', `stop ${id} has no coordinates`, subject)
}

/** Checks references to stops, and answers the stops that stop times use. */
const checkReferences = (feed: Schedule, stops: Stops, tell: Tell): Set<string> => {
  const served = new Set<string>()
  for (const { name, table, columns } of stopReferences(feed)) {
    if (name === 'stops.txt') continue
    for (const column of columns) {
      const read = columnReader(table, column)
      const told = new Set<string>([''])
      for (let row = 0; row < table.rowCount; row++) {
        const id = read(row)
        if (name === 'stop_times.txt') served.add(id)
        if (stops.has(id) || told.has(id)) continue
        told.add(id)
        const subject = { filename: name, field_name: column, field_value: id }
        tell('foreign_key_violation', `${name} refers to an unknown stop ${id}`, subject)
      }
    }
  }
  return served
}

const checkUse = (stops: Stops, served: ReadonlySet<string>, groups: boolean, tell: Tell) => {
  const parents = new Set([...stops.values()].map((stop) => stop.parent))
  for (const { id, type } of stops.values()) {
    const subject = { stop_id: id }
    if (type === station && !parents.has(id))
      tell('unused_station', `station ${id} has no stops`, subject)
    if (type === platform && !groups && !served.has(id))
      tell('stop_without_stop_time', `no trip serves stop ${id}`, subject)
    if (type !== platform && served.has(id))
      tell('location_with_unexpected_stop_time', `trips serve ${id} of type ${type}`, subject)
  }
}

export const validateStopHierarchy = step({
  name: 'validate_stop_hierarchy',
  description: 'Reports defects of stops, stations and references to them.',
  inputs: { feed: gtfsSchedule },
  options: Type.Object({}, { additionalProperties: false }),
  output: gtfsSchedule,
  run({ feed }, context) {
    const table = feed.table('stops.txt')
    if (!table) return feed
    const { tell, tellRest } = teller(context)
    const stops = new Map<string, Stop>()
    for (const stop of readStops(table)) {
      if (stops.has(stop.id))
        tell('duplicate_key', `stops.txt names ${stop.id} twice`, { stop_id: stop.id })
      else stops.set(stop.id, stop)
    }
    for (const stop of stops.values()) checkStop(stop, stops, tell)
    const served = checkReferences(feed, stops, tell)
    checkUse(stops, served, feed.names.includes('location_groups.txt'), tell)
    tellRest()
    return feed
  },
})
