import { fromBufferPromise } from 'yauzl'
import { describe, expect, test } from 'vitest'
import { Refusal, inspectLimits } from './kind.ts'
import type { ZipEntry } from './zip.ts'
import { expand, packEntry, readZip, writeZip } from './zip.ts'

const text = (content: string) => Buffer.from(content)
const repeated = text('stop_id,stop_name\n'.repeat(400))
const archiveOf = (files: Readonly<Record<string, string>>) =>
  writeZip(Object.entries(files).map(([name, content]) => packEntry(name, text(content))))
const small = archiveOf({ 'stops.txt': 'stop_id\n1\n', 'trips.txt': 'trip_id\n1\n' })

const refusalOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  return 'accepted'
}
const codeOf = (archive: Buffer, limits = inspectLimits) =>
  refusalOf(() => readZip(archive, limits).entries.map((entry) => expand(entry)))

const centralOf = (archive: Buffer) => archive.readUInt32LE(archive.length - 6)
const changed = (archive: Buffer, change: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(archive)
  change(copy)
  return copy
}

describe('given an archive we wrote', () => {
  test('each file comes back with its bytes, in the order of names', () => {
    const archive = archiveOf({ 'b.txt': 'two', 'a.txt': 'one', 'ü.txt': 'drei' })
    const found = readZip(archive).entries.map(({ name }) => name)
    expect(found).toEqual(['a.txt', 'b.txt', 'ü.txt'])
    expect(readZip(archive).entries.map((entry) => expand(entry).toString())).toEqual([
      'one',
      'two',
      'drei',
    ])
  })

  test('another reader finds the same names', async () => {
    const zip = await fromBufferPromise(archiveOf({ 'a.txt': 'one', 'ü/b.txt': 'two' }))
    const names: string[] = []
    for await (const entry of zip.eachEntry()) names.push(entry.fileName)
    expect(names).toEqual(['a.txt', 'ü/b.txt'])
  })

  test('the order of the entries does not show in the bytes', () => {
    const [a, b] = [packEntry('a.txt', text('one')), packEntry('b.txt', text('two'))]
    expect(writeZip([b, a]).equals(writeZip([a, b]))).toBe(true)
  })

  test('an entry that is copied keeps its compressed bytes', () => {
    const [entry] = readZip(writeZip([packEntry('a.txt', repeated)])).entries as [ZipEntry]
    const [copy] = readZip(writeZip([entry])).entries as [ZipEntry]
    expect(entry.method).toBe(8)
    expect(copy.compressed.equals(entry.compressed)).toBe(true)
    expect(expand(copy).equals(repeated)).toBe(true)
  })

  test('no name carries a date', () => {
    expect(small.readUInt32LE(10)).toBe(0x0021_0000)
  })

  test('an archive without files is an archive', () => {
    expect(readZip(writeZip([])).entries).toEqual([])
  })
})

describe('given files in folders', () => {
  test.each([
    ['one folder', ['gtfs/a.txt', 'gtfs/b.txt'], ['a.txt', 'b.txt']],
    ['a folder in a folder', ['x/y/a.txt', 'x/y/z/b.txt'], ['a.txt', 'z/b.txt']],
    ['no common folder', ['a.txt', 'x/b.txt'], ['a.txt', 'x/b.txt']],
    ['junk beside the folder', ['__MACOSX/._a.txt', 'g/.DS_Store', 'g/a.txt'], ['a.txt']],
    ['entries for folders', ['g/', 'g/a.txt'], ['a.txt']],
    ['folders that begin alike', ['ab/a.txt', 'ac/a.txt'], ['ab/a.txt', 'ac/a.txt']],
  ])('%s: the names are those of the feed', (_, names, expected) => {
    const archive = archiveOf(Object.fromEntries(names.map((name) => [name, ''])))
    expect(readZip(archive).entries.map(({ name }) => name)).toEqual(expected)
  })
})

describe('given an archive that is not whole', () => {
  test('cut anywhere, it is refused', () => {
    for (let length = 4; length < small.length; length++)
      expect(codeOf(small.subarray(0, length)), `${length} bytes`).toBe('truncated_zip')
  })

  test('with one byte changed, it is refused or still says the same', () => {
    const whole = readZip(small).entries.map((entry) => expand(entry).toString())
    for (let at = 0; at < small.length; at++)
      for (const flip of [0x01, 0x80, 0xff]) {
        const altered = changed(small, (copy) => copy.writeUInt8((copy[at] ?? 0) ^ flip, at))
        const code = codeOf(altered)
        if (code !== 'accepted') continue
        const contents = readZip(altered).entries.map((entry) => expand(entry).toString())
        expect(contents, `byte ${at}`).toEqual(whole)
      }
  })

  test('bytes behind its end are counted and ignored', () => {
    const { entries, trailingBytes } = readZip(Buffer.concat([small, text('<html></html>')]))
    expect([entries.length, trailingBytes]).toEqual([2, 13])
  })

  test('a comment that is announced but missing makes it truncated', () => {
    expect(codeOf(changed(small, (copy) => copy.writeUInt16LE(9, copy.length - 2)))).toBe(
      'truncated_zip',
    )
  })

  test('the end of an archive that lies inside this one is not its end', () => {
    const inner = { ...packEntry('inner.zip', small), method: 0, compressed: small }
    expect(codeOf(writeZip([inner]))).toBe('accepted')
  })

  test('two ends, of which readers could choose either, are unsafe', () => {
    const end = Buffer.from(small.subarray(-22))
    const start = end.readUInt32LE(16)
    const double = Buffer.concat([small, end])
    double.writeUInt32LE(double.length - 22 - start, double.length - 22 + 12)
    expect(codeOf(double)).toBe('unsafe_zip')
  })
})

describe('given an archive that means harm', () => {
  test.each(['../up.txt', 'a/../../up.txt', '/etc/passwd', '..\\win.txt', 'C:/x.txt', 'a\0.txt'])(
    'the name %j is unsafe',
    (name) => expect(codeOf(archiveOf({ [name]: 'x', 'a.txt': 'y' }))).toBe('unsafe_zip'),
  )

  test('two entries with one name are unsafe', () => {
    const twice = writeZip([packEntry('a.txt', text('1')), packEntry('a.txt', text('2'))])
    expect(codeOf(twice)).toBe('unsafe_zip')
  })

  test('an encrypted entry is unsafe', () => {
    const at = centralOf(small) + 8
    expect(codeOf(changed(small, (copy) => copy.writeUInt16LE(0x801, at)))).toBe('unsafe_zip')
  })

  test('more bytes than allowed are a bomb, judged by what the directory says', () => {
    const limits = { ...inspectLimits, expandedBytesMax: repeated.length - 1 }
    const archive = writeZip([packEntry('a.txt', repeated)])
    expect(refusalOf(() => readZip(archive, limits))).toBe('zip_bomb')
    expect(codeOf(archive)).toBe('accepted')
  })

  test('an entry that expands beyond its word is a bomb', () => {
    const [entry] = readZip(writeZip([packEntry('a.txt', repeated)])).entries as [ZipEntry]
    const liar = writeZip([{ ...entry, size: 100 }])
    expect(codeOf(liar)).toBe('zip_bomb')
  })

  test('an entry that expands to less than its word is malformed', () => {
    const [entry] = readZip(writeZip([packEntry('a.txt', repeated)])).entries as [ZipEntry]
    expect(codeOf(writeZip([{ ...entry, size: entry.size + 1 }]))).toBe('malformed_zip')
  })

  test('a claim no text can keep is a bomb before anything is inflated', () => {
    const [entry] = readZip(writeZip([packEntry('a.txt', repeated)])).entries as [ZipEntry]
    const liar = writeZip([{ ...entry, size: 2 ** 30 }])
    expect(refusalOf(() => readZip(liar))).toBe('zip_bomb')
  })

  test('more entries than allowed are a bomb', () => {
    expect(codeOf(small, { ...inspectLimits, entriesMax: 1 })).toBe('zip_bomb')
  })

  test('an entry inside the bytes of another is a bomb', () => {
    const inner = writeZip([packEntry('b', text('x'))])
    const content = inner.subarray(0, centralOf(inner))
    const outer = writeZip([{ ...packEntry('a', content), method: 0, compressed: content }])
    const start = centralOf(outer)
    const record = Buffer.from(inner.subarray(centralOf(inner), inner.length - 22))
    record.writeUInt32LE(31, 42)
    const quoted = Buffer.concat([outer.subarray(0, -22), record, outer.subarray(-22)])
    quoted.writeUInt16LE(2, quoted.length - 12)
    quoted.writeUInt32LE(quoted.length - 22 - start, quoted.length - 10)
    expect(codeOf(outer)).toBe('accepted')
    expect(codeOf(quoted)).toBe('zip_bomb')
  })

  test('a wrong checksum is malformed', () => {
    const entry = packEntry('a.txt', repeated)
    expect(codeOf(writeZip([{ ...entry, crc: (entry.crc ^ 1) >>> 0 }]))).toBe('malformed_zip')
  })

  test('headers that disagree are malformed', () => {
    expect(codeOf(changed(small, (copy) => copy.writeUInt32LE(7, 22)))).toBe('malformed_zip')
    expect(codeOf(changed(small, (copy) => copy.write('x', 30)))).toBe('malformed_zip')
  })
})
