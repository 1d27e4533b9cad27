/**
 * Options of steps: schemas as authors write them, and what is wrong with a value, in their words.
 *
 * `Type` has the types of TypeBox and makes the same schemas, for the kinds of options there are. The
 * library itself is 700 modules; a worker thread that loads them takes 0.8 s and 20 MB more, in every
 * thread. Schemas made by TypeBox are understood as well.
 */
import type { TSchema, Type as TypeBox } from 'typebox'

type Schema = { readonly [keyword: string]: unknown }
type Refinement = {
  readonly check: (value: unknown) => boolean
  readonly error: (value: unknown) => string
}
type Options = Readonly<Record<string, unknown>>

/** A schema with marks that do not show when it is printed. */
const marked = (schema: Schema, marks: Schema): Schema => {
  const copy = Object.defineProperties({}, Object.getOwnPropertyDescriptors(schema))
  for (const [name, value] of Object.entries(marks)) Object.defineProperty(copy, name, { value })
  return copy
}
const made = (kind: string, schema: Schema): Schema => marked(schema, { '~kind': kind })
const isOptional = (schema: Schema): boolean => schema['~optional'] === true
const simple = (kind: string) => (options?: Options) =>
  made(kind, { ...options, type: kind.toLowerCase() })

type Kinds =
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'Refine'
  | 'String'
  | 'Union'

export const Type = {
  Array: (items: Schema, options?: Options) => made('Array', { ...options, type: 'array', items }),
  Boolean: simple('Boolean'),
  Enum: (values: readonly unknown[], options?: Options) =>
    made('Enum', { ...options, enum: values }),
  Integer: simple('Integer'),
  Literal: (value: unknown, options?: Options) =>
    made('Literal', { ...options, type: typeof value, const: value }),
  Number: simple('Number'),
  Object: (properties: Readonly<Record<string, Schema>>, options?: Options) => {
    const required = Object.keys(properties).filter((name) => !isOptional(properties[name]!))
    return made('Object', { ...options, type: 'object', required, properties })
  },
  Optional: (schema: Schema) => marked(schema, { '~optional': true }),
  Record: (_: Schema, value: Schema, options?: Options) =>
    made('Record', { ...options, type: 'object', patternProperties: { '^.*$': value } }),
  Refine: (schema: Schema, check: Refinement['check'], error?: Refinement['error']) => {
    const refinement = { check, error: error ?? (() => 'is not right') }
    const others = (schema['~refine'] ?? []) as readonly Refinement[]
    return marked(schema, { '~refine': [...others, refinement] })
  },
  String: simple('String'),
  Union: (anyOf: readonly Schema[], options?: Options) => made('Union', { ...options, anyOf }),
} as unknown as Pick<typeof TypeBox, Kinds>

const told = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? String(value)
const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
const article = (type: string): string => (/^[aeio]/.test(type) ? `an ${type}` : `a ${type}`)

type Judge = (limit: never, value: unknown) => string | null
const judge = <Limit, Value>(
  isGood: (value: Value, limit: Limit) => boolean,
  sentence: (limit: Limit) => string,
): Judge =>
  ((limit: Limit, value: Value) => (isGood(value, limit) ? null : sentence(limit))) as Judge

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** What each keyword asks of a value of its type, and how to say that it does not hold. */
const judges: Readonly<Record<string, Readonly<Record<string, Judge>>>> = {
  string: {
    minLength: judge<number, string>(
      (value, min) => value.length >= min,
      (min) => `must have at least ${plural(min, 'character')}`,
    ),
    maxLength: judge<number, string>(
      (value, max) => value.length <= max,
      (max) => `must have at most ${plural(max, 'character')}`,
    ),
    pattern: judge<string, string>(
      (value, pattern) => new RegExp(pattern, 'u').test(value),
      (pattern) => `must match ${pattern}`,
    ),
  },
  number: {
    minimum: judge<number, number>(
      (value, min) => value >= min,
      (min) => `must be ${min} or more`,
    ),
    maximum: judge<number, number>(
      (value, max) => value <= max,
      (max) => `must be ${max} or less`,
    ),
    exclusiveMinimum: judge<number, number>(
      (value, min) => value > min,
      (min) => `must be more than ${min}`,
    ),
    exclusiveMaximum: judge<number, number>(
      (value, max) => value < max,
      (max) => `must be less than ${max}`,
    ),
  },
  array: {
    minItems: judge<number, readonly unknown[]>(
      (value, min) => value.length >= min,
      (min) => `must have at least ${plural(min, 'item')}`,
    ),
    maxItems: judge<number, readonly unknown[]>(
      (value, max) => value.length <= max,
      (max) => `must have at most ${plural(max, 'item')}`,
    ),
    uniqueItems: judge<boolean, readonly unknown[]>(
      (value, unique) => !unique || new Set(value.map(told)).size === value.length,
      () => 'must not hold the same item twice',
    ),
  },
}

const hint = (schema: Schema | undefined): string => {
  const text = (schema?.description ?? schema?.type) as string | undefined
  return text === undefined ? '' : ` (${text})`
}

const problemInObject = (schema: Schema, value: Options, path: string): string | null => {
  const properties = (schema.properties ?? {}) as Readonly<Record<string, Schema>>
  const required = (schema.required ?? []) as readonly string[]
  const [pattern] = Object.values((schema.patternProperties ?? {}) as Record<string, Schema>)
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  for (const name of required)
    if (value[name] === undefined) return `${at(name)} is missing${hint(properties[name])}`
  for (const [name, held] of Object.entries(value)) {
    const property = properties[name] ?? pattern
    if (property) {
      if (held === undefined && isOptional(property)) continue
      const problem = problemIn(property, held, at(name))
      if (problem) return problem
    } else if (schema.additionalProperties === false) {
      const known = Object.keys(properties).join(', ') || 'none'
      return `${at(name)} is not known here (known: ${known})`
    }
  }
  return null
}

/** The first thing wrong with a value, as a sentence, or null. */
export const problemIn = (schema: TSchema | Schema, value: unknown, path = ''): string | null => {
  const keywords = schema as Schema
  const is = (what: string) => `${path || 'the value'} ${what}, not ${told(value)}`
  const choices = keywords.enum as readonly unknown[] | undefined
  if (choices && !choices.includes(value))
    return is(`must be one of ${choices.map(told).join(', ')}`)
  if ('const' in keywords && keywords.const !== value) return is(`must be ${told(keywords.const)}`)
  const unions = keywords.anyOf as readonly Schema[] | undefined
  if (unions && !unions.some((one) => problemIn(one, value, path) === null)) {
    const wanted = unions.map((one) => told(one.const ?? one.type ?? one)).join(', ')
    return is(`must be one of ${wanted}`)
  }
  const { type } = keywords
  const actual = typeOf(value)
  if (type === 'integer' && !Number.isSafeInteger(value)) return is('must be a whole number')
  if (typeof type === 'string' && type !== 'integer' && type !== actual)
    return is(`must be ${article(type)}`)
  for (const [keyword, ask] of Object.entries(judges[actual] ?? {})) {
    if (keywords[keyword] === undefined) continue
    const problem = ask(keywords[keyword] as never, value)
    if (problem) return is(problem)
  }
  if (actual === 'array' && keywords.items)
    for (const [i, item] of (value as readonly unknown[]).entries()) {
      const problem = problemIn(keywords.items as Schema, item, `${path}[${i}]`)
      if (problem) return problem
    }
  if (actual === 'object' && type === 'object') {
    const problem = problemInObject(keywords, value as Options, path)
    if (problem) return problem
  }
  const refinements = (keywords['~refine'] ?? []) as readonly Refinement[]
  const broken = refinements.find(({ check }) => !check(value))
  return broken ? `${path || 'the value'} ${broken.error(value)}: ${told(value)}` : null
}
