/**
 * Kinds whose bytes are one JSON document of a known shape. Their canonical form has its keys in order
 * and no blanks, so that what says the same is the same bytes.
 */
import { createHash } from 'node:crypto'
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { Refusal } from './kind.ts'
import type { ContentKind, ContentKindName, Inspection } from './kind.ts'

const inOrder = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value, inOrder))

const read = (bytes: Uint8Array): unknown => {
  if (bytes.length === 0) throw new Refusal('empty_body', 'expected JSON, found nothing')
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new Refusal('malformed_config', 'expected JSON, found something else')
  }
}

export const jsonDocument = <Value>(definition: {
  readonly name: ContentKindName
  readonly file: string
  readonly shape: TSchema
  readonly rows: (value: Value) => number
  readonly facts: (value: Value) => Inspection['facts']
}): ContentKind<Value> => {
  const { name, file, shape, rows, facts } = definition
  let compiled: Validator | undefined
  const parse = (bytes: Uint8Array): Value => {
    const value = read(bytes)
    const check = (compiled ??= Compile(shape))
    if (check.Check(value)) return value as Value
    const [problem] = check.Errors(value)
    const place = problem?.instancePath || 'the document'
    throw new Refusal(
      'malformed_config',
      `${place} of ${name}: ${problem?.message ?? 'wrong shape'}`,
    )
  }
  return {
    name,
    parse,
    inspect(bytes) {
      const value = parse(bytes)
      const contentDigest = createHash('sha256').update(bytesOf(value)).digest('hex')
      return { contentDigest, rows: rows(value), facts: facts(value) }
    },
    encode: (value) => [{ name: file, mediaType: 'application/json', bytes: bytesOf(value) }],
    rows,
  }
}
