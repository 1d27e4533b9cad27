/**
 * `.env` files: `KEY=value`, with `export` before it if you like. 'single' quotes keep what is between
 * them, "double" ones know \n \r \t \" \\ and \$ and may go over lines, bare values end at ` #`. Nothing
 * is expanded and everything is text.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Scanner } from './scanner.ts'
import { Fields, type Source } from './source.ts'

const blank = /(?:[ \t\r\n]+|#[^\r\n]*)*/y
const space = /[ \t]*/y
const name = /[A-Za-z_][A-Za-z0-9_.-]*/y
const bare = /[^\r\n]*/y
const rest = /[ \t]*(?:#[^\r\n]*)?(?=\r|\n|$)/y
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$',
}

const readQuoted = (scanner: Scanner, quote: string): string => {
  const start = scanner.at
  scanner.at++
  const { text } = scanner.source
  let value = ''
  while (!scanner.isEnd) {
    const { next } = scanner
    scanner.at++
    if (next === quote) return value
    if (next !== '\\' || quote === "'") value += next
    else value += escapes[text.charAt(scanner.at)] ?? `\\${text.charAt(scanner.at)}`
    if (next === '\\' && quote === '"') scanner.at++
  }
  return scanner.fail(`a value that never ends: close it with ${quote}`, start)
}

const readValue = (scanner: Scanner): string => {
  scanner.match(space)
  const { next } = scanner
  if (next !== '"' && next !== "'") {
    const value = scanner.match(bare)!
    return (value.startsWith('#') ? '' : value.replace(/[ \t]+#.*$/s, '')).trim()
  }
  const value = readQuoted(scanner, next)
  if (scanner.match(rest) === null)
    scanner.fail(`expected the end of the line after the closing quote and found ${scanner.found}`)
  return value
}

export const parse = (source: Source): Plain => {
  const scanner = new Scanner(source)
  const fields = new Fields(source)
  scanner.match(blank)
  while (!scanner.isEnd) {
    scanner.match(/export[ \t]+/y)
    const start = scanner.at
    const key = scanner.match(name) ?? scanner.fail(`expected KEY=value and found ${scanner.found}`)
    scanner.match(space)
    if (!scanner.take('=')) scanner.fail(`expected = after the key and found ${scanner.found}`)
    source.count(start, 1)
    fields.put(key, readValue(scanner), start)
    scanner.match(blank)
  }
  return fields.object()
}
