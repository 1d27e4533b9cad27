import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filterRows, setCells, tableBytes } from '@headway/schemas/content/csv-edit.ts'
import { parseTable, rowRecord, rowTexts } from '@headway/schemas/content/csv.ts'
import type { Table } from '@headway/schemas/content/csv.ts'
import { Refusal } from '@headway/schemas/content/kind.ts'
import { tableDigest } from '@headway/schemas/content/table-digest.ts'

/** Our reading of CSV is held against csv-parse, which forgives the same things. */

const spectrum = new URL('../../shared/data/conformance/csv-spectrum/', import.meta.url)

const oracle = (text: string, trim: boolean): string[][] | null => {
  try {
    const rows: unknown = parse(text, {
      bom: true,
      relax_quotes: true,
      relax_column_count: true,
      skip_empty_lines: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      trim,
    })
    return rows as string[][]
  } catch {
    return null
  }
}

const rowsOf = (table: Table): string[][] =>
  table.columns.length === 0
    ? []
    : [[...table.columns], ...Array.from({ length: table.rowCount }, (_, i) => rowTexts(table, i))]

const ours = (text: string): string[][] | null => {
  try {
    return rowsOf(parseTable(Buffer.from(text)))
  } catch (error) {
    if (error instanceof Refusal) return null
    throw error
  }
}

/** Their JSON does not match their CSV: another telephone number, CRLF turned into LF. */
const doubtful = ['location_coordinates.csv', 'newlines_crlf.csv']

describe.skipIf(!existsSync(spectrum))('given csv-spectrum', () => {
  const files = existsSync(spectrum) ? readdirSync(new URL('csvs/', spectrum)) : []

  test.each(files.filter((file) => !doubtful.includes(file)))('%s reads as its JSON', (file) => {
    const table = parseTable(readFileSync(new URL(`csvs/${file}`, spectrum)))
    const json = readFileSync(new URL(`json/${file.replace('.csv', '.json')}`, spectrum), 'utf8')
    const expected: unknown = JSON.parse(json)
    const found = Array.from({ length: table.rowCount }, (_, row) => rowRecord(table, row))
    expect(found).toEqual(expected)
  })

  test.each(files)('%s is read as csv-parse reads it', (file) => {
    const text = readFileSync(new URL(`csvs/${file}`, spectrum), 'utf8')
    expect(ours(text)).toEqual(oracle(text, false))
  })
})

describe('given what real feeds contain', () => {
  test.each([
    ['a BOM', '\ufeffa,b\n1,2\n'],
    ['a BOM before a quoted header', '\ufeff"a",b\n1,2\n'],
    ['CRLF', 'a,b\r\n1,2\r\n'],
    ['CR', 'a,b\r1,2\r3,4'],
    ['LF then CRLF', 'a,b\n1,2\r\n3,4\r\n'],
    ['CRLF then LF', 'a,b\r\n1,2\n3,4\n'],
    ['no end of line at the end', 'a,b\n1,2'],
    ['a quoted LF', 'a,b\n"1\n2",3\n'],
    ['a quoted CRLF', 'a,b\r\n"1\r\n2",3\r\n'],
    ['a quoted comma', 'a,b\n"1,2",3\n'],
    ['escaped quotes', 'a,b\n"1 ""x"" 2",""""\n'],
    ['a first quote late in the file', `a,b\n${'1,2\n'.repeat(5_000)}"3,4",5\n`],
    ['empty cells', 'a,b,c\n,,\n"",,""\n'],
    ['blank lines', '\n\na,b\n\n1,2\r\n\r\n\n3,4\n\n'],
    ['a header alone', 'a,b\n'],
    ['nothing', ''],
    ['a short row', 'a,b,c\n1\n1,2\n1,2,3\n'],
    ['a long row', 'a,b\n1,2,3,4\n5,6\n'],
    ['a stray quote', 'a,b\n1,x"y\n"2"z,3\n'],
    ['UTF-8', 'a,b\nKöln,"東京, 日本"\n🚋,é\n'],
    ['quotes that are all wrong', 'a,b\n"a"b"c",1\nxyz.0","avenue "failed" bridge",2\n'],
  ])('%s is read as csv-parse reads it', (_, text) => {
    expect(ours(text)).toEqual(oracle(text, false))
  })

  test.each([
    ['spaces around cells', ' a , b\n 1 ,\t2\n'],
    ['a space before a quote', 'a,b\n1, "2, x"\n'],
    ['spaces in quotes', 'a,b\n" 1 ",2\n'],
  ])('%s are read as csv-parse reads them when trimming', (_, text) => {
    expect(ours(text)).toEqual(oracle(text, true))
  })

  test('a quote that is never closed is refused by both', () => {
    expect([ours('a,b\n1,"2\n'), oracle('a,b\n1,"2\n', false)]).toEqual([null, null])
  })
})

const piece = fc.constantFrom('a', 'b', '"', '""', ',', '\n', '\r\n', '\r', 'é', '0', '"x"', ',"')
const soup = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))

/** A header of distinct names and rows of any text, written with quotes or without. */
const grid = fc
  .tuple(fc.integer({ min: 2, max: 5 }), fc.constantFrom('\n', '\r\n', '\r'), fc.boolean())
  .chain(([width, ending, open]) => {
    const text = fc.string({ unit: fc.constantFrom('a', '1', ',', '"', '\n', 'é'), maxLength: 4 })
    const row = fc.array(fc.tuple(text, fc.boolean()), { minLength: width, maxLength: width })
    return fc.record({
      rows: fc.array(row, { maxLength: 12 }),
      ending: fc.constant(ending),
      open: fc.constant(open),
      width: fc.constant(width),
    })
  })

const written = ({
  rows,
  ending,
  open,
  width,
}: typeof grid extends fc.Arbitrary<infer G> ? G : never) => {
  const header = Array.from({ length: width }, (_, k) => `c${k}`).join(',')
  const lines = rows.map((row) =>
    row
      .map(([text, quoted]) =>
        quoted || /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text,
      )
      .join(','),
  )
  return [header, ...lines].join(ending) + (open ? '' : ending)
}

describe('given any input', () => {
  test('text made of everything that is special reads as csv-parse reads it', () => {
    fc.assert(
      fc.property(soup, (text) => {
        expect(ours(text)).toEqual(oracle(text, false))
      }),
      { numRuns: 3_000 },
    )
  })

  test('a table reads as it was written', () => {
    fc.assert(
      fc.property(grid, (given) => {
        const table = parseTable(Buffer.from(written(given)))
        const expected = given.rows.map((row) => row.map(([text]) => text))
        expect(rowsOf(table).slice(1)).toEqual(expected)
      }),
    )
  })

  test('bytes of any kind are read or refused, and digested', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const table = parseTable(Buffer.from(bytes))
          rowsOf(table)
          tableDigest(table)
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('after leaving out rows and setting cells, csv-parse reads what we meant', () => {
    fc.assert(
      fc.property(grid, fc.nat(), fc.string({ maxLength: 5 }), (given, seed, text) => {
        const table = parseTable(Buffer.from(written(given)))
        const kept = filterRows(table, (row) => ((row + seed) & 1) === 0)
        const set = setCells(kept, 'c1', (before, row) => (row % 3 === 0 ? text : before))
        const expected = given.rows
          .filter((_, row) => ((row + seed) & 1) === 0)
          .map((row, i) => row.map(([cellText], k) => (k === 1 && i % 3 === 0 ? text : cellText)))
        expect(oracle(tableBytes(set).toString(), false)?.slice(1)).toEqual(expected)
        expect(rowsOf(set).slice(1)).toEqual(expected)
      }),
    )
  })

  test('the digest does not see the order of rows and columns, quotes or ends of line', () => {
    const order = fc.infiniteStream(fc.nat())
    fc.assert(
      fc.property(grid, order, fc.boolean(), (given, numbers, quoted) => {
        const shuffled = given.rows
          .map((row) => ({ row, key: numbers.next().value ?? 0 }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ row }) => row.map(([text]) => [text, quoted] as [string, boolean]).toReversed())
        const lines = written({ ...given, rows: shuffled, ending: '\r\n', open: !given.open })
        const header = Array.from({ length: given.width }, (_, k) => `c${given.width - 1 - k}`)
        const other = header.join(',') + lines.slice(header.join(',').length)
        const [a, b] = [written(given), other].map((text) => parseTable(Buffer.from(text)))
        expect(b && tableDigest(b)).toBe(a && tableDigest(a))
      }),
    )
  })
})
