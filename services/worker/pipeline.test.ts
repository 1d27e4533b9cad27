import { csvTable } from '@headway/schemas/content/csv-table.ts'
import { opaqueBytes } from '@headway/schemas/content/opaque.ts'
import { Type as TypeBox } from 'typebox'
import { describe, expect, test } from 'vitest'
import { problemIn } from './options.ts'
import { definePipeline, manifestOf, optional } from './pipeline.ts'
import { isBuiltin } from './steps/index.ts'
import { passthroughSchedule } from './steps/passthrough-schedule.ts'
import { step, Type, type Handle } from './steps/step.ts'

const cut = step({
  name: 'cut',
  description: 'Cuts.',
  inputs: { text: opaqueBytes },
  options: Type.Object(
    {
      length: Type.Integer({ minimum: 1, description: 'How much to keep.' }),
      from: Type.Optional(Type.Enum(['start', 'end'])),
    },
    { additionalProperties: false },
  ),
  output: opaqueBytes,
  run: ({ text, length, from = 'start' }) =>
    from === 'start' ? text.subarray(0, length) : text.subarray(-length),
})
const join = step({
  name: 'join',
  description: 'Joins.',
  inputs: { texts: [opaqueBytes] },
  options: Type.Object({}),
  output: opaqueBytes,
  run: ({ texts }) => Buffer.concat(texts),
})
type Text = Handle<Uint8Array>
type Drawn = Readonly<Record<string, Handle<Uint8Array>>>

/** As an author may write it in a file that nobody type-checks. */
const drawing = (draw: (x: Text, y: Text) => unknown) => () =>
  definePipeline({
    feedType: 'other',
    inputs: { x: opaqueBytes, y: optional(opaqueBytes) },
    flow: ({ x, y }) => draw(x, y) as Drawn,
  })
const loose = (given: object) => given as never

describe('a pipeline', () => {
  test('is told as data: slots, steps, edges, outputs', () => {
    const pipeline = drawing((x, y) => ({
      'out.bin': join({ texts: [cut({ text: x, length: 3 }), y] }),
    }))()
    expect(manifestOf(pipeline, ({ name }) => name === 'join')).toEqual({
      feedType: 'other',
      inputs: {
        x: { kind: 'opaque_bytes', optional: false },
        y: { kind: 'opaque_bytes', optional: true },
      },
      outputs: { 'out.bin': { kind: 'opaque_bytes', step: 'join' } },
      steps: [
        { id: 'cut', type: 'cut', builtin: false, description: 'Cuts.' },
        { id: 'join', type: 'join', builtin: true, description: 'Joins.' },
      ],
      edges: [
        ['input:x', 'cut'],
        ['cut', 'join'],
        ['input:y', 'join'],
        ['join', 'output:out.bin'],
      ],
    })
  })

  test('knows the steps that come with Headway from others of their name', async () => {
    const { definition } = passthroughSchedule
    expect(await isBuiltin(definition)).toBe(true)
    expect(await isBuiltin({ ...definition, description: 'my own' })).toBe(false)
    expect(await isBuiltin({ ...definition, name: 'toString' })).toBe(false)
  })

  test.each<[string, (x: Text, y: Text) => unknown, string]>([
    [
      'a step used twice',
      (x) => ({ o: join({ texts: [cut({ text: x, length: 1 }), cut({ text: x, length: 2 })] }) }),
      "step cut is used twice: name one of them with as: '…'",
    ],
    [
      'a wrong option',
      (x) => ({ o: cut({ text: x, length: 0 }) }),
      'cut: option length must be 1 or more, not 0',
    ],
    [
      'an option of the wrong type',
      (x) => ({ o: cut(loose({ text: x, length: 'all', as: 'trim' })) }),
      'trim: option length must be a whole number, not "all"',
    ],
    [
      'a missing option',
      (x) => ({ o: cut(loose({ text: x })) }),
      'cut: option length is missing (How much to keep.)',
    ],
    [
      'an option misspelt',
      (x) => ({ o: cut(loose({ text: x, length: 1, form: 'end' })) }),
      'cut: option form is not known here (known: length, from)',
    ],
    [
      'a value that is none of the choices',
      (x) => ({ o: cut(loose({ text: x, length: 1, from: 'middle' })) }),
      'cut: option from must be one of "start", "end", not "middle"',
    ],
    [
      'a missing input',
      () => ({ o: cut(loose({ length: 1 })) }),
      'cut: input text is not given a value of this flow: use an input slot or what another step makes',
    ],
    [
      'one value for a list',
      (x) => ({ o: join(loose({ texts: x })) }),
      'join: input texts takes a list of values: [a, b]',
    ],
    [
      'a list for one value',
      (x) => ({ o: cut(loose({ text: [x], length: 1 })) }),
      'cut: input text takes one value',
    ],
    [
      'a value of another kind',
      () => ({ o: cut(loose({ text: { node: 'input:x', kind: csvTable }, length: 1 })) }),
      'cut: input text takes opaque_bytes and is given csv_table (by input:x)',
    ],
    [
      'a value of another pipeline',
      () => ({ o: cut({ text: { node: 'elsewhere', kind: opaqueBytes }, length: 1 }) }),
      'cut: input text is given elsewhere, which belongs to another pipeline',
    ],
    [
      'a name that cannot be one',
      (x) => ({ o: cut({ text: x, length: 1, as: 'a b' }) }),
      'step "a b": a name holds letters, digits, _ . and -',
    ],
    ['no output', () => ({}), 'flow must return at least one output'],
    ['nothing returned', () => undefined, 'flow must return at least one output'],
    ['an async flow', async () => ({}), 'flow must not be async: it only draws'],
    ['an output that is nothing', () => ({ o: undefined }), 'output o is not what a step makes'],
    ['an output name', (x) => ({ 'a b': x }), 'output "a b": a name holds letters, digits, . _ -'],
    [
      'a pipeline in a flow',
      () => drawing((x) => ({ x }))(),
      'a pipeline is defined inside the flow of another one',
    ],
  ])('with %s is refused in words that help', (_, draw, message) => {
    expect(drawing(draw)).toThrow(message)
    // The next pipeline is not the worse for it.
    expect(drawing((x) => ({ x }))().nodes).toEqual([])
  })

  test('is where steps are used, and nowhere else', () => {
    expect(() => cut(loose({}))).toThrow("cut can only be used inside a pipeline's flow")
  })
})

describe('options', () => {
  const build = (T: typeof Type) =>
    T.Object({
      text: T.String({ minLength: 2, maxLength: 4, pattern: '^a' }),
      number: T.Optional(T.Number({ exclusiveMinimum: 0, maximum: 9 })),
      list: T.Optional(T.Array(T.Integer(), { minItems: 1, maxItems: 2, uniqueItems: true })),
      map: T.Optional(T.Record(T.String(), T.Boolean())),
      choice: T.Optional(T.Union([T.Literal('on'), T.Literal(7)])),
      even: T.Optional(
        T.Refine(
          T.Integer(),
          (value) => value % 2 === 0,
          () => 'is odd',
        ),
      ),
    })

  test('are the schemas that TypeBox makes', () => {
    expect(JSON.parse(JSON.stringify(build(Type)))).toEqual(
      JSON.parse(JSON.stringify(build(TypeBox as unknown as typeof Type))),
    )
  })

  test.each<[object, string | null]>([
    [{ text: 'abc' }, null],
    [{ text: 'ab', number: 9, list: [1, 2], map: { a: true }, choice: 7, even: 2 }, null],
    [{ text: 'ab', number: undefined, further: 1 }, null],
    [{ text: 'a' }, 'text must have at least 2 characters, not "a"'],
    [{ text: 'abcde' }, 'text must have at most 4 characters, not "abcde"'],
    [{ text: 'bab' }, 'text must match ^a, not "bab"'],
    [{ text: 'ab', number: 0 }, 'number must be more than 0, not 0'],
    [{ text: 'ab', number: 10 }, 'number must be 9 or less, not 10'],
    [{ text: 'ab', list: [] }, 'list must have at least 1 item, not []'],
    [{ text: 'ab', list: [1, 1] }, 'list must not hold the same item twice, not [1,1]'],
    [{ text: 'ab', list: [1, 1.5] }, 'list[1] must be a whole number, not 1.5'],
    [{ text: 'ab', map: { a: 1 } }, 'map.a must be a boolean, not 1'],
    [{ text: 'ab', choice: 'off' }, 'choice must be one of "on", 7, not "off"'],
    [{ text: 'ab', even: 3 }, 'even is odd: 3'],
    [{ text: null }, 'text must be a string, not null'],
  ])('%j: %s', (value, problem) => {
    expect(problemIn(build(Type), value)).toBe(problem)
    expect(problemIn(build(TypeBox as unknown as typeof Type), value)).toBe(problem)
  })
})
