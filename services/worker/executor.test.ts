import { opaqueBytes } from '@headway/schemas/content/opaque.ts'
import type { ContentKind } from '@headway/schemas/content/kind.ts'
import { describe, expect, test } from 'vitest'
import { execute, type Execution, type Progress } from './executor.ts'
import { definePipeline, optional, type Pipeline } from './pipeline.ts'
import { step, TerminalError, Type, type Handle, type StepContext } from './steps/step.ts'

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (words: string) => new TextEncoder().encode(words)
const rowsByLength: ContentKind<Uint8Array> = { ...opaqueBytes, rows: (value) => value.length }

/** A step that joins what it reads; `body` may do something else first. */
const joining = (name: string, body: (context: StepContext) => unknown = () => {}) =>
  step({
    name,
    description: name,
    inputs: { parts: [rowsByLength] },
    options: Type.Object({}),
    output: rowsByLength,
    run: async ({ parts }, context) => {
      await body(context)
      return bytes(`${name}(${parts.map(text).join('+')})`)
    },
  })
const needing = (name: string) =>
  step({
    name,
    description: name,
    inputs: { part: rowsByLength },
    options: Type.Object({}),
    output: rowsByLength,
    run: ({ part }) => bytes(`${name}(${text(part)})`),
  })
const [a, b, c] = [joining('a'), joining('b'), joining('c')]

const flow = (
  draw: (given: { x: Handle<Uint8Array>; y: Handle<Uint8Array> }) => Handle<Uint8Array>,
): Pipeline =>
  definePipeline({
    feedType: 'other',
    inputs: { x: rowsByLength, y: optional(rowsByLength) },
    flow: (given) => ({ out: draw(given) }),
  })
const slot = (words: string) => ({ kind: 'opaque_bytes' as const, bytes: bytes(words) })

const run = async (pipeline: Pipeline, given: Partial<Execution> = {}) => {
  const told: Progress[] = []
  let now = 1_000
  const executed = await execute(
    pipeline,
    {
      inputs: { x: slot('x') },
      disabled: [],
      recorded: {},
      answers: {},
      now: '2026-01-01T00:00:00Z',
      ...given,
    },
    { now: () => (now += 5), tell: (progress) => void told.push(progress) },
  )
  const out =
    executed.outcome === 'completed' ? text(executed.outputs[0]!.renditions[0]!.bytes) : null
  const story = told.flatMap((one) => {
    if (one.type === 'started') return [`+${one.step}`]
    if (one.type === 'succeeded') return [`-${one.report.step}`]
    if (one.type === 'failed') return [`!${one.report.step}`]
    return one.type === 'skipped' ? [`${one.step}:${one.reason}`] : []
  })
  const reports = told.flatMap((one) => ('report' in one ? [one.report] : []))
  return { executed, out, story, reports, told }
}
const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

describe('the DAG', () => {
  test('is run in its order, whatever order the steps were drawn in', async () => {
    const pipeline = flow(({ x }) => c({ parts: [b({ parts: [a({ parts: [x] })] })] }))
    const { out, story } = await run(pipeline)
    expect(out).toBe('c(b(a(x)))')
    expect(story).toEqual(['+a', '-a', '+b', '-b', '+c', '-c'])
  })

  test('has independent steps side by side', async () => {
    const both = gate()
    const first = joining('first', () => both.opened)
    const second = joining('second', () => both.open())
    const pipeline = flow(({ x }) => c({ parts: [first({ parts: [x] }), second({ parts: [x] })] }))
    const { out, story } = await run(pipeline)
    expect(out).toBe('c(first(x)+second(x))')
    expect(story.slice(0, 2)).toEqual(['+first', '+second'])
  })

  test('lets the value of a disabled step pass through', async () => {
    const pipeline = flow(({ x }) => c({ parts: [b({ parts: [a({ parts: [x] })] })] }))
    const { out, story } = await run(pipeline, { disabled: ['b'] })
    expect(out).toBe('c(a(x))')
    expect(story).toContain('b:disabled')
  })

  test('skips a step whose input is absent, and what needs it; a list leaves it out', async () => {
    const [d, e] = [needing('d'), needing('e')]
    const draw = ({ x, y }: Record<'x' | 'y', Handle<Uint8Array>>) =>
      c({ parts: [x, e({ part: d({ part: y }) })] })
    const without = await run(flow(draw))
    expect(without.story).toEqual(['d:input_absent', 'e:input_absent', '+c', '-c'])
    expect(without.out).toBe('c(x)')
    const inputs = { x: slot('x'), y: slot('y') }
    expect((await run(flow(draw), { inputs })).out).toBe('c(x+e(d(y)))')
    expect((await run(flow(({ y }) => a({ parts: [y] })))).out).toBe('a()')
  })

  test('counts rows in and out, and time, of every step', async () => {
    const inputs = { x: slot('xx'), y: slot('yyy') }
    const { reports } = await run(
      flow(({ x, y }) => a({ parts: [x, y] })),
      { inputs },
    )
    expect(reports).toMatchObject([{ step: 'a', index: 0, rowsIn: 5, rowsOut: 'a(xx+yyy)'.length }])
    expect(reports[0]).toMatchObject({ startedAt: 1_005, endedAt: 1_010, durationMs: 5 })
  })
})

describe('a failure', () => {
  test('lets nothing new start; what runs is told and may finish', async () => {
    const failed = gate()
    let isTold = false
    const slow = joining('slow', async ({ signal }) => {
      await failed.opened
      isTold = signal.aborted
    })
    const bad = joining('bad', () => {
      setTimeout(failed.open)
      throw new RangeError('no')
    })
    const pipeline = flow(({ x }) =>
      c({ parts: [b({ parts: [slow({ parts: [x] })] }), bad({ parts: [x] })] }),
    )
    const { executed, story } = await run(pipeline)
    expect(story).toEqual(['+slow', '+bad', '!bad', '-slow', 'b:not_reached', 'c:not_reached'])
    expect(isTold).toBe(true)
    const error = { type: 'RangeError', message: 'no', terminal: false }
    expect(executed).toMatchObject({ outcome: 'failed', step: 'bad', error })
  })

  test.each([
    [new TerminalError('never again'), { type: 'TerminalError', terminal: true }],
    [Object.assign(new Error('later'), { afterMs: 500 }), { type: 'Error', afterMs: 500 }],
    ['just words', { type: 'Error', message: 'just words', terminal: false }],
    [new Error('x'.repeat(9_000)), { message: 'x'.repeat(4_000) }],
  ])('keeps type, message and the author’s wish (%#)', async (thrown, expected) => {
    const bad = joining('bad', () => {
      throw thrown
    })
    const { executed } = await run(flow(({ x }) => bad({ parts: [x] })))
    expect(executed).toMatchObject({ outcome: 'failed', step: 'bad', error: expected })
  })

  test('of an input names the slot, is terminal, and leaves every step not reached', async () => {
    const broken = {
      ...rowsByLength,
      parse: () => {
        throw new Error('not a feed')
      },
    }
    const pipeline = definePipeline({
      feedType: 'other',
      inputs: { x: broken },
      flow: ({ x }) => ({ out: b({ parts: [a({ parts: [x] })] }) }),
    })
    const { executed, story } = await run(pipeline)
    const error = { type: 'Error', message: 'not a feed', terminal: true }
    expect(executed).toMatchObject({ outcome: 'failed', step: 'input x', error })
    expect(story).toEqual(['a:not_reached', 'b:not_reached'])
  })

  test.each([
    [{}, /has no version: bind the slot/],
    [{ x: { kind: 'csv_table' as const, bytes: bytes('') } }, /is bound to an asset of csv_table/],
  ])('of a required slot tells what is wrong with it (%#)', async (inputs, message) => {
    const { executed } = await run(
      flow(({ x }) => a({ parts: [x] })),
      { inputs },
    )
    expect(executed).toMatchObject({ step: 'input x', error: { terminal: true } })
    expect(executed).toMatchObject({ error: { message: expect.stringMatching(message) } })
  })

  test('is what a step that returns nothing makes', async () => {
    const nothing = step({ ...joining('nothing').definition, run: () => undefined as never })
    const { executed } = await run(flow(({ x }) => nothing({ parts: [x] })))
    const message = 'returned nothing; it makes opaque_bytes'
    expect(executed).toMatchObject({ step: 'nothing', error: { message, terminal: true } })
  })

  test('is what a run without any output makes', async () => {
    const { executed } = await run(flow(({ y }) => needing('d')({ part: y })))
    expect(executed).toMatchObject({ error: { type: 'NoOutput', terminal: true } })
  })
})

describe('what a step says', () => {
  const saying = async (body: (context: StepContext) => void) => {
    const { reports, told } = await run(flow(({ x }) => joining('says', body)({ parts: [x] })))
    return { ...reports[0]!, told }
  }

  test('is kept with it and told while it goes on', async () => {
    const { logs, findings, told } = await saying(({ log, finding, now }) => {
      log(`as of ${now}`)
      finding({ code: 'seen', severity: 'warning', message: 'm', subject: { id: '1' } })
    })
    expect(logs).toEqual(['as of 2026-01-01T00:00:00Z'])
    expect(findings).toEqual([
      { code: 'seen', severity: 'warning', message: 'm', subject: { id: '1' }, count: 1 },
    ])
    expect(told.map(({ type }) => type)).toEqual(['started', 'logged', 'found', 'succeeded'])
  })

  test('is cut to 200 lines of 2,000 characters and 1,000 findings, and says so', async () => {
    const { logs, findings } = await saying(({ log, finding }) => {
      for (let i = 0; i < 250; i++) log(`${i} ${'.'.repeat(i < 3 ? 5_000 : 10)}`)
      for (let i = 0; i < 1_500; i++) finding({ code: 'c', severity: 'info', message: `${i}` })
    })
    expect(logs).toHaveLength(201)
    expect(logs[0]).toHaveLength(2_000)
    expect(logs.at(-1)).toBe('… and 50 more lines')
    expect(findings).toHaveLength(1_001)
    expect(findings.at(-1)).toMatchObject({ code: 'findings_left_out', count: 500 })
  })

  test('never outgrows a message of the log', async () => {
    const { logs, findings } = await saying(({ log, finding }) => {
      for (let i = 0; i < 200; i++) log('漢'.repeat(2_000))
      for (let i = 0; i < 1_000; i++)
        finding({ code: 'c', severity: 'info', message: '漢'.repeat(4_000) })
    })
    expect(Buffer.byteLength(JSON.stringify([logs, findings]))).toBeLessThan(600_000)
  })

  test('is made fit for the log whatever it is', async () => {
    const odd = { code: 7, severity: 'fatal', message: null, subject: { id: 7 }, count: -1 }
    const { findings } = await saying(({ finding }) => finding(odd as never))
    expect(findings).toEqual([
      { code: '7', severity: 'info', message: 'null', subject: { id: '7' }, count: 1 },
    ])
  })
})
