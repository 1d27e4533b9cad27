import { describe, expect, test, vi } from 'vitest'
import { encodeEvents } from '@headway/schemas/codec.ts'
import { examples } from '@headway/schemas/examples.ts'
import type { Event } from '@headway/schemas/events.ts'
import type { Appended, NewCommit } from '@headway/schemas/ports.ts'
import { Commits, weigh } from './commits.ts'

const frame = { tenant: 't', topic: { kind: 'run' as const, name: 'p' }, source: 's' }
const event = (asset: string): Event => ({ type: 'FetchRecovered', v: 1, at: '2026', asset })
const part = (id: string, bytes = 10) => ({ id, run: `R${id}`, events: [event(id)], bytes })

/** A log that answers when it is told to. */
const slow = () => {
  const commits: NewCommit[] = []
  const answers: { resolve(appended: Appended): void; reject(error: Error): void }[] = []
  const append = (commit: NewCommit) =>
    new Promise<Appended>((resolve, reject) => {
      commits.push(commit)
      answers.push({ resolve, reject })
    })
  const answer = () => answers.shift()!.resolve({ outcome: 'stored', seq: 1 })
  const told = () => commits.map(({ events }) => events.map((one) => (one as never)['asset']))
  return { commits, answers, answer, told, of: new Commits({ append }, frame) }
}

describe('commits', () => {
  test('a lone part goes at once, under its own id and with its run', () => {
    const log = slow()
    void log.of.append(part('a'))
    expect(log.commits).toMatchObject([{ ...frame, id: 'a', run: 'Ra', correlationId: 'Ra' }])
  })

  test('what comes while one is under way goes together, in order', async () => {
    const log = slow()
    const stored = ['a', 'b', 'c'].map((id) => log.of.append(part(id)))
    expect(log.told()).toEqual([['a']])
    log.answer()
    await stored[0]
    await vi.waitFor(() => expect(log.told()).toEqual([['a'], ['b', 'c']]))
    expect(log.commits[1]).not.toHaveProperty('run')
    log.answer()
    await Promise.all(stored)
  })

  test('the same parts have the same id, others another one', async () => {
    const ids = async (names: string[]) => {
      const log = slow()
      void log.of.append(part('first'))
      for (const name of names) void log.of.append(part(name)).catch(() => {})
      log.answer()
      await vi.waitFor(() => expect(log.commits).toHaveLength(2))
      return log.commits[1]!.id
    }
    expect(await ids(['a', 'b'])).toBe(await ids(['a', 'b']))
    expect(await ids(['a', 'b'])).not.toBe(await ids(['b', 'a']))
  })

  test('what does not fit into a message goes in the next one', async () => {
    const log = slow()
    void log.of.append(part('first'))
    for (const id of ['a', 'b', 'c']) void log.of.append(part(id, 390_000))
    log.answer()
    await vi.waitFor(() => expect(log.told()[1]).toEqual(['a', 'b']))
    log.answer()
    await vi.waitFor(() => expect(log.told()[2]).toEqual(['c']))
  })

  test('a failure is told to all that shared it and to nobody else', async () => {
    const log = slow()
    const all = ['a', 'b', 'c'].map((id) => log.of.append(part(id)))
    log.answer()
    await vi.waitFor(() => expect(log.answers).toHaveLength(1))
    log.answers.shift()!.reject(new Error('disk full'))
    expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
    ])
  })
})

test.each(Object.values(examples))('$type never weighs less than its bytes', (one) => {
  expect(weigh(one)).toBeGreaterThanOrEqual(encodeEvents([one]).length - 5)
})
