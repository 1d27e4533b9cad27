/**
 * INI: `[section]` and `key = value` (or `key: value`), comments on lines of their own with ; or #. A
 * section is an object, its name one key; a section that comes again goes on. Quotes around a whole
 * value fall away and everything is text.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Fields, told, type Source } from './source.ts'

const line = /[^\r\n]*(?:\r\n|\r|\n|$)/y
const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/s
const quoted = /^(["'])(.*)\1$/s

type Section = { readonly name: string; readonly offset: number; readonly fields: Fields }

class Reader {
  readonly #source: Source
  readonly #top: Fields
  readonly #sections = new Map<string, Section>()
  #current: Fields

  constructor(source: Source) {
    this.#source = source
    this.#top = new Fields(source)
    this.#current = this.#top
  }

  read(text: string, offset: number): void {
    if (text === '' || text.startsWith(';') || text.startsWith('#')) return
    if (text.startsWith('[')) return this.#enter(text, offset)
    const found = pair.exec(text)
    if (!found) return this.#source.fail(offset, 'expected [section] or key = value')
    const [, key, value] = found
    this.#source.count(offset, 1)
    this.#current.put(key!, quoted.exec(value!)?.[2] ?? value!, offset)
  }

  object(): Plain {
    for (const { name, offset, fields } of this.#sections.values())
      this.#top.put(name, fields.object(), offset)
    return this.#top.object()
  }

  #enter(text: string, offset: number): void {
    const name = text.slice(1, -1).trim()
    if (!text.endsWith(']') || name === '')
      this.#source.fail(offset, 'expected [section] with a name and a closing ]')
    if (this.#top.get(name) !== undefined)
      this.#source.fail(offset, `${told(name)} is a key already: rename the section`)
    const known = this.#sections.get(name) ?? { name, offset, fields: new Fields(this.#source) }
    if (!this.#sections.has(name)) this.#source.count(offset, 1)
    this.#sections.set(name, known)
    this.#current = known.fields
  }
}

export const parse = (source: Source): Plain => {
  const reader = new Reader(source)
  const { text } = source
  for (let at = 0; at < text.length; at = line.lastIndex) {
    line.lastIndex = at
    const whole = line.exec(text)![0]
    reader.read(whole.trim(), at + (whole.length - whole.trimStart().length))
    line.lastIndex = at + whole.length
  }
  return reader.object()
}
