/**
 * What the dispatcher knows of one pipeline: the fold of its history. Total and pure; whatever it is
 * told, it goes on.
 */
import { OrderedMap, Set as PersistentSet } from 'immutable'
import { isAbout } from '@headway/schemas/answer.ts'
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import { answered, asked, held, noAnswers, type Answers } from './answers.ts'
import { evolveCanaries, noCanaries, type Canaries } from './canaries.ts'
import { evolveRedrives, type Redrive } from './redrives.ts'
import { evolveRuns, noRuns, runOf, timedRuns, withRun, type Run, type Runs } from './runs.ts'
import { afterRequest, noWindow, versionRef, type Window } from './window.ts'

type Release = { readonly optional: Readonly<Record<string, boolean>>; readonly retired: boolean }
export type Asked = Pick<
  EventOf<'RunTriggered'>,
  'request' | 'actor' | 'inputs' | 'sync' | 'reason'
> & {
  readonly seq: number
}

/** What the last finished run stood on, or what a cancelled window settled for. */
type Settled = {
  readonly signature: string
  readonly failures: number
  readonly at: number
}

export type PipelineState = {
  readonly definition: PipelineDefinition | null
  /** Sequence of the newest commit on the pipeline's own subject: what a decision is taken on. */
  readonly topicSeq: number
  readonly isPaused: boolean
  readonly disabledSteps: Readonly<Record<string, boolean>>
  readonly window: Window
  readonly manual: OrderedMap<string, Asked>
  /** Requests with an idempotency key that were heard, redrives as well: each counts once. */
  readonly heard: PersistentSet<string>
  readonly releases: Readonly<Record<string, Release>>
  readonly active: string | null
  readonly runs: Runs
  readonly answers: Answers
  readonly redrives: readonly Redrive[]
  readonly canaries: Canaries
  readonly settled: Settled | null
  readonly settleNext: boolean
}

export const initial: PipelineState = {
  definition: null,
  topicSeq: 0,
  isPaused: false,
  disabledSteps: {},
  window: noWindow,
  manual: OrderedMap(),
  heard: PersistentSet(),
  releases: {},
  active: null,
  runs: noRuns,
  answers: noAnswers,
  redrives: [],
  canaries: noCanaries,
  settled: null,
  settleNext: false,
}

/** An output of the pipeline itself never triggers it. */
export const isOwnOutput = (pipeline: string, asset: string): boolean =>
  asset.startsWith(`output/${pipeline}/`)

const listensTo = (state: PipelineState, pipeline: string, asset: string): boolean =>
  state.definition !== null &&
  Object.values(state.definition.slots).includes(asset) &&
  !isOwnOutput(pipeline, asset)

/** What the end of a run means for the question whether another one is due. */
const settledBy = (state: PipelineState, run: Run, at: number): Settled | null => {
  const { signature, isAside, fence } = run
  if (isAside || fence.status === 'superseded') return state.settled
  const isFailure = fence.status === 'failed' || fence.status === 'dead_lettered'
  const before = state.settled?.signature === signature ? state.settled.failures : 0
  return { signature, at, failures: isFailure ? before + 1 : 0 }
}

const evolveRunEvents = (state: PipelineState, recorded: Recorded): PipelineState => {
  const { runs, ended } = evolveRuns(state.runs, recorded)
  const redrives = evolveRedrives(state.redrives, recorded, ended)
  const canaries = evolveCanaries(state.canaries, recorded, ended)
  const settled = ended ? settledBy(state, ended, recorded.at) : state.settled
  const isSame = runs === state.runs && redrives === state.redrives && canaries === state.canaries
  return isSame ? state : { ...state, runs, redrives, canaries, settled }
}

/** The questions of a run that was just suspended, with the answers that were there before them. */
const asking = (state: PipelineState, name: string): PipelineState => {
  const suspended = runOf(state.runs, name)
  if (suspended?.fence.status !== 'waiting_external') return state
  const { answers, run } = asked(state.answers, suspended)
  return { ...state, answers, runs: withRun(state.runs, run) }
}

const answering = (
  state: PipelineState,
  { event, at }: Recorded<EventOf<'InteractionCompleted'>>,
): PipelineState => {
  const answer = { event, at }
  // Of several runs that ask under one name, the one that was asked for first.
  const candidates = timedRuns(state.runs)
    .filter(({ questions }) => questions.some((question) => isAbout(question, answer)))
    .sort((a, b) => a.seq - b.seq || (a.run < b.run ? -1 : 1))
  for (const run of candidates) {
    const after = answered(run, answer)
    if (after !== run) return { ...state, runs: withRun(state.runs, after) }
  }
  return { ...state, answers: held(state.answers, answer) }
}

/** A wish about a pipeline that came on its own subject. */
const evolveWish = (state: PipelineState, { event, at, seq }: Recorded): PipelineState => {
  switch (event.type) {
    case 'PipelineDefined':
      return { ...state, definition: event.definition }
    case 'PipelineRemoved':
      return {
        ...state,
        definition: null,
        window: { ...state.window, triggers: [], flushedBy: null },
        manual: OrderedMap(),
      }
    case 'RunTriggered': {
      if (state.heard.has(event.request)) return state
      const heard = event.key === undefined ? state.heard : state.heard.add(event.request)
      return { ...state, heard, manual: state.manual.set(event.request, { ...event, seq }) }
    }
    case 'WindowFlushed': {
      const flushedBy = state.window.triggers.length > 0 ? event.actor : null
      return { ...state, window: { ...state.window, flushedBy } }
    }
    case 'WindowCancelled':
      return {
        ...state,
        window: { ...state.window, triggers: [], flushedBy: null },
        settleNext: true,
      }
    case 'PipelinePaused':
    case 'PipelineResumed':
      return { ...state, isPaused: event.type === 'PipelinePaused' }
    case 'StepDisabled':
    case 'StepEnabled': {
      const isDisabled = event.type === 'StepDisabled'
      return { ...state, disabledSteps: { ...state.disabledSteps, [event.step]: isDisabled } }
    }
    case 'CancelRequested': {
      const run = state.runs.open.get(event.run)
      if (!run || run.cancel) return state
      const cancel = { actor: event.actor, at }
      return { ...state, runs: withRun(state.runs, { ...run, cancel }) }
    }
    case 'RunRequested': {
      const manual = state.manual.delete(event.run)
      if (event.pinned || event.canary) return { ...state, manual }
      const window = afterRequest(state.window, event)
      return { ...state, manual, window, settleNext: false }
    }
    default:
      return state
  }
}

const pipelineTypes: ReadonlySet<string> = new Set([
  'PipelineDefined',
  'PipelineRemoved',
  'RunTriggered',
  'WindowFlushed',
  'WindowCancelled',
  'PipelinePaused',
  'PipelineResumed',
  'StepDisabled',
  'StepEnabled',
  'CancelRequested',
  'RunRequested',
  'RunSuperseded',
  'RedriveRequested',
  'RunRedriven',
  'RedriveEnded',
  'RunResumed',
  'CanaryStarted',
  'CanaryStopped',
])

/** One pipeline's state after one more event. Events of other pipelines leave it as it is. */
export const evolve = (
  pipeline: string,
  state: PipelineState,
  recorded: Recorded,
): PipelineState => {
  const { event, seq, at } = recorded
  if (pipelineTypes.has(event.type)) {
    if (event.type === 'RedriveRequested' && state.heard.has(event.redrive))
      return { ...state, topicSeq: seq }
    const after = evolveRunEvents(evolveWish(state, recorded), recorded)
    const heard = event.type === 'RedriveRequested' ? after.heard.add(event.redrive) : after.heard
    return { ...after, heard, topicSeq: seq }
  }
  switch (event.type) {
    case 'AssetVersioned': {
      if (!listensTo(state, pipeline, event.asset)) return state
      const triggers = [...state.window.triggers, { seq, at, version: versionRef(event) }]
      return { ...state, window: { ...state.window, triggers } }
    }
    case 'ReleaseRegistered': {
      const optional = Object.fromEntries(
        Object.entries(event.inputs).map(([slot, input]) => [slot, input.optional]),
      )
      const releases = { ...state.releases, [event.pipelineVersion]: { optional, retired: false } }
      return { ...state, releases }
    }
    case 'ReleaseActivated':
      return { ...state, active: event.pipelineVersion, settleNext: false }
    case 'ReleaseRetired': {
      const release = state.releases[event.pipelineVersion]
      if (!release) return state
      const releases = { ...state.releases, [event.pipelineVersion]: { ...release, retired: true } }
      return { ...state, releases }
    }
    case 'InteractionCompleted':
      return answering(state, { ...recorded, event })
    case 'RunSuspended':
      return asking(evolveRunEvents(state, recorded), event.run)
    default:
      return evolveRunEvents(state, recorded)
  }
}
