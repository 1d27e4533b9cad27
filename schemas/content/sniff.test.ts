import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sniff } from './sniff.ts'

const folder = new URL('../../../shared/data/', import.meta.url)
const inFolder = (name: string) =>
  readdirSync(new URL(name, folder)).filter((file) => /\.(pb|zip)$/.test(file))
const sniffed = (name: string) => sniff(readFileSync(new URL(name, folder)))

describe.skipIf(!existsSync(folder))('real files', () => {
  test('every archive is taken for a schedule', () => {
    const files = inFolder('schedule/').map((file) => `schedule/${file}`)
    expect(files.length).toBeGreaterThan(5)
    for (const file of files) expect([file, sniffed(file)]).toEqual([file, 'gtfs_schedule_zip'])
  })

  test('every capture but the one of text is taken for a realtime feed', () => {
    const files = inFolder('realtime/').map((file) => `realtime/${file}`)
    const others = files.filter((file) => sniffed(file) !== 'gtfs_rt_protobuf')
    expect(others).toEqual(['realtime/invalid.pb'])
  })

  test('an error page is nothing', () => {
    expect(sniffed('realtime/nasty/kcm-html-503.pb')).toBeNull()
    expect(sniffed('schedule/nasty/html-error-page.zip')).toBeNull()
  })
})

describe('small things', () => {
  test.each([
    ['no bytes', ''],
    ['a word', 'hello'],
    ['the start of a PDF', '%PDF-1.7'],
    ['a table', 'stop_id,stop_name\n'],
    ['an entity without a header', '\u0012\u0004\n\u0002ab'],
    ['half of the magic of a zip', 'PK'],
  ])('%s is nothing', (_, text) => {
    expect(sniff(Buffer.from(text))).toBeNull()
  })

  test('an archive is known by its first bytes, even an empty one', () => {
    expect(sniff(Buffer.from('PK\u0003\u0004'))).toBe('gtfs_schedule_zip')
    expect(sniff(Buffer.from('PK\u0005\u0006'))).toBe('gtfs_schedule_zip')
  })

  test('a feed is known by its header', () => {
    expect(sniff(Buffer.from('\n\u0005\n\u00032.0'))).toBe('gtfs_rt_protobuf')
  })
})
