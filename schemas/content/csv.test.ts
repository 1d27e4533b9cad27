import { describe, expect, test } from 'vitest'
import { appendColumn, appendRows, filterRows, setCells, tableBytes } from './csv-edit.ts'
import { cell, columnReader, createTable, parseTable, rowRecord, rowTexts } from './csv.ts'
import type { Table } from './csv.ts'
import { Refusal } from './kind.ts'
import { tableDigest } from './table-digest.ts'

const tableOf = (text: string) => parseTable(Buffer.from(text))
const textOf = (table: Table) => tableBytes(table).toString()
const recordsOf = (table: Table) =>
  Array.from({ length: table.rowCount }, (_, row) => rowRecord(table, row))

/** After an edit, what the offsets say must be what a new reading of the bytes says. */
const expectConsistent = (table: Table) =>
  expect(recordsOf(table)).toEqual(recordsOf(parseTable(tableBytes(table))))

const stops = tableOf('id,name,zone\r\n1,"Pike, 3rd",a\r\n2,Pine\r\n3,"Say ""Ah""",c,extra\r\n')

describe('given a table', () => {
  test('cells are read without quotes and escapes; a short row is empty at its end', () => {
    expect(recordsOf(stops)).toEqual([
      { id: '1', name: 'Pike, 3rd', zone: 'a' },
      { id: '2', name: 'Pine', zone: '' },
      { id: '3', name: 'Say "Ah"', zone: 'c' },
    ])
    expect(rowTexts(stops, 2)).toEqual(['3', 'Say "Ah"', 'c', 'extra'])
    expect(cell(stops, 1, 'zone')).toBe('')
    expect(cell(stops, 0, 'unheard_of')).toBe('')
  })

  test('a column reader says the same as reading cell by cell', () => {
    const many = tableOf(
      `id,v\n${Array.from({ length: 30_000 }, (_, i) => `${i},"${i % 90}"`).join('\n')}`,
    )
    for (const column of many.columns) {
      const read = columnReader(many, column)
      for (let row = 0; row < many.rowCount; row++)
        if (read(row) !== cell(many, row, column)) expect(read(row)).toBe(cell(many, row, column))
    }
  })

  test('a quote that is never closed is refused', () => {
    expect(() => tableOf('a,b\n1,"2\n3,4\n')).toThrow(Refusal)
  })

  test.each(['', '\ufeff', '\n\n', ' \r\n'])('the file %j has neither columns nor rows', (file) => {
    expect([tableOf(file).columns, tableOf(file).rowCount]).toEqual([[], 0])
  })
})

describe('given an edit', () => {
  test('rows that stay keep their bytes, ends of line included', () => {
    expect(textOf(filterRows(stops, (row) => row !== 1))).toBe(
      'id,name,zone\r\n1,"Pike, 3rd",a\r\n3,"Say ""Ah""",c,extra\r\n',
    )
  })

  test('setting a cell changes that cell alone and completes a short row', () => {
    const set = setCells(stops, 'zone', (text) => (text === 'c' ? 'x,y' : text || 'new'))
    expect(textOf(set)).toBe(
      'id,name,zone\r\n1,"Pike, 3rd",a\r\n2,Pine,new\r\n3,"Say ""Ah""","x,y",extra\r\n',
    )
    expectConsistent(set)
  })

  test('an edit that changes nothing gives the same table', () => {
    expect(setCells(stops, 'name', (text) => text)).toBe(stops)
    expect(filterRows(stops, () => true)).toBe(stops)
    expect(appendRows(stops, [])).toBe(stops)
  })

  test('a new column stands behind the header and before cells that had none', () => {
    const wider = appendColumn(stops, 'url', (row) => `u${row}`)
    expect(textOf(wider)).toBe(
      'id,name,zone,url\r\n1,"Pike, 3rd",a,u0\r\n2,Pine,,u1\r\n3,"Say ""Ah""",c,u2,extra\r\n',
    )
  })

  test('new rows use the ends of line of the file, also behind a last line without one', () => {
    const open = tableOf('id,name\r\n1,a')
    expect(textOf(appendRows(open, [{ name: 'b"c' }]))).toBe('id,name\r\n1,a\r\n,"b""c"\r\n')
  })

  test('edits add up', () => {
    const kept = filterRows(stops, (row) => row > 0)
    const set = setCells(kept, 'id', (text) => `${text}0`)
    const again = filterRows(set, (row) => row === 1)
    expect(textOf(again)).toBe('id,name,zone\r\n30,"Say ""Ah""",c,extra\r\n')
    expectConsistent(set)
    expectConsistent(again)
  })

  test('an empty cell of an only column is still a row', () => {
    const only = setCells(tableOf('a\n1\n'), 'a', () => '')
    expect([textOf(only), only.rowCount]).toEqual(['a\n""\n', 1])
    expectConsistent(only)
  })

  test('a table can be made from nothing', () => {
    const made = appendRows(createTable(['a', 'b']), [{ b: ' padded ' }])
    expect(textOf(made)).toBe('a,b\n," padded "\n')
    expect(cell(made, 0, 'b')).toBe(' padded ')
  })

  test('columns that are not there, and columns that are, are mistakes of the caller', () => {
    expect(() => setCells(stops, 'nope', () => '')).toThrow('no column nope')
    expect(() => appendRows(stops, [{ nope: '' }])).toThrow('no column nope')
    expect(() => appendColumn(stops, 'id', () => '')).toThrow('already has a column id')
  })
})

describe('given the digest of a table', () => {
  const base = 'id,name,zone\n1,a,x\n2,b,\n'
  test.each([
    ['rows in another order', 'id,name,zone\n2,b,\n1,a,x\n'],
    ['columns in another order', 'zone,id,name\nx,1,a\n,2,b\n'],
    ['quotes', 'id,"name",zone\n"1",a,"x"\n2,"b",""\n'],
    ['a BOM', `\ufeff${base}`],
    ['other ends of line', base.replaceAll('\n', '\r\n')],
    ['no end of line at the end', base.trimEnd()],
    ['a row without its empty last cell', 'id,name,zone\n1,a,x\n2,b\n'],
    ['empty cells beyond the header', 'id,name,zone\n1,a,x,,\n2,b,\n'],
    ['blank lines', 'id,name,zone\n\n1,a,x\n\n2,b,\n\n'],
  ])('%s do not count', (_, other) => {
    expect(tableDigest(tableOf(other))).toBe(tableDigest(tableOf(base)))
  })

  test.each([
    ['another text', 'id,name,zone\n1,a,y\n2,b,\n'],
    ['texts that change places', 'id,name,zone\na,1,x\n2,b,\n'],
    ['texts that change rows', 'id,name,zone\n1,b,x\n2,a,\n'],
    ['a row more', `${base}2,b,\n`],
    ['an empty row more', `${base},,\n`],
    ['a row twice and another gone', 'id,name,zone\n1,a,x\n1,a,x\n'],
    ['a column more', 'id,name,zone,more\n1,a,x,\n2,b,,\n'],
    ['a column with another name', 'id,name,area\n1,a,x\n2,b,\n'],
    ['a text beyond the header', 'id,name,zone\n1,a,x,y\n2,b,\n'],
    ['a space', 'id,name,zone\n1,a ,x\n2,b,\n'],
    ['a border between cells', 'id,name,zone\n1a,,x\n2,b,\n'],
  ])('%s counts', (_, other) => {
    expect(tableDigest(tableOf(other))).not.toBe(tableDigest(tableOf(base)))
  })

  test('very long cells count to their last byte', () => {
    const long = (end: string) => tableOf(`a\n${'x'.repeat(70_000)}${end}\n`)
    expect(tableDigest(long('y'))).not.toBe(tableDigest(long('z')))
  })

  test('it is the one that earlier versions were named by', () => {
    expect(tableDigest(tableOf(base))).toMatchInlineSnapshot(
      `"e6f54da9efe988d58dfceb20b552b506b3c0342ba397ef37d91e60555b7edcb0"`,
    )
  })
})
