/** TOML 1.0. Moments become the text that says them: configuration has no type for them. */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { parse as parseToml, TomlDate, TomlError } from 'smol-toml'
import { depthMax, Fields, FormatError, type Source } from './source.ts'

/** Where a key is written, as near as its name tells. */
const offsetOf = (source: Source, key: string): number => Math.max(0, source.text.indexOf(key))

const plainOf = (source: Source, value: unknown, depth: number, key: string): Plain => {
  source.count(offsetOf(source, key), depth)
  if (value instanceof TomlDate) return value.toISOString()
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    return source.fail(offsetOf(source, key), `${key} is not finite: write it as text`)
  }
  if (Array.isArray(value)) return value.map((item) => plainOf(source, item, depth + 1, key))
  const fields = new Fields(source)
  for (const [name, held] of Object.entries(value as object))
    fields.put(name, plainOf(source, held, depth + 1, name), offsetOf(source, name))
  return fields.object()
}

export const parse = (source: Source): Plain => {
  try {
    return plainOf(source, parseToml(source.text, { maxDepth: depthMax }), 0, '')
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [problem = ''] = error.message.replace('Invalid TOML document: ', '').split('\n')
    throw new FormatError(source.file, error.line, error.column, problem)
  }
}
