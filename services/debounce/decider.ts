/**
 * When does a pipeline run, on what, and because of what?
 *
 * A window opens with the first version of a slot's asset after the last request and closes after
 * `quietMs` without another one, at the latest `maxWaitMs` after it opened. All moments are the log's
 * own (`Recorded.at`), so no machine's clock can close a window early.
 *
 *   idle     no window: nothing happened since the last request
 *   open     triggers gathered; due at `closeAt`
 *   blocked  due, but there is no active release or a required slot has no version yet
 *
 * A request carries every trigger up to the position it was decided on; what is recorded later belongs
 * to the next window. So the requests of a pipeline cut the log into pieces without gap or overlap.
 *
 * Without triggers a run is due when the pipeline never ran, when its last run failed (with growing
 * pauses, and given up after `failuresMax` on the same inputs and code), or when inputs or active code
 * are not those of the last success. Cancelling a window settles for the inputs of that moment.
 */
import type {
  Actor,
  PipelineDefinition,
  RunReason,
  VersionRef,
} from '@headway/schemas/definitions.ts'
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import { toTimestamp, ulidOf } from '@headway/schemas/ids.ts'

/** Failed runs on the same inputs and code after which only a change or a person starts another. */
export const failuresMax = 5
const failurePauseMs = 10_000
const failurePauseMsMax = 600_000

type Trigger = { readonly seq: number; readonly at: number; readonly version: VersionRef }
type OpenRun = {
  readonly run: string
  readonly request: EventOf<'RunRequested'>
  readonly attempt: number
  /** When the log last heard of it, milliseconds since 1970 UTC. */
  readonly heardAt: number
}
type Release = { readonly optional: Readonly<Record<string, boolean>> }

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
  readonly triggers: readonly Trigger[]
  readonly flushedBy: Actor | null
  readonly manual: readonly { readonly request: string; readonly actor: Actor }[]
  readonly releases: Readonly<Record<string, Release>>
  readonly active: string | null
  readonly openRuns: readonly OpenRun[]
  readonly settled: Settled | null
  readonly settleNext: boolean
}

export const initial: PipelineState = {
  definition: null,
  topicSeq: 0,
  triggers: [],
  flushedBy: null,
  manual: [],
  releases: {},
  active: null,
  openRuns: [],
  settled: null,
  settleNext: false,
}

/** An output of the pipeline itself never triggers it. */
export const isOwnOutput = (pipeline: string, asset: string): boolean =>
  asset.startsWith(`output/${pipeline}/`)

const pipelineOfRun = (state: PipelineState, run: string): OpenRun | undefined =>
  state.openRuns.find((open) => open.run === run)

/** Inputs and code as one comparable text. */
const signatureOf = (version: string, inputs: Readonly<Record<string, VersionRef>>): string =>
  JSON.stringify([
    version,
    ...Object.entries(inputs)
      .map(([slot, ref]) => [slot, ref.version])
      .sort(([a], [b]) => (a! < b! ? -1 : 1)),
  ])

const heard = (state: PipelineState, run: string, attempt: number, at: number): PipelineState => ({
  ...state,
  openRuns: state.openRuns.map((open) =>
    open.run === run ? { ...open, attempt: Math.max(open.attempt, attempt), heardAt: at } : open,
  ),
})

/** The first terminal event of the newest attempt ends a run; whatever comes later changes nothing. */
const ended = (
  state: PipelineState,
  event: EventOf<'RunCompleted' | 'RunFailed' | 'RunDeadLettered'>,
  at: number,
): PipelineState => {
  const open = pipelineOfRun(state, event.run)
  if (!open || event.attempt < open.attempt) return state
  const signature = signatureOf(open.request.pipelineVersion, open.request.inputs)
  const before = state.settled?.signature === signature ? state.settled.failures : 0
  return {
    ...state,
    openRuns: state.openRuns.filter((other) => other !== open),
    settled: { signature, at, failures: event.type === 'RunCompleted' ? 0 : before + 1 },
  }
}

const requested = (
  state: PipelineState,
  event: EventOf<'RunRequested'>,
  at: number,
): PipelineState => ({
  ...state,
  triggers: state.triggers.filter((trigger) => trigger.seq > event.throughSeq),
  flushedBy: null,
  settleNext: false,
  manual: state.manual.filter((asked) => asked.request !== event.run),
  openRuns: [...state.openRuns, { run: event.run, request: event, attempt: 0, heardAt: at }],
})

const listensTo = (state: PipelineState, pipeline: string, asset: string): boolean =>
  state.definition !== null &&
  Object.values(state.definition.slots).includes(asset) &&
  !isOwnOutput(pipeline, asset)

/** One pipeline's state after one more event. Events of other pipelines leave it as it is. */
export const evolve = (
  pipeline: string,
  state: PipelineState,
  { event, seq, at }: Recorded,
): PipelineState => {
  switch (event.type) {
    case 'AssetVersioned': {
      if (!listensTo(state, pipeline, event.asset)) return state
      return { ...state, triggers: [...state.triggers, { seq, at, version: versionRef(event) }] }
    }
    case 'PipelineDefined':
      return { ...state, topicSeq: seq, definition: event.definition }
    case 'PipelineRemoved':
      return {
        ...state,
        topicSeq: seq,
        definition: null,
        triggers: [],
        flushedBy: null,
        manual: [],
      }
    case 'RunTriggered': {
      const asked = { request: event.request, actor: event.actor }
      return { ...state, topicSeq: seq, manual: [...state.manual, asked] }
    }
    case 'WindowFlushed':
      return {
        ...state,
        topicSeq: seq,
        flushedBy: state.triggers.length > 0 ? event.actor : null,
      }
    case 'WindowCancelled':
      return { ...state, topicSeq: seq, triggers: [], flushedBy: null, settleNext: true }
    case 'RunRequested':
      return { ...requested(state, event, at), topicSeq: seq }
    case 'RunStarted':
    case 'RunRetried':
      return heard(state, event.run, event.attempt, at)
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunDeadLettered':
      return ended(state, event, at)
    case 'ReleaseRegistered': {
      const optional = Object.fromEntries(
        Object.entries(event.inputs).map(([slot, input]) => [slot, input.optional]),
      )
      const releases = { ...state.releases, [event.pipelineVersion]: { optional } }
      return { ...state, releases }
    }
    case 'ReleaseActivated':
      return { ...state, active: event.pipelineVersion, settleNext: false }
    default:
      return state
  }
}

/** A version as requests and slots refer to it. */
export const versionRef = (event: EventOf<'AssetVersioned'>): VersionRef => ({
  asset: event.asset,
  version: event.version,
  ordinal: event.ordinal,
  digest: event.renditions[0]!.digest,
  sizeBytes: event.sizeBytes,
  kind: event.kind,
})

/** When the open window is due, milliseconds since 1970 UTC; null when there is none. */
export const closeAt = (state: PipelineState): number | null => {
  const first = state.triggers[0]
  const last = state.triggers.at(-1)
  if (!first || !last || !state.definition) return null
  if (state.flushedBy) return 0
  const { quietMs, maxWaitMs } = state.definition.debounce
  return Math.min(last.at + quietMs, first.at + maxWaitMs)
}

export type Moment = {
  readonly pipeline: string
  readonly tenant: string
  /** The log's clock, milliseconds since 1970 UTC. */
  readonly now: number
  /** Position of the fold: everything up to here is in the state. */
  readonly seq: number
  /** The newest version of every asset a slot is bound to. */
  readonly latest: (asset: string) => VersionRef | null
}

/** The versions a run would be pinned to; null while a required slot has none. */
const pin = (state: PipelineState, moment: Moment): Record<string, VersionRef> | null => {
  const inputs: Record<string, VersionRef> = {}
  for (const [slot, asset] of Object.entries(state.definition!.slots)) {
    if (isOwnOutput(moment.pipeline, asset)) continue
    const version = moment.latest(asset)
    if (version) inputs[slot] = version
    else if (!state.releases[state.active!]?.optional[slot]) return null
  }
  return inputs
}

/** Why a run is due without triggers, and from when; null when nothing is due. */
const dueWithoutTriggers = (
  state: PipelineState,
  signature: string,
): { reason: RunReason; at: number } | null => {
  if (state.openRuns.length > 0 || state.settleNext) return null
  const { settled } = state
  if (!settled) return { reason: 'never_run', at: 0 }
  if (settled.signature === signature) {
    if (settled.failures === 0 || settled.failures >= failuresMax) return null
    const pauseMs = Math.min(failurePauseMs * 2 ** (settled.failures - 1), failurePauseMsMax)
    return { reason: 'last_run_failed', at: settled.at + pauseMs }
  }
  const sameCode = settled.signature.slice(0, 16) === signature.slice(0, 16)
  return { reason: sameCode ? 'inputs_changed' : 'code_changed', at: 0 }
}

export type Due = { readonly reason: RunReason; readonly at: number }

/** What is due and when; null while nothing is, or while it is blocked. */
export const due = (state: PipelineState, moment: Moment): Due | null => {
  if (!state.definition || !state.active) return null
  const inputs = pin(state, moment)
  if (!inputs) return null
  if (state.manual.length > 0) return { reason: 'manual', at: 0 }
  const at = closeAt(state)
  if (at !== null) return { reason: state.flushedBy ? 'flushed' : 'triggered', at }
  return dueWithoutTriggers(state, signatureOf(state.active, inputs))
}

/** The request that the moment calls for, or nothing. */
export const decide = (
  state: PipelineState,
  moment: Moment,
): readonly EventOf<'RunRequested'>[] => {
  const next = due(state, moment)
  if (!next || next.at > moment.now) return []
  const asked = next.reason === 'manual' ? state.manual[0]! : null
  const actor = asked?.actor ?? state.flushedBy
  const triggeredBy = state.triggers.map((trigger) => trigger.version)
  return [
    {
      type: 'RunRequested',
      v: 1,
      at: toTimestamp(moment.now),
      pipeline: moment.pipeline,
      run:
        asked?.request ??
        ulidOf(moment.now, moment.tenant, moment.pipeline, state.topicSeq, moment.seq),
      pipelineVersion: state.active!,
      reason: next.reason,
      ...(actor ? { actor } : {}),
      inputs: pin(state, moment)!,
      triggeredBy,
      throughSeq: moment.seq,
      ...(state.triggers[0] ? { windowOpenedAt: toTimestamp(state.triggers[0].at) } : {}),
      ...(state.definition!.disabledSteps
        ? { disabledSteps: state.definition!.disabledSteps }
        : {}),
    },
  ]
}
