/** Given facts in log order, then these rows of runs and of what is told of them. */
import { describe, expect, test } from 'vitest'
import { runStatuses } from '@headway/schemas/run.ts'
import { fingerprintOf } from './run-errors.ts'
import {
  projected,
  rowAfter,
  rowsAfter,
  second,
  type Story,
} from '../../../test/fixtures/projected.ts'
import {
  actor,
  answered,
  at,
  cancelled,
  cancelRequested,
  code,
  compared,
  completed,
  ended,
  error,
  givenBack,
  interaction,
  newCode,
  published,
  recorded,
  redrive,
  redriveEnded,
  redriven,
  redriveRequested,
  requested,
  resumed,
  retried,
  run,
  skipped,
  started,
  stepped,
  superseded,
  suspended,
} from '../../../test/fixtures/run-events.ts'

const other = '01JBBBBBBBBBBBBBBBBBBBBBBB'
const statusAfter = async (...story: Story) => (await rowAfter('runs', ...story)).status

describe('a run', () => {
  const ways: readonly (readonly [status: string, story: Story])[] = [
    ['pending', [requested()]],
    ['running', [requested(), started(1)]],
    ['retrying', [requested(), started(1), retried(1)]],
    ['running', [requested(), started(1), retried(1), started(2)]],
    ['waiting_external', [requested(), started(1), suspended(1)]],
    ['pending', [requested(), started(1), suspended(1), answered(), resumed(1)]],
    ['running', [requested(), started(1), suspended(1), answered(), resumed(1), started('1.1')]],
    ['completed', [requested(), [started(1), stepped(1), completed(1)]]],
    ['failed', [requested(), started(1), ended('RunFailed', 1)]],
    ['dead_lettered', [requested(), started(1), ended('RunDeadLettered', 1)]],
    ['dead_lettered', [requested(), started(1), suspended(1), ended('RunDeadLettered', 1)]],
    ['cancelled', [requested(), cancelRequested, cancelled(0)]],
    ['cancelled', [requested(), started(1), suspended(1), cancelled(1)]],
    ['superseded', [requested(), superseded(other)]],
    ['pending', [requested(), started(1), givenBack(1)]],
    ['pending', [requested(), ended('RunFailed', 1), redriven(1)]],
    ['completed', [requested(), ended('RunFailed', 1), redriven(1), completed('1.1')]],
  ]
  test.each(ways)('is %s after its story', async (status, story) => {
    expect(await statusAfter(...story)).toBe(status)
  })
  test('reaches every status there is', () => {
    expect(new Set(ways.map(([status]) => status))).toEqual(new Set(runStatuses))
  })

  const zombies: readonly (readonly [what: string, story: Story, late: Story])[] = [
    [
      'an attempt that a newer one took over from',
      [requested(), started(1), started(2)],
      [completed(1), stepped(1), retried(1), published(1), suspended(1), givenBack(1)],
    ],
    [
      'a run that ended',
      [requested(), started(1), completed(1)],
      [started(2), completed(2), ended('RunFailed', 1), stepped(1), redriven(1), resumed(1)],
    ],
    [
      'an epoch before a redrive',
      [requested(), started(1), ended('RunDeadLettered', 1), redriven(1)],
      [started(2), completed(3), stepped(9), published(2), cancelled(1), redriven(1)],
    ],
    [
      'an epoch before a resume',
      [requested(), started(1), suspended(1), answered(), resumed(1)],
      [started(2), completed(1), ended('RunDeadLettered', 1), suspended(1), resumed(1)],
    ],
    [
      'a worker that goes on though its run waits outside',
      [requested(), started(2), suspended(2)],
      [started(3), completed(2), stepped(2), retried(2), cancelled(1)],
    ],
    [
      'a run that was superseded',
      [requested(), superseded(other)],
      [started(1), completed(1), cancelRequested, redriven(1)],
    ],
    [
      'a run that had begun and cannot be superseded',
      [requested(), started(1)],
      [superseded(other)],
    ],
    ['a run that nobody asked for', [], [started(1), completed(1), redriven(1), cancelRequested]],
  ]
  test.each(zombies)('is not changed by what is said late of %s [I8]', async (_, story, late) => {
    const [after, before] = [await projected(...story, ...late), await projected(...story)]
    // Who asked for what is written down, whatever came of it.
    for (const tables of [after, before]) tables.delete('audit')
    expect(after).toEqual(before)
  })

  test('waits between attempts with the error, and forgets it when the next one starts', async () => {
    const waiting = await rowAfter('runs', requested(), started(1), retried(1))
    expect(waiting).toMatchObject({ error, next_attempt_at: at, worker: 'w1' })
    const again = await rowAfter('runs', requested(), started(1), retried(1), started(2))
    expect(again).toMatchObject({ attempt: 2, error: null, worker: 'w2', next_attempt_at: null })
  })

  test('may end without having started', async () => {
    const row = await rowAfter('runs', requested(), ended('RunDeadLettered', 4))
    expect(row).toMatchObject({ attempt: 4, started_at: null, error, ended_at: at })
  })

  test('asked for once more stays as it is', async () => {
    const story = [requested(), started(1), completed(1), requested()]
    expect(await rowAfter('runs', ...story)).toMatchObject({ status: 'completed', seq: 1 })
  })

  test('tells who asked for it, with which key, and on what', async () => {
    const key = 'a'.repeat(64)
    const payload = 'b'.repeat(64)
    const wish = { type: 'RunTriggered', v: 1, at, pipeline: 'p', request: run, actor } as const
    const manual = requested({ reason: 'manual', pinned: true, actor, disabledSteps: ['s'] })
    const story = [{ ...wish, key, payload }, { ...wish, key, payload: key }, manual, wish]
    expect(await rowAfter('runs', ...story)).toMatchObject({
      key,
      payload,
      pinned: true,
      disabled_steps: ['s'],
    })
    expect(await rowAfter('run_wishes', ...story)).toMatchObject({
      payload,
      seq: 1,
      requested_seq: 3,
    })
  })

  test('that gave way names the one that carries its versions over', async () => {
    const ref = { asset: 'a', version: other, ordinal: 1, digest: 'd', sizeBytes: 1 }
    const carriedOver = [{ ...ref, kind: 'csv_table' as const }]
    const rows = await rowsAfter('runs', requested(), [
      superseded(other),
      requested({ run: other, carriedOver }),
    ])
    expect(rows).toMatchObject([
      { status: 'superseded', superseded_by: other, carried_over: [] },
      { run: other, carried_over: carriedOver },
    ])
  })

  test('that somebody wants to end says so until it has ended', async () => {
    const row = await rowAfter('runs', requested(), started(1), cancelRequested)
    expect(row).toMatchObject({
      status: 'running',
      cancel_requested_by: actor,
      cancel_requested_at: second(3),
      cancelled_by: null,
    })
    const late = await rowAfter('runs', requested(), started(1), completed(1), cancelRequested)
    expect(late.cancel_requested_by).toBeNull()
  })
})

describe('a redrive', () => {
  const dead: Story = [requested(), recorded(1), ended('RunDeadLettered', 1)]

  test('begins a new epoch and forgets nothing that went wrong', async () => {
    const story: Story = [
      ...dead,
      redriveRequested([run, other]),
      redriveRequested([other]),
      [redriven(1)],
      ended('RunFailed', '1.1'),
      redriveEnded({ redriven: 1, passedOver: 1, failed: 1 }),
    ]
    expect(await rowAfter('runs', ...story)).toMatchObject({
      status: 'failed',
      epoch: 1,
      redrives: 1,
      redrive,
      redriven_by: actor,
      reuse_from: 0,
    })
    expect(await rowsAfter('run_errors', ...story)).toMatchObject([
      { epoch: 0, attempt: 1, outcome: 'dead_lettered', type: 'Boom' },
      { epoch: 1, attempt: 1, outcome: 'failed', message: 'it broke' },
    ])
    expect(await rowAfter('redrives', ...story)).toMatchObject({
      status: 'done',
      requested: 2,
      redriven: 1,
      passed_over: 1,
      failed: 1,
      ended_at: second(8),
    })
    expect(await rowsAfter('redrive_runs', ...story)).toMatchObject([
      { run, place: 0, epoch: 1, redriven_at: second(6) },
      { run: other, place: 1, epoch: null },
    ])
  })

  test('counts while it is under way', async () => {
    const story = [...dead, redriveRequested([run]), redriven(1), ended('RunDeadLettered', '1.3')]
    const running = { status: 'running', redriven: 1, failed: 1 }
    expect(await rowAfter('redrives', ...story)).toMatchObject(running)
    const twice = [...story, redriven(2)]
    expect(await rowAfter('redrives', ...twice)).toMatchObject({ status: 'running', redriven: 2 })
    expect(await rowAfter('redrive_runs', ...twice)).toMatchObject({ epoch: 1 })
    const stopped = redriveEnded({ outcome: 'stopped', failed: 1 })
    const after = [...story, stopped, redriven(2), ended('RunFailed', '2.1'), stopped]
    expect(await rowAfter('redrives', ...after)).toMatchObject({ status: 'stopped', redriven: 1 })
  })

  test('reuses what was recorded, unless it starts over or on other code', async () => {
    const reuseFrom = async (...story: Story) =>
      (await rowAfter('runs', ...dead, ...story)).reuse_from
    expect(await reuseFrom(redriven(1))).toBe(0)
    expect(await reuseFrom(redriven(1, { startOver: true }))).toBe(1)
    const onNew = redriven(1, { pipelineVersion: newCode })
    expect(await reuseFrom(onNew)).toBe(1)
    const again = redriven(2, { pipelineVersion: newCode })
    expect(await reuseFrom(onNew, ended('RunFailed', '1.1'), again)).toBe(1)
    expect((await rowAfter('runs', ...dead, onNew)).pipeline_version).toBe(newCode)
  })

  test('wakes a cancelled run, which forgets that somebody wanted it to end', async () => {
    const row = await rowAfter('runs', requested(), cancelRequested, cancelled(0), redriven(1))
    expect(row).toMatchObject({
      status: 'pending',
      cancel_requested_by: null,
      cancelled_by: null,
      ended_at: null,
    })
  })
})

describe('what went wrong', () => {
  test('is kept per attempt, cancellations as well', async () => {
    const story = [requested(), started(1), retried(1), retried(2), cancelled(2), retried(3)]
    expect(await rowsAfter('run_errors', ...story)).toMatchObject([
      { attempt: 1, outcome: 'retried', next_attempt_at: at },
      { attempt: 2, outcome: 'retried' },
      { outcome: 'cancelled', type: 'Cancelled', message: 'by ada: because' },
    ])
  })

  test('is one thing when it differs only in what it is about', () => {
    const one = fingerprintOf('E', `run ${run} took 30000 ms at '/a/b' (9f86d081884c7d65)`)
    expect(fingerprintOf('E', `run ${other} took 7 ms at '/c' (60303ae22b998861)`)).toBe(one)
    expect(fingerprintOf('E', 'the disk is full')).not.toBe(one)
    expect(fingerprintOf('F', 'the disk is full')).not.toBe(fingerprintOf('E', 'the disk is full'))
  })
})

describe('steps and artifacts', () => {
  test('are kept per epoch and attempt', async () => {
    const story = [requested(), stepped(1), started(2), stepped(2), ended('RunFailed', 2)]
    const rows = await rowsAfter('steps', ...story, redriven(1), stepped('1.1'))
    expect(rows.map(({ epoch, attempt }) => [epoch, attempt])).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
    ])
  })

  test('of a later attempt take the place of an earlier one', async () => {
    const row = await rowAfter('artifacts', requested(), published(1), published(2, 'v2'))
    expect(row).toMatchObject({ attempt: 2, version: 'v2' })
  })

  test('with a moment that is none are kept without it', async () => {
    const row = await rowAfter('steps', requested(), stepped(1, { startedAt: 'yesterday' }))
    expect(row).toMatchObject({ started_at: null, ended_at: at, rows_out: 2, duration_ms: 1.5 })
  })

  test('that were skipped say why', async () => {
    for (const reason of ['disabled', 'input_absent', 'not_reached', 'reused'] as const) {
      const row = await rowAfter('steps', requested(), skipped(1, reason))
      expect(row).toMatchObject({ status: 'skipped', reason, logs: [], rows_in: null })
    }
  })

  test('that recorded what they made say which attempt did', async () => {
    const inline = { kind: 'csv_table' as const, sizeBytes: 3, inline: 'YWJj' }
    const story = [requested(), recorded(1), stepped(2, { step: 't', output: inline })]
    expect(await rowsAfter('step_outputs', ...story, recorded(2), stepped(3))).toMatchObject([
      { step: 's', attempt: 2, digest: expect.any(String) },
      { step: 't', attempt: 2, digest: null, size_bytes: 3 },
    ])
  })
})

describe('a canary', () => {
  const canary = '01JCCCCCCCCCCCCCCCCCCCCCCC'
  const head = { v: 1 as const, at, pipeline: 'p', canary, actor }
  const start: Story = [{ ...head, type: 'CanaryStarted', pipelineVersion: newCode, runs: 2 }]
  const repeats = (name: string) =>
    requested({ run: name, reason: 'canary', canary: { canary, of: code, since: 3 } })

  test('is done when as many runs as were asked for have ended', async () => {
    const one = [...start, repeats(run), [compared(1), completed(1)]]
    expect(await rowAfter('canaries', ...one)).toMatchObject({
      status: 'running',
      requested: 1,
      completed: 1,
    })
    expect(await rowAfter('comparisons', ...one)).toMatchObject({ run, verdict: 'different' })
    expect(await rowAfter('runs', ...one)).toMatchObject({ canary, canary_of: code })
    const two = [...one, repeats(other), ended('RunFailed', 1, { of: other })]
    expect(await rowAfter('canaries', ...two)).toMatchObject({
      status: 'done',
      failed: 1,
      ended_at: second(5),
    })
  })

  test('counts a run once, and ends when somebody says so', async () => {
    const again = [...start, repeats(run), ended('RunFailed', 1), redriven(1), completed('1.1')]
    const stop = { ...head, type: 'CanaryStopped' as const }
    expect(await rowAfter('canaries', ...again, stop, stop)).toMatchObject({
      status: 'stopped',
      completed: 0,
      failed: 1,
      stopped_by: actor,
      ended_at: second(6),
    })
  })

  test('is neither the last run of its pipeline nor a new window', async () => {
    const row = await rowAfter('pipelines', requested({ throughSeq: 1 }), repeats(other))
    expect(row).toMatchObject({ last_run: run, through_seq: 1, runs: 1 })
  })
})

test('a suspended run names its questions and the first deadline', async () => {
  const row = await rowAfter('runs', requested(), started(1), suspended(1))
  expect(row).toMatchObject({
    interactions: [interaction],
    waiting_until: second(60),
    worker: null,
    pipeline_version: code,
  })
})
