import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { ChainOrders } from './fixtures/pipelines/chain/chain.ts'
import { append, until } from './harness.ts'
import {
  closeWorld,
  ended,
  eventsWhere,
  given,
  linesOf,
  one,
  openWorld,
  patient,
  putVersion,
  queueOf,
  request,
  startWorker,
  stopWorkers,
  typesOf,
  versionsOf,
  world,
} from './fixtures/pipelines/worker-world.ts'

/**
 * The life of runs on a real server: resume, redrive, cancel, pause, supersede, and the wishes of people
 * that lead there.
 */
beforeAll(openWorld)
afterEach(stopWorkers)
afterAll(closeWorld)

const head = { v: 1 as const, at: '2026-11-21T00:00:00.000Z' }
const actor = { name: 'ada', reason: 'because' }
let asked = 0
const id = () => ulidOf(Date.now(), 'test', ++asked)
const wish = (pipeline: string, ...events: Event[]) =>
  append(world.doors, { kind: 'pipeline', name: pipeline }, ...events)

/** A chain of three steps with a worker, and the means to order it about. */
const chain = async (definition: Partial<PipelineDefinition> = {}) => {
  const made = await given('chain', { retry: patient, ...definition })
  const { pipeline, root, version, diary } = made
  const worker = await startWorker(pipeline, root)
  await one('ReleaseActivated', { pipeline })
  const brokenWhile = join(root, 'broken')
  const run = (orders: Partial<ChainOrders> = {}) =>
    request(pipeline, version, { diary, ...orders })
  return {
    ...made,
    worker,
    run,
    brokenWhile,
    breaks: () => writeFile(brokenWhile, ''),
    mends: () => rm(brokenWhile),
    done: () => linesOf(diary),
  }
}
const redrive = (
  pipeline: string,
  runs: string[],
  fields: Partial<EventOf<'RedriveRequested'>> = {},
) =>
  wish(pipeline, {
    ...head,
    type: 'RedriveRequested',
    pipeline,
    redrive: id(),
    runs,
    startOver: false,
    actor,
    ...fields,
  })

describe('a run that failed', () => {
  test('is retried from its first unfinished step; what was made is not made again', async () => {
    const { run, breaks, mends, brokenWhile, done, out } = await chain({
      retry: { attempts: 20, backoffMs: 100, backoffMsMax: 100 },
    })
    await breaks()
    const name = await run({ brokenWhile })
    await one('RunRetried', { run: name })
    await mends()
    await ended(name)
    expect((await done()).filter((step) => step === 'first')).toEqual(['first'])
    expect(await versionsOf(out)).toEqual(['done'])
    const reused = await eventsWhere('StepSkipped', { run: name, reason: 'reused' })
    expect(reused.every(({ step }) => step === 'first')).toBe(true)
    expect(reused.length).toBeGreaterThan(0)
  })

  test('is dead-lettered, and a redrive has a fresh budget, an actor and the old errors [E10]', async () => {
    const { run, breaks, mends, brokenWhile, pipeline, done } = await chain({
      retry: { attempts: 2, backoffMs: 20, backoffMsMax: 20 },
    })
    await breaks()
    const name = await run({ brokenWhile })
    await one('RunDeadLettered', { run: name })
    await redrive(pipeline, [name])
    const redriven = await one('RunRedriven', { run: name })
    expect(redriven).toMatchObject({ epoch: 1, actor, startOver: false })
    await one('RunDeadLettered', { run: name, epoch: 1 })
    await mends()
    await redrive(pipeline, [name])
    const completed = await one('RunCompleted', { run: name })
    expect(completed).toMatchObject({ epoch: 2, attempt: 1 })
    expect((await done()).filter((step) => step === 'first')).toEqual(['first'])
    const errors = await eventsWhere('RunDeadLettered', { run: name })
    expect(errors.map(({ epoch = 0, attempt }) => [epoch, attempt])).toEqual([
      [0, 2],
      [1, 2],
    ])
  })

  test('starts over when the redrive says so', async () => {
    const { run, breaks, mends, brokenWhile, pipeline, done } = await chain()
    await breaks()
    const name = await run({ brokenWhile, isTerminal: true })
    await one('RunFailed', { run: name })
    await mends()
    await redrive(pipeline, [name], { startOver: true })
    await ended(name)
    expect((await done()).filter((step) => step === 'first')).toEqual(['first', 'first'])
  })

  test('is not tried again when its error is of a class that the policy names', async () => {
    const { run, breaks, brokenWhile } = await chain({
      retry: { ...patient, nonRetryable: ['Error'] },
    })
    await breaks()
    const name = await run({ brokenWhile })
    await one('RunFailed', { run: name })
    expect(await eventsWhere('RunRetried', { run: name })).toEqual([])
  })
})

describe('a redrive of many', () => {
  test('goes in order, passes over what is not dead, and ends with an account [E11]', async () => {
    const { run, breaks, mends, brokenWhile, pipeline } = await chain({
      retry: { attempts: 1, backoffMs: 1, backoffMsMax: 1 },
    })
    await breaks()
    const dead = [await run({ brokenWhile }), await run({ brokenWhile })]
    for (const name of dead) await one('RunDeadLettered', { run: name })
    await mends()
    const good = await run()
    await ended(good)
    const asked = { redrive: id() }
    await redrive(pipeline, [dead[0]!, good, dead[1]!], asked)
    await redrive(pipeline, [dead[0]!, good, dead[1]!], asked)
    const end = await one('RedriveEnded', { pipeline })
    expect(end).toMatchObject({ outcome: 'done', redriven: 2, passedOver: 1, failed: 0 })
    const redriven = await eventsWhere('RunRedriven', { pipeline })
    expect(redriven.map((event) => event.run)).toEqual(dead)
  })

  test('stops after as many failures as it was told [E11]', async () => {
    const { run, breaks, brokenWhile, pipeline } = await chain({
      retry: { attempts: 1, backoffMs: 1, backoffMsMax: 1 },
    })
    await breaks()
    const dead = [
      await run({ brokenWhile }),
      await run({ brokenWhile }),
      await run({ brokenWhile }),
    ]
    for (const name of dead) await one('RunDeadLettered', { run: name })
    await redrive(pipeline, dead, { failuresMax: 1 })
    const end = await one('RedriveEnded', { pipeline })
    expect(end).toMatchObject({ outcome: 'stopped', redriven: 1, failed: 1, passedOver: 0 })
  })
})

describe('a cancelled run', () => {
  const cancel = (pipeline: string, run: string) =>
    wish(pipeline, { ...head, type: 'CancelRequested', pipeline, run, actor })

  test('that runs is asked to end, and its step may listen', async () => {
    const { run, pipeline, out } = await chain()
    const name = await run({ slowMs: 60_000 })
    await one('RunStarted', { run: name })
    await cancel(pipeline, name)
    expect(await one('RunCancelled', { run: name }, 4_000)).toMatchObject({ actor, attempt: 1 })
    expect(await versionsOf(out)).toEqual([])
  })

  test('that does not listen is ended all the same', async () => {
    const { run, pipeline } = await chain()
    const name = await run({ slowMs: 60_000, isDeaf: true })
    await one('RunStarted', { run: name })
    await cancel(pipeline, name)
    await one('RunCancelled', { run: name })
    const next = await run()
    await ended(next)
  })

  test('that waits for a worker ends without one', async () => {
    const { run, pipeline, worker } = await chain()
    await worker.stop()
    const name = await run()
    await cancel(pipeline, name)
    await one('RunCancelled', { run: name })
    await startWorker(pipeline, (await given('chain')).root)
    expect(await eventsWhere('RunStarted', { run: name })).toEqual([])
  })

  test('can be redriven', async () => {
    const { run, pipeline } = await chain()
    const name = await run({ slowMs: 6_000 })
    await one('RunStarted', { run: name })
    await cancel(pipeline, name)
    await one('RunCancelled', { run: name })
    await redrive(pipeline, [name])
    expect(await ended(name)).toMatchObject({ epoch: 1 })
  })
})

describe('a paused pipeline', () => {
  test('processes the same versions, later', async () => {
    const { pipeline, diary } = await chain({ debounce: { quietMs: 0, maxWaitMs: 0 } })
    await wish(pipeline, { ...head, type: 'PipelinePaused', pipeline, actor })
    await one('PipelinePaused', { pipeline })
    for (const n of [1, 2, 3]) {
      await putVersion(`hand/${pipeline}`, JSON.stringify({ diary, n }))
      await until('each change is asked for', async () => {
        return (await eventsWhere('RunRequested', { pipeline })).length === n
      })
    }
    expect(await eventsWhere('RunStarted', { pipeline })).toEqual([])
    await wish(pipeline, { ...head, type: 'PipelineResumed', pipeline, actor })
    await until('all are done', async () => {
      return (await eventsWhere('RunCompleted', { pipeline })).length === 3
    })
    const requests = await eventsWhere('RunRequested', { pipeline })
    expect(requests.map(({ triggeredBy }) => triggeredBy.length)).toEqual([1, 1, 1])
    const completed = await eventsWhere('RunCompleted', { pipeline })
    expect(completed.map(({ run }) => run)).toEqual(requests.map(({ run }) => run))
  })
})

describe('newest wins', () => {
  test('an older pending run gives way, and its triggers are carried over', async () => {
    const { pipeline, run, version } = await chain({
      newestWins: true,
      debounce: { quietMs: 0, maxWaitMs: 0 },
    })
    const slow = await run({ slowMs: 60_000 })
    await one('RunStarted', { run: slow })
    const input = `hand/${pipeline}`
    const { diary } = await given('chain')
    for (const n of [1, 2, 3]) {
      await putVersion(input, JSON.stringify({ diary, n }))
      await until('each change is asked for', async () => {
        return (await eventsWhere('RunRequested', { pipeline })).length === n + 1
      })
    }
    await wish(pipeline, { ...head, type: 'CancelRequested', pipeline, run: slow, actor })
    const requests = (await eventsWhere('RunRequested', { pipeline })).slice(1)
    const newest = requests.at(-1)!
    await ended(newest.run)
    const superseded = await eventsWhere('RunSuperseded', { pipeline })
    expect(superseded.map((event) => event.run)).toEqual(requests.slice(0, 2).map((r) => r.run))
    const accounted = [...(newest.carriedOver ?? []), ...newest.triggeredBy]
    expect(accounted.map((ref) => ref.version)).toEqual(
      requests.flatMap(({ triggeredBy }) => triggeredBy.map((ref) => ref.version)),
    )
    for (const { run: older } of superseded)
      expect(await eventsWhere('RunStarted', { run: older })).toEqual([])
    await until('nothing waits', async () => {
      return (await world.doors.control.depth(queueOf(pipeline, version))) === 0
    })
  })
})

describe('a submitted run', () => {
  const trigger = (pipeline: string, request: string, fields = {}) =>
    wish(pipeline, { ...head, type: 'RunTriggered', pipeline, request, actor, ...fields })

  test('under one key is one run however often it is asked for, also after an activation [E13]', async () => {
    const { pipeline, diary } = await chain()
    await putVersion(`hand/${pipeline}`, JSON.stringify({ diary }))
    await one('RunCompleted', { pipeline })
    const name = id()
    const key = 'a'.repeat(64)
    await trigger(pipeline, name, { key })
    await ended(name)
    await append(
      world.doors,
      { kind: 'release', name: pipeline },
      {
        ...head,
        type: 'ReleaseActivated',
        pipeline,
        pipelineVersion: (await eventsWhere('ReleaseActivated', { pipeline }))[0]!.pipelineVersion,
        actor,
      },
    )
    await trigger(pipeline, name, { key })
    const other = id()
    await trigger(pipeline, other)
    await ended(other)
    expect(await eventsWhere('RunRequested', { run: name })).toHaveLength(1)
    expect((await typesOf(name)).filter((type) => type === 'RunStarted')).toHaveLength(1)
  })

  test('many at once are each done once', async () => {
    const { pipeline, diary } = await chain({ concurrency: 4 })
    await putVersion(`hand/${pipeline}`, JSON.stringify({ diary }))
    await one('RunCompleted', { pipeline })
    const names = Array.from({ length: 30 }, id)
    await Promise.all(names.map((name) => trigger(pipeline, name)))
    for (const name of names) await ended(name)
    const completed = await eventsWhere('RunCompleted', { pipeline })
    expect(new Set(completed.map(({ run }) => run)).size).toBe(31)
    expect(completed).toHaveLength(31)
  })
})

describe('a disabled step', () => {
  test('stays in the DAG as skipped, and comes back when it is enabled [E31]', async () => {
    const { pipeline, diary, out } = await chain()
    const step = (type: 'StepDisabled' | 'StepEnabled') =>
      wish(pipeline, { ...head, type, pipeline, step: 'second', actor })
    await step('StepDisabled')
    await putVersion(`hand/${pipeline}`, JSON.stringify({ diary }))
    const { run } = await one('RunCompleted', { pipeline })
    const [skipped] = await eventsWhere('StepSkipped', { run })
    expect(skipped).toMatchObject({ step: 'second', reason: 'disabled' })
    expect(await versionsOf(out)).toEqual(['done'])
    await step('StepEnabled')
    await putVersion(`hand/${pipeline}`, JSON.stringify({ diary, again: true }))
    await until('it runs again', async () => {
      return (await linesOf(diary)).includes('second')
    })
  })
})
