/**
 * When does a pipeline run, on what, and because of what? And of the runs that were asked for: which
 * get their turn, which end without a worker, which go on?
 *
 * A run is due when its window closes (`window.ts`), when somebody asks, or without triggers: when the
 * pipeline never ran, when its last run failed (with growing pauses, and given up after `failuresMax` on
 * the same inputs and code), or when inputs or active code are not those of the last success. Cancelling
 * a window settles for the inputs of that moment.
 *
 * Everything decided about a pipeline at one moment is one commit on its subject (`decided`). What ends
 * a run that nobody executes is told where its workers tell things (`ended`); the fence says what counts.
 */
import type { RunReason, VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { failurePause, failuresMax } from '@headway/schemas/failure-pause.ts'
import { toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import { pinInWindow, upToSync } from './before-sync.ts'
import { nextAt, redrive } from './redrives.ts'
import {
  canGiveWay,
  cancelAt,
  deadlineOf,
  endings,
  haveTurn,
  signatureOf,
  timedRuns,
  type Run,
} from './runs.ts'
import { isOwnOutput, type PipelineState } from './state.ts'
import { closeAt, taken, triggersMax } from './window.ts'

/** Requests decided in one commit. */
const requestsMax = 200

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

export type Due = { readonly reason: RunReason; readonly at: number }

/** Why a run is due without triggers, and from when; null when nothing is due. */
const dueWithoutTriggers = (state: PipelineState, signature: string): Due | null => {
  const { settled, runs, settleNext } = state
  if (runs.open.some(({ isAside }) => !isAside) || settleNext) return null
  if (!settled) return { reason: 'never_run', at: 0 }
  if (settled.signature === signature) {
    if (settled.failures === 0 || settled.failures >= failuresMax) return null
    return { reason: 'last_run_failed', at: settled.at + failurePause(settled.failures) }
  }
  const sameCode = settled.signature.slice(0, 16) === signature.slice(0, 16)
  return { reason: sameCode ? 'inputs_changed' : 'code_changed', at: 0 }
}

/** What is due and when; null while nothing is, or while it is blocked. */
export const due = (state: PipelineState, moment: Moment): Due | null => {
  if (!state.definition || !state.active) return null
  const inputs = pin(state, moment)
  if (!inputs) return null
  if (state.manual.size > 0) return { reason: 'manual', at: 0 }
  const at = closeAt(state.window, state.definition.debounce)
  if (at !== null) return { reason: state.window.flushedBy ? 'flushed' : 'triggered', at }
  return dueWithoutTriggers(state, signatureOf(state.active, inputs))
}

const disabledIn = ({ definition, disabledSteps }: PipelineState): string[] => [
  ...new Set([
    ...(definition?.disabledSteps ?? []).filter((step) => disabledSteps[step] !== false),
    ...Object.keys(disabledSteps).filter((step) => disabledSteps[step]),
  ]),
]

const request = (
  state: PipelineState,
  moment: Moment,
  what: Pick<EventOf<'RunRequested'>, 'run' | 'reason' | 'inputs' | 'triggeredBy' | 'throughSeq'> &
    Partial<EventOf<'RunRequested'>>,
): EventOf<'RunRequested'> => {
  const disabledSteps = disabledIn(state)
  return {
    type: 'RunRequested',
    v: 1,
    at: toTimestamp(moment.now),
    pipeline: moment.pipeline,
    pipelineVersion: state.active!,
    ...what,
    ...(disabledSteps.length > 0 ? { disabledSteps } : {}),
  }
}

/** Runs that give way to the next one, and what they carry over; none when that is too much. */
const givingWay = (
  state: PipelineState,
  count: number,
): { runs: readonly Run[]; versions: VersionRef[] } => {
  const none = { runs: [], versions: [] }
  if (!state.definition!.newestWins) return none
  const runs = [...state.runs.open.values()].filter(canGiveWay)
  const versions = runs.flatMap(({ request: older }) => [
    ...(older?.carriedOver ?? []),
    ...(older?.triggeredBy ?? []),
  ])
  return versions.length + count > triggersMax ? none : { runs, versions }
}

/** The requests that people asked for; the first that uses the newest versions takes the window. */
const manualRequests = (
  state: PipelineState,
  moment: Moment,
  pinned: Readonly<Record<string, VersionRef>>,
): Event[] => {
  const window = taken(state.window, moment.seq)
  let isTaken = false
  return [...state.manual.take(requestsMax).values()].map((one) => {
    const { actor, sync } = one
    const reason: RunReason = one.reason ?? 'manual'
    const what = { run: one.request, reason, actor, ...(sync ? { sync } : {}) }
    if (one.inputs || sync) {
      const inputs = { ...pinned, ...one.inputs }
      const aside = { triggeredBy: [], throughSeq: moment.seq, pinned: true }
      return request(state, moment, { ...what, inputs, ...aside })
    }
    const triggers = isTaken ? [] : window.triggers
    isTaken = true
    return request(state, moment, {
      ...what,
      inputs: pinned,
      ...openedAt(triggers),
      triggeredBy: triggers.map(({ version }) => version),
      throughSeq: window.throughSeq,
    })
  })
}

const openedAt = (triggers: readonly { readonly at: number }[]): { windowOpenedAt?: string } =>
  triggers[0] ? { windowOpenedAt: toTimestamp(triggers[0].at) } : {}

const dueRequests = (state: PipelineState, moment: Moment): Event[] => {
  const next = due(state, moment)
  if (!next || next.at > moment.now) return []
  return requestsOf(next, ...upToSync(state, moment))
}

const requestsOf = (next: Due, state: PipelineState, moment: Moment): Event[] => {
  const inputs = pinInWindow(state, pin(state, moment)!)
  if (state.manual.size > 0) return manualRequests(state, moment, inputs)
  const reason = next.reason === 'manual' ? 'triggered' : next.reason
  const run = ulidOf(moment.now, moment.tenant, moment.pipeline, state.topicSeq, moment.seq)
  const { triggers, throughSeq } = taken(state.window, moment.seq)
  const { runs, versions } = givingWay(state, triggers.length)
  const { flushedBy } = state.window
  return [
    ...runs.map((older): Event => ({
      type: 'RunSuperseded',
      v: 1,
      at: toTimestamp(moment.now),
      pipeline: moment.pipeline,
      run: older.run,
      by: run,
    })),
    request(state, moment, {
      run,
      reason,
      ...(flushedBy ? { actor: flushedBy } : {}),
      inputs,
      triggeredBy: triggers.map(({ version }) => version),
      throughSeq,
      ...openedAt(triggers),
      ...(versions.length > 0 ? { carriedOver: versions } : {}),
    }),
  ]
}

const resumptions = (state: PipelineState, { pipeline, now }: Moment): Event[] =>
  timedRuns(state.runs)
    .filter(({ fence, questions }) => fence.status === 'waiting_external' && questions.length === 0)
    .map(({ run, fence, version, interactions }) => ({
      type: 'RunResumed',
      v: 1,
      at: toTimestamp(now),
      pipeline,
      run,
      epoch: fence.epoch + 1,
      pipelineVersion: version,
      interactions: [...interactions],
    }))

const canaryRequests = (state: PipelineState, moment: Moment): Event[] =>
  state.canaries.active.flatMap(({ asked: { canary, pipelineVersion, actor }, due: [first] }) =>
    first && isUsable(state, pipelineVersion)
      ? [
          request(state, moment, {
            run: ulidOf(moment.now, moment.tenant, canary, first.run),
            reason: 'canary',
            actor,
            pipelineVersion,
            inputs: first.inputs,
            triggeredBy: [],
            throughSeq: moment.seq,
            canary: { canary, of: first.run, since: first.since },
          }),
        ]
      : [],
  )

const isUsable = ({ releases }: PipelineState, version: string): boolean =>
  releases[version] !== undefined && !releases[version].retired

export type Decision = {
  /** One commit on the pipeline's subject, if that is still where the decision saw it. */
  readonly decided: readonly Event[]
  /** What ends runs that nobody executes, on the runs' subject; the fence says whether it counts. */
  readonly ended: readonly Event[]
}

/** What the moment calls for. */
export const decide = (state: PipelineState, moment: Moment): Decision => {
  const { pipeline, now } = moment
  const at = toTimestamp(now)
  const chosen = new Set<string>()
  const redriveMoment = {
    pipeline,
    now,
    at,
    taken: chosen,
    isUsable: (v: string) => isUsable(state, v),
  }
  return {
    decided: [
      ...dueRequests(state, moment),
      ...resumptions(state, moment),
      ...state.redrives.flatMap((one) => redrive(one, state.runs, redriveMoment)),
      ...canaryRequests(state, moment),
    ],
    ended: endings(pipeline, state.runs, now, at),
  }
}

/** The runs that should have a command by now, besides those under way. */
export const dispatched = ({ definition, runs, isPaused }: PipelineState): readonly Run[] =>
  definition ? haveTurn(runs, definition.concurrency, isPaused) : []

export type Look =
  | { readonly kind: 'due' | 'redrive'; readonly at: number }
  | { readonly kind: 'deadline'; readonly about: string; readonly at: number }

const timerOf = ({ reason }: Due) =>
  reason === 'last_run_failed'
    ? { kind: 'deadline' as const, about: 'pause-after-failure' }
    : { kind: 'due' as const }

/**
 * When to look again though nothing happens: what timers are armed for. An armed timer is only ever put
 * off, so the pause after a failure has one of its own: a window may close before it is over.
 */
export const looks = (state: PipelineState, moment: Moment): readonly Look[] => {
  const next = due(state, moment)
  const redrives = state.redrives.flatMap((one) => nextAt(one) ?? [])
  return [
    ...(next ? [{ ...timerOf(next), at: next.at }] : []),
    ...(redrives.length > 0 ? [{ kind: 'redrive' as const, at: Math.min(...redrives) }] : []),
    ...timedRuns(state.runs).flatMap((run): Look[] => {
      const cancel = cancelAt(run)
      const deadline = deadlineOf(run)
      return [
        ...(cancel === null
          ? []
          : [{ kind: 'deadline' as const, about: `${run.run}-cancel`, at: cancel }]),
        ...(deadline === null
          ? []
          : [{ kind: 'deadline' as const, about: `${run.run}-${run.fence.epoch}`, at: deadline }]),
      ]
    }),
  ]
}
