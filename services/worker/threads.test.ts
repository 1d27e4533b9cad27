import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type { Progress } from './executor.ts'
import { Threads, type ThreadOptions } from './threads.ts'

const fixtures = fileURLToPath(new URL('../../test/fixtures/pipelines', import.meta.url))
const scratch = fileURLToPath(
  new URL(`../../test/.headway/threads-${process.pid}`, import.meta.url),
)
const opened: Threads[] = []
let count = 0
afterEach(async () => {
  await Promise.all(opened.splice(0).map((threads) => threads.close()))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

const head = `
import { opaqueBytes } from '@headway/schemas/content/opaque.ts'
import { definePipeline } from '@headway/worker/pipeline.ts'
import { step, Type } from '@headway/worker/steps/step.ts'
`
/** A folder whose one step does what the body says. */
const doing = (body: string) => `${head}
const acts = step({
  name: 'acts', description: 'Acts.',
  inputs: { x: opaqueBytes }, options: Type.Object({}), output: opaqueBytes,
  async run({ x }: { x: Uint8Array }, context: any) { ${body}; return x },
})
const after = step({
  name: 'after', description: 'After.',
  inputs: { x: opaqueBytes }, options: Type.Object({}), output: opaqueBytes,
  run: ({ x }: { x: Uint8Array }) => x,
})
export const pipeline = definePipeline({
  feedType: 'other', inputs: { x: opaqueBytes }, flow: ({ x }) => ({ out: after({ x: acts({ x }) }) }),
})`

const threadsOn = async (
  files: Readonly<Record<string, string>> | string,
  options?: ThreadOptions,
) => {
  const path = join(scratch, String(++count))
  await mkdir(path, { recursive: true })
  if (typeof files === 'string') await cp(join(fixtures, files), path, { recursive: true })
  else for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  const threads = new Threads(path, options)
  opened.push(threads)
  return threads
}
const execution = {
  inputs: { x: { kind: 'opaque_bytes' as const, bytes: Buffer.from('x') } },
  disabled: [],
  recorded: {},
  answers: {},
  now: 'now',
}
const run = async (
  threads: Threads,
  limits: { stepTimeoutMs?: number; runTimeoutMs?: number } = {},
) => {
  const told: Progress[] = []
  const signal = new AbortController().signal
  const outcome = await threads.run(
    'R',
    execution,
    { stepTimeoutMs: 20_000, runTimeoutMs: 20_000, signal, cancel: signal, priority: 0, ...limits },
    (progress) => void told.push(progress),
  )
  return { outcome, told }
}
const failedSteps = (told: readonly Progress[]) =>
  told.flatMap((one) => (one.type === 'failed' ? [[one.report.step, one.error.type]] : []))
const skipped = (told: readonly Progress[]) =>
  told.flatMap((one) => (one.type === 'skipped' ? [[one.step, one.index, one.reason]] : []))
const completes = async (threads: Threads) =>
  expect((await run(threads)).outcome.outcome).toBe('completed')

const onceOnly = (act: string) =>
  `globalThis.process.env.ACTED_${count} ??= (process.env.ACTED_${count} = 'yes', ${act}, 'yes')`

describe('a thread', () => {
  test('runs one thing after the other and is kept for the next run', async () => {
    const threads = await threadsOn({ 'pipeline.ts': doing('') })
    await threads.manifest()
    expect(threads.idle).toBe(1)
    for (let i = 0; i < 3; i++) await completes(threads)
    expect(threads.idle).toBe(1)
  })

  test('goes when there was nothing to do for a while', async () => {
    const threads = await threadsOn({ 'pipeline.ts': doing('') }, { idleMs: 50 })
    await threads.manifest()
    await vi.waitFor(() => expect(threads.idle).toBe(0), 10_000)
    await completes(threads)
  })

  test.each([
    ['blocks', 'for (;;);'],
    ['waits for ever', 'await new Promise(() => {})'],
  ])('whose step %s is ended at its time, with what the step had said', async (_, act) => {
    const body = `context.log('here'); context.finding({ code: 'c', severity: 'info', message: 'm' }); ${act}`
    const threads = await threadsOn({ 'pipeline.ts': doing(body) })
    const { outcome, told } = await run(threads, { stepTimeoutMs: 1_000 })
    const error = { type: 'Timeout', message: 'took longer than 1000 ms', terminal: false }
    expect(outcome).toMatchObject({ outcome: 'failed', step: 'acts', error })
    const failed = told.find((one) => one.type === 'failed')
    expect(failed).toMatchObject({ report: { logs: ['here'], findings: [{ code: 'c' }] }, error })
    expect(skipped(told)).toEqual([['after', 1, 'not_reached']])
    expect(threads.idle).toBe(0)
  })

  test('whose run takes too long is ended as well', async () => {
    const threads = await threadsOn({ 'pipeline.ts': doing('for (;;);') })
    const { outcome } = await run(threads, { runTimeoutMs: 200 })
    expect(outcome).toMatchObject({ error: { message: 'the run took longer than 200 ms' } })
  })

  test('that dies leaves the others alone', async () => {
    const threads = await threadsOn({
      'pipeline.ts': doing(
        'if (context.now === "now") await new Promise((r) => setTimeout(r, 2_000))',
      ),
    })
    const long = run(threads)
    const { outcome } = await run(threads, { stepTimeoutMs: 100 })
    expect(outcome.outcome).toBe('failed')
    expect((await long).outcome.outcome).toBe('completed')
  })

  test.each([
    ['exits', 'process.exit(3)', 'ThreadExit', 'ended its thread (exit code 3)'],
    [
      'throws aside',
      'setTimeout(() => { throw new Error("aside") }); await new Promise(() => {})',
      'ThreadError',
      'aside',
    ],
    [
      'rejects aside',
      'void Promise.reject(new Error("aside")); await new Promise(() => {})',
      'ThreadError',
      'aside',
    ],
  ])(
    'whose step %s fails that step, and the next run has another one',
    async (_, act, type, message) => {
      const threads = await threadsOn({
        'pipeline.ts': doing(onceOnly(`await (async () => { ${act} })()`)),
      })
      const { outcome, told } = await run(threads)
      expect(outcome).toMatchObject({ outcome: 'failed', step: 'acts', error: { type, message } })
      expect(failedSteps(told)).toEqual([['acts', type]])
      expect(skipped(told)).toEqual([['after', 1, 'not_reached']])
    },
  )

  test('that uses up its memory fails the step, not the worker', async () => {
    // Little by little: for one allocation beyond all limits V8 ends the process (nodejs/node#47224).
    const greedy =
      'let held = null; for (;;) held = { held, more: Array.from({ length: 50 }, () => ({})) }'
    const threads = await threadsOn({ 'pipeline.ts': doing(greedy) }, { heapMbMax: 100 })
    const { outcome } = await run(threads)
    expect(outcome).toMatchObject({ step: 'acts', error: { type: 'OutOfMemory' } })
  })

  test('that ends behind our back while it is idle is not used again', async () => {
    const threads = await threadsOn({
      'pipeline.ts': doing('setTimeout(() => process.exit(), 50)'),
    })
    await completes(threads)
    await vi.waitFor(() => expect(threads.idle).toBe(0), 10_000)
    await completes(threads)
  })

  test('is given back at once when the worker must go', async () => {
    const threads = await threadsOn({ 'pipeline.ts': doing('for (;;);') })
    const stop = new AbortController()
    const { signal } = stop
    const cancel = new AbortController().signal
    const limits = { stepTimeoutMs: 20_000, runTimeoutMs: 20_000, signal, cancel, priority: 0 }
    const outcome = await threads.run('R', execution, limits, ({ type }) => {
      if (type === 'started') stop.abort()
    })
    expect(outcome).toMatchObject({ error: { type: 'GivenBack' } })
    expect(await threads.run('R', execution, limits, () => {}).catch(String)).toContain('stopping')
  })
})

describe('a folder that does not load', () => {
  test.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['a syntax error', { 'pipeline.ts': `${head}\nexport const = 1` }, /^pipeline\.ts:6/],
    [
      'an error of its own',
      { 'pipeline.ts': `${head}\nconst x: number = 1\nthrow new RangeError('mine')` },
      /^pipeline\.ts:7(:\d+)? RangeError: mine$/,
    ],
    [
      'an error in another file',
      { 'pipeline.ts': `import './other.ts'`, 'other.ts': `\n\nnull.x` },
      /^other\.ts:3(:\d+)? TypeError: Cannot read properties of null/,
    ],
    [
      'a wrong option',
      { 'pipeline.ts': doing('').replace('acts({ x })', 'acts({ x: 1 })') },
      /^pipeline\.ts:\d+(:\d+)? PipelineError: acts: input x is not given a value of this flow/,
    ],
    [
      'a file outside',
      { 'pipeline.ts': `import '../../../shared.ts'` },
      /shared\.ts.*\n?.*stands alone/s,
    ],
    [
      'no pipeline',
      { 'pipeline.ts': 'export const pipelines = 1' },
      /must export what definePipeline/,
    ],
    ['no file', { 'readme.md': '' }, /pipeline\.ts/],
  ])('for %s tells file and line', async (_, files, expected) => {
    const threads = await threadsOn(files)
    const error = await threads.manifest().catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ name: 'LoadError', message: expect.stringMatching(expected) })
    expect((error as Error).message).not.toContain(scratch)
  })
})
