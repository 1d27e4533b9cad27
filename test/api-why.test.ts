/** Why something ran, did not run, or waits: the answer, its evidence, and what comes next. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VersionRef } from '@headway/schemas/definitions.ts'
import { ada, ApiWorld, codeA, codeB } from './api-world.ts'
import { defineAsset, definePipeline } from './harness.ts'

const at = '2026-11-21T00:00:00.000Z'
const head = { v: 1 as const, at }
let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
})
afterAll(() => api.close())

type Told = {
  answer: string
  because: { text: string; href?: string; seq?: number }[]
  next?: { text: string; at?: string }
}
const why = (path: string): Promise<Told> => api.get(`${path}/why`) as Promise<Told>
const texts = ({ because }: Told): string[] => because.map(({ text }) => text)

describe('a run', () => {
  let ref: VersionRef
  beforeAll(async () => {
    await api.pipeline('r')
    ref = await api.version('in/r', 1)
  })

  test('that completed says what changed and what came out, and all of it can be looked up', async () => {
    const run = await api.run('r', { triggeredBy: [ref], inputs: { feed: ref } })
    await api.started('r', run)
    await api.ended('RunCompleted', 'r', run)
    const told = await why(`/runs/${run}`)
    expect(told.answer).toBe(
      `Run ${run} of r: it completed in 7 ms. It was asked for because: changed: in/r #1.`,
    )
    expect(texts(told)).toEqual(['changed: in/r #1', 'in/r #1 was in its window'])
    expect(told.because[0]!.seq).toBeGreaterThan(0)
    expect(told.because[1]!.href).toBe(`/api/v1/assets/in/r/versions/${ref.version}`)
    for (const { href } of told.because)
      if (href) expect((await api.call('GET', href)).status, href).toBe(200)
  })

  test('waits for a worker, then for its turn, and says for whom', async () => {
    const run = await api.run('r')
    const lonely = await why(`/runs/${run}`)
    expect(lonely.answer).toContain(`it waits: no healthy worker serves r ${codeA}`)
    expect(lonely.next?.text).toContain('services/worker/main.ts')
    await api.worker('w1', { r: codeA })
    expect((await why(`/runs/${run}`)).answer).toContain('it has its turn')
    await api.started('r', run)
    const later = await api.run('r')
    const turn = await why(`/runs/${later}`)
    expect(turn.answer).toContain('it waits for its turn: 1 run of 1 at a time')
    expect(texts(turn)[0]).toBe(`run ${run} is under way`)
    const last = await api.run('r')
    expect(texts(await why(`/runs/${last}`))).toContain(`run ${later} was asked for before`)
    const running = await why(`/runs/${run}`)
    expect(running.answer).toContain('it runs: w1 executes attempt 1 of 3')
    await api.tell('pipeline', 'r', { type: 'PipelinePaused', ...head, pipeline: 'r', actor: ada })
    const paused = await why(`/runs/${later}`)
    expect(paused.answer).toContain('it waits: r is paused by ada (because)')
    await api.tell('pipeline', 'r', { type: 'PipelineResumed', ...head, pipeline: 'r', actor: ada })
    const cancel = { type: 'CancelRequested' as const, ...head, pipeline: 'r', actor: ada }
    await api.tell('pipeline', 'r', { ...cancel, run: last }, { ...cancel, run })
    expect((await why(`/runs/${last}`)).answer).toContain('ada (because) cancelled it')
    expect((await why(`/runs/${run}`)).next?.text).toContain('it ends soon')
    await api.ended('RunCancelled', 'r', run)
    expect((await why(`/runs/${run}`)).answer).toContain('it was cancelled by ada (because)')
  })

  test('that went wrong tells every error, and what is next', async () => {
    const run = await api.run('r')
    await api.started('r', run)
    const error = { type: 'Boom', message: 'it broke' }
    const nextAttemptAt = '2026-11-21T00:05:00.000Z'
    const retried = { ...api.fence('r', run), type: 'RunRetried' as const, error, nextAttemptAt }
    await api.tell('run', 'r', retried)
    const retrying = await why(`/runs/${run}`)
    expect(retrying.answer).toContain('attempt 1 of 3 ended badly and another one follows')
    expect(retrying.next).toEqual({ text: 'attempt 2', at: nextAttemptAt })
    await api.started('r', run, 2)
    await api.ended('RunDeadLettered', 'r', run, { attempt: 2 })
    const dead = await why(`/runs/${run}`)
    expect(dead.answer).toContain('it used up its attempts or its time: Boom: it broke')
    expect(texts(dead).slice(0, 2)).toEqual([
      'attempt 1 retried: Boom: it broke',
      'attempt 2 dead lettered: Boom: it broke',
    ])
    expect(dead.next?.text).toContain(`/runs/${run}/redrive`)
  })

  test('that asks, gave way, compares or is only asked for', async () => {
    const { run } = await api.asking('r', { assignee: 'bob' })
    const asking = await why(`/runs/${run}`)
    expect(asking.answer).toContain('it waits for 1 answer')
    expect(texts(asking)[0]).toMatch(/^step first waits for bob until /)
    expect(asking.next?.at).toMatch(/Z$/)
    const older = await api.run('r', { triggeredBy: [ref] })
    const newer = await api.run('r', { carriedOver: [ref] })
    const superseded = { type: 'RunSuperseded' as const, ...head, pipeline: 'r' }
    await api.tell('pipeline', 'r', { ...superseded, run: older, by: newer })
    expect((await why(`/runs/${older}`)).answer).toContain(`gave way to run ${newer}`)
    expect(texts(await why(`/runs/${newer}`))).toEqual(
      expect.arrayContaining([
        `run ${older} had not started and gave way to it`,
        'in/r #1 was carried over',
      ]),
    )
    const canary = { canary: '01JCCCCCCCCCCCCCCCCCCCCCCC', of: run, since: 0 }
    const compares = await api.run('r', { reason: 'canary', canary, pipelineVersion: codeB })
    expect(texts(await why(`/runs/${compares}`)).at(-1)).toContain(`it repeats run ${run}`)
    const asked = await api.post('/pipelines/r/runs', { reason: 'now' })
    expect((await why(`/runs/${asked.body.id}`)).answer).toContain('ada (now)')
    expect((await api.call('GET', '/runs/nope/why')).status).toBe(404)
  })
})

describe('a pipeline', () => {
  test('without code, without input, idle, in its window, and asked for', async () => {
    await definePipeline(api.world.doors, 'q', {
      slots: { feed: 'in/q' },
      debounce: { quietMs: 60_000, maxWaitMs: 120_000 },
    })
    await defineAsset(api.world.doors, 'in/q', {})
    expect((await why('/pipelines/q')).answer).toBe(
      'q does not run: no version of its code is active.',
    )
    await api.release('q', codeA)
    await api.activate('q', codeA)
    const missing = await why('/pipelines/q')
    expect(missing.answer).toBe('q does not run: an input is missing.')
    expect(texts(missing)).toEqual(['no version yet of in/q'])
    const ref = await api.version('in/q', 1)
    const open = await why('/pipelines/q')
    expect(open.answer).toBe('q waits for its window to close: 1 change so far.')
    expect(open.next?.at).toMatch(/Z$/)
    expect(texts(open)).toEqual(['in/q #1 waits in the window'])
    await api.post('/pipelines/q/runs', { reason: 'now' })
    expect((await why('/pipelines/q')).answer).toBe('q is about to run: somebody asked for it.')
    const [asked] = (await api.told('RunTriggered', 'q')).slice(-1)
    const run = await api.run('q', { run: asked!.request, reason: 'manual', triggeredBy: [ref] })
    expect((await why('/pipelines/q')).answer).toContain(`nobody serves version ${codeA}`)
    await api.worker('w2', { q: codeA })
    expect((await why('/pipelines/q')).answer).toContain('q is about to run: 1 run asked for')
    await api.started('q', run)
    expect((await why('/pipelines/q')).answer).toBe('q runs: 1 run under way.')
    await api.ended('RunCompleted', 'q', run)
    await api.tell('pipeline', 'q', {
      type: 'StepDisabled',
      ...head,
      pipeline: 'q',
      step: 'first',
      actor: ada,
    })
    const idle = await why('/pipelines/q')
    expect(idle.answer).toBe('q does not run: its inputs and its code are those of its last run.')
    expect(texts(idle)).toEqual([`the last run ${run} completed`, 'step first is left out'])
    await api.asking('q', { assignee: 'bob' })
    const asking = await why('/pipelines/q')
    expect(asking.answer).toBe('q waits for answers: 1 run suspended.')
    expect(texts(asking)).toContain('step first waits for bob')
    await api.tell('pipeline', 'q', { type: 'PipelinePaused', ...head, pipeline: 'q', actor: ada })
    const paused = await why('/pipelines/q')
    expect(paused.answer).toBe('q starts no runs: it is paused by ada (because).')
    expect(paused.next?.text).toContain('/pipelines/q/resume')
    expect((await api.call('GET', '/pipelines/nope/why')).status).toBe(404)
  })

  test('that fails backs off longer each time, and gives up', async () => {
    await api.pipeline('f')
    const ref = await api.version('in/f', 1)
    const fail = () => api.dead('f', { type: 'Boom', message: 'm' }, { inputs: { feed: ref } })
    await fail()
    const once = await why('/pipelines/f')
    expect(once.answer).toBe(
      'f waits for its window to close: 1 change so far.'.replace(/.*/, once.answer),
    )
    expect(once.answer).toContain('its last 1 run failed on the same inputs and code')
    await fail()
    const twice = await why('/pipelines/f')
    expect(twice.answer).toContain('its last 2 runs failed')
    const runs = await api.get('/runs?pipeline=f')
    const [newest] = runs as { endedAt: string }[]
    expect(Date.parse(twice.next!.at!) - Date.parse(newest!.endedAt)).toBe(20_000)
    for (let i = 0; i < 3; i++) await fail()
    expect((await why('/pipelines/f')).answer).toContain('f gave up: its last 5 runs failed')
  })
})

describe('an asset', () => {
  test('that is stale says since when and why, what it led to and when it is looked at', async () => {
    await api.pipeline('a')
    await defineAsset(api.world.doors, 'in/a', {
      url: 'http://user:secret@h/x',
      cadenceMs: 60_000,
      freshnessMs: 1,
    })
    const never = await why('/assets/in/a')
    expect(never.answer).toBe('in/a: it is stale: nothing good was ever seen of it.')
    const ref = await api.version('in/a', 1)
    await api.tell('asset', 'in/a', {
      type: 'FetchFailed',
      ...head,
      asset: 'in/a',
      error: { type: 'HttpError', message: '503 from h' },
      notBefore: '2026-11-21T01:00:00.000Z',
    })
    const waiting = await why('/assets/in/a')
    expect(waiting.answer).toContain('in/a: it is stale: nothing good was seen for')
    expect(texts(waiting)[0]).toBe('its source is in trouble: failed:HttpError: 503 from h')
    expect(texts(waiting)).toContain('#1 is the newest version: it was fetched')
    expect(texts(waiting).at(-1)).toContain('1 version of it wait in the window of a')
    expect(waiting.next).toEqual({
      text: 'it is looked at again; its server asked for this pause',
      at: '2026-11-21T01:00:00.000Z',
    })
    const run = await api.run('a', { triggeredBy: [ref] })
    expect(texts(await why('/assets/in/a')).at(-1)).toBe(
      `it triggered run ${run} of a, which is waiting for worker`,
    )
    expect(JSON.stringify(await why('/assets/in/a'))).not.toContain('secret')
    expect((await api.call('GET', '/assets/none/why')).status).toBe(404)
  })
})
