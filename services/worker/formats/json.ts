/**
 * JSON as RFC 8259 says it, read by our own parser: `JSON.parse` takes a key that is there twice,
 * rounds big integers without a word and does not say where it failed.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Scanner } from './scanner.ts'
import { Fields, numberOf, type Source } from './source.ts'

const space = /[ \t\r\n]*/y
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
// oxlint-disable-next-line no-control-regex
const plainCharacters = /[^"\\\u0000-\u001f]*/y
const hex = /[0-9a-fA-F]{4}/y
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** The text between two quotes. */
const readText = (scanner: Scanner): string => {
  const start = scanner.at
  if (!scanner.take('"')) scanner.fail(`expected " and found ${scanner.found}`)
  let text = ''
  for (;;) {
    text += scanner.match(plainCharacters)!
    if (scanner.take('"')) return text
    if (!scanner.take('\\')) {
      if (scanner.isEnd) scanner.fail('a text that never ends: close it with "', start)
      scanner.fail('a control character in a text: write it as an escape, such as \\n')
    }
    text += readEscape(scanner)
  }
}

const readEscape = (scanner: Scanner): string => {
  const { next } = scanner
  if (scanner.take('u')) {
    const code = scanner.match(hex)
    if (!code) scanner.fail('\\u is followed by four hexadecimal digits')
    return String.fromCharCode(Number.parseInt(code, 16))
  }
  const character = escapes[next]
  if (character === undefined) scanner.fail('an escape that JSON does not have: write \\\\ for \\')
  scanner.at++
  return character
}

const readObject = (scanner: Scanner, depth: number): Plain => {
  const fields = new Fields(scanner.source)
  scanner.match(space)
  if (scanner.take('}')) return fields.object()
  for (;;) {
    scanner.match(space)
    const start = scanner.at
    if (scanner.next !== '"')
      scanner.fail(`expected a key in double quotes and found ${scanner.found}`)
    const key = readText(scanner)
    scanner.match(space)
    if (!scanner.take(':')) scanner.fail(`expected : after the key and found ${scanner.found}`)
    fields.put(key, readValue(scanner, depth + 1), start)
    if (scanner.take('}')) return fields.object()
    if (!scanner.take(',')) scanner.fail(`expected , or } and found ${scanner.found}`)
  }
}

const readList = (scanner: Scanner, depth: number): Plain => {
  const items: Plain[] = []
  scanner.match(space)
  if (scanner.take(']')) return items
  for (;;) {
    items.push(readValue(scanner, depth + 1))
    if (scanner.take(']')) return items
    if (!scanner.take(',')) scanner.fail(`expected , or ] and found ${scanner.found}`)
  }
}

const readBare = (scanner: Scanner): Plain => {
  if (scanner.take('true')) return true
  if (scanner.take('false')) return false
  if (scanner.take('null')) return null
  const start = scanner.at
  const digits = scanner.match(number)
  if (digits) return numberOf(scanner.source, start, digits)
  return scanner.fail(`expected a value and found ${scanner.found}`)
}

const readValue = (scanner: Scanner, depth: number): Plain => {
  scanner.match(space)
  scanner.source.count(scanner.at, depth)
  let value: Plain
  if (scanner.take('{')) value = readObject(scanner, depth)
  else if (scanner.take('[')) value = readList(scanner, depth)
  else value = scanner.next === '"' ? readText(scanner) : readBare(scanner)
  scanner.match(space)
  return value
}

export const parse = (source: Source): Plain => {
  const scanner = new Scanner(source)
  const value = readValue(scanner, 0)
  if (!scanner.isEnd) scanner.fail(`expected the end of the file and found ${scanner.found}`)
  return value
}
