/** The values of HCL that need no computing: literals, texts, lists and objects of them. */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { readHeredoc, readQuoted, skipBlank, skipSpace, wordOf } from './hcl-text.ts'
import type { Scanner } from './scanner.ts'
import { Fields, numberOf } from './source.ts'

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y
const operators = /^[-+*/%=!<>&|?.[(]/
const literals: ReadonlyMap<string, Plain> = new Map<string, Plain>([
  ['true', true],
  ['false', false],
  ['null', null],
])

/** Whether a value goes on as something to compute. */
export const isExpressionAhead = (scanner: Scanner): boolean => operators.test(scanner.next)

const readList = (scanner: Scanner, depth: number): Plain => {
  const items: Plain[] = []
  for (;;) {
    skipBlank(scanner)
    if (scanner.take(']')) return items
    items.push(readItem(scanner, depth + 1))
    skipBlank(scanner)
    if (scanner.take(']')) return items
    if (!scanner.take(',')) scanner.fail(`expected , or ] and found ${scanner.found}`)
  }
}

const readKey = (scanner: Scanner): string => {
  if (scanner.next === '"') return readQuoted(scanner)
  const key = wordOf(scanner) ?? scanner.match(number)
  return key ?? scanner.fail(`expected a key or } and found ${scanner.found}`)
}

const readObject = (scanner: Scanner, depth: number): Plain => {
  const fields = new Fields(scanner.source)
  for (;;) {
    skipBlank(scanner)
    if (scanner.take('}')) return fields.object()
    const offset = scanner.at
    const key = readKey(scanner)
    skipSpace(scanner)
    if (!scanner.take('=') && !scanner.take(':'))
      scanner.fail(`expected = after the key and found ${scanner.found}`)
    skipBlank(scanner)
    fields.put(key, readItem(scanner, depth + 1), offset)
    skipSpace(scanner)
    const { next } = scanner
    if (!scanner.take(',') && next !== '}' && next !== '\n' && next !== '\r')
      scanner.fail(`expected , or } and found ${scanner.found}`)
  }
}

const readItem = (scanner: Scanner, depth: number): Plain => {
  const value = readValue(scanner, depth)
  skipSpace(scanner)
  if (isExpressionAhead(scanner)) scanner.fail('an expression: write the value itself')
  return value
}

const readWord = (scanner: Scanner, word: string, start: number): Plain => {
  const literal = literals.get(word)
  if (literal !== undefined) return literal
  return scanner.fail(`${word} would have to be computed: write the value itself`, start)
}

export const readValue = (scanner: Scanner, depth: number): Plain => {
  const start = scanner.at
  scanner.source.count(start, depth)
  if (scanner.next === '"') return readQuoted(scanner)
  if (scanner.startsWith('<<')) return readHeredoc(scanner)
  if (scanner.take('[')) return readList(scanner, depth)
  if (scanner.take('{')) return readObject(scanner, depth)
  const digits = scanner.match(number)
  if (digits) return numberOf(scanner.source, start, digits)
  const word = wordOf(scanner)
  if (word !== null) return readWord(scanner, word, start)
  return scanner.fail(`expected a value and found ${scanner.found}`)
}
