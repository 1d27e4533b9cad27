/** Given facts in log order, then these rows. Every read model through the projection, fences and all. */
import { describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import type { Row, TableName } from '@headway/schemas/tables.ts'
import { addWrite, Projection, type Changes } from '../projection.ts'

const v = 1 as const
const at = '2026-01-01T00:00:00.000Z'
const tenant = 't'
const run = '01JAAAAAAAAAAAAAAAAAAAAAAA'
const digest = 'd'.repeat(64)
const code = 'abcdefabcdef'
const actor = { name: 'ada', reason: 'because' }
const error = { type: 'Boom', message: 'it broke' }
/** The log's clock: one second per commit. */
const second = (seq: number) => new Date(seq * 1_000).toISOString()

const rowsAfter = <T extends TableName>(table: T, ...commits: (Event | Event[])[]): Row<T>[] => {
  const projection = new Projection()
  const changes: Changes = new Map()
  for (const [i, events] of commits.entries()) {
    const commit = {
      tenant,
      topic: { kind: 'asset' as const, name: 'x' },
      seq: i + 1,
      at: (i + 1) * 1_000,
      id: `c${i + 1}`,
      events: [events].flat(),
    }
    for (const write of projection.project(commit)) addWrite(changes, write)
  }
  return [...(changes.get(table)?.values() ?? [])] as Row<T>[]
}
const rowAfter = <T extends TableName>(table: T, ...commits: (Event | Event[])[]): Row<T> => {
  const [row, ...others] = rowsAfter(table, ...commits)
  expect(others).toEqual([])
  return row!
}

const requested: Event = {
  type: 'RunRequested',
  v,
  at,
  pipeline: 'p',
  run,
  pipelineVersion: code,
  reason: 'triggered',
  inputs: {},
  triggeredBy: [],
  throughSeq: 7,
}
const started = (attempt: number): Event => ({
  type: 'RunStarted',
  v,
  at,
  run,
  attempt,
  pipeline: 'p',
  pipelineVersion: code,
  worker: `w${attempt}`,
  ownInputs: {},
})
const stepped = (attempt: number, step = 's', startedAt = at): Event => ({
  type: 'StepSucceeded',
  v,
  at,
  run,
  attempt,
  step,
  index: 0,
  startedAt,
  endedAt: at,
  durationMs: 1.5,
  logs: [],
  findings: [],
  rowsIn: 1,
  rowsOut: 2,
})
const published = (attempt: number, version = 'v1'): Event => ({
  type: 'ArtifactPublished',
  v,
  at,
  run,
  attempt,
  output: 'feed',
  asset: 'output/p/feed',
  version,
  ordinal: 1,
  changed: true,
  sizeBytes: 3,
  renditions: [{ name: 'n', mediaType: 'm', digest, sizeBytes: 3 }],
})
const completed = (attempt: number): Event => ({
  type: 'RunCompleted',
  v,
  at,
  run,
  attempt,
  pipeline: 'p',
  durationMs: 5,
})
const retried = (attempt: number): Event => ({
  type: 'RunRetried',
  v,
  at,
  run,
  attempt,
  pipeline: 'p',
  error,
  nextAttemptAt: at,
})
const ended = (type: 'RunFailed' | 'RunDeadLettered', attempt: number): Event => ({
  type,
  v,
  at,
  run,
  attempt,
  pipeline: 'p',
  error,
  durationMs: 9,
})

describe('runs', () => {
  test('go from pending over running to completed', () => {
    expect(rowAfter('runs', requested)).toMatchObject({ status: 'pending', attempt: 0, seq: 1 })
    expect(rowAfter('runs', requested, started(1))).toMatchObject({
      status: 'running',
      worker: 'w1',
      started_at: at,
      since: second(2),
    })
    expect(rowAfter('runs', requested, [started(1), stepped(1), completed(1)])).toMatchObject({
      status: 'completed',
      ended_at: at,
      duration_ms: 5,
      attempt: 1,
      last_seq: 2,
    })
  })

  test('wait between attempts with the error, and forget it when the next one starts', () => {
    const waiting = rowAfter('runs', requested, started(1), retried(1))
    expect(waiting).toMatchObject({ status: 'retrying', error, next_attempt_at: at })
    const again = rowAfter('runs', requested, started(1), retried(1), started(2))
    expect(again).toMatchObject({ status: 'running', attempt: 2, error: null, worker: 'w2' })
    expect(again.next_attempt_at).toBeNull()
  })

  test('end once: the first terminal event of the current attempt stands [I8]', () => {
    const row = rowAfter('runs', requested, started(1), completed(1), ended('RunFailed', 1))
    expect(row).toMatchObject({ status: 'completed', last_seq: 3, error: null })
    const later = rowAfter('runs', requested, started(1), completed(1), started(2), completed(2))
    expect(later).toMatchObject({ status: 'completed', attempt: 1, last_seq: 3 })
  })

  test('are not changed by an attempt that a newer one took over from [I8]', () => {
    const taken = [requested, started(1), started(2)]
    const row = rowAfter('runs', ...taken, completed(1), stepped(1), retried(1))
    expect(row).toMatchObject({ status: 'running', attempt: 2, last_seq: 3 })
  })

  test('may end without having started', () => {
    const row = rowAfter('runs', requested, ended('RunDeadLettered', 4))
    expect(row).toMatchObject({ status: 'dead_lettered', attempt: 4, started_at: null, error })
  })

  test('that nobody asked for are nothing', () => {
    expect(rowsAfter('runs', started(1), completed(1))).toEqual([])
  })

  test('asked for once more stay as they are', () => {
    expect(rowAfter('runs', requested, started(1), completed(1), requested).status).toBe(
      'completed',
    )
  })
})

describe('steps and artifacts', () => {
  test('are kept per attempt', () => {
    const rows = rowsAfter('steps', requested, stepped(1), started(2), stepped(2))
    expect(rows.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  test('of an old attempt or an ended run are not [I8]', () => {
    expect(rowsAfter('steps', requested, started(2), stepped(1))).toEqual([])
    expect(rowsAfter('artifacts', requested, started(2), published(1))).toEqual([])
    expect(rowsAfter('steps', requested, started(1), completed(1), stepped(1))).toEqual([])
  })

  test('of a later attempt take the place of an earlier one', () => {
    const row = rowAfter('artifacts', requested, published(1), published(2, 'v2'))
    expect(row).toMatchObject({ attempt: 2, version: 'v2' })
  })

  test('with a moment that is none are kept without it', () => {
    const row = rowAfter('steps', requested, stepped(1, 's', 'yesterday'))
    expect(row).toMatchObject({ started_at: null, ended_at: at, rows_out: 2, duration_ms: 1.5 })
  })

  test('that were skipped say why', () => {
    const skipped: Event = {
      type: 'StepSkipped',
      v,
      at,
      run,
      attempt: 1,
      step: 's',
      index: 2,
      reason: 'disabled',
    }
    const row = rowAfter('steps', requested, skipped)
    expect(row).toMatchObject({ status: 'skipped', reason: 'disabled', logs: [], rows_in: null })
  })
})

const asset = 'a/b'
const defined: Event = {
  type: 'AssetDefined',
  v,
  at,
  asset,
  definition: { kind: 'csv_table', strategy: 'timestamp', url: 'http://x' },
}
const versioned = (origin: Extract<Event, { type: 'AssetVersioned' }>['origin']): Event => ({
  type: 'AssetVersioned',
  v,
  at,
  asset,
  version: '01JBBBBBBBBBBBBBBBBBBBBBBB',
  ordinal: 1,
  kind: 'csv_table',
  rawDigest: digest,
  contentDigest: digest,
  sizeBytes: 5,
  rows: 2,
  facts: { a: 1 },
  renditions: [{ name: 'n', mediaType: 'm', digest, sizeBytes: 5 }],
  origin,
})
const fetched = versioned({ by: 'fetch', url: 'http://x', status: 200 })
const pushed = versioned({ by: 'push', push: run, actor })
const failed: Event = { type: 'FetchFailed', v, at, asset, error, status: 503, notBefore: at }
const refused: Event = {
  type: 'FetchRefused',
  v,
  at,
  asset,
  code: 'html_page',
  detail: 'a page',
  sizeBytes: 9,
}

describe('assets', () => {
  test('begin with a definition or a first version', () => {
    expect(rowAfter('assets', defined)).toMatchObject({
      strategy: 'timestamp',
      good_at: null,
      ordinal: 0,
      first_seq: 1,
    })
    expect(rowAfter('assets', fetched)).toMatchObject({ strategy: 'content_hash', ordinal: 1 })
    expect(rowsAfter('assets', failed)).toEqual([])
  })

  test('are in trouble from the first failure until the source is well', () => {
    const troubled = rowAfter('assets', defined, failed, refused)
    expect(troubled).toMatchObject({
      trouble: 'refused:html_page',
      trouble_detail: 'a page',
      trouble_since: second(2),
      not_before: null,
    })
    expect(rowAfter('assets', defined, failed)).toMatchObject({
      trouble: 'failed:Boom',
      not_before: at,
    })
    const recovered: Event = { type: 'FetchRecovered', v, at, asset }
    for (const well of [recovered, fetched])
      expect(rowAfter('assets', defined, failed, well)).toMatchObject({
        trouble: null,
        trouble_since: null,
        not_before: null,
        good_at: second(3),
      })
  })

  test('are neither in nor out of trouble by what somebody pushed', () => {
    expect(rowAfter('assets', defined, { ...refused, push: run }).trouble).toBeNull()
    expect(rowAfter('assets', defined, failed, pushed)).toMatchObject({
      trouble: 'failed:Boom',
      ordinal: 1,
    })
  })

  test('that a release promises are there before their first version', () => {
    const registered: Event = {
      type: 'ReleaseRegistered',
      v,
      at,
      pipeline: 'p',
      pipelineVersion: code,
      feedType: 'other',
      folder: 'f',
      inputs: {},
      outputs: { feed: { kind: 'csv_table', step: 's' } },
      steps: [],
      edges: [],
    }
    expect(rowAfter('assets', registered)).toMatchObject({
      asset: 'output/p/feed',
      producer: 'p',
      kind: 'csv_table',
      strategy: 'content_hash',
      version: null,
    })
    expect(rowAfter('assets', registered, registered).seq).toBe(1)
  })

  test('removed keep their versions and lose their trouble', () => {
    const removed: Event = { type: 'AssetRemoved', v, at, asset }
    const row = rowAfter('assets', defined, fetched, failed, removed)
    expect(row).toMatchObject({ removed: true, definition: null, trouble: null, ordinal: 1 })
    expect(rowAfter('assets', defined, removed, defined).removed).toBe(false)
  })

  test('have their versions and troubles listed', () => {
    expect(rowAfter('asset_versions', fetched)).toMatchObject({ run: null, rows: 2, seq: 1 })
    const made = versioned({
      by: 'run',
      run,
      attempt: 1,
      pipeline: 'p',
      pipelineVersion: code,
      output: 'feed',
    })
    expect(rowAfter('asset_versions', made).run).toBe(run)
    expect(rowAfter('assets', made).producer).toBe('p')
    const troubles = rowsAfter('fetch_troubles', [failed, refused], {
      type: 'FetchRecovered',
      v,
      at,
      asset,
    })
    expect(
      troubles.map(({ seq, index, outcome, code: why, status }) => [
        seq,
        index,
        outcome,
        why,
        status,
      ]),
    ).toEqual([
      [1, 0, 'failed', 'Boom', 503],
      [1, 1, 'refused', 'html_page', null],
      [2, 0, 'recovered', null, null],
    ])
  })
})
