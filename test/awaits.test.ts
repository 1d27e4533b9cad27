import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { PipelineDefinition, Question } from '@headway/schemas/definitions.ts'
import type { Event } from '@headway/schemas/events.ts'
import { append, until } from './harness.ts'
import type { ChainOrders } from './fixtures/pipelines/chain/chain.ts'
import {
  closeWorld,
  ended,
  eventsWhere,
  given,
  linesOf,
  one,
  openWorld,
  patient,
  queueOf,
  request,
  rewrite,
  startWorker,
  stopWorkers,
  versionsOf,
  world,
} from './fixtures/pipelines/worker-world.ts'

/** Steps that wait for somebody outside, on a real server. */
beforeAll(openWorld)
afterEach(stopWorkers)
afterAll(closeWorld)

const head = { v: 1 as const, at: '2026-11-21T00:00:00.000Z' }
const actor = { name: 'ada' }
type Ask = NonNullable<ChainOrders['ask']>

const asking = async (ask: Partial<Ask> = {}, definition: Partial<PipelineDefinition> = {}) => {
  const made = await given('chain', { retry: patient, ...definition })
  const { pipeline, root, version, diary } = made
  const worker = await startWorker(pipeline, root)
  await one('ReleaseActivated', { pipeline })
  const start = () => request(pipeline, version, { diary, ask: { timeoutMs: 60_000, ...ask } })
  const answer = (fields: Partial<Extract<Event, { type: 'InteractionCompleted' }>>) =>
    append(
      world.doors,
      { kind: 'interaction', name: pipeline },
      {
        ...head,
        type: 'InteractionCompleted',
        pipeline,
        response: { approved: true },
        actor,
        token: false,
        ...fields,
      },
    )
  return { ...made, worker, start, answer }
}
const questionOf = async (run: string): Promise<Question> =>
  (await one('RunSuspended', { run })).questions[0]!

describe('a step that asks', () => {
  test('suspends its run, which holds no worker and goes on with the answer', async () => {
    const { start, answer, pipeline, version, diary, out } = await asking({ assignee: 'ada' })
    const run = await start()
    const question = await questionOf(run)
    expect(question).toMatchObject({ step: 'third', assignee: 'ada', token: false })
    const depth = () => world.doors.control.depth(queueOf(pipeline, version))
    await until('no command is held', async () => (await depth()) === 0)
    await answer({ interaction: question.interaction })
    const resumed = await one('RunResumed', { run })
    expect(resumed).toMatchObject({ epoch: 1, interactions: [question.interaction] })
    await ended(run)
    expect(await versionsOf(out)).toEqual(['approved'])
    expect(await linesOf(diary)).toEqual(['first', 'second', 'third', 'third'])
  })

  test('lets the next run of its pipeline pass while it waits', async () => {
    const { start, pipeline, version, diary } = await asking()
    await questionOf(await start())
    await ended(await request(pipeline, version, { diary }))
  })

  test('takes an answer once, and only one that fits', async () => {
    const { start, answer, out } = await asking()
    const run = await start()
    const { interaction } = await questionOf(run)
    await answer({ interaction, response: { approved: 'perhaps' } })
    await answer({ interaction, response: { approved: false } })
    await answer({ interaction, response: { approved: true } })
    await ended(run)
    expect(await versionsOf(out)).toEqual(['declined'])
    expect(await eventsWhere('RunResumed', { run })).toHaveLength(1)
  })

  test('takes no answer without the token that it wants [E16]', async () => {
    const { start, answer, out } = await asking({ token: true })
    const run = await start()
    const { interaction } = await questionOf(run)
    await answer({ interaction, response: { approved: false } })
    await answer({ interaction, response: { approved: true }, token: true })
    await ended(run)
    expect(await versionsOf(out)).toEqual(['approved'])
    expect(await eventsWhere('RunResumed', { run })).toHaveLength(1)
  })

  test('takes an answer that came before it asked, once [E17]', async () => {
    const { start, answer, out, pipeline, version, diary } = await asking()
    const correlation = 'job-1'
    await answer({ correlation, response: { approved: false } })
    const ask = { timeoutMs: 60_000, correlation }
    const run = await request(pipeline, version, { diary, ask })
    await ended(run)
    expect(await versionsOf(out)).toEqual(['declined'])
    const second = await request(pipeline, version, { diary, ask: { ...ask, timeoutMs: 700 } })
    await one('RunDeadLettered', { run: second })
    await start()
  })

  test('ends in the dead letters when nobody answers in time, and can be redriven [E18]', async () => {
    const { start, answer, pipeline } = await asking({ timeoutMs: 3_000 })
    const run = await start()
    const dead = await one('RunDeadLettered', { run })
    expect(dead.error.type).toBe('InteractionExpired')
    const { interaction } = await questionOf(run)
    await answer({ interaction })
    await append(
      world.doors,
      { kind: 'pipeline', name: pipeline },
      {
        ...head,
        type: 'RedriveRequested',
        pipeline,
        redrive: run,
        runs: [run],
        startOver: false,
        actor,
      },
    )
    const again = await one('RunSuspended', { run, epoch: 1 })
    await answer({ interaction: again.questions[0]!.interaction })
    await ended(run)
  })

  test('is cancelled while it waits', async () => {
    const { start, pipeline } = await asking()
    const run = await start()
    await questionOf(run)
    await append(
      world.doors,
      { kind: 'pipeline', name: pipeline },
      { ...head, type: 'CancelRequested', pipeline, run, actor },
    )
    await one('RunCancelled', { run })
  })
})

describe('a release that moves on while a run waits', () => {
  test('leaves the run on its version, which is served until it ends [E14] [I10]', async () => {
    const { start, answer, pipeline, folder, version, root } = await asking()
    const run = await start()
    const { interaction } = await questionOf(run)
    await stopWorkers()
    await rewrite(folder, (source) => `${source}\n// another version\n`)
    await startWorker(pipeline, root)
    const [, second] = await until('the new version is active', async () => {
      const activated = await eventsWhere('ReleaseActivated', { pipeline })
      return activated.length === 2 && activated
    })
    expect(second!.pipelineVersion).not.toBe(version)
    await answer({ interaction })
    await ended(run)
    const started = await eventsWhere('RunStarted', { run })
    expect(started.map((event) => event.pipelineVersion)).toEqual([version, version])
  })
})
