import { describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { checkRow, columnArrays, copyLine } from './columns.ts'
import { KeySet } from './key-set.ts'
import { Projection } from './projection.ts'
import { Replay } from './replay.ts'
import { ProgressReport, resultText } from './report.ts'
import { moment } from './read-models/read-model.ts'
import { commitsOf } from '../../test/fixtures/projected.ts'
import * as tell from '../../test/fixtures/run-events.ts'

const head = { v: 1 as const, at: '2026-01-01T00:00:00.000Z' }
const worker = (name: string, pid = 1): Event => ({
  ...head,
  type: 'WorkerJoined',
  worker: name,
  pool: 'default',
  version: 'abcdefabcdef',
  pipelines: {},
  capabilities: [],
  host: 'h',
  pid,
})
const commit = (seq: number, ...events: Event[]): Commit => ({
  tenant: 't',
  topic: { kind: 'worker', name: 'default' },
  seq,
  at: 0,
  id: 'c',
  events,
})

describe('a commit', () => {
  test('of which one row cannot be kept changes nothing but is shown [I17]', () => {
    const projection = new Projection()
    projection.project(commit(1, worker('before')))
    const writes = projection.project(commit(2, worker('before', 7), worker('new', 2 ** 40)))
    expect(writes.map(({ table }) => table)).toEqual(['unreadable'])
    expect(writes[0]!.row).toMatchObject({ seq: 2, subject: 'worker/default' })
    expect((writes[0]!.row as Row<'unreadable'>).problem).toMatch(/workers.pid: .* does not fit/)
    const kept = [...projection.rows('workers').values()] as Row<'workers'>[]
    expect(kept.map(({ worker: name, pid }) => [name, pid])).toEqual([['before', 1]])
  })

  test('that could not be decoded is shown with its problem [I17]', () => {
    const [write] = new Projection().project({ ...commit(3), problem: 'no msgpack' })
    expect(write).toMatchObject({ table: 'unreadable', row: { seq: 3, problem: 'no msgpack' } })
  })

  test('whose key no index could hold is shown and not kept [I17]', () => {
    const writes = new Projection().project(commit(1, worker('w'.repeat(700))))
    expect(writes.map(({ table }) => table)).toEqual(['unreadable'])
  })
})

describe('a value', () => {
  const row = {
    tenant: 't',
    worker: 'tab\tline\nback\\slash nul\0',
    pool: 'p',
    version: 'v',
    pipelines: { text: 'nul\0 quote" back\\u0000 lone\ud800' },
    also_serves: {},
    capabilities: [],
    host: 'h',
    pid: 1,
    status: 'healthy',
    reason: null,
    drain_requested_by: null,
    last_seen_at: null,
    joined_at: head.at,
    since: head.at,
    seq: 1,
  }

  test('is written alike by COPY and by arrays, without what Postgres refuses', () => {
    const unescape = (text: string) =>
      text.replace(/\\(.)/g, (_, one: string) => ({ t: '\t', n: '\n', r: '\r' })[one] ?? one)
    const copied = copyLine('workers', row).trimEnd().split('\t').map(unescape)
    const arrays = columnArrays('workers', [row]).map(
      ([value]) => `${(value as string | null) ?? 'N'}`,
    )
    expect(copied).toEqual(arrays)
    expect(JSON.parse(copied[4]!)).toEqual({ text: 'nul\ufffd quote" back\\u0000 lone\ufffd' })
    expect(copied.join('')).not.toContain('\0')
  })

  test('that is a moment has one form, and null for what is none', () => {
    expect(moment('2026-02-03T04:05:06.789Z')).toBe('2026-02-03T04:05:06.789Z')
    expect(moment('2026-02-03T04:05:06+02:00')).toBe('2026-02-03T02:05:06.000Z')
    for (const none of ['now', 'yesterday', '', '2026-13-01T00:00:00Z', '0000-01-01T00:00:00Z'])
      expect(moment(none)).toBeNull()
  })

  test('that fits passes', () => {
    expect(() => checkRow('workers', { ...row, worker: 'w' } as typeof row)).not.toThrow()
    expect(() => checkRow('workers', { ...row, worker: 'w\0' } as typeof row)).toThrow(/NUL/)
  })
})

test('a set of keys knows every key it was given, however many', () => {
  const set = new KeySet()
  for (let i = 0; i < 50_000; i++) set.add(`t\0run-${i}`)
  let missed = 0
  let wrong = 0
  for (let i = 0; i < 50_000; i++) {
    if (!set.has(`t\0run-${i}`)) missed++
    if (set.has(`t\0other-${i}`)) wrong++
  }
  expect([missed, wrong]).toEqual([0, 0])
})

test('a rebuild keeps runs that may be done again, as many as there is room for', async () => {
  const story = (n: number) =>
    Array.from({ length: n }, (_, i) => [
      tell.requested({ run: `r${i}` }),
      tell.ended('RunFailed', 1, { of: `r${i}` }),
    ]).flat()
  const readBack = async (restingMax: number) => {
    let finds = 0
    const bulk = {
      rows: 0,
      add: () => {},
      room: () => Promise.resolve(),
      find: () => {
        finds++
        return Promise.resolve(new Map())
      },
    }
    const commits = commitsOf([...story(3), tell.redriven(1, { run: 'r0' })])
    const tail = async function* () {
      for (const one of commits) yield [one]
    }
    const { signal } = new AbortController()
    await new Replay(bulk, { restingMax }).run({ tail }, commits.length, signal, () => {})
    return finds
  }
  expect([await readBack(3), await readBack(2)]).toEqual([0, 1])
})

describe('the report', () => {
  const progress = { phase: 'replay' as const, done: 50, total: 100, events: 500 }

  test('is a line every five seconds off a terminal, and NDJSON for programs', () => {
    for (const json of [false, true]) {
      let now = 0
      const lines: string[] = []
      const report = new ProgressReport(json, { write: (line) => lines.push(line) }, () => now)
      for (; now <= 10_000; now += 100) report.tell({ ...progress, events: now / 10 })
      expect(lines).toHaveLength(3)
      if (json)
        expect(JSON.parse(lines.at(-1)!)).toMatchObject({
          ...progress,
          events: 1_000,
          etaMs: 10_000,
        })
      else
        expect(lines.at(-1)).toMatch(/replay .* 50\.0 % .* 50 \/ 100 .* 100 events\/s .* ETA 0:10/)
    }
  })

  test('ends with one sentence', () => {
    const comparison = { equal: true, seq: 7, tables: 10, rows: 5, differing: {}, differences: [] }
    const result = { seq: 7, events: 9, rows: 5, comparison }
    expect(resultText('verify', result, false)).toBe('equal: 10 tables, 5 rows, at seq 7\n')
  })
})
