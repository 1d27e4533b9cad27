/**
 * The runs of one pipeline that the dispatcher has to do with: open ones, and those that ended in a way
 * that they can be done again. What counts is `schemas/run.ts`; which of them get their turn is here.
 *
 * A run gets its turn when fewer than `concurrency` are under way, in the order of their requests. A run
 * that waits for somebody outside is not under way. Canary runs go beside, one at a time. While the
 * pipeline is paused nobody gets a turn; what is under way goes on.
 */
import { Map as Persistent, OrderedMap, Set as PersistentSet } from 'immutable'
import type { Actor, VersionRef } from '@headway/schemas/definitions.ts'
import { opened, type OpenQuestion } from '@headway/schemas/answer.ts'
import type { Event, EventOf, Recorded } from '@headway/schemas/events.ts'
import {
  afterRunEvent,
  isEnded,
  isRedrivable,
  isRunEvent,
  requestedFence,
  type RunEvent,
  type RunFence,
} from '@headway/schemas/run.ts'

export type Run = {
  readonly run: string
  /** Of the commit that asked for it. */
  readonly seq: number
  /** Null when it was redriven: the log has it at `seq`. */
  readonly request: EventOf<'RunRequested'> | null
  readonly fence: RunFence
  /** The version it is pinned to now. */
  readonly version: string
  readonly reuseFrom: number
  /** When the log last heard of it, milliseconds since 1970 UTC. */
  readonly heardAt: number
  /** Inputs and code as one comparable text. */
  readonly signature: string
  /** It leaves the window and the question what the last run stood on alone. */
  readonly isAside: boolean
  readonly isCanary: boolean
  readonly cancel: { readonly actor: Actor; readonly at: number } | null
  /** Asked and not answered. */
  readonly questions: readonly OpenQuestion[]
  /** Step → what was answered to it. */
  readonly answers: Readonly<Record<string, unknown>>
  readonly interactions: readonly string[]
  readonly ownInputs: Readonly<Record<string, VersionRef>>
  /** The redrive that opened it again. */
  readonly redrive: string | null
}

export type Runs = {
  /** In the order of their requests; one that is redriven comes last. */
  readonly open: OrderedMap<string, Run>
  readonly dead: Persistent<string, Run>
  /** How many are under way, canaries apart. */
  readonly underWay: number
  readonly canariesUnderWay: number
  readonly canaries: number
  /** Open runs that come to an end by time: they wait outside, or somebody wants them to end. */
  readonly timed: PersistentSet<string>
}
export const noRuns: Runs = {
  open: OrderedMap(),
  dead: Persistent(),
  underWay: 0,
  canariesUnderWay: 0,
  canaries: 0,
  timed: PersistentSet(),
}

/** Inputs and code as one comparable text. */
export const signatureOf = (
  version: string,
  inputs: Readonly<Record<string, VersionRef>>,
): string =>
  JSON.stringify([
    version,
    ...Object.entries(inputs)
      .map(([slot, ref]) => [slot, ref.version])
      .sort(([a], [b]) => (a! < b! ? -1 : 1)),
  ])

const requested = ({ event, seq, at }: Recorded<EventOf<'RunRequested'>>): Run => ({
  run: event.run,
  seq,
  request: event,
  fence: requestedFence,
  version: event.pipelineVersion,
  reuseFrom: 0,
  heardAt: at,
  signature: signatureOf(event.pipelineVersion, event.inputs),
  isAside: event.pinned === true || event.canary !== undefined,
  isCanary: event.canary !== undefined,
  cancel: null,
  questions: [],
  answers: {},
  interactions: [],
  ownInputs: {},
  redrive: null,
})

/** What an event of a run changes besides its fence. */
const evolveRun = (run: Run, event: RunEvent, at: number): Partial<Run> => {
  switch (event.type) {
    case 'RunStarted':
      return { ownInputs: event.ownInputs }
    case 'RunSuspended':
      return { questions: event.questions.map((one) => opened(one, at)), interactions: [] }
    case 'RunResumed':
      return { questions: [] }
    case 'RunRedriven': {
      const isSame = event.pipelineVersion === run.version && !event.startOver
      return {
        version: event.pipelineVersion,
        redrive: event.redrive,
        cancel: null,
        questions: [],
        ...(isSame ? {} : { reuseFrom: event.epoch, answers: {} }),
      }
    }
    default:
      return {}
  }
}

export type Evolved = {
  readonly runs: Runs
  /** The run that the event brought to its end. */
  readonly ended: Run | null
}

export const evolveRuns = (runs: Runs, recorded: Recorded): Evolved => {
  const { event, at } = recorded
  if (event.type === 'RunRequested') {
    if (runs.open.has(event.run)) return { runs, ended: null }
    return { runs: withRun(runs, requested({ ...recorded, event })), ended: null }
  }
  if (!isRunEvent(event)) return { runs, ended: null }
  const before = runOf(runs, event.run)
  const fence = before && afterRunEvent(before.fence, event)
  if (!before || !fence) return { runs, ended: null }
  const after: Run = { ...before, ...evolveRun(before, event, at), fence, heardAt: at }
  if (!isEnded(fence.status)) return { runs: withRun(runs, after), ended: null }
  const kept = { ...after, request: null, questions: [] }
  const dead = isRedrivable(fence.status) ? runs.dead.set(after.run, kept) : runs.dead
  return { runs: { ...counted(runs, before, null), dead }, ended: after }
}

export const runOf = (runs: Runs, run: string): Run | undefined =>
  runs.open.get(run) ?? runs.dead.get(run)

/** With a run that is open; one that was dead is so no longer. */
export const withRun = (runs: Runs, after: Run): Runs => {
  const counts = counted(runs, runs.open.get(after.run) ?? null, after)
  return runs.dead.has(after.run) ? { ...counts, dead: runs.dead.delete(after.run) } : counts
}

export const isUnderWay = ({ fence: { status } }: Run): boolean =>
  status === 'running' || status === 'retrying'
const isTimed = ({ cancel, fence }: Run): boolean =>
  cancel !== null || fence.status === 'waiting_external'

/** The open runs after one of them changed, came (`before` null) or went (`after` null). */
const counted = (runs: Runs, before: Run | null, after: Run | null): Runs => {
  const { run: name, isCanary } = (after ?? before)!
  const more = Number(after !== null && isUnderWay(after))
  const less = Number(before !== null && isUnderWay(before))
  const { open, timed, underWay, canaries, canariesUnderWay } = runs
  const came = Number(after !== null) - Number(before !== null)
  return {
    ...runs,
    open: after ? open.set(name, after) : open.delete(name),
    timed: after && isTimed(after) ? timed.add(name) : timed.delete(name),
    underWay: isCanary ? underWay : underWay + more - less,
    canariesUnderWay: isCanary ? canariesUnderWay + more - less : canariesUnderWay,
    canaries: isCanary ? canaries + came : canaries,
  }
}

/** The open runs that come to an end by time. */
export const timedRuns = ({ open, timed }: Runs): readonly Run[] =>
  [...timed].map((name) => open.get(name)!)
const isPending = ({ fence: { status }, cancel }: Run): boolean => status === 'pending' && !cancel

/** The runs that should have a command by now, besides those under way. */
export const haveTurn = (
  { open, underWay, canaries, canariesUnderWay }: Runs,
  concurrency: number,
  isPaused: boolean,
): readonly Run[] => {
  let free = isPaused ? 0 : Math.max(0, concurrency - underWay)
  let freeCanaries = isPaused || canaries === 0 ? 0 : Math.max(0, 1 - canariesUnderWay)
  const turns: Run[] = []
  for (const run of open.values()) {
    if (free === 0 && freeCanaries === 0) break
    if (!isPending(run)) continue
    if (run.isCanary ? freeCanaries-- > 0 : free-- > 0) turns.push(run)
  }
  return turns
}

/** A run that nobody has begun and that no person asked for may give way to a newer one. */
export const canGiveWay = ({ fence, isAside, request }: Run): boolean =>
  fence.status === 'pending' &&
  fence.epoch === 0 &&
  fence.attempt === 0 &&
  !isAside &&
  request?.reason !== 'manual'

/** How long a worker has to obey a cancellation before it is done without it. */
const cancelMs = 30_000

/** When a run that somebody wants to end is ended without its worker; null while nobody wants that. */
export const cancelAt = ({ cancel, fence }: Run): number | null =>
  cancel && (fence.status === 'running' ? cancel.at + cancelMs : cancel.at)

/** When the first open question of a run is too old; null when it has none. */
export const deadlineOf = ({ fence, questions }: Run): number | null =>
  fence.status === 'waiting_external' && questions.length > 0
    ? Math.min(...questions.map(({ deadlineAt }) => Date.parse(deadlineAt)))
    : null

/** What ends the runs that nobody executes and that have come to their end at `now`. */
export const endings = (pipeline: string, runs: Runs, now: number, at: string): Event[] =>
  timedRuns(runs).flatMap((run): Event[] => {
    const { epoch, attempt } = run.fence
    const head = { v: 1 as const, at, run: run.run, ...(epoch > 0 ? { epoch } : {}), attempt }
    const cancelled = cancelAt(run)
    if (run.cancel && cancelled !== null && cancelled <= now)
      return [{ type: 'RunCancelled', ...head, pipeline, actor: run.cancel.actor, durationMs: 0 }]
    const deadline = deadlineOf(run)
    if (deadline === null || deadline > now) return []
    const late = run.questions.find(({ deadlineAt }) => Date.parse(deadlineAt) <= now)!
    const message = `${late.step}: nobody answered until ${late.deadlineAt}`
    const error = { type: 'InteractionExpired', message }
    return [{ type: 'RunDeadLettered', ...head, pipeline, error, durationMs: 0 }]
  })
