import { columnReader } from './csv.ts'
import type { Table } from './csv.ts'
import { filterRows } from './csv-edit.ts'
import type { Schedule } from './gtfs-schedule.ts'

/**
 * Stops, and who speaks of them. References are found by the names of columns rather than from a
 * list of files, because agencies add files of their own (alternate_stop_names_exceptions.txt of
 * Sound Transit) and a step that renames a stop must not leave those behind.
 */

export type Stop = {
  readonly row: number
  readonly id: string
  readonly name: string
  /** 0 platform, 1 station, 2 entrance, 3 generic node, 4 boarding area; empty means 0. */
  readonly type: string
  readonly parent: string
  readonly platformCode: string
  readonly located: boolean
}

export const readStops = (stops: Table): Stop[] => {
  const [id, name, type] = [
    columnReader(stops, 'stop_id'),
    columnReader(stops, 'stop_name'),
    columnReader(stops, 'location_type'),
  ]
  const [parent, platformCode] = [
    columnReader(stops, 'parent_station'),
    columnReader(stops, 'platform_code'),
  ]
  const [lat, lon] = [columnReader(stops, 'stop_lat'), columnReader(stops, 'stop_lon')]
  return Array.from({ length: stops.rowCount }, (_, row) => ({
    row,
    id: id(row),
    name: name(row),
    type: type(row) || '0',
    parent: parent(row),
    platformCode: platformCode(row),
    located: lat(row) !== '' && lon(row) !== '',
  }))
}

/** The columns of a file that hold ids of stops; `stops.txt` refers to itself by its parents. */
export const stopReferenceColumns = (name: string, table: Table): string[] =>
  table.columns.filter((column) =>
    name === 'stops.txt'
      ? column === 'parent_station'
      : column === 'stop_id' || column.endsWith('_stop_id'),
  )

/** Every file that speaks of stops, with the columns it does so in. */
export const stopReferences = (feed: Schedule) =>
  feed.names.flatMap((name) => {
    const table = feed.table(name)
    const columns = table ? stopReferenceColumns(name, table) : []
    return table && columns.length > 0 ? [{ name, table, columns }] : []
  })

/** Takes stops out of stops.txt, and their translations with them. */
export const withoutStops = (feed: Schedule, gone: (stopId: string) => boolean): Schedule => {
  let result = feed
  const stops = feed.table('stops.txt')
  if (stops) {
    const id = columnReader(stops, 'stop_id')
    result = result.with(
      'stops.txt',
      filterRows(stops, (row) => !gone(id(row))),
    )
  }
  const translations = feed.table('translations.txt')
  if (translations) {
    const [of, record] = [
      columnReader(translations, 'table_name'),
      columnReader(translations, 'record_id'),
    ]
    result = result.with(
      'translations.txt',
      filterRows(translations, (row) => of(row) !== 'stops' || !gone(record(row))),
    )
  }
  return result
}
