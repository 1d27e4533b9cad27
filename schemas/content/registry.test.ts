import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { csvTable } from './csv-table.ts'
import { contentKinds, Refusal } from './kind.ts'
import { opaqueBytes } from './opaque.ts'
import { contentKindOf } from './registry.ts'

const refusalOf = (inspect: () => unknown) => {
  try {
    inspect()
  } catch (error) {
    if (error instanceof Refusal) return error.code
  }
  return null
}

describe('the registry', () => {
  test.each([...contentKinds])('%s is registered under its own name', (name) => {
    expect(contentKindOf[name].name).toBe(name)
  })

  test.each([...contentKinds])('%s refuses an empty body', (name) => {
    expect(refusalOf(() => contentKindOf[name].inspect(new Uint8Array()))).toBe('empty_body')
  })
})

describe('opaque bytes', () => {
  const bytes = Buffer.from([0, 1, 2, 255])

  test('the content digest is that of the bytes', () => {
    const contentDigest = createHash('sha256').update(bytes).digest('hex')
    expect(opaqueBytes.inspect(bytes)).toEqual({ contentDigest, rows: 0, facts: { bytes: 4 } })
  })

  test('they leave as they came', () => {
    const [rendition, ...others] = opaqueBytes.encode(opaqueBytes.parse(bytes))
    expect(others).toEqual([])
    expect(rendition).toMatchObject({ mediaType: 'application/octet-stream', bytes })
    expect(opaqueBytes.rows(bytes)).toBe(0)
  })

  test('text and pages are none of their business', () => {
    expect(refusalOf(() => opaqueBytes.inspect(Buffer.from('<html>')))).toBeNull()
  })
})

describe('a csv table', () => {
  const digest = (text: string) => csvTable.inspect(Buffer.from(text)).contentDigest

  test('its rows are counted without the header', () => {
    const inspection = csvTable.inspect(Buffer.from('id,name\r\n1,A\r\n2,"B, C"\r\n'))
    expect(inspection).toMatchObject({ rows: 2, facts: { columns: 2, rows: 2 } })
    expect(csvTable.rows(csvTable.parse(Buffer.from('id\n1\n')))).toBe(1)
  })

  test('how it is written does not matter, what it says does', () => {
    const before = digest('id,name\n1,A\n2,B\n')
    expect(digest('\ufeffname,id\r\n"B",2\r\nA,1')).toBe(before)
    expect(digest('id,name\n1,A\n2,C\n')).not.toBe(before)
  })

  test('it leaves as it came', () => {
    const bytes = Buffer.from('id,name\r\n1,"A"\r\n')
    const [rendition] = csvTable.encode(csvTable.parse(bytes))
    expect(rendition).toEqual({ name: 'table.csv', mediaType: 'text/csv', bytes })
  })

  test.each([
    ['a page', '<html><body>503</body></html>', 'html_page'],
    ['a JSON document', '{"rows":[]}', 'json_document'],
    ['an archive', 'PK\u0003\u0004\u0000\u0000', 'malformed_csv'],
    ['a byte order mark and nothing else', '\ufeff', 'malformed_csv'],
    ['an open quote', 'id,name\n1,"A\n', 'malformed_csv'],
  ])('%s is refused', (_, text, code) => {
    expect(refusalOf(() => csvTable.inspect(Buffer.from(text)))).toBe(code)
  })

  test.each(['id', 'id,name\n', 'abcdefgh'])('%j is a table without rows', (text) => {
    expect(csvTable.inspect(Buffer.from(text)).rows).toBe(0)
  })
})
