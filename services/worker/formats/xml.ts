/**
 * XML without a DOCTYPE, so there are no entities but the five of the language: nothing is fetched and
 * nothing multiplies. An element is an object of its attributes (`@name`), its elements (a list where a
 * name repeats) and its text (`#text`); one with text alone is that text. Everything is text here.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { SaxesParser, type SaxesTag } from 'saxes'
import { Fields, FormatError, type Source } from './source.ts'

type Element = {
  readonly name: string
  readonly offset: number
  readonly fields: Fields
  readonly repeated: Map<string, Plain[]>
  hasFields: boolean
  text: string
}

const valueOf = ({ fields, repeated, hasFields, text, offset }: Element): Plain => {
  const said = text.trim()
  if (!hasFields) return said
  for (const [name, items] of repeated)
    fields.put(name, items.length === 1 ? items[0]! : items, offset)
  if (said) fields.put('#text', said, offset)
  return fields.object()
}

class Reader {
  readonly #source: Source
  readonly #parser = new SaxesParser({ position: true })
  readonly #open: Element[] = []
  #result: Plain = null

  constructor(source: Source) {
    this.#source = source
    const said = (text: string) => {
      const current = this.#open.at(-1)
      if (current) current.text += text
    }
    this.#parser.on('error', ({ message }) => this.#fail(message.replace(/^[^:]*:\d+:\d+: /, '')))
    this.#parser.on('doctype', () => this.#fail('a DOCTYPE is not taken: remove it'))
    this.#parser.on('opentag', (tag) => this.#begin(tag))
    this.#parser.on('closetag', () => this.#end())
    this.#parser.on('text', said)
    this.#parser.on('cdata', said)
  }

  read(): Plain {
    this.#parser.write(this.#source.text).close()
    return this.#result
  }

  #begin({ name, attributes }: SaxesTag): void {
    const offset = this.#parser.position
    this.#source.count(offset, this.#open.length)
    const fields = new Fields(this.#source)
    const entries = Object.entries(attributes)
    for (const [key, value] of entries) fields.put(`@${key}`, value as string, offset)
    const hasFields = entries.length > 0
    this.#open.push({ name, offset, fields, repeated: new Map(), hasFields, text: '' })
  }

  #end(): void {
    const element = this.#open.pop()!
    const parent = this.#open.at(-1)
    const value = valueOf(element)
    if (!parent) {
      const root = new Fields(this.#source)
      root.put(element.name, value, element.offset)
      this.#result = root.object()
      return
    }
    parent.hasFields = true
    const others = parent.repeated.get(element.name)
    if (others) others.push(value)
    else parent.repeated.set(element.name, [value])
  }

  #fail(problem: string): never {
    const { line, column } = this.#parser
    throw new FormatError(this.#source.file, line, column + 1, problem)
  }
}

export const parse = (source: Source): Plain => new Reader(source).read()
