import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { append, until } from './harness.ts'
import {
  closeWorld,
  ended,
  eventsWhere,
  given,
  greet,
  newPipeline,
  newRoot,
  one,
  openWorld,
  patient,
  putVersion,
  ready,
  request,
  rewrite,
  startWorker,
  stopWorkers,
  versionsOf,
  world,
} from './fixtures/pipelines/worker-world.ts'

/** Releases, canaries and the life of workers on a real server. */
beforeAll(openWorld)
afterEach(stopWorkers)
afterAll(closeWorld)

const head = { v: 1 as const, at: '2026-11-21T00:00:00.000Z' }
const actor = { name: 'ada' }
const tell = (kind: 'pipeline' | 'release' | 'worker', name: string, event: Event) =>
  append(world.doors, { kind, name }, event)

/** Two versions of one pipeline in a row, the second registered and not active. */
const twoVersions = async () => {
  const made = await given('obey', { retry: patient, activation: 'manual' })
  const { pipeline, root, folder, version } = made
  const first = await startWorker(pipeline, root)
  await one('ReleaseActivated', { pipeline })
  await putVersion(`hand/${pipeline}`, JSON.stringify({ say: 'hello' }))
  await one('RunCompleted', { pipeline })
  await first.stop()
  await rewrite(folder, greet('shouted'))
  const worker = await startWorker(pipeline, root)
  const releases = await until('both are registered', async () => {
    const registered = await eventsWhere('ReleaseRegistered', { pipeline })
    return registered.length === 2 && registered
  })
  return { ...made, worker, active: version, candidate: releases[1]!.pipelineVersion }
}

describe('a release', () => {
  test('is recorded with its steps, its files by digest and its contract', async () => {
    const { pipeline, version } = await ready()
    const release = await one('ReleaseRegistered', { pipeline })
    expect(release).toMatchObject({ pipelineVersion: version })
    expect(release.steps.map(({ id }) => id)).toEqual(['obey'])
    expect(release.artifacts?.map(({ path }) => path)).toEqual(['obey.ts', 'pipeline.ts'])
    expect(release.contract).toMatch(/^[0-9a-f]{64}$/)
  })

  test('becomes active when somebody says so, and its outputs are due', async () => {
    const { pipeline, candidate, active, out } = await twoVersions()
    const activated = await eventsWhere('ReleaseActivated', { pipeline })
    expect(activated.map((event) => event.pipelineVersion)).toEqual([active])
    await tell('release', pipeline, {
      ...head,
      type: 'ReleaseActivated',
      pipeline,
      pipelineVersion: candidate,
      actor,
    })
    const due = await one('RunRequested', { pipeline, reason: 'code_changed' })
    expect(due.pipelineVersion).toBe(candidate)
    await ended(due.run)
    expect(await versionsOf(out)).toEqual(['said hello', 'shouted hello'])
  })

  test('that went back serves its runs again', async () => {
    const { pipeline, candidate, active, out } = await twoVersions()
    for (const pipelineVersion of [candidate, active]) {
      await tell('release', pipeline, {
        ...head,
        type: 'ReleaseActivated',
        pipeline,
        pipelineVersion,
        actor,
      })
      await until('it has run', async () => {
        const requests = await eventsWhere('RunRequested', { pipeline, pipelineVersion })
        const newest = requests.at(-1)
        return newest?.reason === 'code_changed' && (await ended(newest.run))
      })
    }
    expect((await versionsOf(out)).at(-1)).toBe('said hello')
  })
})

describe('a canary', () => {
  const start = (pipeline: string, pipelineVersion: string, runs: number) =>
    tell('pipeline', pipeline, {
      ...head,
      type: 'CanaryStarted',
      pipeline,
      canary: ulidOf(Date.now(), pipeline),
      pipelineVersion,
      runs,
      actor,
    })

  test('runs the candidate on the same inputs, publishes nothing and shows the difference', async () => {
    const { pipeline, candidate, out } = await twoVersions()
    await start(pipeline, candidate, 2)
    const repeated = await one('RunRequested', { pipeline, reason: 'canary' })
    expect(repeated.pipelineVersion).toBe(candidate)
    await ended(repeated.run)
    const [compared] = await eventsWhere('ArtifactCompared', { run: repeated.run })
    expect(compared).toMatchObject({ output: 'out.bin', difference: { verdict: 'different' } })
    const bytes = await world.doors.content.get('default', compared!.candidate!)
    expect(Buffer.from(bytes!).toString()).toBe('shouted hello')
    expect(await versionsOf(out)).toEqual(['said hello'])

    await putVersion(`hand/${pipeline}`, JSON.stringify({ say: 'again' }))
    const second = await until('the next run is repeated as well', async () => {
      const all = await eventsWhere('RunRequested', { pipeline, reason: 'canary' })
      return all[1]
    })
    await ended(second.run)
    expect(second.inputs).toEqual(
      (await eventsWhere('RunRequested', { run: second.canary!.of }))[0]!.inputs,
    )
    await putVersion(`hand/${pipeline}`, JSON.stringify({ say: 'enough' }))
    await until('that run is done', async () => (await versionsOf(out)).at(-1) === 'said enough')
    expect(await eventsWhere('RunRequested', { pipeline, reason: 'canary' })).toHaveLength(2)
  })
})

describe('a worker', () => {
  const wish = (
    type: 'WorkerDrainRequested' | 'WorkerResumeRequested',
    worker: string,
    pool: string,
  ) => tell('worker', pool, { ...head, type, worker, pool, actor })

  test('that drains finishes what it holds, and takes work when it joins again [E15]', async () => {
    const { pipeline, version, worker, untilFile, go } = await ready()
    await one('WorkerJoined', { worker: worker.worker })
    const held = await request(pipeline, version, { say: 'held', untilFile })
    await one('RunStarted', { run: held })
    await wish('WorkerDrainRequested', worker.worker, pipeline)
    go()
    await ended(held)
    const next = await request(pipeline, version, { say: 'next' })
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(await eventsWhere('RunStarted', { run: next })).toEqual([])
    const before = await eventsWhere('WorkerJoined', { worker: worker.worker })
    await wish('WorkerResumeRequested', worker.worker, pipeline)
    await ended(next)
    const joined = () => eventsWhere('WorkerJoined', { worker: worker.worker })
    await until('it has joined again', async () => (await joined()).length > before.length)
    expect(await joined()).toHaveLength(before.length + 1)
  })

  test('serves the higher priority first when it has fewer threads than work', async () => {
    const { root, version } = await newRoot('obey')
    const pool = await newPipeline('obey')
    const [low, high] = [
      await newPipeline('obey', { pool, concurrency: 8 }),
      await newPipeline('obey', { pool, concurrency: 8, priority: 5 }),
    ]
    await startWorker(pool, root, { threadsMax: 1 })
    for (const pipeline of [low, high]) await one('ReleaseActivated', { pipeline })
    const untilFile = join(root, 'go')
    const first = await request(low, version, { say: 'first', untilFile })
    await one('RunStarted', { run: first })
    const later = await request(low, version, { say: 'later' })
    await one('RunStarted', { run: later })
    const urgent = await request(high, version, { say: 'urgent' })
    await one('RunStarted', { run: urgent })
    writeFileSync(untilFile, '')
    for (const run of [first, later, urgent]) await ended(run)
    const completed = await eventsWhere('RunCompleted', {})
    const order = completed.map(({ run }) => run).filter((run) => [later, urgent].includes(run))
    expect(order).toEqual([urgent, later])
  })

  test('beats on and on for nothing but its presence [E15]', async () => {
    const { live, log } = world.doors
    const before = await log.head()
    const beats = 100_000
    for (let i = 0; i < beats; i += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, n) => live.put(`worker/beats-${(i + n) % 10}`, '', 60_000)),
      )
    const present = await live.keys('worker')
    expect(present.filter((key) => key.startsWith('worker/beats-'))).toHaveLength(10)
    expect(await log.head()).toEqual(before)
  }, 90_000)
})
