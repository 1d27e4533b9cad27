/**
 * Java's `.properties`: `key = value`, `key: value` or `key value`, lines that go on after \, escapes
 * (\uXXXX too), comments with # or !. Keys keep their dots and everything is text.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Scanner } from './scanner.ts'
import { Fields, type Source } from './source.ts'

const blank = /(?:[ \t\f\r\n]+|[#!][^\r\n]*)*/y
const separator = /[ \t\f]*(?:[=:][ \t\f]*)?/y
const hex = /[0-9a-fA-F]{4}/y
const continuation = /(?:\r\n|\r|\n)[ \t\f]*/y
const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

const readEscape = (scanner: Scanner): string => {
  if (scanner.match(continuation) !== null) return ''
  const { next } = scanner
  scanner.at++
  if (next !== 'u') return escapes[next] ?? next
  const code = scanner.match(hex)
  if (!code) scanner.fail('\\u is followed by four hexadecimal digits')
  return String.fromCharCode(Number.parseInt(code, 16))
}

/** Text up to one of these characters or the end of the line. */
const readUntil = (scanner: Scanner, ends: string): string => {
  let text = ''
  while (!scanner.isEnd && !ends.includes(scanner.next)) {
    const { next } = scanner
    scanner.at++
    text += next === '\\' ? readEscape(scanner) : next
  }
  return text
}

export const parse = (source: Source): Plain => {
  const scanner = new Scanner(source)
  const fields = new Fields(source)
  scanner.match(blank)
  while (!scanner.isEnd) {
    const start = scanner.at
    const key = readUntil(scanner, '=: \t\f\r\n')
    if (!key) scanner.fail(`expected a key and found ${scanner.found}`)
    scanner.match(separator)
    source.count(start, 1)
    fields.put(key, readUntil(scanner, '\r\n'), start)
    scanner.match(blank)
  }
  return fields.object()
}
