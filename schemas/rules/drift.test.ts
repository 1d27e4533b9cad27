import { describe, expect, test } from 'vitest'
import type { Event } from '../events.ts'
import { driftKeysTold, type AppliedEntry } from './definition.ts'
import {
  endedByConfirm,
  evolveDrift,
  healAt,
  healMsMax,
  newsOf,
  nextHealAt,
  noDrift,
  unreadable,
} from './drift.ts'
import { driftedKeys, expectedIn, isSameStanding, standingOf } from './expected.ts'
import { evolveSink, initialSink, type Owner, type SinkState } from './ownership.ts'

const at = '2026-11-21T12:00:00.000Z'
const now = Date.parse(at)
const who: Owner = { rule: 'shop', repository: 'acme/shop', environment: 'production' }
const frame = { v: 1 as const, at, sink: 'kv', ...who }
const definition = { type: 'nats_kv', options: { bucket: 'b-{environment}' } }
const defined: Event = { type: 'SinkDefined', v: 1, at, sink: 'kv', definition }
const terms = { now, healEveryMs: 60_000 }

const planned = (run: string, owner = who): Event => ({
  type: 'SyncPlanned',
  ...frame,
  ...owner,
  pipeline: 'p',
  run,
  epoch: 0,
  attempt: 1,
  commit: 'c',
  mode: 'upsert_all',
  plan: 'd',
  writes: 1,
  deletes: 0,
  protected: 0,
})
const confirmed = (run: string, { rule, environment } = who): Event => ({
  type: 'SyncConfirmed',
  v: 1,
  at,
  sink: 'kv',
  rule,
  environment,
  run,
  commit: 'c',
  written: 1,
  deleted: 0,
  unchanged: 0,
})
const synced = (run: string, values: Record<string, string>, owner = who): Event[] => [
  planned(run, owner),
  {
    type: 'ValuesApplied',
    ...frame,
    ...owner,
    run,
    commit: 'c',
    entries: Object.entries(values).map(([key, plain]): AppliedEntry => ({
      key,
      file: 'f',
      op: 'set',
      value: { plain },
    })),
  },
  confirmed(run, owner),
]
const fold = (...events: readonly Event[]): SinkState => events.reduce(evolveSink, initialSink)
const expectedFrom = (state: SinkState, isLeftAlone: (key: string) => boolean = () => false) =>
  expectedIn(standingOf(state, who, terms)!, isLeftAlone)
const plain = (_: string, held: object) => ('plain' in held ? String(held.plain) : null)
const heal = (run: string, when = at): Event => ({
  type: 'HealRequested',
  ...frame,
  at: when,
  pipeline: 'p',
  run,
  afterSeq: 1,
})

describe('what should be in a sink', () => {
  test('is what its log says: whatever is otherwise there, or is missing, differs', () => {
    const expected = expectedFrom(fold(defined, ...synced('r', { a: '1', b: '2', c: '3' })))
    const live = new Map([
      ['a', '1'],
      ['b', 'x'],
      ['foreign', 'y'],
    ])
    expect(driftedKeys(expected, live, plain)).toEqual(['b', 'c'])
  })

  test('of a secret that cannot be opened is only that it is there', () => {
    const expected = new Map([
      ['a', { digest: 'd' }],
      ['b', { digest: 'd' }],
    ])
    expect(driftedKeys(expected, new Map([['a', 'anything']]), plain)).toEqual(['b'])
  })

  test('leaves alone what somebody else wrote after it, and what is protected', () => {
    const other = { ...who, rule: 'other' }
    const first = [defined, ...synced('r', { a: '1', b: '2', SYSTEM: 's' })]
    const state = fold(...first, ...synced('q', { a: '9' }, other))
    expect([...expectedFrom(state, (key) => key === 'SYSTEM').keys()]).toEqual(['b'])
    const own = fold(...first, ...synced('q', { a: '9' }, other), ...synced('s', { a: '1' }))
    expect([...expectedFrom(own).keys()].toSorted()).toEqual(['SYSTEM', 'a', 'b'])
  })

  test('is not known before the first sync, in the middle of one, or after the place was moved', () => {
    const done = [defined, ...synced('r', { a: '1' })]
    expect(standingOf(fold(defined), who, terms)).toBeNull()
    expect(standingOf(fold(...done, planned('s')), who, terms)).toBeNull()
    const moved: Event = { ...defined, definition: { ...definition, options: { bucket: 'x' } } }
    expect(standingOf(fold(...done, moved), who, terms)).toBeNull()
    expect(standingOf(fold(...done, defined), who, terms)).not.toBeNull()
  })

  test('is known again when a heal got stuck and the next one may be', () => {
    const stuck = fold(defined, ...synced('r', { a: '1' }), heal('h'), planned('h'))
    expect(standingOf(stuck, who, { ...terms, now: now + healMsMax - 1 })).toBeNull()
    expect(standingOf(stuck, who, { ...terms, now: now + healMsMax })).not.toBeNull()
  })

  test('is another matter as soon as somebody wrote about the place, not about another one', () => {
    const before = fold(defined, ...synced('r', { a: '1' }))
    const standing = standingOf(before, who, terms)!
    const elsewhere = { ...who, environment: 'staging' }
    const same = synced('q', { a: '1' }, elsewhere).reduce(evolveSink, before)
    expect(isSameStanding(standing, standingOf(same, who, terms))).toBe(true)
    const beside = synced('q', { a: '1' }, { ...who, rule: 'o' }).reduce(evolveSink, before)
    expect(isSameStanding(standing, standingOf(beside, who, terms))).toBe(false)
    const again = synced('s', { a: '2' }).reduce(evolveSink, before)
    expect(isSameStanding(standing, standingOf(again, who, terms))).toBe(false)
  })
})

describe('drift', () => {
  const error = { type: 'SinkError', message: 'away' }
  const after = (...events: readonly Event[]) =>
    events.reduce((s, e) => evolveDrift(s, e as never), noDrift)

  test('is told when it begins, changes, becomes unknown and ends, and never twice', () => {
    const looks = [
      { keys: [] },
      { keys: ['a'] },
      { keys: ['a'] },
      { keys: ['a', 'b'] },
      { error },
      { error: { ...error, message: 'still away' } },
      { keys: ['a', 'b'] },
      { keys: [] },
      { keys: [] },
    ]
    let state = noDrift
    const told = looks.map((looked) => {
      const news = newsOf(state.told, looked, frame)
      state = news.reduce((s, e) => evolveDrift(s, e as never), state)
      return news.map(({ type }) => type).join()
    })
    expect(told).toEqual([
      '',
      'DriftFound',
      '',
      'DriftFound',
      'DriftUnknown',
      '',
      'DriftFound',
      'DriftEnded',
      '',
    ])
  })

  test('names some keys and counts all', () => {
    const keys = Array.from({ length: 250 }, (_, i) => `k${i}`)
    const [found] = newsOf(null, { keys }, frame)
    expect(found).toMatchObject({ count: 250 })
    expect(found!.type === 'DriftFound' && found!.keys).toHaveLength(driftKeysTold)
    expect(newsOf(after(found!).told, { keys }, frame)).toEqual([])
  })

  test('ends with a confirmed sync, unless nobody can ever look', () => {
    const found = newsOf(null, { keys: ['a'] }, frame)
    const never = newsOf(null, { error: { type: unreadable, message: '' } }, frame)
    expect([after(), after(...found), after(...never)].map(endedByConfirm)).toEqual([
      false,
      true,
      false,
    ])
  })

  test('is healed at once, then with pauses that grow while it comes back, and anew after a rest', () => {
    const everyMs = 60_000
    const heals: { at: number }[] = []
    const pauses: number[] = []
    for (let time = now, i = 0; i < 9; i++) {
      heals.push({ at: time })
      const next = nextHealAt(heals, everyMs)
      pauses.push((next - time) / everyMs)
      time = next
    }
    expect(nextHealAt([], everyMs)).toBe(-Infinity)
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
    const rested = heals.at(-1)!.at + 121 * everyMs
    expect(nextHealAt([...heals, { at: rested }], everyMs) - rested).toBe(everyMs)
  })

  test('knows whether a heal was heard', () => {
    const state = fold(defined, ...synced('r', { a: '1' }), heal('h'))
    const heals = (one: SinkState) => standingOf(one, who, terms)!.owner.drift.heals
    expect(heals(state)).toMatchObject([{ run: 'h', isPlanned: false }])
    const heard = synced('h', { a: '1' }).reduce(evolveSink, state)
    expect(heals(heard)).toMatchObject([{ run: 'h', isPlanned: true }])
    const driftOf = (one: SinkState) => standingOf(one, who, terms)!.owner.drift
    expect(healAt(driftOf(state), 1_000, false)).toBe(now + healMsMax)
    expect(healAt(driftOf(heard), 1_000, false)).toBe(now + 1_000)
  })
})
