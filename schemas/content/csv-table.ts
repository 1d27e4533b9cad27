import { tableBytes } from './csv-edit.ts'
import { parseTable } from './csv.ts'
import type { Table } from './csv.ts'
import { compareTables } from './difference/tables.ts'
import { Refusal } from './kind.ts'
import type { ContentKind } from './kind.ts'
import { bufferOf } from './protobuf.ts'
import { tableDigest } from './table-digest.ts'
import { textRefusal } from './text.ts'

/**
 * A single CSV file with a header line: a list of stops to hide, a table of vehicle numbers. The
 * content digest does not see the order of rows and columns, quoting or line endings.
 *
 * A header line alone is a good table. Nearly every text can be read as CSV, so the two things that
 * a server sends by mistake, a page and a JSON document, are refused by name, and bytes with a NUL
 * among them are no text at all.
 */

const expected = 'a CSV table with a header line'
const sampleBytesMax = 1_024

const malformed = (found: string) =>
  new Refusal('malformed_csv', `expected ${expected}, found ${found}`)

const read = (bytes: Uint8Array): Table => {
  if (bytes.subarray(0, sampleBytesMax).includes(0)) throw malformed('binary data')
  const table = parseTable(bufferOf(bytes))
  if (table.columns.length === 0) throw malformed('no header line')
  return table
}

export const csvTable: ContentKind<Table> = {
  name: 'csv_table',

  inspect(bytes) {
    if (bytes.length === 0) throw new Refusal('empty_body', `expected ${expected}, found no bytes`)
    const refusal = textRefusal(bytes, expected)
    if (refusal?.code === 'html_page' || refusal?.code === 'json_document') throw refusal
    const table = read(bytes)
    const facts = { columns: table.columns.length, rows: table.rowCount }
    return { contentDigest: tableDigest(table), rows: table.rowCount, facts }
  },

  parse: read,

  encode: (table) => [{ name: 'table.csv', mediaType: 'text/csv', bytes: tableBytes(table) }],

  rows: (table) => table.rowCount,

  compare: (before, after) => [compareTables('table.csv', before, after) ?? []].flat(),
}
