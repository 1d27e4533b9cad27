/**
 * HCL as far as it is data: attributes, blocks, lists, objects, heredocs, literals. A block is an object
 * under its type and labels, a list of objects where the same ones come again. What would have to be
 * computed (a variable, a call, an operator, ${…}) is an error that says so.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { isExpressionAhead, readValue } from './hcl-values.ts'
import { readQuoted, skipBlank, skipSpace, wordOf } from './hcl-text.ts'
import { Scanner } from './scanner.ts'
import { Fields, told, type Source } from './source.ts'

type Attribute = { readonly kind: 'attribute'; readonly value: Plain; readonly offset: number }
type Blocks = { readonly kind: 'blocks'; readonly bodies: Plain[]; readonly offset: number }
type Labels = { readonly kind: 'labels'; readonly held: Held; readonly offset: number }
type Held = Map<string, Attribute | Blocks | Labels>

const isNewline = (character: string): boolean => character === '\n' || character === '\r'

const objectOf = (source: Source, held: Held): Plain => {
  const fields = new Fields(source)
  for (const [key, one] of held) {
    if (one.kind === 'attribute') fields.put(key, one.value, one.offset)
    else if (one.kind === 'labels') fields.put(key, objectOf(source, one.held), one.offset)
    else fields.put(key, one.bodies.length === 1 ? one.bodies[0]! : one.bodies, one.offset)
  }
  return fields.object()
}

/** Puts a block under its type and labels. */
const place = (source: Source, held: Held, path: readonly string[], body: Plain, at: number) => {
  let here = held
  for (const [index, key] of path.entries()) {
    const isLast = index === path.length - 1
    const known = here.get(key)
    const kind = isLast ? 'blocks' : 'labels'
    if (known && known.kind !== kind)
      source.fail(at, `${told(key)} is there as something else already: rename one of them`)
    if (known?.kind === 'blocks') known.bodies.push(body)
    else if (isLast) here.set(key, { kind: 'blocks', bodies: [body], offset: at })
    else {
      const next = known?.kind === 'labels' ? known.held : (new Map() as Held)
      here.set(key, { kind: 'labels', held: next, offset: at })
      here = next
    }
  }
}

const readAttribute = (scanner: Scanner, depth: number): Plain => {
  skipSpace(scanner)
  const value = readValue(scanner, depth)
  skipSpace(scanner)
  if (isExpressionAhead(scanner)) scanner.fail('an expression: write the value itself')
  return value
}

const readBlock = (scanner: Scanner, type: string, depth: number) => {
  const path = [type]
  for (;;) {
    skipSpace(scanner)
    if (scanner.take('{')) return { path, body: readBody(scanner, depth + path.length, true) }
    const label = scanner.next === '"' ? readQuoted(scanner) : wordOf(scanner)
    if (label === null)
      scanner.fail(`expected =, { or a label after ${told(type)} and found ${scanner.found}`)
    path.push(label)
  }
}

const readBody = (scanner: Scanner, depth: number, isBlock: boolean): Plain => {
  const { source } = scanner
  const held: Held = new Map()
  for (;;) {
    skipBlank(scanner)
    if (isBlock && scanner.take('}')) return objectOf(source, held)
    if (scanner.isEnd && !isBlock) return objectOf(source, held)
    const offset = scanner.at
    source.count(offset, depth)
    const name = wordOf(scanner)
    if (name === null)
      scanner.fail(`expected a name${isBlock ? ' or }' : ''} and found ${scanner.found}`)
    skipSpace(scanner)
    if (scanner.next === '=' && !scanner.startsWith('==')) {
      scanner.at++
      if (held.has(name)) source.fail(offset, `${told(name)} is there already: keep one of them`)
      held.set(name, { kind: 'attribute', value: readAttribute(scanner, depth + 1), offset })
    } else {
      const { path, body } = readBlock(scanner, name, depth)
      place(source, held, path, body, offset)
    }
    skipSpace(scanner)
    const isOver = scanner.isEnd || isNewline(scanner.next) || (isBlock && scanner.next === '}')
    if (!isOver) scanner.fail(`expected the end of the line and found ${scanner.found}`)
  }
}

export const parse = (source: Source): Plain => readBody(new Scanner(source), 0, false)
