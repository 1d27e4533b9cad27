import { parseTable } from './csv.ts'
import type { Table } from './csv.ts'
import { tableBytes } from './csv-edit.ts'
import { compareSchedules } from './difference/schedules.ts'
import { inspectSchedule } from './gtfs-inspect.ts'
import { Refusal } from './kind.ts'
import type { ContentKind } from './kind.ts'
import { asBuffer, expand, packEntry, readZip, writeZip } from './zip.ts'
import type { ZipEntry } from './zip.ts'

/**
 * A GTFS Schedule feed as a value: files by name, each of them what it last was.
 *
 * A file begins as an entry of the archive and is inflated when somebody looks at it, indexed when
 * somebody asks for its table. A file nobody replaced is written back compressed as it came, so a
 * step that edits stops.txt never pays for stop_times.txt. Replacing a file gives a new feed; the
 * two share everything else.
 */

export type Schedule = {
  /** File names, sorted. */
  readonly names: readonly string[]
  /** The table of a `.txt` file; nothing when the file is absent or is not CSV. */
  table(name: string): Table | undefined
  /** The bytes of any file. */
  bytes(name: string): Buffer | undefined
  with(name: string, content: Table | Uint8Array): Schedule
  without(name: string): Schedule
  /** The files as the archive will hold them. */
  entries(): readonly ZipEntry[]
}

type ScheduleFile = {
  readonly bytes: () => Buffer
  readonly table: () => Table | undefined
  readonly entry: () => ZipEntry
}

export const isTableName = (name: string): boolean => name.toLowerCase().endsWith('.txt')

const lazily = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** Text that is not CSV (a licence with one quote in it) is a file without a table. */
const tableOf = (name: string, bytes: () => Buffer) =>
  lazily(() => {
    if (!isTableName(name)) return undefined
    try {
      return parseTable(bytes())
    } catch (error) {
      if (error instanceof Refusal) return undefined
      throw error
    }
  })

const fileOfEntry = (entry: ZipEntry): ScheduleFile => {
  const bytes = lazily(() => expand(entry))
  return { bytes, table: tableOf(entry.name, bytes), entry: () => entry }
}

const fileOfContent = (name: string, content: Table | Uint8Array): ScheduleFile => {
  const isBytes = content instanceof Uint8Array
  const bytes = lazily(() => (isBytes ? asBuffer(content) : tableBytes(content)))
  const table = isBytes ? tableOf(name, bytes) : () => content
  return { bytes, table, entry: lazily(() => packEntry(name, bytes())) }
}

const scheduleOf = (files: ReadonlyMap<string, ScheduleFile>): Schedule => {
  const schedule: Schedule = {
    names: [...files.keys()].toSorted(),
    table: (name) => files.get(name)?.table(),
    bytes: (name) => files.get(name)?.bytes(),
    with(name, content) {
      const file = files.get(name)
      if (file && !(content instanceof Uint8Array) && file.table() === content) return schedule
      return scheduleOf(new Map(files).set(name, fileOfContent(name, content)))
    },
    without(name) {
      if (!files.has(name)) return schedule
      return scheduleOf(new Map([...files].filter(([other]) => other !== name)))
    },
    entries: () => [...files.values()].map((file) => file.entry()),
  }
  return schedule
}

/** A feed of the given files. */
export const createSchedule = (files: Readonly<Record<string, Table | Uint8Array>>): Schedule =>
  scheduleOf(
    new Map(Object.entries(files).map(([name, content]) => [name, fileOfContent(name, content)])),
  )

const rows = (schedule: Schedule): number =>
  schedule.names.reduce((sum, name) => sum + (schedule.table(name)?.rowCount ?? 0), 0)

export const gtfsSchedule: ContentKind<Schedule> = {
  name: 'gtfs_schedule_zip',

  inspect: inspectSchedule,

  parse(bytes) {
    const { entries } = readZip(bytes)
    return scheduleOf(new Map(entries.map((entry) => [entry.name, fileOfEntry(entry)])))
  },

  encode(schedule) {
    const bytes = writeZip(schedule.entries())
    return [{ name: 'feed.zip', mediaType: 'application/zip', bytes }]
  },

  rows,

  compare: compareSchedules,
}
