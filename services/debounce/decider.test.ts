import { expect, test, describe } from 'vitest'
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { failuresMax } from '@headway/schemas/failure-pause.ts'
import { decide as decideAll, due, type Moment } from './decider.ts'
import { evolve, initial, type PipelineState } from './state.ts'
import { closeAt as closeWindowAt } from './window.ts'

const decide = (state: PipelineState, moment: Moment): EventOf<'RunRequested'>[] =>
  decideAll(state, moment).decided.filter((event) => event.type === 'RunRequested')
const closeAt = ({ window, definition }: PipelineState): number | null =>
  definition && closeWindowAt(window, definition.debounce)

/** Given facts at moments, when it is some moment, then these requests. */
const pipeline = 'p'
const assets = ['a', 'b'] as const
const version = (asset: string, ordinal: number): VersionRef => ({
  asset,
  version: `${asset}${ordinal}`,
  ordinal,
  digest: 'd',
  sizeBytes: 1,
  kind: 'opaque_bytes',
})
const head = { v: 1 as const, at: '2026-01-01T00:00:00.000Z' }
const defined = (slots: Record<string, string> = { one: 'a', two: 'b' }): Event => ({
  ...head,
  type: 'PipelineDefined',
  pipeline,
  definition: {
    folder: 'f',
    pool: 'default',
    slots,
    debounce: { quietMs: 100, maxWaitMs: 250 },
    concurrency: 1,
    retry: { attempts: 3, backoffMs: 1, backoffMsMax: 1 },
    stepTimeoutMs: 1,
    runTimeoutMs: 1,
  },
})
const registered = (pipelineVersion: string, optional = false): Event => ({
  ...head,
  type: 'ReleaseRegistered',
  pipeline,
  pipelineVersion,
  feedType: 'other',
  folder: 'f',
  inputs: { one: { kind: 'opaque_bytes', optional }, two: { kind: 'opaque_bytes', optional } },
  outputs: {},
  steps: [],
  edges: [],
})
const activated = (pipelineVersion: string): Event => ({
  ...head,
  type: 'ReleaseActivated',
  pipeline,
  pipelineVersion,
  actor: { name: 'test' },
})
const versioned = (asset: string, ordinal: number): Event => ({
  ...head,
  type: 'AssetVersioned',
  asset,
  version: `${asset}${ordinal}`,
  ordinal,
  kind: 'opaque_bytes',
  rawDigest: 'd',
  contentDigest: 'd',
  sizeBytes: 1,
  rows: 0,
  facts: {},
  renditions: [{ name: 'x', mediaType: 'x', digest: 'd', sizeBytes: 1 }],
  origin: { by: 'fetch', url: 'u', status: 200 },
})
const codeA = 'aaaaaaaaaaaa'
const codeB = 'bbbbbbbbbbbb'

class Story {
  state: PipelineState = initial
  seq = 0
  readonly latest = new Map<string, VersionRef>()
  constructor(...events: Event[]) {
    for (const event of events) this.at(0, event)
  }
  at(at: number, event: Event): this {
    this.seq++
    if (event.type === 'AssetVersioned')
      this.latest.set(event.asset, version(event.asset, event.ordinal))
    this.state = evolve(pipeline, this.state, { tenant: 't', seq: this.seq, index: 0, at, event })
    return this
  }
  moment(now: number) {
    return {
      pipeline,
      tenant: 't',
      now,
      seq: this.seq,
      latest: (asset: string) => this.latest.get(asset) ?? null,
    }
  }
  decide(now: number): EventOf<'RunRequested'> | undefined {
    return decide(this.state, this.moment(now))[0]
  }
  /** Decides and records the decision. */
  request(now: number): EventOf<'RunRequested'> {
    const request = this.decide(now)
    if (!request) throw new Error('nothing was requested')
    this.at(now, request)
    return request
  }
  end(now: number, type: 'RunCompleted' | 'RunDeadLettered', run: string, attempt = 1): this {
    const base = { ...head, run, attempt, pipeline, durationMs: 1 }
    return this.at(
      now,
      type === 'RunCompleted'
        ? { type, ...base }
        : { type, ...base, error: { type: 'E', message: 'm' } },
    )
  }
}

const ready = () => new Story(defined(), registered(codeA), activated(codeA))
const settled = () => {
  const story = ready().at(10, versioned('a', 1)).at(10, versioned('b', 1))
  return story.end(300, 'RunCompleted', story.request(200).run)
}

describe('a window', () => {
  test('closes after the quiet period and not a millisecond earlier [I7]', () => {
    const story = settled().at(1_000, versioned('a', 2))
    expect(story.decide(1_099)).toBeUndefined()
    expect(story.decide(1_100)?.reason).toBe('triggered')
  })

  test('closes at its maximum wait however often the feed changes [I7] [E3]', () => {
    const story = settled()
    for (let i = 0; i < 5; i++) story.at(1_000 + i * 60, versioned('a', i + 2))
    expect(closeAt(story.state)).toBe(1_250)
    expect(story.decide(1_249)).toBeUndefined()
    expect(story.decide(1_250)?.triggeredBy.map((ref) => ref.version)).toEqual([
      'a2',
      'a3',
      'a4',
      'a5',
      'a6',
    ])
  })

  test('lists every version of every slot in log order, and pins the newest [I6]', () => {
    const story = settled().at(1_000, versioned('a', 2)).at(1_010, versioned('b', 2))
    story.at(1_020, versioned('a', 3))
    const request = story.request(1_120)
    expect(request.triggeredBy.map((ref) => ref.version)).toEqual(['a2', 'b2', 'a3'])
    expect(request.inputs.one?.version).toBe('a3')
    expect(request.inputs.two?.version).toBe('b2')
  })

  test('leaves to the next one what was recorded after the decision [I6]', () => {
    const story = settled().at(1_000, versioned('a', 2))
    const request = story.decide(1_100)!
    story.at(1_100, versioned('a', 3)).at(1_101, request)
    expect(story.state.window.triggers.map((trigger) => trigger.version.version)).toEqual(['a3'])
    expect(closeAt(story.state)).toBe(1_200)
  })

  test('that is flushed is due at once, with the person who asked', () => {
    const story = settled().at(1_000, versioned('a', 2))
    story.at(1_001, { ...head, type: 'WindowFlushed', pipeline, actor: { name: 'ann' } })
    expect(story.decide(1_001)).toMatchObject({ reason: 'flushed', actor: { name: 'ann' } })
  })

  test('that is cancelled asks for nothing, not even for changed inputs', () => {
    const story = settled().at(1_000, versioned('a', 2))
    story.at(1_001, { ...head, type: 'WindowCancelled', pipeline, actor: { name: 'ann' } })
    expect(story.decide(99_999)).toBeUndefined()
    expect(story.at(2_000, versioned('a', 3)).decide(2_100)?.inputs.one?.version).toBe('a3')
  })

  test('does not open for the pipeline’s own output', () => {
    const own = 'output/p/feed'
    const story = new Story(
      defined({ one: 'a', previous: own }),
      registered(codeA),
      activated(codeA),
    )
    story.at(10, versioned('a', 1))
    story.end(300, 'RunCompleted', story.request(200).run)
    expect(story.at(1_000, versioned(own, 1)).state.window.triggers).toEqual([])
    expect(story.decide(9_999)).toBeUndefined()
  })

  test('waits while a required slot has no version and opens no way around it', () => {
    const story = ready().at(10, versioned('a', 1))
    expect(story.decide(9_999)).toBeUndefined()
    expect(story.at(500, versioned('b', 1)).decide(600)?.triggeredBy).toHaveLength(2)
  })

  test('waits for a release and then runs on it', () => {
    const story = new Story(defined()).at(10, versioned('a', 1)).at(10, versioned('b', 1))
    expect(story.decide(9_999)).toBeUndefined()
    story.at(9_999, registered(codeA)).at(9_999, activated(codeA))
    expect(story.decide(9_999)?.pipelineVersion).toBe(codeA)
  })
})

describe('without triggers a run is due', () => {
  test('when the pipeline never ran', () => {
    const story = new Story(versioned('a', 1), versioned('b', 1), defined())
    story.at(0, registered(codeA)).at(0, activated(codeA))
    expect(story.decide(1)?.reason).toBe('never_run')
  })

  test('when active code is not that of the last success, and only then', () => {
    const story = settled()
    expect(story.decide(9_999)).toBeUndefined()
    story.at(9_999, registered(codeB)).at(9_999, activated(codeB))
    expect(story.decide(9_999)).toMatchObject({ reason: 'code_changed', pipelineVersion: codeB })
  })

  test('after a failure with growing pauses, and is given up in the end', () => {
    const story = ready().at(10, versioned('a', 1)).at(10, versioned('b', 1))
    let now = 200
    const pauses: number[] = []
    for (let failures = 1; failures <= failuresMax; failures++) {
      story.end(now, 'RunDeadLettered', story.request(now).run)
      const next = due(story.state, story.moment(now))
      if (!next) break
      expect(next.reason).toBe('last_run_failed')
      pauses.push(next.at - now)
      now = next.at
    }
    expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000])
    expect(story.decide(now + 1e9)).toBeUndefined()
    expect(story.at(now, versioned('a', 2)).decide(now + 100)?.reason).toBe('triggered')
  })

  test('never while one is under way', () => {
    const story = ready().at(10, versioned('a', 1)).at(10, versioned('b', 1))
    story.request(200)
    expect(story.decide(9_999)).toBeUndefined()
  })
})

describe('a run', () => {
  test('asked for by hand keeps the id that was given and takes the open window along', () => {
    const story = settled().at(1_000, versioned('a', 2))
    const request = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
    story.at(1_001, { ...head, type: 'RunTriggered', pipeline, request, actor: { name: 'ann' } })
    const decided = story.request(1_001)
    expect(decided).toMatchObject({ run: request, reason: 'manual' })
    expect(decided.triggeredBy.map((ref) => ref.version)).toEqual(['a2'])
    expect(story.decide(9_999)).toBeUndefined()
  })

  test('is ended once: by the first word of its newest attempt [I8]', () => {
    const story = ready().at(10, versioned('a', 1)).at(10, versioned('b', 1))
    const { run } = story.request(200)
    story.at(210, {
      ...head,
      type: 'RunStarted',
      run,
      attempt: 2,
      pipeline,
      pipelineVersion: codeA,
      worker: 'w',
      ownInputs: {},
    })
    story.end(220, 'RunCompleted', run, 1)
    expect(story.state.runs.open.size).toBe(1)
    story.end(230, 'RunDeadLettered', run, 2)
    expect(story.state).toMatchObject({ runs: { open: { size: 0 } }, settled: { failures: 1 } })
    const before = story.state
    story.end(240, 'RunCompleted', run, 2)
    expect(story.state).toBe(before)
  })

  test('has the same id whoever decides it on the same facts', () => {
    const story = settled().at(1_000, versioned('a', 2))
    expect(story.decide(1_100)?.run).toBe(story.decide(1_100)?.run)
  })
})

test('every order of changes is cut into requests without gap or overlap [I6]', () => {
  for (let seed = 1; seed <= 500; seed++) {
    let random = seed
    const next = (n: number) => (random = (random * 48_271) % 2_147_483_647) % n
    const story = ready()
    const accepted: string[] = []
    const listed: string[] = []
    let now = 0
    for (let i = 0; i < 60; i++) {
      now += next(120)
      const request = story.decide(now)
      if (next(3) > 0 || !request) {
        const asset = assets[next(2)]!
        story.at(now, versioned(asset, i + 1))
        accepted.push(`${asset}${i + 1}`)
      }
      if (!request) continue
      story.at(now, request)
      listed.push(...request.triggeredBy.map((ref) => ref.version))
      if (next(2) === 0) story.end(now, 'RunCompleted', request.run)
    }
    const open = story.state.window.triggers.map((trigger) => trigger.version.version)
    expect([...listed, ...open], `seed ${seed}`).toEqual(accepted)
  }
})

describe('a wished sync', () => {
  const wish = (request: string, more: Partial<EventOf<'RunTriggered'>> = {}): Event => ({
    ...head,
    type: 'RunTriggered',
    pipeline,
    request,
    actor: { name: 'test' },
    ...more,
  })
  const back = { reason: 'rollback' as const, sync: { restore: { commit: 'c' } } }
  /** Everything that is decided until nothing more is. */
  const requests = (story: Story, now: number): EventOf<'RunRequested'>[] => {
    const next = story.decide(now)
    return next ? [story.request(now), ...requests(story, now)] : []
  }
  const settled = () => {
    const story = new Story(defined(), registered(codeA), activated(codeA))
    story.at(0, versioned('a', 1)).at(0, versioned('b', 1))
    const { run } = story.request(100)
    return story.end(101, 'RunCompleted', run)
  }

  test('runs after what came before it and before what came after it', () => {
    const story = settled().at(1_000, versioned('a', 2)).at(1_001, wish('R', back))
    story.at(1_002, versioned('a', 3))
    const told = requests(story, 1_002)
    expect(told).toMatchObject([
      { reason: 'triggered', triggeredBy: [version('a', 2)], inputs: { one: version('a', 2) } },
      { run: 'R', ...back, pinned: true, triggeredBy: [] },
    ])
    expect(requests(story, 1_102)).toMatchObject([{ triggeredBy: [version('a', 3)] }])
  })

  test('is not merged with another wish, and takes no turn from it', () => {
    const story = settled().at(1_000, versioned('a', 2)).at(1_001, wish('M'))
    story.at(1_002, wish('R', back)).at(1_003, wish('S', back)).at(1_004, versioned('a', 3))
    const told = requests(story, 1_004)
    expect(told.map(({ run, triggeredBy }) => [run, triggeredBy.length])).toEqual([
      ['M', 1],
      ['R', 0],
      ['S', 0],
    ])
    expect(told[0]!.inputs['one']).toEqual(version('a', 2))
  })

  test('gives way to no newer run', () => {
    const story = settled()
    const { definition } = story.state
    story.state = { ...story.state, definition: { ...definition!, newestWins: true } }
    story.at(1_000, wish('R', back))
    requests(story, 1_000)
    story.at(1_001, versioned('a', 2))
    const { decided } = decideAll(story.state, story.moment(1_101))
    expect(decided.map(({ type }) => type)).toEqual(['RunRequested'])
    expect([...story.state.runs.open.keys()]).toEqual(['R'])
  })

  test('leaves the question what is due as it was', () => {
    const story = settled().at(1_000, wish('R', back))
    requests(story, 1_000)
    story.end(1_001, 'RunDeadLettered', 'R')
    expect(story.decide(9_999_999)).toBeUndefined()
  })
})
