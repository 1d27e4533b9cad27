/** What is rendered and read again is the same, whatever it is. */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { flatten } from '@headway/schemas/rules/flatten.ts'
import { nested } from '@headway/schemas/rules/nested.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseFile } from '@headway/worker/formats/index.ts'
import { FormatError } from '@headway/worker/formats/source.ts'
import { formatOf } from '@headway/worker/sinks/file-formats.ts'

type Fields = { [key: string]: Plain }

const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((one) => {
  return one !== '__proto__' && one !== '<<'
})
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Object.is(one, -0)),
)
const text = fc.string({ unit: 'grapheme' })
const { object } = fc.letrec<{ value: Plain; object: Fields }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { minLength: 1, maxLength: 5 })
    .map((entries) => Object.fromEntries(entries)),
}))
const withoutNull = object.filter((one) => !JSON.stringify(one).includes('null'))
/** Big doubles look like integers that nobody can keep: they are refused, and not rounded. */
const isKept = (one: Plain): boolean => {
  if (typeof one === 'number') return !Number.isInteger(one) || Number.isSafeInteger(one)
  return typeof one !== 'object' || one === null || Object.values(one).every(isKept)
}
const exact = object.filter(isKept)

const same = (file: string, render: (value: Fields) => string) => async (value: Fields) => {
  expect(await parseFile(file, Buffer.from(render(value)))).toEqual(value)
}

/** Lists and objects on one line with `=`, as TOML and HCL both have them. */
const assigned = (value: Plain): string => {
  if (Array.isArray(value)) return `[${value.map(assigned).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const held = Object.entries(value).map(([one, inner]) => `${assigned(one)} = ${assigned(inner)}`)
  return `{ ${held.join(', ')} }`
}
const templated = (one: string): string => one.replaceAll('${', '$${').replaceAll('%{', '%%{')

describe('rendered and read again is the same', () => {
  test('JSON', () =>
    fc.assert(
      fc.asyncProperty(
        exact,
        same('a.json', (one) => JSON.stringify(one)),
      ),
    ))
  test('YAML', () =>
    fc.assert(
      fc.asyncProperty(
        exact,
        same('a.yaml', (one) => JSON.stringify(one, null, 2)),
      ),
    ))
  test('TOML', () =>
    fc.assert(
      fc.asyncProperty(withoutNull.filter(isKept), async (value) => {
        const bytes = Buffer.from(`held = ${assigned(value).replaceAll('\u007f', '\\u007f')}`)
        expect(await parseFile('a.toml', bytes)).toEqual({ held: value })
      }),
    ))

  const line = fc.string({ unit: 'grapheme' }).filter((one) => !/[\r\n\0]/.test(one))
  const name = fc
    .stringMatching(/^[A-Za-z_][A-Za-z0-9_.]{0,8}$/)
    .filter((one) => one !== '__proto__')
  const flat = fc.dictionary(name, text, { minKeys: 1 })
  const lines = (value: Fields, render: (key: string, value: string) => string) =>
    Object.entries(value)
      .map(([one, held]) => render(one, held as string))
      .join('\n')
  const quoted = (one: string) =>
    `"${one.replace(/[\\"$]/g, (found) => `\\${found}`).replaceAll('\r', '\\r')}"`

  test('.env', () =>
    fc.assert(
      fc.asyncProperty(
        flat,
        same('.env', (one) => lines(one, (k, v) => `${k}=${quoted(v)}`)),
      ),
    ))

  const escaped = (one: string) =>
    one.replace(
      /[^A-Za-z0-9]/g,
      (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  test('properties', () =>
    fc.assert(
      fc.asyncProperty(
        fc.dictionary(key, text, { minKeys: 1 }),
        same('a.properties', (one) => lines(one, (k, v) => `${escaped(k)}=${escaped(v)}`)),
      ),
    ))

  test('INI', () =>
    fc.assert(
      fc.asyncProperty(
        fc.dictionary(name, line, { minKeys: 1 }),
        same('a.ini', (one) => `${lines(one, (k, v) => `${k}="${v}"`)}`),
      ),
      { examples: [[{ a: ' \u2028 b\u2029' }]] },
    ))

  test('HCL', () =>
    fc.assert(
      fc.asyncProperty(exact, async (value) => {
        const bytes = Buffer.from(`held = ${templated(assigned(value))}`)
        expect(await parseFile('a.hcl', bytes)).toEqual({ held: value })
      }),
    ))
})

/** Unicode's own line ends end no line. */
describe('what a file sink wrote is what it reads', () => {
  const name = fc
    .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
    .filter((one) => one !== '__proto__')
  const values = fc.dictionary(name, text, { minKeys: 1 })
  test.each(['env', 'ini', 'properties', 'json', 'yaml'] as const)('%s', async (one) => {
    const { change, read, render } = await formatOf(one)
    const rendered = (value: Fields) =>
      new Map(Object.entries(value).map(([key, held]) => [key, render(held)]))
    fc.assert(
      fc.property(values, values, (first, second) => {
        const before = change('', { set: rendered(first), delete: [] })
        expect(read(before)).toEqual(rendered(first))
        const removed = Object.keys(first).filter((key) => !(key in second))
        const after = change(before, { set: rendered(second), delete: removed })
        expect(read(after)).toEqual(rendered(second))
      }),
      { examples: [[{ a: 'x\u2028y' }, { a: '# \u2029' }]] },
    )
  })
})

test('any text is read or refused with a place, and nothing else happens', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(
        'a.json',
        'a.yaml',
        'a.toml',
        '.env',
        'a.properties',
        'a.ini',
        'a.xml',
        'a.hcl',
      ),
      fc.oneof(text, fc.stringMatching(/^[[\]{}<>"'=:,#&*!|\\\n a1.-]{0,40}$/)),
      async (file, said) => {
        const error = await parseFile(file, Buffer.from(said)).then(
          () => null,
          (thrown: unknown) => thrown,
        )
        if (error !== null) expect(error).toBeInstanceOf(FormatError)
      },
    ),
    { numRuns: 2_000 },
  ))

test('entries spell the object that they were made of', () =>
  fc.assert(
    fc.property(object, (value) => {
      const entries = flatten([{ path: 'a', value }], '\u0001')
      expect(nested(entries, '\u0001', 'secret')).toEqual(value)
    }),
  ))
