/**
 * Files of lines with keys and values: env, ini and properties.
 *
 * Only the lines of changed keys are written anew; comments, order and everything else stay as they are.
 * A key that stands there twice counts by its last line; changing it leaves one. New keys follow the last
 * line of their section. What a syntax cannot express is an error, never a guess.
 */
import { SinkError, type SinkChanges, type Stored } from './sink.ts'

export type LineSyntax = {
  /** Lines as the syntax sees them: a value may go over several. */
  readonly split: (text: string) => string[]
  readonly read: (line: string) => readonly [name: string, value: Stored] | null
  readonly write: (name: string, value: Stored) => string
  /** Which keys it cannot hold. */
  readonly forbidden?: RegExp
  readonly sections?: boolean
}

type Line = {
  readonly text: string
  readonly section: string
  readonly key: string | null
  readonly value: Stored
}

export const readLines = (syntax: LineSyntax, text: string): Map<string, Stored> =>
  new Map(linesIn(syntax, text).flatMap(({ key, value }) => (key === null ? [] : [[key, value]])))

export const changeLines = (syntax: LineSyntax, text: string, changes: SinkChanges): string => {
  for (const key of changes.set.keys()) {
    if (syntax.forbidden?.test(key)) {
      const message = `file: this format cannot hold the key ${JSON.stringify(key)}`
      throw new SinkError(message, { retryable: false })
    }
  }
  const lines = linesIn(syntax, text)
  const lastOf = new Map(lines.map(({ key }, i) => [key, i]))
  const removed = new Set(changes.delete)
  const emptied = new Set<string>()
  const kept = lines.flatMap((line, i): Line[] => {
    if (line.key === null) return [line]
    const wanted = changes.set.get(line.key)
    if (removed.has(line.key) || (wanted !== undefined && lastOf.get(line.key) !== i)) {
      emptied.add(line.section)
      return []
    }
    if (wanted === undefined || wanted === line.value) return [line]
    return [{ ...line, text: syntax.write(placeOf(syntax, line.key)[1], wanted) }]
  })
  const added = new Map<string, string[]>()
  for (const [key, value] of changes.set) {
    if (lastOf.has(key)) continue
    const [section, name] = placeOf(syntax, key)
    const others = added.get(section)
    if (others) others.push(syntax.write(name, value))
    else added.set(section, [syntax.write(name, value)])
  }
  return textOf(withAdded(withoutEmpty(kept, emptied, added), added))
}

/** A section's name goes with its last key, if nothing else stands there. */
const withoutEmpty = (
  lines: readonly Line[],
  emptied: ReadonlySet<string>,
  added: ReadonlyMap<string, unknown>,
): readonly Line[] => {
  const inUse = new Set(
    lines
      .filter(({ key, text }) => key !== null || /^\s*[#;]/.test(text))
      .map(({ section }) => section),
  )
  return lines.filter(
    ({ section }) =>
      section === '' || !emptied.has(section) || inUse.has(section) || added.has(section),
  )
}

const withAdded = (lines: readonly Line[], added: ReadonlyMap<string, string[]>): string[] => {
  const lastIn = new Map<string, number>()
  for (const [i, { section, text }] of lines.entries()) {
    if (text.trim() !== '' || !lastIn.has(section)) lastIn.set(section, i)
  }
  const top = lastIn.has('') ? [] : (added.get('') ?? [])
  const changed = lines.flatMap(({ text, section }, i) =>
    lastIn.get(section) === i ? [text, ...(added.get(section) ?? [])] : [text],
  )
  const made = [...added].flatMap(([section, texts]) =>
    section === '' || lastIn.has(section) ? [] : [`[${section}]`, ...texts],
  )
  return [...top, ...changed, ...made]
}

const textOf = (lines: readonly string[]): string =>
  lines.length === 0 ? '' : `${lines.join('\n')}\n`

const linesIn = (syntax: LineSyntax, text: string): Line[] => {
  if (text === '') return []
  let section = ''
  return syntax.split(text.replace(/\n$/, '')).map((line) => {
    const header = syntax.sections ? /^\s*\[([^\]]*)\]\s*$/.exec(line)?.[1] : undefined
    if (header !== undefined) {
      section = header.trim()
      return { text: line, section, key: null, value: '' }
    }
    const found = syntax.read(line)
    if (!found) return { text: line, section, key: null, value: '' }
    const key = section === '' ? found[0] : `${section}.${found[0]}`
    return { text: line, section, key, value: found[1] }
  })
}

/** `a.b.c` is `c` in the section `a.b`. */
const placeOf = (syntax: LineSyntax, key: string): readonly [section: string, name: string] => {
  const dot = syntax.sections ? key.lastIndexOf('.') : -1
  return dot < 0 ? ['', key] : [key.slice(0, dot), key.slice(dot + 1)]
}
