/**
 * What every sink must do, as one table of cases. A sink's own test starts a server, says how to open
 * the sink on a place of its own, and runs the table; what only this sink promises comes after.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Plain } from '@headway/schemas/rules/value.ts'
import { SinkError, type Sink, type SinkChanges } from '@headway/worker/sinks/sink.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { programOf } from '../program.ts'
import { never, openSink, place } from './sink-under-test.ts'

export type Subject = {
  readonly type: string
  /** Options for a place that nothing else uses; the same name is the same place. Asked for in a test. */
  readonly options: (place: string) => object
  /** Nobody listens there. */
  readonly unreachable?: () => object
  /** Somebody else's credentials; their secrets must not show in an error. */
  readonly refused?: () => { readonly options: object; readonly secrets: readonly string[] }
  /** A key of the sink's own taste; `a.key` and a number when left out. */
  readonly key?: (number: number) => string
  /** Keys that are hard to write down; left out where the place's rules forbid them with an error. */
  readonly strangeKeys?: readonly string[]
  /** Keys that the place forbids, and how the error calls that. */
  readonly forbiddenKeys?: { readonly keys: readonly string[]; readonly error: RegExp }
  /** Values that the server of the test cannot hold, though the real one can. */
  readonly without?: (value: Plain) => boolean
  /** The server of the test does not keep two changes of one document apart, though the real one does. */
  readonly isLoose?: boolean
  /** How many keys the writer that is killed writes; fewer where the test's server is slow. */
  readonly keysKilled?: number
  /** How long the server may rest amid what the dead had sent; longer where each key goes to disk alone. */
  readonly calmMs?: number
  /** How many keys a large set has; fewer where each is a request of its own. */
  readonly keysLarge?: number
  /** How many keys fit; with more, a clear error that another attempt does not cure. */
  readonly keysMax?: { readonly count: number; readonly error: RegExp }
  /** What somebody else keeps beside our keys: put there, and is it still there? */
  readonly foreign?: {
    readonly put: (place: string) => Promise<void>
    readonly look: (place: string) => Promise<unknown>
  }
}

/** Keys that are hard to write down. */
export const strange = [
  'with space',
  'ünïcode',
  '漢字',
  '😀',
  'a/b',
  '/a',
  'a//b',
  'a..b',
  '.',
  '..',
  '.a',
  '%41',
  '%',
  'a+b',
  'a&b=c?d#e',
  '<tag>"quoted"',
  "it's",
  '_u0020_',
  '__proto__',
  '*',
  '$a',
  ':{x}',
]

const values: readonly Plain[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e21,
  9_007_199_254_740_991,
  '',
  ' ',
  'text',
  'two\nlines\n',
  '"quoted" \\ and \' and `',
  'true',
  '1',
  'null',
  '# no comment',
  '$HOME ${HOME} {{ x }}',
  'ünïcode 😀',
  [],
  [1, 'a', null, [true]],
  {},
  [{ 'a.b': { c: [] } }],
]

export const setting = (entries: Iterable<readonly [string, string]>): SinkChanges => ({
  set: new Map(entries),
  delete: [],
})
export const removing = (...keys: string[]): SinkChanges => ({ set: new Map(), delete: keys })

let places = 0

/** Runs the whole table. */
export const conforms = (name: string, subject: Subject): void => {
  const { type, key = (number) => `a.key${number}` } = subject
  const opened: Sink[] = []
  const fresh = () => `p${process.pid}x${places++}`
  const at = async (place: string): Promise<Sink> => {
    const sink = await openSink(type, subject.options(place))
    opened.push(sink)
    return sink
  }
  const sorted = (map: ReadonlyMap<string, string>) =>
    [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const holds = async (sink: Sink, entries: Iterable<readonly [string, string]>) =>
    expect(sorted(await sink.read('all', never))).toEqual(sorted(new Map(entries)))
  /** The error of doing it, which must be one of ours. */
  const failure = async (act: () => Promise<unknown>): Promise<SinkError> => {
    const error: unknown = await act().then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(SinkError)
    return error as SinkError
  }
  const numbered = (sink: Sink, count: number, value: (number: number) => Plain) =>
    Array.from({ length: count }, (_, i) => [key(i), sink.render(value(i))] as const)

  describe(`${name} as a sink`, () => {
    afterEach(async () => {
      for (const sink of opened.splice(0)) await sink.close()
    })

    test('holds every type of value as rendered, also for who comes later', async () => {
      const where = fresh()
      const sink = await at(where)
      const held = values.filter((value) => !subject.without?.(value))
      const entries = held.map((value, i) => [key(i), sink.render(value)] as const)
      await sink.write(setting(entries), place, never)
      await holds(sink, entries)
      await holds(await at(where), entries)
    })

    test('renders different types differently, as far as it can tell them apart', async () => {
      const sink = await at(fresh())
      expect(sink.render(1)).not.toBe(sink.render(2))
      expect(sink.render('a')).not.toBe(sink.render(['a']))
      expect(sink.render({})).not.toBe(sink.render([]))
    })

    test('is empty where nothing was written', async () => {
      const sink = await at(fresh())
      await holds(sink, [])
      expect(await sink.read([key(1)], never)).toEqual(new Map())
    })

    test('a write that is repeated changes nothing', async () => {
      const sink = await at(fresh())
      const entries = numbered(sink, 5, (i) => i)
      await sink.write(setting(entries), place, never)
      await sink.write(setting(entries), place, never)
      await holds(sink, entries)
    })

    test('reads the keys it is asked for, and says nothing of those that are not there', async () => {
      const sink = await at(fresh())
      const entries = numbered(sink, 5, (i) => `v${i}`)
      await sink.write(setting(entries), place, never)
      const found = await sink.read([key(3), key(77), key(1)], never)
      expect(sorted(found)).toEqual([entries[1], entries[3]])
      expect(await sink.read([], never)).toEqual(new Map())
    })

    test('changes and deletes what it is told, absent keys included, and nothing else', async () => {
      const sink = await at(fresh())
      await sink.write(setting(numbered(sink, 4, () => 'old')), place, never)
      const changes = {
        set: new Map([
          [key(1), sink.render('new')],
          [key(9), sink.render(9)],
        ]),
        delete: [key(2), key(55)],
      }
      await sink.write(changes, place, never)
      await sink.write(changes, place, never)
      await holds(sink, [
        [key(0), sink.render('old')],
        [key(1), sink.render('new')],
        [key(3), sink.render('old')],
        [key(9), sink.render(9)],
      ])
      await sink.write(removing(key(0), key(1), key(3), key(9)), place, never)
      await holds(sink, [])
    })

    test('a large set of keys', async () => {
      const sink = await at(fresh())
      const { keysMax, keysLarge = 3_000 } = subject
      const count = Math.min(keysLarge, keysMax?.count ?? keysLarge)
      const entries = numbered(sink, count, (i) => `value ${i}`)
      await sink.write(setting(entries), place, never)
      await holds(sink, entries)
      await sink.write(removing(...entries.slice(10).map(([key]) => key)), place, never)
      await holds(sink, entries.slice(0, 10))
      if (!keysMax) return
      const many = setting(numbered(sink, keysMax.count * 2, (i) => `value ${i}`))
      const error = await failure(() => sink.write(many, place, never))
      expect([error.message, error.retryable]).toEqual([
        expect.stringMatching(keysMax.error),
        false,
      ])
    }, 120_000)

    test('keys that are hard to write down', async () => {
      const sink = await at(fresh())
      const entries = (subject.strangeKeys ?? strange).map(
        (key) => [key, sink.render(`of ${key}`)] as const,
      )
      await sink.write(setting(entries), place, never)
      await holds(sink, entries)
      for (const [key, stored] of entries) {
        expect([key, await sink.read([key], never)]).toEqual([key, new Map([[key, stored]])])
      }
      await sink.write(removing(...entries.map(([key]) => key)), place, never)
      await holds(sink, [])
    })

    test.runIf(subject.forbiddenKeys)('keys that the place forbids are an error', async () => {
      const sink = await at(fresh())
      for (const key of subject.forbiddenKeys!.keys) {
        const change = setting([[key, sink.render(1)]])
        const error = await failure(() => sink.write(change, place, never))
        expect(error.retryable).toBe(false)
        expect(error.message).toMatch(subject.forbiddenKeys!.error)
      }
      await holds(sink, [])
    })

    test.runIf(subject.foreign)('what others keep there survives', async () => {
      const where = fresh()
      await subject.foreign!.put(where)
      const before = await subject.foreign!.look(where)
      const sink = await at(where)
      const entries = numbered(sink, 3, (i) => i)
      await sink.write(setting(entries), place, never)
      expect(sorted(await sink.read([key(0), key(1), key(2)], never))).toEqual(entries)
      await sink.write(removing(key(0), key(1), key(2)), place, never)
      expect(await subject.foreign!.look(where)).toEqual(before)
    })

    test.skipIf(subject.isLoose)('writers at the same time do not undo each other', async () => {
      const where = fresh()
      const sinks = await Promise.all(Array.from({ length: 4 }, () => at(where)))
      const entries = numbered(sinks[0]!, 20, (i) => i)
      await Promise.all(
        sinks.map((sink, i) =>
          sink.write(setting(entries.slice(5 * i, 5 * (i + 1))), place, never),
        ),
      )
      await holds(sinks[0]!, entries)
    })

    test.runIf(subject.unreachable)('nobody there is worth another attempt', async () => {
      const reach = async (act: (sink: Sink) => Promise<unknown>) => {
        const sink = await openSink(type, subject.unreachable!())
        try {
          await act(sink)
        } finally {
          await sink.close()
        }
      }
      const write = (sink: Sink) => sink.write(setting(numbered(sink, 1, () => 1)), place, never)
      const reading = await failure(() => reach((sink) => sink.read('all', never)))
      const writing = await failure(() => reach(write))
      expect([reading.retryable, writing.retryable]).toEqual([true, true])
    })

    test.runIf(subject.refused)('wrong credentials are not, and stay secret', async () => {
      const { options, secrets } = subject.refused!()
      const sink = await openSink(type, options)
      opened.push(sink)
      const write = () => sink.write(setting(numbered(sink, 1, () => 'top-secret')), place, never)
      for (const error of [await failure(() => sink.read('all', never)), await failure(write)]) {
        expect([error.message, error.retryable]).toEqual([error.message, false])
        const said = `${error.message}\n${error.stack}\n${JSON.stringify(error)}\n${String(error.cause)}`
        for (const secret of [...secrets, 'top-secret']) expect(said).not.toContain(secret)
      }
    })

    test('a cancelled step neither reads nor writes', async () => {
      const where = fresh()
      const sink = await at(where)
      const gone = AbortSignal.abort(new Error('cancelled'))
      await expect(sink.read('all', gone)).rejects.toThrow('cancelled')
      const change = setting(numbered(sink, 1, () => 1))
      await expect(sink.write(change, place, gone)).rejects.toThrow('cancelled')
      await holds(await at(where), [])
    })

    describe('killed in the middle', () => {
      const rounds = 3
      test.each(Array.from({ length: rounds }, (_, i) => i))(
        'and written again ends right (%i)',
        async (round) => {
          const where = fresh()
          const count = subject.keysKilled ?? 500
          await writeUntilKilled(type, subject.options(where), {
            keys: Array.from({ length: count }, (_, i) => key(i)),
            generations: round,
          })
          const sink = await at(where)
          await isCalm(sink, subject.calmMs)
          const kept = numbered(sink, count / 2, (i) => `last ${i}`)
          const gone = Array.from({ length: count / 2 }, (_, i) => key(count / 2 + i))
          await sink.write({ set: new Map(kept), delete: gone }, place, never)
          await holds(sink, kept)
        },
        120_000,
      )
    })
  })
}

/**
 * What the dead had sent is still carried out by a busy server. A successor comes when the lease is over,
 * seconds later, and finds that done.
 */
const isCalm = async (sink: Sink, calmMs = 200): Promise<void> => {
  for (let before: unknown = null; ;) {
    const now = JSON.stringify([...(await sink.read('all', never))])
    if (now === before) return
    before = now
    await new Promise((resolve) => setTimeout(resolve, calmMs))
  }
}

/** A process that writes one generation of values after the other, and is killed in one of them. */
const writeUntilKilled = async (
  type: string,
  options: object,
  work: { readonly keys: readonly string[]; readonly generations: number },
): Promise<void> => {
  const child = spawn(process.execPath, [await programOf('test/sinks/endless-writer.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify({ type, options, keys: work.keys }))
  const ended = once(child, 'close')
  const lines: string[] = []
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (lines.length <= work.generations) continue
    // Somewhere in the next write.
    setTimeout(() => child.kill('SIGKILL'), Math.random() * 30)
    break
  }
  const [, signal] = (await ended) as [number | null, string | null]
  expect([lines.length, signal]).toEqual([work.generations + 1, 'SIGKILL'])
}
