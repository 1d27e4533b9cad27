import { expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { pipelines } from './pipelines.ts'
import { releases } from './releases.ts'
import { workers } from './workers.ts'

/** Given facts about one thing, one second apart, then this row. */
const fold = <R>(model: { evolve: object }, ...events: Event[]): R | undefined => {
  let row: R | undefined
  const evolve = model.evolve as Record<string, (row: R | undefined, recorded: object) => R>
  events.forEach((event, i) => {
    const recorded = { tenant: 't', seq: i + 1, index: 0, at: (i + 1) * 1_000, event }
    row = evolve[event.type]?.(row, recorded) ?? row
  })
  return row
}
const second = (seq: number) => new Date(seq * 1_000).toISOString()
const head = { v: 1 as const, at: second(0) }
const actor = { name: 'ada' }
const code = 'abcdefabcdef'
const pipeline = 'p'
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
const flushed: Event = { ...head, type: 'WindowFlushed', pipeline, actor }
const cancelled: Event = { ...head, type: 'WindowCancelled', pipeline, actor }
const requested: Event = {
  ...head,
  type: 'RunRequested',
  pipeline,
  run: 'r',
  pipelineVersion: code,
  reason: 'manual',
  inputs: {},
  triggeredBy: [],
  throughSeq: 2,
}
const registered: Event = {
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
}
const activated: Event = {
  ...head,
  type: 'ReleaseActivated',
  pipeline,
  pipelineVersion: code,
  actor,
}
const joined: Event = {
  ...head,
  type: 'WorkerJoined',
  worker: 'w',
  pool: 'default',
  version: code,
  pipelines: {},
  capabilities: [],
  host: 'h',
  pid: 1,
}
const left: Event = { ...head, type: 'WorkerLeft', worker: 'w', pool: 'default', reason: 'done' }
const lost: Event = { ...head, type: 'WorkerLost', worker: 'w', pool: 'default' }

const pipelineAfter = (...events: Event[]) => fold<Row<'pipelines'>>(pipelines, ...events)

test('the first definition opens the window, later ones leave it where it is', () => {
  expect(pipelineAfter(defined, defined)).toMatchObject({ defined_seq: 1, seq: 2 })
  expect(pipelineAfter(defined, removed)).toMatchObject({ removed: true, definition: null })
  expect(pipelineAfter(defined, removed, defined)).toMatchObject({
    removed: false,
    defined_seq: 3,
  })
})

test('a request closes the window, counts, and takes the flush with it', () => {
  expect(pipelineAfter(defined, flushed)?.flushed).toBe(true)
  expect(pipelineAfter(defined, flushed, requested)).toMatchObject({
    flushed: false,
    through_seq: 2,
    last_run: 'r',
    last_requested_at: second(3),
    runs: 1,
  })
  expect(pipelineAfter(defined, requested, requested)?.runs).toBe(2)
  expect(pipelineAfter(defined, flushed, cancelled)).toMatchObject({
    flushed: false,
    cancelled_seq: 3,
  })
})

test('a release is registered once and activated as often as somebody wants', () => {
  expect(pipelineAfter(activated)?.active_version).toBe(code)
  const row = fold<Row<'releases'>>(releases, registered, activated, registered)
  expect(row).toMatchObject({ registered_at: second(1), activated_at: second(2), seq: 2 })
  expect(fold(releases, activated)).toBeUndefined()
})

test('a lost worker that is heard again was never away; one that left joins anew', () => {
  const after = (...events: Event[]) => fold<Row<'workers'>>(workers, ...events)
  expect(after(joined, lost)).toMatchObject({ status: 'lost', since: second(2) })
  expect(after(joined, lost, joined)).toMatchObject({
    status: 'connected',
    joined_at: second(1),
    since: second(3),
  })
  expect(after(joined, left, lost)).toMatchObject({ status: 'left', since: second(2) })
  expect(after(joined, left, joined)?.joined_at).toBe(second(3))
})
