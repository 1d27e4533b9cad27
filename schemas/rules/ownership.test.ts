import { describe, expect, test } from 'vitest'
import type { EventOf } from '../events.ts'
import type { AppliedEntry } from './definition.ts'
import { evolveSink, initialSink, isTold, ownerOf, type SinkState } from './ownership.ts'

const place = { sink: 'kv', environment: 'production', rule: 'shop' }
const owner = { rule: 'shop', repository: 'acme/shop', environment: 'production' }
const commit = 'a'.repeat(40)
const at = '2026-11-21T00:00:00.000Z'
const first = '01M7XYZYB1F4H6J8K0M2N4P6Q8'
const second = '01M7XYZYB1F4H6J8K0M2N4P6Q9'

const planned = (run: string, attempt = 1): EventOf<'SyncPlanned'> => ({
  type: 'SyncPlanned',
  v: 1,
  at,
  ...place,
  pipeline: 'p',
  run,
  epoch: 0,
  attempt,
  repository: 'acme/shop',
  commit,
  mode: 'upsert_all',
  plan: 'b'.repeat(64),
  writes: 1,
  deletes: 0,
  protected: 0,
})
const applied = (run: string, ...entries: AppliedEntry[]): EventOf<'ValuesApplied'> => ({
  type: 'ValuesApplied',
  v: 1,
  at,
  ...place,
  run,
  repository: 'acme/shop',
  commit,
  entries,
})
const set = (key: string, text: string): AppliedEntry => ({
  key,
  file: 'a.json',
  op: 'set',
  value: { plain: text },
})
const secret = (digest: string, sealed: string): AppliedEntry => ({
  key: 's',
  file: 'a.json',
  op: 'set',
  value: { digest, sealed },
})
const gone = (key: string): AppliedEntry => ({ key, file: 'a.json', op: 'delete' })
const after = (...events: Parameters<typeof evolveSink>[1][]): SinkState =>
  events.reduce(evolveSink, initialSink)
const isToldAfter = (entry: AppliedEntry, ...events: Parameters<typeof evolveSink>[1][]) =>
  isTold(ownerOf(after(...events), owner), entry)

describe('what a run told of', () => {
  test('is told in the next plan of the same run, and not in that of another one', () => {
    const told = [planned(first), applied(first, set('a', '1'))] as const
    expect(isToldAfter(set('a', '1'), ...told)).toBe(true)
    expect(isToldAfter(set('b', '1'), ...told)).toBe(false)
    expect(isToldAfter(set('a', '1'), ...told, planned(first, 2))).toBe(true)
    expect(isToldAfter(set('a', '1'), ...told, planned(second))).toBe(false)
  })

  test('is told again when it is something else now', () => {
    const told = [planned(first), applied(first, set('a', '1'), gone('b'))] as const
    expect(isToldAfter(set('a', '2'), ...told)).toBe(false)
    expect(isToldAfter({ ...set('a', '1'), file: 'b.json' }, ...told)).toBe(false)
    expect(isToldAfter(gone('b'), ...told)).toBe(true)
    expect(isToldAfter(gone('a'), ...told)).toBe(false)
  })

  test('of a secret is known by its digest: sealed it looks different every time', () => {
    const told = [planned(first), applied(first, secret('d1', 'x'))] as const
    expect(isToldAfter(secret('d1', 'y'), ...told)).toBe(true)
    expect(isToldAfter(secret('d2', 'x'), ...told)).toBe(false)
  })
})
