import { filterRows, setCells } from '@headway/schemas/content/csv-edit.ts'
import { columnReader, rowTexts } from '@headway/schemas/content/csv.ts'
import type { Table } from '@headway/schemas/content/csv.ts'
import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import type { Schedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { stopReferences, withoutStops } from '@headway/schemas/content/gtfs-stops.ts'
import { step, Type } from './step.ts'
import type { StepContext } from './step.ts'

/**
 * Makes one stop of several: two signs at one corner, an old id and its successor.
 *
 * Every reference follows, in files we know and in files we do not, and the merged stops leave
 * stops.txt together with their translations. A row that has thereby become the copy of another
 * (the same area for both stops) leaves its file. Nothing is taken out of stop_times.txt: where a
 * trip now serves a stop twice in a row, only the agency can say which time is right, so it is
 * reported.
 */

type Merge = { readonly from: readonly string[]; readonly into: string }
type Targets = ReadonlyMap<string, string>

/** Where each merged stop ends up, through chains of merges, without circles and unknown ids. */
const targetsOf = (merges: readonly Merge[], known: ReadonlySet<string>, context: StepContext) => {
  const direct = new Map<string, string>()
  const unknown = (id: string, severity: 'error' | 'warning') =>
    context.finding({
      code: 'unknown_stop',
      severity,
      subject: { stop_id: id },
      message: `stops.txt has no stop ${id}`,
    })
  for (const { from, into } of merges) {
    if (!known.has(into)) {
      unknown(into, 'error')
      continue
    }
    for (const id of from)
      if (known.has(id)) direct.set(id, into)
      else unknown(id, 'warning')
  }
  const targets = new Map<string, string>()
  for (const [id, into] of direct) {
    const passed = new Set([id])
    let target = into
    for (; direct.has(target) && !passed.has(target); target = direct.get(target) ?? target)
      passed.add(target)
    if (!passed.has(target)) targets.set(id, target)
    else
      context.finding({
        code: 'circular_merge',
        severity: 'error',
        subject: { stop_id: id },
        message: `stop ${id} would be merged into itself`,
      })
  }
  return targets
}

/** Rewrites the references of one file and drops the rows that have become copies of others. */
const withTargets = (table: Table, columns: readonly string[], targets: Targets): Table => {
  const touched = new Set<number>()
  const rewritten = columns.reduce(
    (result, column) =>
      setCells(result, column, (text, row) => {
        const target = targets.get(text)
        if (target !== undefined) touched.add(row)
        return target ?? text
      }),
    table,
  )
  if (touched.size === 0) return table
  const seen = new Set<string>()
  const keyOf = (row: number) => JSON.stringify(rowTexts(rewritten, row))
  for (let row = 0; row < rewritten.rowCount; row++) if (!touched.has(row)) seen.add(keyOf(row))
  return filterRows(rewritten, (row) => {
    if (!touched.has(row)) return true
    const key = keyOf(row)
    return !seen.has(key) && Boolean(seen.add(key))
  })
}

/** A stop cannot be its own station, which it would be when a platform takes in its parent. */
const withParents = (stops: Table, targets: Targets): Table => {
  const id = columnReader(stops, 'stop_id')
  return setCells(stops, 'parent_station', (text, row) => {
    const target = targets.get(text) ?? text
    return target === id(row) ? '' : target
  })
}

/** Rewrites stop_times.txt; `served` are the rows at a stop that others were merged into. */
const withStopTimes = (table: Table, columns: readonly string[], targets: Targets) => {
  const kept = new Set(targets.values())
  const rewritten = new Set<number>()
  const served: number[] = []
  let stopTimes = table
  for (const column of columns)
    stopTimes = setCells(stopTimes, column, (text, row) => {
      const target = targets.get(text)
      if (column === 'stop_id') {
        if (target !== undefined) rewritten.add(row)
        if (target !== undefined || kept.has(text)) served.push(row)
      }
      return target ?? text
    })
  return { stopTimes, rewritten, served }
}

const reportRepeats = (
  { stopTimes, rewritten, served }: ReturnType<typeof withStopTimes>,
  context: StepContext,
) => {
  const [trip, stop] = [columnReader(stopTimes, 'trip_id'), columnReader(stopTimes, 'stop_id')]
  const sequence = columnReader(stopTimes, 'stop_sequence')
  const visits = new Set<string>()
  const suspects = new Map<string, number[]>()
  for (const row of served) {
    const visit = JSON.stringify([trip(row), stop(row)])
    if (visits.has(visit)) suspects.set(trip(row), [])
    visits.add(visit)
  }
  if (suspects.size === 0) return
  for (let row = 0; row < stopTimes.rowCount; row++) suspects.get(trip(row))?.push(row)
  const repeats: number[] = []
  for (const rows of suspects.values()) {
    rows.sort((a, b) => Number(sequence(a)) - Number(sequence(b)))
    for (const [i, row] of rows.entries()) {
      const before = rows[i - 1]
      if (before === undefined || stop(before) !== stop(row)) continue
      if (rewritten.has(row) || rewritten.has(before)) repeats.push(row)
    }
  }
  const [first] = repeats
  if (first === undefined) return
  context.finding({
    code: 'stop_time_repeats_stop',
    severity: 'warning',
    message: `trips now serve a merged stop twice in a row, first ${trip(first)} at ${stop(first)}`,
    subject: { trip_id: trip(first), stop_id: stop(first), stop_sequence: sequence(first) },
    count: repeats.length,
  })
}

const merged = (feed: Schedule, targets: Targets, context: StepContext): Schedule => {
  let result = feed
  for (const { name, table, columns } of stopReferences(feed)) {
    if (name === 'stops.txt') result = result.with(name, withParents(table, targets))
    else if (name === 'stop_times.txt') {
      const times = withStopTimes(table, columns, targets)
      reportRepeats(times, context)
      result = result.with(name, times.stopTimes)
    } else result = result.with(name, withTargets(table, columns, targets))
  }
  return withoutStops(result, (id) => targets.has(id))
}

export const mergeStops = step({
  name: 'merge_stops',
  description: 'Merges stops into others and rewrites every reference to them.',
  inputs: { feed: gtfsSchedule },
  options: Type.Object(
    {
      merges: Type.Array(
        Type.Object(
          {
            from: Type.Array(Type.String(), { description: 'Ids of the stops to be merged.' }),
            into: Type.String({ description: 'Id of the stop that stays.' }),
          },
          { additionalProperties: false },
        ),
      ),
    },
    { additionalProperties: false },
  ),
  output: gtfsSchedule,
  run({ feed, merges }, context) {
    const stops = feed.table('stops.txt')
    if (!stops) return feed
    const id = columnReader(stops, 'stop_id')
    const known = new Set(Array.from({ length: stops.rowCount }, (_, row) => id(row)))
    const targets = targetsOf(merges, known, context)
    if (targets.size === 0) return feed
    context.finding({
      code: 'stops_merged',
      severity: 'info',
      message: `${targets.size} stops were merged into ${new Set(targets.values()).size}`,
      count: targets.size,
    })
    return merged(feed, targets, context)
  },
})
