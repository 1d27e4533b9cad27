import { describe, expect, test, vi } from 'vitest'
import { encodeEvents } from '@headway/schemas/codec.ts'
import { examples } from '@headway/schemas/examples.ts'
import type { Event } from '@headway/schemas/events.ts'
import type { Appended, NewCommit } from '@headway/schemas/ports.ts'
import { systemClock } from '@headway/streams/room.ts'
import { Commits } from './commits.ts'
import { Journal } from './journal.ts'

const asked = { run: 'R', triggeredBy: [] }
const event = (asset: string): Event => ({ type: 'FetchRecovered', v: 1, at: '2026', asset })
const frame = { tenant: 't', topic: { kind: 'run' as const, name: 'p' }, source: 's' }

/** A log that answers when it is told to. */
const slowLog = () => {
  const commits: NewCommit[] = []
  const answers: { resolve(appended: Appended): void; reject(error: Error): void }[] = []
  const append = (commit: NewCommit) =>
    new Promise<Appended>((resolve, reject) => {
      commits.push(commit)
      answers.push({ resolve, reject })
    })
  const stored = { outcome: 'stored' as const, seq: 1 }
  return { append, commits, answers, answer: (i: number) => answers[i]?.resolve(stored) }
}
const told = (commits: readonly NewCommit[]) =>
  commits.map(({ id, events }) => [
    id,
    events.map((one) => (one as { asset: string }).asset).join(''),
  ])

describe('the journal', () => {
  test('makes one commit of what a short run says', async () => {
    const log = slowLog()
    const journal = new Journal(new Commits(log, frame), systemClock, 'run-1', asked)
    for (const asset of 'abc') journal.note(event(asset))
    const flushed = journal.flush()
    await vi.waitFor(() => log.answer(0) ?? expect(log.commits).toHaveLength(1))
    await flushed
    expect(told(log.commits)).toEqual([['run-1-0', 'abc']])
    expect(log.commits[0]).toMatchObject(frame)
  })

  test('writes after 100 ms what nobody flushed', async () => {
    vi.useFakeTimers()
    try {
      const log = slowLog()
      const journal = new Journal(new Commits(log, frame), systemClock, 'r', asked)
      journal.note(event('a'))
      await vi.advanceTimersByTimeAsync(60)
      journal.note(event('b'))
      await vi.advanceTimersByTimeAsync(39)
      expect(log.commits).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(told(log.commits)).toEqual([['r-0', 'ab']])
    } finally {
      vi.useRealTimers()
    }
  })

  test('sends one commit after the other, in order', async () => {
    const log = slowLog()
    const journal = new Journal(new Commits(log, frame), systemClock, 'r', asked)
    journal.note(event('a'))
    void journal.flush()
    journal.note(event('b'))
    const flushed = journal.flush()
    await vi.waitFor(() => expect(log.commits).toHaveLength(1))
    log.answer(0)
    await vi.waitFor(() => expect(log.commits).toHaveLength(2))
    log.answer(1)
    await flushed
    expect(told(log.commits)).toEqual([
      ['r-0', 'a'],
      ['r-1', 'b'],
    ])
  })

  test('tells a failure to the next flush, and writes nothing after it', async () => {
    const log = slowLog()
    const journal = new Journal(new Commits(log, frame), systemClock, 'r', asked)
    journal.note(event('a'))
    const first = journal.flush()
    await vi.waitFor(() => expect(log.answers).toHaveLength(1))
    log.answers[0]!.reject(new Error('disk full'))
    await expect(first).rejects.toThrow('disk full')
    journal.note(event('b'))
    await expect(journal.flush()).rejects.toThrow('disk full')
    expect(log.commits).toHaveLength(1)
  })

  test('cuts what is too large for one message, between events', async () => {
    const sizes: number[] = []
    const append = async ({ events }: NewCommit) => {
      sizes.push(encodeEvents(events).length)
      return { outcome: 'stored' as const, seq: 1 }
    }
    const journal = new Journal(new Commits({ append }, frame), systemClock, 'r', asked)
    for (const digit of '1234567')
      journal.note({ ...examples.StepSucceeded, logs: [digit.repeat(300_000)] })
    await journal.flush()
    expect(sizes).toHaveLength(4)
    expect(Math.max(...sizes)).toBeLessThan(900_000)
  })

  test('that is closed writes nothing more', async () => {
    const log = slowLog()
    const journal = new Journal(new Commits(log, frame), systemClock, 'r', asked)
    journal.note(event('a'))
    journal.close()
    journal.note(event('b'))
    await journal.flush()
    expect(log.commits).toEqual([])
  })
})
