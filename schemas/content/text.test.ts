import { describe, expect, test } from 'vitest'
import { textRefusal } from './text.ts'

const found = (given: string | Uint8Array) => textRefusal(Buffer.from(given))?.code ?? null
const base64 = (given: string) => Buffer.from(given, 'latin1').toString('base64')

describe('what is no text', () => {
  test.each([
    ['nothing', ''],
    ['a zip', 'PK\u0003\u0004\u0014\u0000'],
    ['an empty zip', `PK\u0005\u0006${'\u0000'.repeat(18)}`],
    ['gzip', Uint8Array.from([0x1f, 0x8b, 8, 0])],
    ['the header of a realtime feed', '\n\u0005\n\u00032.0'],
    ['bytes without control characters that are not UTF-8', Uint8Array.from([255, 255, 255, 255])],
  ])('%s is not', (_, given) => {
    expect(found(given)).toBeNull()
  })
})

describe('what is text', () => {
  test.each([
    ['<!DOCTYPE html>\n<title>Maintenance</title>', 'html_page'],
    ['\ufeff  <HTML lang="en">', 'html_page'],
    ['<html><body><h1>503 Service Unavailable</h1></body></html>', 'html_page'],
    ['<!-- cached -->\n<html>', 'html_page'],
    ['<?xml version="1.0"?><!DOCTYPE html PUBLIC "x">', 'html_page'],
    ['<h1>Not Found</h1>', 'html_page'],
    ['{"header":{"gtfs_realtime_version":"2.0"}}', 'json_document'],
    [' [ {"a":1} ]', 'json_document'],
    ['{}', 'json_document'],
    ['[]', 'json_document'],
    [base64('PK\u0003\u0004\u0014\u0000\u0000\u0000'), 'base64_text'],
    [base64('\n\u0005\n\u00032.0'), 'base64_text'],
    [base64('\u00ff\u00d8 an image '.repeat(9)), 'base64_text'],
    ['not valid pb data', 'text_document'],
    ['Unauthorized', 'text_document'],
    ['<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', 'text_document'],
    ['Accès refusé', 'text_document'],
    ['stop_id,stop_name\n1,A\n', 'text_document'],
    ['\n\n', 'text_document'],
  ])('%j is %s', (given, code) => {
    expect(found(given)).toBe(code)
  })

  test('a page in Latin-1 is a page', () => {
    expect(found(Buffer.from('<html><p>Accès refusé</p>', 'latin1'))).toBe('html_page')
  })

  test('a character cut in half at the end of the sample does not make text binary', () => {
    expect(found(`${'x '.repeat(511)}x駅駅`)).toBe('text_document')
  })

  test('a million comments before a page end within the time of a test', () => {
    expect(found(`${'<!---->'.repeat(1_000_000)}x`)).toBe('text_document')
  })

  test('the message says what was expected and how the text begins', () => {
    const refusal = textRefusal(Buffer.from('Rate limit\nexceeded, slow down'), 'a zip archive')
    expect(refusal?.message).toBe(
      'expected a zip archive, found text that begins with: Rate limit exceeded, slow down',
    )
    expect(textRefusal(Buffer.from('word '.repeat(1_000)))?.message.length).toBeLessThan(150)
  })
})
