import { difference } from '@headway/schemas/content/difference.ts'
import { encodeCell } from '@headway/schemas/content/csv-scan.ts'
import { createSchedule, gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { contentKinds } from '@headway/schemas/content/kind.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'

/**
 * What must hold for the difference of any two contents. A failure prints its seed and the smallest
 * case that breaks the claim; `fc.assert(…, { seed, path })` runs it again.
 */

type Row = Readonly<Record<string, string>>

const columns = ['trip_id', 'stop_sequence', 'stop_id', 'departure_time', 'house_rule']
const values = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('', ' ', '"', 'a,b', 'é\n'))

/** What a cell can say: no BOM at the start of a file, no NUL that makes a file binary. */
const said = values.filter((text) => !/[\0\ufeff]/.test(text))

const rowsOf = fc
  .array(fc.record({ stop_id: said, departure_time: said, house_rule: said }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) =>
    rows.map((row, n): Row => ({ ...row, trip_id: `t${n % 7}`, stop_sequence: `${n}` })),
  )

const fate = fc.constantFrom('kept', 'kept', 'changed', 'removed')

/** A version and its successor: what happens to each row, how many are new, in what order. */
const edits = fc.record({
  rows: rowsOf,
  fates: fc.array(fate, { minLength: 40, maxLength: 40 }),
  fields: fc.array(fc.subarray(columns.slice(2), { minLength: 1 }), {
    minLength: 40,
    maxLength: 40,
  }),
  added: fc.nat({ max: 5 }),
  turn: fc.nat({ max: 40 }),
  columns: fc.shuffledSubarray(columns, { minLength: columns.length }),
})

const textOf = (names: readonly string[], rows: readonly Row[]) =>
  [names, ...rows.map((row) => names.map((name) => encodeCell(row[name] ?? '')))]
    .map((cells) => `${cells.join(',')}\n`)
    .join('')

const scheduleOf = (stopTimes: string): Uint8Array => {
  const files = {
    'agency.txt': 'agency_id\n1\n',
    'calendar.txt': 'service_id\nwk\n',
    'routes.txt': 'route_id\nr\n',
    'stop_times.txt': stopTimes,
    'stops.txt': 'stop_id\ns\n',
    'trips.txt': 'route_id,service_id,trip_id\nr,wk,t0\n',
  }
  const entries = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const)
  return gtfsSchedule.encode(createSchedule(Object.fromEntries(entries)))[0]!.bytes
}

const fresh: Row = { trip_id: 'fresh', stop_id: 'new' }

test('k edits of rows are k changes, each told as what it is', () => {
  fc.assert(
    fc.property(edits, ({ rows, fates, fields, added, turn, columns: order }) => {
      const edited = rows.flatMap((row, n) => {
        if (fates[n] === 'removed') return []
        if (fates[n] !== 'changed') return [row]
        return [
          { ...row, ...Object.fromEntries(fields[n]!.map((name) => [name, `${row[name]}!`])) },
        ]
      })
      const grown = [
        ...edited.slice(turn),
        ...Array.from({ length: added }, (_, n): Row => ({ ...fresh, stop_sequence: `${n}` })),
        ...edited.slice(0, turn),
      ]
      fc.pre(grown.length > 0)
      const found = difference(
        'gtfs_schedule_zip',
        scheduleOf(textOf(columns, rows)),
        scheduleOf(textOf(order, grown)),
      )
      const mine = fates.slice(0, rows.length)
      const expected = {
        added,
        removed: mine.filter((each) => each === 'removed').length,
        changed: mine.filter((each) => each === 'changed').length,
      }
      const [part] = found.parts
      const { added: more = 0, removed = 0, changed = 0 } = part ?? {}
      expect({ added: more, removed, changed }).toEqual(expected)
      expect(found.verdict === 'different').toBe(more + removed + changed > 0)
      for (const name of columns.slice(2))
        expect(part?.fields?.[name] ?? 0).toBe(
          mine.filter((each, n) => each === 'changed' && fields[n]!.includes(name)).length,
        )
    }),
  )
})

test('without a key, rows are a bag', () => {
  const bag = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 })
  fc.assert(
    fc.property(bag, bag, (one, other) => {
      const table = (rows: readonly string[]) => Buffer.from(`h\n${rows.join('\n')}`)
      const count = (rows: readonly string[], row: string) =>
        rows.filter((each) => each === row).length
      const more = ['a', 'b', 'c', 'd'].map((row) => count(other, row) - count(one, row))
      const sum = (numbers: readonly number[]) =>
        numbers.filter((n) => n > 0).reduce((all, n) => all + n, 0)
      const [part] = difference('csv_table', table(one), table(other)).parts
      expect([part?.added ?? 0, part?.removed ?? 0]).toEqual([sum(more), sum(more.map((n) => -n))])
    }),
  )
})

test('content does not differ from itself, and damaged content never throws', () => {
  const schedule = scheduleOf(textOf(columns, [fresh]))
  const realtime = Buffer.from('0a050a03322e30120f0a0161220a0a030a017422033a0131', 'hex')
  const csv = Buffer.from('a,b\n1,"2"\n')
  const seed = fc.constantFrom<Uint8Array>(schedule, realtime, csv)
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 })
  const damaged = fc.tuple(seed, damage, fc.nat({ max: 20 })).map(([bytes, bits, cut]) => {
    const copy = Buffer.from(bytes)
    for (const [at, byte] of bits) copy[at % copy.length] = byte
    return copy.subarray(0, copy.length - (cut > 10 ? cut - 10 : 0))
  })
  fc.assert(
    fc.property(fc.constantFrom(...contentKinds), damaged, damaged, (kind, one, other) => {
      expect(difference(kind, one, Buffer.from(one)).verdict).toBe('identical')
      const { verdict, parts } = difference(kind, one, other)
      expect(verdict === 'different').toBe(parts.length > 0)
    }),
    { numRuns: 500 },
  )
})
