/** Given facts about assets in log order, then these rows. */
import { describe, expect, test } from 'vitest'
import type { Event } from '@headway/schemas/events.ts'
import { rowAfter, rowsAfter, second } from '../../../test/fixtures/projected.ts'
import { actor, at, code, error, run } from '../../../test/fixtures/run-events.ts'

const v = 1 as const
const digest = 'd'.repeat(64)

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
  test('begin with a definition or a first version', async () => {
    expect(await rowAfter('assets', defined)).toMatchObject({
      strategy: 'timestamp',
      good_at: null,
      ordinal: 0,
      first_seq: 1,
    })
    expect(await rowAfter('assets', fetched)).toMatchObject({
      strategy: 'content_hash',
      ordinal: 1,
    })
    expect(await rowsAfter('assets', failed)).toEqual([])
  })

  test('are in trouble from the first failure until the source is well', async () => {
    const troubled = await rowAfter('assets', defined, failed, refused)
    expect(troubled).toMatchObject({
      trouble: 'refused:html_page',
      trouble_detail: 'a page',
      trouble_since: second(2),
      not_before: null,
    })
    expect(await rowAfter('assets', defined, failed)).toMatchObject({
      trouble: 'failed:Boom',
      not_before: at,
    })
    const recovered: Event = { type: 'FetchRecovered', v, at, asset }
    for (const well of [recovered, fetched])
      expect(await rowAfter('assets', defined, failed, well)).toMatchObject({
        trouble: null,
        trouble_since: null,
        not_before: null,
        good_at: second(3),
      })
  })

  test('are neither in nor out of trouble by what somebody pushed', async () => {
    expect((await rowAfter('assets', defined, { ...refused, push: run })).trouble).toBeNull()
    expect(await rowAfter('assets', defined, failed, pushed)).toMatchObject({
      trouble: 'failed:Boom',
      ordinal: 1,
    })
  })

  test('that a release promises are there before their first version', async () => {
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
    expect(await rowAfter('assets', registered)).toMatchObject({
      asset: 'output/p/feed',
      producer: 'p',
      kind: 'csv_table',
      strategy: 'content_hash',
      version: null,
    })
    expect((await rowAfter('assets', registered, registered)).seq).toBe(1)
  })

  test('removed keep their versions and lose their trouble', async () => {
    const removed: Event = { type: 'AssetRemoved', v, at, asset }
    const row = await rowAfter('assets', defined, fetched, failed, removed)
    expect(row).toMatchObject({ removed: true, definition: null, trouble: null, ordinal: 1 })
    expect((await rowAfter('assets', defined, removed, defined)).removed).toBe(false)
  })

  test('have their versions and troubles listed', async () => {
    expect(await rowAfter('asset_versions', fetched)).toMatchObject({ run: null, rows: 2, seq: 1 })
    const made = versioned({
      by: 'run',
      run,
      attempt: 1,
      pipeline: 'p',
      pipelineVersion: code,
      output: 'feed',
    })
    expect((await rowAfter('asset_versions', made)).run).toBe(run)
    expect((await rowAfter('assets', made)).producer).toBe('p')
    const troubles = await rowsAfter('fetch_troubles', [failed, refused], {
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
