import { describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import { backoffMs, completed, evolve, failed, gaveUp, initial, type Attempt } from './decider.ts'

const now = Date.parse('2026-01-01T00:00:10.000Z')
const attempt = (number: number, rest: Partial<Attempt> = {}): Attempt => ({
  pipeline: 'p',
  run: 'R',
  epoch: 0,
  attempt: number,
  givenBack: 0,
  startedAt: now - 1_234.5678,
  now,
  policy: { attempts: 3, backoffMs: 1_000, backoffMsMax: 60_000 },
  ...rest,
})
const error = { type: 'E', message: 'm', terminal: false }

describe('an attempt that ends', () => {
  test('well completes the run', () => {
    expect(completed(attempt(2))).toEqual({
      type: 'RunCompleted',
      v: 1,
      at: '2026-01-01T00:00:10.000Z',
      run: 'R',
      attempt: 2,
      pipeline: 'p',
      durationMs: 1_234.568,
    })
  })

  test('badly is followed by another one, told with its moment', () => {
    const { event, retryMs } = failed(attempt(1), 'merge', error)
    expect(event).toMatchObject({ type: 'RunRetried', error: { type: 'E', message: 'merge: m' } })
    const at = Date.parse((event as { nextAttemptAt: string }).nextAttemptAt)
    expect(at - now).toBe(retryMs)
    expect(retryMs).toBe(backoffMs(attempt(1)))
  })

  test('badly with a wish waits that long', () => {
    expect(failed(attempt(1), 's', { ...error, afterMs: 77 }).retryMs).toBe(77)
  })

  test('with a terminal error fails the run at once', () => {
    const { event, retryMs } = failed(attempt(1), 's', { ...error, terminal: true })
    expect([event.type, retryMs]).toEqual(['RunFailed', null])
  })

  test('badly as the last one is dead-lettered [I9]', () => {
    expect(failed(attempt(3), 's', error)).toMatchObject({
      event: { type: 'RunDeadLettered', attempt: 3 },
      retryMs: null,
    })
  })

  test('by being taken once too often is dead-lettered as a loss of workers [I9]', () => {
    expect(gaveUp(attempt(4))).toMatchObject({
      type: 'RunDeadLettered',
      attempt: 4,
      error: { type: 'WorkerLost', message: expect.stringContaining('all 3 attempts') },
    })
  })
})

describe('the backoff', () => {
  test('doubles up to its maximum, spread over the upper half', () => {
    for (let run = 0; run < 200; run++)
      for (let number = 1; number <= 12; number++) {
        const ms = backoffMs(attempt(number, { run: `run-${run}` }))
        const full = Math.min(1_000 * 2 ** (number - 1), 60_000)
        expect(ms).toBeGreaterThanOrEqual(full / 2)
        expect(ms).toBeLessThanOrEqual(full)
      }
  })

  test('is the same for the same attempt, and another one for another run', () => {
    expect(backoffMs(attempt(2))).toBe(backoffMs(attempt(2)))
    const runs = Array.from({ length: 50 }, (_, i) => backoffMs(attempt(2, { run: `${i}` })))
    expect(new Set(runs).size).toBeGreaterThan(40)
  })
})

describe('the log of a run', () => {
  const head = { v: 1 as const, at: '2026-01-01T00:00:00.000Z', pipeline: 'p', run: 'R' }
  const started = (number: number, ownInputs = {}): Event => ({
    ...head,
    type: 'RunStarted',
    attempt: number,
    pipelineVersion: 'aaaaaaaaaaaa',
    worker: 'w',
    ownInputs,
  })
  const done = (number: number): Event => ({
    ...head,
    type: 'RunCompleted',
    attempt: number,
    durationMs: 1,
  })
  const after = (...events: Event[]) =>
    events.reduce((state, event) => evolve('R', state, event), initial)

  test('ends with the first terminal event of the newest attempt [I8]', () => {
    expect(after(started(1), done(1))).toMatchObject({ attempt: 1, isOver: true })
    expect(after(started(1), started(2), done(2))).toMatchObject({ attempt: 2, isOver: true })
  })

  test('does not end with the late word of an attempt that was overtaken [I8]', () => {
    expect(after(started(1), started(2), done(1))).toMatchObject({ attempt: 2, isOver: false })
    expect(after(started(1), started(2), done(1), done(2)).isOver).toBe(true)
  })

  test('stays ended whatever comes later [I8]', () => {
    expect(after(started(1), done(1), started(2)).isOver).toBe(true)
  })

  test('stands on the own outputs that its newest attempt has read', () => {
    const before = { asset: 'output/p/x', version: 'V', ordinal: 1, digest: 'd', sizeBytes: 1 }
    const ref = { ...before, kind: 'opaque_bytes' as const }
    expect(initial.ownInputs).toBeNull()
    expect(after(started(1, { ref }), started(2, { ref })).ownInputs).toEqual({ ref })
    expect(after(started(1, {}), started(2, { ref })).ownInputs).toEqual({ ref })
    expect(after(started(2, { ref }), started(1, {})).ownInputs).toEqual({ ref })
  })

  test('forgets what was made of other own outputs, and what an overtaken attempt has made', () => {
    const made = (number: number): Event => ({
      ...head,
      type: 'StepOutputRecorded',
      attempt: number,
      step: 's',
      output: { kind: 'opaque_bytes', sizeBytes: 1, inline: 'eA==' },
    })
    const ref = {
      asset: 'a',
      version: 'V',
      ordinal: 1,
      digest: 'd',
      sizeBytes: 1,
      kind: 'csv_table',
    }
    const other = { ref: ref as never }
    expect(Object.keys(after(started(1), made(1), started(2)).outputs)).toEqual(['s'])
    expect(after(started(1), made(1), started(2, other)).outputs).toEqual({})
    expect(after(started(1), started(2), made(1)).outputs).toEqual({})
  })

  test('of another run changes nothing [I3]', () => {
    expect(evolve('other', initial, started(3))).toBe(initial)
  })
})
