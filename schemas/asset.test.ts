import { describe, expect, test } from 'vitest'
import { decide, evolve, initial, nextVersion, type Arrival, type AssetState } from './asset.ts'
import type { AssetDefinition } from './definitions.ts'
import type { Event, EventOf } from './events.ts'
import { toTimestamp } from './ids.ts'

/** Given events on an asset's subject, when something arrives, then these events. */
const asset = 'pims/prod/vehicle_positions'
const now = Date.parse('2026-11-21T12:00:00.000Z')
const at = toTimestamp(now)
const head = { v: 1 as const, at, asset }
const push = '01JD0000000000000000000000'
const otherPush = '01JD0000000000000000000001'
const actor = { name: 'somebody' }

const definition: AssetDefinition = {
  kind: 'opaque_bytes',
  strategy: 'content_hash',
  url: 'http://agency/feed',
}
const defined = (change: Partial<AssetDefinition> = {}): Event => ({
  ...head,
  type: 'AssetDefined',
  definition: { ...definition, ...change },
})
const removed: Event = { ...head, type: 'AssetRemoved' }
const triggered: Event = { ...head, type: 'FetchTriggered', actor }
const pushed = (id = push): Event => ({
  ...head,
  type: 'ContentPushed',
  push: id,
  digest: 'd',
  sizeBytes: 1,
  actor,
})
const refused = (answers?: string): Event => ({
  ...head,
  type: 'FetchRefused',
  ...(answers ? { push: answers } : {}),
  code: 'html_page',
  detail: 'a page',
  sizeBytes: 9,
})
const failed = (notBefore?: number): Event => ({
  ...head,
  type: 'FetchFailed',
  error: { type: 'http_503', message: 'busy' },
  status: 503,
  ...(notBefore ? { notBefore: toTimestamp(notBefore) } : {}),
})
const recovered: Event = { ...head, type: 'FetchRecovered' }

type Content = Extract<Arrival, { type: 'Content' }>
const fetched = { by: 'fetch' as const, url: 'http://agency/feed', status: 200 }
const content = (letter: string, change: Partial<Content> = {}): Content => ({
  type: 'Content',
  asset,
  now,
  rawDigest: `raw ${letter}`,
  sizeBytes: 1,
  inspection: { contentDigest: letter, rows: 3, facts: { entities: 3 } },
  renditions: [{ name: 'x', mediaType: 'y', digest: `raw ${letter}`, sizeBytes: 1 }],
  origin: fetched,
  ...change,
})
const contentPushed = (letter: string, id = push) =>
  content(letter, { origin: { by: 'push', push: id, actor } })
const unchanged: Arrival = { type: 'Unchanged', asset, now }
const page = (change: Partial<Extract<Arrival, { type: 'Refused' }>> = {}): Arrival => ({
  type: 'Refused',
  asset,
  now,
  code: 'html_page',
  detail: 'a page',
  sizeBytes: 9,
  rawDigest: 'raw page',
  ...change,
})
const busy = (change: Partial<Extract<Arrival, { type: 'Failed' }>> = {}): Arrival => ({
  type: 'Failed',
  asset,
  now,
  error: { type: 'http_503', message: 'busy' },
  status: 503,
  ...change,
})

const given = (...facts: (Event | Arrival)[]): AssetState => {
  let state = initial
  let seq = 0
  const tell = (event: Event) => {
    seq++
    state = evolve(state, { tenant: 'default', seq, index: 0, at: now, event })
  }
  for (const fact of facts)
    if ('v' in fact) tell(fact)
    else for (const event of decide(fact, state)) tell(event)
  return state
}
const told = (arrival: Arrival, state: AssetState): string => {
  const words = decide(arrival, state).map((event) => {
    if (event.type === 'AssetVersioned') return `v${event.ordinal} ${event.contentDigest}`
    const answers = 'push' in event && event.push ? ' push' : ''
    return `${event.type}${answers}`
  })
  return words.join(', ') || '-'
}
const versionIn = (events: readonly Event[]): EventOf<'AssetVersioned'> => {
  expect(events.map(({ type }) => type)).toEqual(['AssetVersioned'])
  return events[0] as EventOf<'AssetVersioned'>
}

describe('what an arrival means', () => {
  const arrivals: Record<string, Arrival> = {
    'content A': content('A'),
    'content B': content('B'),
    unchanged,
    'a page': page(),
    'another page': page({ rawDigest: 'raw page 2', detail: 'request 2' }),
    'too large': page({ code: 'too_large' }),
    busy: busy(),
    'busy, later': busy({ notBefore: now + 60_000 }),
    timeout: { type: 'Failed', asset, now, error: { type: 'timeout', message: '' } },
    'push of A': contentPushed('A'),
    'push of B': contentPushed('B'),
    'push of a page': page({ push }),
  }
  const columns = ['nobody', 'new', 'has A', 'a page', 'busy', 'removed', 'push asked'] as const
  const states: Record<(typeof columns)[number], AssetState> = {
    nobody: initial,
    new: given(defined()),
    'has A': given(defined(), content('A')),
    'a page': given(defined(), content('A'), refused()),
    busy: given(defined(), content('A'), failed()),
    removed: given(defined(), content('A'), removed),
    'push asked': given(defined(), content('A'), failed(), pushed()),
  }
  const [refuse, fail, recover] = ['FetchRefused', 'FetchFailed', 'FetchRecovered']
  const [v1, v2] = ['v1', 'v2']
  const table: Record<string, readonly string[]> = {
    'content A': ['-', `${v1} A`, '-', recover!, recover!, '-', recover!],
    'content B': ['-', `${v1} B`, `${v2} B`, `${v2} B`, `${v2} B`, '-', `${v2} B`],
    unchanged: ['-', '-', '-', recover!, recover!, '-', recover!],
    'a page': ['-', refuse!, refuse!, '-', refuse!, '-', refuse!],
    'another page': ['-', refuse!, refuse!, '-', refuse!, '-', refuse!],
    'too large': ['-', refuse!, refuse!, refuse!, refuse!, '-', refuse!],
    busy: ['-', fail!, fail!, fail!, '-', '-', '-'],
    'busy, later': ['-', fail!, fail!, fail!, '-', '-', '-'],
    timeout: ['-', fail!, fail!, fail!, fail!, '-', fail!],
    'push of A': ['-', '-', '-', '-', '-', '-', `${recover} push`],
    'push of B': ['-', '-', '-', '-', '-', '-', `${v2} B`],
    'push of a page': ['-', '-', '-', '-', '-', '-', `${refuse} push`],
  }

  test.each(Object.keys(arrivals))(
    'is recorded on change and never otherwise: %s [I18]',
    (name) => {
      expect(columns.map((column) => told(arrivals[name]!, states[column]))).toEqual(table[name])
    },
  )

  test('is covered for every arrival', () => {
    expect(Object.keys(table)).toEqual(Object.keys(arrivals))
  })
})

describe('versions', () => {
  test('are numbered without gaps and carry all that is known of them', () => {
    const inspection = {
      contentDigest: 'B',
      rows: 7,
      facts: { entities: 7 },
      sourceAt: '2026-11-21T11:59:58Z',
    }
    const more = { etag: '"b"', lastModified: 'Sat, 21 Nov 2026 11:59:58 GMT' }
    const version = versionIn(
      decide(content('B', { inspection, ...more }), given(defined(), content('A'))),
    )
    expect(version).toMatchObject({
      ...more,
      asset,
      at,
      ordinal: 2,
      kind: 'opaque_bytes',
      rawDigest: 'raw B',
      contentDigest: 'B',
      rows: 7,
      facts: { entities: 7 },
      sourceAt: '2026-11-21T11:59:58Z',
      origin: fetched,
    })
    expect(version).not.toHaveProperty('sameAs')
    expect(version.version).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
  })

  test('have the same id when decided again, and another one for other content [I1]', () => {
    const state = given(defined())
    const id = (letter: string) => versionIn(decide(content(letter), state)).version
    expect(id('A')).toBe(id('A'))
    expect(id('A')).not.toBe(id('B'))
  })

  test('that return to earlier content are new ones and name the earlier one [E5]', () => {
    const first = given(defined(), content('A')).latest!
    const third = versionIn(decide(content('A'), given(defined(), content('A'), content('B'))))
    expect(third).toMatchObject({ ordinal: 3, sameAs: first.version, rawDigest: first.rawDigest })
    expect(third.version).not.toBe(first.version)
  })

  test('of content in a new wrapping are none: the raw digest does not count [E4]', () => {
    const rezipped = content('A', { rawDigest: 'raw A, zipped again' })
    expect(told(rezipped, given(defined(), content('A')))).toBe('-')
  })

  test('go on counting when the asset was removed and came back', () => {
    const state = given(defined(), content('A'), removed, defined())
    expect(told(content('B'), state)).toBe('v2 B')
    expect(told(content('A'), state)).toBe('-')
  })

  test('remember the last 64 contents and no more', () => {
    const letters = Array.from({ length: 65 }, (_, i) => content(`c${i}`))
    const state = given(defined(), ...letters)
    expect(versionIn(decide(content('c0'), state))).not.toHaveProperty('sameAs')
    expect(versionIn(decide(content('c1'), state))).toHaveProperty('sameAs')
  })

  test('of an output need no definition on the log', () => {
    const output = { kind: 'opaque_bytes', strategy: 'content_hash' } as const
    expect(nextVersion(initial, output, content('A'))).toMatchObject({ ordinal: 1 })
  })
})

describe('the timestamp strategy', () => {
  const stamped = (...facts: Arrival[]) => given(defined({ strategy: 'timestamp' }), ...facts)
  const dated = (letter: string, etag: string) => content(letter, { etag })

  test('takes every full answer for a version', () => {
    const again = versionIn(decide(content('A'), stamped(content('A'))))
    expect(again).toMatchObject({ ordinal: 2, contentDigest: 'A' })
    expect(again.sameAs).toBe(stamped(content('A')).latest!.version)
    expect(told(dated('A', '"2"'), stamped(dated('A', '"1"')))).toBe('v2 A')
  })

  test('takes nothing for a version that only our own full look brought again [I18]', () => {
    expect(told(dated('A', '"1"'), stamped(dated('A', '"1"')))).toBe('-')
    expect(told(dated('B', '"1"'), stamped(dated('A', '"1"')))).toBe('v2 B')
  })

  test('takes no 304 for a version', () => {
    expect(told(unchanged, stamped(dated('A', '"1"')))).toBe('-')
  })
})

describe('trouble', () => {
  test('is two events for a night, whatever the error pages say [I18]', () => {
    let state = given(defined(), content('A'))
    const events: string[] = []
    const night = Array.from({ length: 500 }, (_, i) =>
      page({ rawDigest: `raw ${i}`, detail: `request ${i}` }),
    )
    for (const arrival of [...night, unchanged])
      for (const event of decide(arrival, state)) {
        events.push(event.type)
        state = evolve(state, { tenant: 'default', seq: 1, index: 0, at: now, event })
      }
    expect(events).toEqual(['FetchRefused', 'FetchRecovered'])
  })

  test('is no news while Retry-After moves on with it [I18]', () => {
    const state = given(defined(), busy({ notBefore: now + 1_000 }))
    expect(told(busy({ notBefore: now + 2_000 }), state)).toBe('-')
  })

  test('that changes its status is news', () => {
    const other = busy({ error: { type: 'http_500', message: '' }, status: 500 })
    expect(told(other, given(defined(), busy()))).toBe('FetchFailed')
  })

  test('leaves the newest version where it is', () => {
    for (const trouble of [page(), busy()])
      expect(given(defined(), content('A'), trouble).latest?.contentDigest).toBe('A')
  })

  test('holds Retry-After until the source answers', () => {
    const waits = given(defined(), failed(now + 60_000))
    expect(waits.notBefore).toBe(now + 60_000)
    expect(evolveAll(waits, recovered).notBefore).toBe(0)
    expect(evolveAll(waits, refused()).notBefore).toBe(0)
    expect(evolveAll(waits, failed()).notBefore).toBe(0)
    expect(given(defined(), failed(now + 60_000), content('B')).notBefore).toBe(0)
    expect(evolveAll(waits, defined({ url: 'http://other' })).notBefore).toBe(0)
    expect(evolveAll(waits, defined({ cadenceMs: 1_000 })).notBefore).toBe(now + 60_000)
  })

  test('is told in a bounded number of characters', () => {
    const [long] = decide(page({ detail: 'x'.repeat(10_000) }), given(defined()))
    expect((long as EventOf<'FetchRefused'>).detail).toHaveLength(4_000)
    const error = { type: 'x', message: 'x'.repeat(10_000) }
    const [failure] = decide(busy({ error }), given(defined()))
    expect((failure as EventOf<'FetchFailed'>).error.message).toHaveLength(4_000)
  })
})

describe('pushes', () => {
  test('are answered once each, under their own id', () => {
    const state = given(defined(), content('A'), pushed(), pushed(otherPush))
    expect(decide(contentPushed('A'), state)).toMatchObject([{ type: 'FetchRecovered', push }])
    const left = evolveAll(state, { ...head, type: 'FetchRecovered', push })
    expect(left.pushes.map((asked) => asked.push)).toEqual([otherPush])
    expect(told(contentPushed('B'), left)).toBe('-')
    expect(told(contentPushed('B', otherPush), left)).toBe('v2 B')
  })

  test('that are refused every time are told every time', () => {
    const state = given(defined(), pushed(), page({ push }), pushed(otherPush))
    expect(told(page({ push: otherPush }), state)).toBe('FetchRefused push')
  })

  test('neither start nor end the trouble of the source', () => {
    const well = given(defined(), content('A'), pushed(), page({ push }))
    expect(well).toMatchObject({ trouble: null, pushes: [] })
    const waits = [defined(), failed(now + 60_000), pushed()]
    for (const answer of [contentPushed('B'), page({ push })]) {
      const ill = given(...waits, answer)
      expect(ill).toMatchObject({ notBefore: now + 60_000, pushes: [] })
      expect(told(busy(), ill)).toBe('-')
    }
  })

  test('of a removed asset wait for its return', () => {
    const state = given(defined(), pushed(), removed)
    expect(told(contentPushed('A'), state)).toBe('-')
    expect(told(contentPushed('A'), evolveAll(state, defined()))).toBe('v1 A')
  })
})

describe('validators', () => {
  const stamped = content('A', { etag: '"a"', lastModified: 'then' })
  const had = given(defined(), stamped)

  test('are those of the newest fetched version', () => {
    expect(had.validators).toEqual({ etag: '"a"', lastModified: 'then' })
    expect(given(defined(), stamped, content('B')).validators).toEqual({})
  })

  test('are not asked with when somebody pushed something newer', () => {
    expect(given(defined(), stamped, pushed(), contentPushed('B')).validators).toBeNull()
  })

  test('belong to one source: another address, kind or credential starts without', () => {
    const changes: Partial<AssetDefinition>[] = [
      { url: 'http://agency/other' },
      { kind: 'csv_table' },
      { auth: { type: 'bearer', token: 'env:TOKEN' } },
      { headers: { accept: 'x' } },
    ]
    for (const change of changes) expect(evolveAll(had, defined(change)).validators).toBeNull()
    expect(evolveAll(had, defined({ cadenceMs: 1 })).validators).toEqual(had.validators)
    expect(evolveAll(had, removed).validators).toBeNull()
  })
})

describe('the fold', () => {
  test('knows the newest wish for a look', () => {
    expect(given(defined(), content('A'), triggered, unchanged)).toMatchObject({
      definedSeq: 1,
      askedSeq: 3,
      topicSeq: 3,
    })
  })

  test('is total: what is not about the asset only moves the subject [I3]', () => {
    const stranger: Event = { ...head, type: 'PipelineRemoved', pipeline: 'p' } as Event
    const state = given(defined(), content('A'))
    expect(evolveAll(state, stranger)).toEqual({ ...state, topicSeq: 9 })
  })

  test('changes nothing that it was given [I3]', () => {
    const state = Object.freeze(given(defined(), content('A'), pushed()))
    Object.freeze(state.pushes)
    Object.freeze(state.remembered)
    for (const event of [defined(), removed, pushed(otherPush), refused(push), failed(), recovered])
      expect(evolveAll(state, event)).not.toBe(state)
  })
})

function evolveAll(state: AssetState, event: Event): AssetState {
  return evolve(state, { tenant: 'default', seq: 9, index: 0, at: now, event })
}
