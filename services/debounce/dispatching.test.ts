import { describe, expect, test } from 'vitest'
import type { PipelineDefinition, VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { decide, dispatched, looks, type Moment } from './decider.ts'
import { evolve, initial, type PipelineState } from './state.ts'

/** Which runs get their turn, and what becomes of those that nobody executes. */
const pipeline = 'p'
const codeA = 'aaaaaaaaaaaa'
const codeB = 'bbbbbbbbbbbb'
const v = 1 as const
const at = '2026-01-01T00:00:00.000Z'
const actor = { name: 'ada' }
const definition: PipelineDefinition = {
  folder: 'f',
  pool: 'default',
  slots: { one: 'a' },
  debounce: { quietMs: 0, maxWaitMs: 0 },
  concurrency: 2,
  retry: { attempts: 1, backoffMs: 1, backoffMsMax: 1 },
  stepTimeoutMs: 1,
  runTimeoutMs: 1,
}
const ref = (ordinal: number): VersionRef => ({
  asset: 'a',
  version: `a${ordinal}`,
  ordinal,
  digest: 'd',
  sizeBytes: 1,
  kind: 'opaque_bytes',
})
const requested = (run: string, fields: Partial<EventOf<'RunRequested'>> = {}): Event => ({
  type: 'RunRequested',
  v,
  at,
  pipeline,
  run,
  pipelineVersion: codeA,
  reason: 'triggered',
  inputs: { one: ref(1) },
  triggeredBy: [],
  throughSeq: 0,
  ...fields,
})
const head = (run: string, epoch = 0, attempt = 1) => ({
  v,
  at,
  run,
  ...(epoch > 0 ? { epoch } : {}),
  attempt,
  pipeline,
})
const started = (run: string, epoch = 0): Event => ({
  type: 'RunStarted',
  ...head(run, epoch),
  pipelineVersion: codeA,
  worker: 'w',
  ownInputs: {},
})
const error = { type: 'E', message: 'm' }
const completed = (run: string, epoch = 0): Event => ({
  type: 'RunCompleted',
  ...head(run, epoch),
  durationMs: 1,
})
const dead = (run: string, epoch = 0): Event => ({
  type: 'RunDeadLettered',
  ...head(run, epoch),
  error,
  durationMs: 1,
})
const suspended = (run: string, fields = {}): Event => ({
  type: 'RunSuspended',
  ...head(run),
  questions: [
    {
      interaction: `I-${run}`,
      step: 's',
      correlation: `C-${run}`,
      timeoutMs: 60_000,
      request: null,
      response: { type: 'boolean' },
      token: false,
      ...fields,
    },
  ],
})
const answer = (fields: Partial<EventOf<'InteractionCompleted'>>): Event => ({
  type: 'InteractionCompleted',
  v,
  at,
  pipeline,
  response: true,
  actor,
  token: false,
  ...fields,
})
const redrive = (runs: string[], fields: Partial<EventOf<'RedriveRequested'>> = {}): Event => ({
  type: 'RedriveRequested',
  v,
  at,
  pipeline,
  redrive: 'R',
  runs,
  startOver: false,
  actor,
  ...fields,
})
const midnight = Date.parse(at)

class Story {
  state: PipelineState = initial
  seq = 0
  now = midnight

  constructor(changes: Partial<PipelineDefinition> = {}) {
    this.tell({
      type: 'PipelineDefined',
      v,
      at,
      pipeline,
      definition: { ...definition, ...changes },
    })
    for (const pipelineVersion of [codeA, codeB])
      this.tell({
        type: 'ReleaseRegistered',
        v,
        at,
        pipeline,
        pipelineVersion,
        feedType: 'other',
        folder: 'f',
        inputs: { one: { kind: 'opaque_bytes', optional: false } },
        outputs: {},
        steps: [],
        edges: [],
      })
    this.tell({ type: 'ReleaseActivated', v, at, pipeline, pipelineVersion: codeA, actor })
  }

  tell(...events: Event[]): this {
    for (const event of events)
      this.state = evolve(pipeline, this.state, {
        tenant: 't',
        seq: ++this.seq,
        index: 0,
        at: this.now,
        event,
      })
    return this
  }

  get moment(): Moment {
    return { pipeline, tenant: 't', now: this.now, seq: this.seq, latest: () => ref(1) }
  }

  /** What is decided now, and taken in at once. */
  decides(): readonly Event[] {
    const { decided, ended } = decide(this.state, this.moment)
    this.tell(...decided, ...ended)
    return [...decided, ...ended]
  }

  get turns(): string[] {
    return dispatched(this.state).map(({ run }) => run)
  }
}

describe('turns', () => {
  test('go to the oldest, as many as may run at a time', () => {
    const story = new Story().tell(requested('1'), requested('2'), requested('3'))
    expect(story.turns).toEqual(['1', '2'])
    expect(story.tell(started('1')).turns).toEqual(['2'])
    expect(story.tell(completed('1')).turns).toEqual(['2', '3'])
  })

  test('go to nobody while the pipeline is paused', () => {
    const story = new Story().tell(requested('1'), requested('2'), started('1'))
    story.tell({ type: 'PipelinePaused', v, at, pipeline, actor })
    expect(story.turns).toEqual([])
    story.tell({ type: 'PipelineResumed', v, at, pipeline, actor })
    expect(story.turns).toEqual(['2'])
  })

  test('are free again while a run waits for somebody outside', () => {
    const story = new Story({ concurrency: 1 }).tell(requested('1'), requested('2'), started('1'))
    expect(story.turns).toEqual([])
    expect(story.tell(suspended('1')).turns).toEqual(['2'])
  })

  test('of a canary are beside the others, one at a time', () => {
    const canary = { canary: 'K', of: '0', since: 0 }
    const story = new Story({ concurrency: 1 }).tell(
      requested('1'),
      requested('2', { canary, reason: 'canary' }),
      requested('3', { canary, reason: 'canary' }),
    )
    expect(story.turns).toEqual(['1', '2'])
  })

  test('are given whatever a zombie says of an older epoch [I8]', () => {
    const story = new Story().tell(requested('1'), started('1'), dead('1'), redrive(['1']))
    expect(story.decides()).toMatchObject([{ type: 'RunRedriven', run: '1', epoch: 1 }])
    story.tell(completed('1'))
    expect(story.turns).toEqual(['1'])
    expect(story.tell(started('1', 1), completed('1', 1)).turns).toEqual([])
  })
})

describe('a newer run', () => {
  const versioned = (ordinal: number): Event => ({
    type: 'AssetVersioned',
    v,
    at,
    asset: 'a',
    version: `a${ordinal}`,
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

  test('supersedes those that have not begun and carries their triggers over', () => {
    const story = new Story({ newestWins: true })
    story.tell(versioned(1)).decides()
    const first = story.state.runs.open.first()!.run
    story.tell(started(first), versioned(2)).decides()
    const events = story.tell(versioned(3)).decides()
    expect(events.map(({ type }) => type)).toEqual(['RunSuperseded', 'RunRequested'])
    expect(events[1]).toMatchObject({ carriedOver: [{ version: 'a2' }], triggeredBy: [ref(3)] })
    expect([...story.state.runs.open.keys()]).toEqual([
      first,
      (events[1] as EventOf<'RunRequested'>).run,
    ])
  })

  test('leaves those alone that somebody asked for', () => {
    const story = new Story({ newestWins: true })
    story.tell({ type: 'RunTriggered', v, at, pipeline, request: 'M', actor }).decides()
    expect(
      story
        .tell(versioned(1))
        .decides()
        .map(({ type }) => type),
    ).toEqual(['RunRequested'])
  })

  test('on pinned inputs leaves the window alone', () => {
    const story = new Story({ debounce: { quietMs: 1_000, maxWaitMs: 1_000 } })
    story.tell(versioned(1))
    const inputs = { one: ref(7) }
    story.tell({ type: 'RunTriggered', v, at, pipeline, request: 'M', actor, inputs })
    expect(story.decides()).toMatchObject([{ run: 'M', pinned: true, inputs, triggeredBy: [] }])
    expect(story.state.window.triggers).toHaveLength(1)
    story.now += 1_000
    expect(story.decides()).toMatchObject([{ reason: 'triggered', triggeredBy: [ref(1)] }])
  })
})

describe('a run that nobody executes', () => {
  const cancel = (run: string): Event => ({ type: 'CancelRequested', v, at, pipeline, run, actor })

  test('is cancelled at once when it has not begun, and has no turn', () => {
    const story = new Story().tell(requested('1'), cancel('1'))
    expect(story.turns).toEqual([])
    expect(story.decides()).toMatchObject([{ type: 'RunCancelled', run: '1', attempt: 0, actor }])
  })

  test('is cancelled without its worker after a while', () => {
    const story = new Story().tell(requested('1'), started('1'), cancel('1'))
    expect(story.decides()).toEqual([])
    const [look] = looks(story.state, story.moment).filter(({ kind }) => kind === 'deadline')
    story.now = look!.at
    expect(story.decides()).toMatchObject([{ type: 'RunCancelled', run: '1', attempt: 1 }])
  })

  test('ends at the deadline of its question, not before', () => {
    const story = new Story().tell(requested('1'), started('1'), suspended('1'))
    story.now += 59_999
    expect(story.decides()).toEqual([])
    story.now += 1
    expect(story.decides()).toMatchObject([
      { type: 'RunDeadLettered', run: '1', error: { type: 'InteractionExpired' } },
    ])
  })

  test('goes on with an answer that came before the deadline, was there before, and fits', () => {
    const story = new Story().tell(requested('1'), answer({ correlation: 'C-1' }))
    story.tell(started('1'), suspended('1'))
    expect(story.decides()).toMatchObject([{ type: 'RunResumed', run: '1', epoch: 1 }])
    expect(story.state.runs.open.first()!.answers).toEqual({ s: true })
  })

  test.each([
    ['does not fit', {}, { interaction: 'I-1', response: 'yes' }, 0],
    ['brings no token', { token: true }, { interaction: 'I-1' }, 0],
    ['is late', {}, { interaction: 'I-1' }, 60_000],
  ])('waits on when the answer %s', (_, question, fields, lateMs) => {
    const story = new Story().tell(requested('1'), started('1'), suspended('1', question))
    story.now += lateMs
    story.tell(answer(fields))
    expect(story.decides().filter(({ type }) => type === 'RunResumed')).toEqual([])
  })
})

describe('a redrive', () => {
  const ofThree = (fields: Partial<EventOf<'RedriveRequested'>> = {}) => {
    const story = new Story({ concurrency: 9 })
    for (const run of ['1', '2', '3']) story.tell(requested(run), started(run), dead(run))
    return story.tell(redrive(['1', '2', '3'], fields))
  }
  const redriven = (events: readonly Event[]) =>
    events.flatMap((event) => (event.type === 'RunRedriven' ? [event.run] : []))

  test('goes as fast as it may', () => {
    const story = ofThree({ perMinute: 2 })
    expect(redriven(story.decides())).toEqual(['1'])
    expect(redriven(story.decides())).toEqual([])
    const [look] = looks(story.state, story.moment).filter(({ kind }) => kind === 'redrive')
    expect(look!.at - story.now).toBe(30_000)
    story.now = look!.at
    expect(redriven(story.decides())).toEqual(['2'])
  })

  test('asked for twice is done once', () => {
    const story = ofThree()
    story.tell(redrive(['1', '2', '3']))
    expect(redriven(story.decides())).toEqual(['1', '2', '3'])
    expect(redriven(story.decides())).toEqual([])
  })

  test('never risks more failures than it may have', () => {
    const story = ofThree({ failuresMax: 2 })
    expect(redriven(story.decides())).toEqual(['1', '2'])
    story.tell(started('1', 1), dead('1', 1), started('2', 1), completed('2', 1))
    expect(redriven(story.decides())).toEqual(['3'])
    story.tell(started('3', 1), dead('3', 1))
    expect(story.decides()).toMatchObject([{ type: 'RedriveEnded', outcome: 'stopped', failed: 2 }])
  })

  test('onto another version pins it there and makes everything anew', () => {
    const story = ofThree({ pipelineVersion: codeB })
    expect(story.decides()).toMatchObject([{ pipelineVersion: codeB }, {}, {}])
    expect(story.state.runs.open.first()).toMatchObject({ version: codeB, reuseFrom: 1 })
  })

  test('onto a retired version does nothing', () => {
    const story = ofThree({ pipelineVersion: codeB })
    story.tell({ type: 'ReleaseRetired', v, at, pipeline, pipelineVersion: codeB, actor })
    expect(story.decides()).toMatchObject([{ type: 'RedriveEnded', redriven: 0, passedOver: 3 }])
  })
})
