/** Given facts about a pipeline, its code and its workers, then these rows. */
import { describe, expect, test } from 'vitest'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { rowAfter, rowsAfter, second, type Story } from '../../../test/fixtures/projected.ts'
import { actor, at, code, newCode, requested, run } from '../../../test/fixtures/run-events.ts'

const head = { v: 1 as const, at }
const pipeline = 'p'
const about = { ...head, pipeline, actor }
const definition = {
  folder: 'f',
  pool: 'default',
  slots: {},
  debounce: { quietMs: 0, maxWaitMs: 0 },
  concurrency: 1,
  retry: { attempts: 1, backoffMs: 0, backoffMsMax: 0 },
  stepTimeoutMs: 1,
  runTimeoutMs: 1,
}
const defined: Event = { ...head, type: 'PipelineDefined', pipeline, definition }
const removed: Event = { ...head, type: 'PipelineRemoved', pipeline }
const flushed: Event = { ...about, type: 'WindowFlushed' }
const windowCancelled: Event = { ...about, type: 'WindowCancelled' }
const paused: Event = { ...about, type: 'PipelinePaused' }
const resumed: Event = { ...about, type: 'PipelineResumed' }
const disabled = (step: string): Event => ({ ...about, type: 'StepDisabled', step })
const enabled = (step: string): Event => ({ ...about, type: 'StepEnabled', step })
const asked = (fields: Partial<EventOf<'RunRequested'>> = {}) =>
  requested({ reason: 'manual', throughSeq: 2, ...fields })
const registered = (fields: Partial<EventOf<'ReleaseRegistered'>> = {}): Event => ({
  ...head,
  type: 'ReleaseRegistered',
  pipeline,
  pipelineVersion: code,
  feedType: 'other',
  folder: 'f',
  inputs: {},
  outputs: {},
  steps: [],
  edges: [],
  ...fields,
})
const activated = (pipelineVersion = code): Event => ({
  ...about,
  type: 'ReleaseActivated',
  pipelineVersion,
})
const retired: Event = { ...about, type: 'ReleaseRetired', pipelineVersion: code }
const worker = { worker: 'w', pool: 'default' }
const joined: Event = {
  ...head,
  type: 'WorkerJoined',
  ...worker,
  version: code,
  pipelines: {},
  alsoServes: { p: [newCode] },
  capabilities: [],
  host: 'h',
  pid: 1,
}
const left: Event = { ...head, type: 'WorkerLeft', ...worker, reason: 'done' }
const lost: Event = { ...head, type: 'WorkerLost', ...worker, lastSeenAt: at }
const drain: Event = { ...head, type: 'WorkerDrainRequested', ...worker, actor }
const resume: Event = { ...head, type: 'WorkerResumeRequested', ...worker, actor }

describe('a pipeline', () => {
  const after = (...story: Story) => rowAfter('pipelines', ...story)

  test('begins its window with the first definition, and again when it was removed', async () => {
    expect(await after(defined, defined)).toMatchObject({ defined_seq: 1, seq: 2 })
    expect(await after(defined, removed)).toMatchObject({ removed: true, definition: null })
    expect(await after(defined, removed, defined)).toMatchObject({ removed: false, defined_seq: 3 })
  })

  test('is asked for: that closes the window, counts, and takes the flush with it', async () => {
    expect((await after(defined, flushed)).flushed).toBe(true)
    expect(await after(defined, flushed, asked())).toMatchObject({
      flushed: false,
      through_seq: 2,
      last_run: run,
      last_requested_at: second(3),
      runs: 1,
    })
    expect((await after(defined, asked(), asked())).runs).toBe(2)
    expect(await after(defined, flushed, windowCancelled)).toMatchObject({
      flushed: false,
      cancelled_seq: 3,
    })
  })

  test('is asked for with inputs of its own: that leaves the window alone', async () => {
    expect(await after(defined, flushed, asked({ pinned: true }))).toMatchObject({
      flushed: true,
      through_seq: 0,
      last_run: null,
      runs: 1,
    })
  })

  test('is paused and resumed, by somebody and once', async () => {
    const held = { paused: true, paused_by: actor, paused_at: second(2) }
    expect(await after(defined, paused, paused)).toMatchObject(held)
    expect(await after(defined, paused, removed, defined)).toMatchObject(held)
    expect(await after(defined, paused, resumed, resumed)).toMatchObject({
      paused: false,
      paused_by: null,
      paused_at: null,
      seq: 3,
    })
  })

  test('leaves out the steps of its definition and those that people named', async () => {
    const withStep = { ...defined, definition: { ...definition, disabledSteps: ['b'] } }
    const steps = async (...story: Story) => (await after(...story)).disabled_steps
    expect(await steps(withStep)).toEqual(['b'])
    expect(await steps(withStep, disabled('a'))).toEqual(['a', 'b'])
    expect(await steps(withStep, enabled('b'))).toEqual([])
    expect(await steps(disabled('a'), withStep, enabled('a'))).toEqual(['b'])
    expect(await after(withStep, disabled('a'))).toMatchObject({
      step_wishes: { a: { disabled: true, actor, at: second(2) } },
    })
  })

  test('knows the version that was active before: where a rollback goes', async () => {
    const versions = async (...story: Story) => {
      const { active_version: active, previous_version: previous } = await after(...story)
      return [active, previous]
    }
    expect(await versions(activated())).toEqual([code, null])
    expect(await versions(activated(), activated(newCode))).toEqual([newCode, code])
    const again = [activated(), activated(newCode), activated(newCode)]
    expect(await versions(...again)).toEqual([newCode, code])
    expect(await versions(...again, activated())).toEqual([code, newCode])
  })
})

describe('a release', () => {
  test('is registered once and activated as often as somebody wants', async () => {
    const story = [registered(), activated(), registered(), activated()]
    expect(await rowAfter('releases', ...story)).toMatchObject({
      registered_at: second(1),
      activated_at: second(4),
      activated_by: actor,
      artifacts: null,
    })
    expect(await rowsAfter('activations', ...story)).toMatchObject([
      { seq: 2, activated_at: second(2), actor },
      { seq: 4, pipeline_version: code },
    ])
    expect(await rowsAfter('releases', activated())).toEqual([])
  })

  test('tells its files and its contract as soon as somebody knows them', async () => {
    const told = {
      artifacts: [{ path: 'pipeline.ts', digest: 'd'.repeat(64), sizeBytes: 3 }],
      contract: 'c'.repeat(64),
    }
    const story = [registered(), registered(told), registered({ contract: 'e'.repeat(64) })]
    expect(await rowAfter('releases', ...story)).toMatchObject({ ...told, seq: 2 })
  })

  test('is retired once, by somebody, until it is registered anew', async () => {
    const story = [registered(), retired, retired]
    const row = { retired_at: second(2), retired_by: actor }
    expect(await rowAfter('releases', ...story)).toMatchObject(row)
    expect((await rowAfter('releases', ...story, registered())).retired_at).toBeNull()
    expect(await rowsAfter('releases', retired)).toEqual([])
  })
})

describe('a worker', () => {
  const cases: readonly (readonly [status: string, since: number, story: Story])[] = [
    ['healthy', 1, [joined]],
    ['healthy', 1, [joined, joined]],
    ['stale', 2, [joined, lost]],
    ['healthy', 3, [joined, lost, joined]],
    ['unavailable', 2, [joined, left]],
    ['unavailable', 2, [joined, left, lost, drain, resume]],
    ['unavailable', 3, [joined, lost, left]],
    ['healthy', 3, [joined, left, joined]],
    ['draining', 2, [joined, drain, drain]],
    ['healthy', 3, [joined, drain, resume, resume]],
    ['healthy', 3, [joined, drain, joined]],
    ['stale', 3, [joined, drain, lost]],
    ['stale', 2, [joined, lost, drain, resume]],
    ['healthy', 4, [joined, drain, lost, joined]],
    ['unavailable', 3, [joined, drain, left]],
  ]
  test.each(cases)('is %s since %d after its story', async (status, since, story) => {
    expect(await rowAfter('workers', ...story)).toMatchObject({ status, since: second(since) })
  })

  test('was never away when it is heard again; joins anew when it had left', async () => {
    expect((await rowAfter('workers', joined, lost, joined)).joined_at).toBe(second(1))
    expect((await rowAfter('workers', joined, left, joined)).joined_at).toBe(second(3))
    expect(await rowsAfter('workers', left, lost, drain)).toEqual([])
  })

  test('says why it is as it is, and what else it serves', async () => {
    const row = await rowAfter('workers', joined, drain)
    expect(row).toMatchObject({ reason: 'because', drain_requested_by: actor })
    expect(row.also_serves).toEqual({ p: [newCode] })
    expect(await rowAfter('workers', joined, drain, joined)).toMatchObject({
      reason: null,
      drain_requested_by: null,
    })
    expect(await rowAfter('workers', joined, lost)).toMatchObject({ last_seen_at: at })
    expect(await rowAfter('workers', joined, drain, left)).toMatchObject({
      reason: 'done',
      drain_requested_by: null,
    })
  })
})

test('a command that nobody can carry out is shown', async () => {
  const refused: Event = {
    ...head,
    type: 'CommandRefused',
    queue: 'due',
    about: pipeline,
    problem: 'it is no msgpack',
    deliveries: 3,
    sample: 'wQ==',
  }
  expect(await rowAfter('refused_commands', refused)).toMatchObject({
    queue: 'due',
    about: pipeline,
    recorded_at: second(1),
  })
})
