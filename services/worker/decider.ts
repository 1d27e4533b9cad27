/**
 * What the end of an attempt means for the run, and what the log says of a run. Pure: the attempt's
 * number, the policy and the moment come in, events come out.
 *
 *   completed                        → RunCompleted
 *   failed, terminal error           → RunFailed, never tried again
 *   failed, attempts left            → RunRetried with the moment of the next attempt
 *   failed, no attempts left         → RunDeadLettered
 *   taken more often than allowed    → RunDeadLettered: it takes its workers down with it
 *   a step asks somebody outside     → RunSuspended
 *   somebody wants it to end         → RunCancelled
 */
import { interactionOf } from '@headway/schemas/answer.ts'
import type {
  Actor,
  PipelineDefinition,
  StepOutput,
  VersionRef,
} from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { sha256, toTimestamp } from '@headway/schemas/ids.ts'
import type { StepError } from './executor.ts'
import type { AskedQuestion } from './steps/step.ts'

export type Attempt = {
  readonly pipeline: string
  readonly run: string
  readonly epoch: number
  /** 1 for the first of the epoch. */
  readonly attempt: number
  /** Of those before it, the ones that were given back: they do not count. */
  readonly givenBack: number
  readonly startedAt: number
  readonly now: number
  readonly policy: PipelineDefinition['retry']
}

/** Exponential, capped, spread over the upper half by a hash of run and attempt. */
export const backoffMs = ({ run, attempt, policy }: Attempt): number => {
  const full = Math.min(policy.backoffMs * 2 ** (attempt - 1), policy.backoffMsMax)
  const spread = Number.parseInt(sha256(`${run}/${attempt}`).slice(0, 8), 16) / 2 ** 32
  return Math.round(full * (0.5 + spread / 2))
}

/** What every event of an attempt says: the fence. */
export const fenceOf = ({ run, epoch, attempt, now }: Attempt) => ({
  v: 1 as const,
  at: toTimestamp(now),
  run,
  ...(epoch > 0 ? { epoch } : {}),
  attempt,
})
const base = (attempt: Attempt) => ({ ...fenceOf(attempt), pipeline: attempt.pipeline })
const durationMs = ({ startedAt, now }: Attempt): number =>
  Math.round((now - startedAt) * 1_000) / 1_000

export const completed = (attempt: Attempt): Event => ({
  type: 'RunCompleted',
  ...base(attempt),
  durationMs: durationMs(attempt),
})

export const cancelled = (attempt: Attempt, actor: Actor): Event => ({
  type: 'RunCancelled',
  ...base(attempt),
  actor,
  durationMs: durationMs(attempt),
})

export const givenBack = (attempt: Attempt, worker: string): Event => ({
  type: 'RunGivenBack',
  ...base(attempt),
  worker,
})

/** What others may rely on and answer. `requestedAt` and the fence make the ids. */
export const suspended = (
  attempt: Attempt,
  requestedAt: string,
  questions: readonly AskedQuestion[],
): Event => ({
  type: 'RunSuspended',
  ...base(attempt),
  questions: questions.map(({ step, request, response, token, ...rest }) => ({
    interaction: interactionOf(requestedAt, attempt.run, step, attempt.epoch),
    step,
    ...rest,
    request,
    response: JSON.parse(JSON.stringify(response)) as Record<string, unknown>,
    token: token ?? false,
  })),
})

const isOver = ({ attempt, givenBack: free, policy }: Attempt): boolean =>
  attempt - free >= policy.attempts

/** Whether this attempt is one too many: those before it never came back. */
export const isOneTooMany = ({ attempt, givenBack: free, policy }: Attempt): boolean =>
  attempt - free > policy.attempts

export type AfterFailure =
  | { readonly event: Event; readonly retryMs: number }
  | { readonly event: Event; readonly retryMs: null }

export const failed = (attempt: Attempt, step: string, error: StepError): AfterFailure => {
  const told = { type: error.type, message: `${step}: ${error.message}`.slice(0, 4_000) }
  const ended = { ...base(attempt), error: told, durationMs: durationMs(attempt) }
  const isTerminal = error.terminal || attempt.policy.nonRetryable?.includes(error.type)
  if (isTerminal) return { event: { type: 'RunFailed', ...ended }, retryMs: null }
  if (isOver(attempt)) return { event: { type: 'RunDeadLettered', ...ended }, retryMs: null }
  const retryMs = error.afterMs ?? backoffMs(attempt)
  const nextAttemptAt = toTimestamp(attempt.now + retryMs)
  return { event: { type: 'RunRetried', ...base(attempt), error: told, nextAttemptAt }, retryMs }
}

/** Every attempt took its worker down: the run is not tried again by itself. */
export const gaveUp = (attempt: Attempt): Event => ({
  type: 'RunDeadLettered',
  ...base(attempt),
  error: {
    type: 'WorkerLost',
    message: `all ${attempt.policy.attempts} attempts ended with the loss of their worker`,
  },
  durationMs: 0,
})

/** A run as its pipeline's runs tell it. */
export type RunState = {
  /** The newest epoch that was heard of. What comes before in the log is of older ones. */
  readonly epoch: number
  /** The newest attempt of that epoch; 0 for none. */
  readonly attempt: number
  /** It ended or was suspended in that epoch: nothing of it is to be executed. */
  readonly isOver: boolean
  /** Where the log first heard of it; 0 when it has not. */
  readonly firstSeq: number
  /** Attempts of that epoch that were given back. */
  readonly givenBack: readonly number[]
  /** The own outputs that its attempts read. Null before the first started. */
  readonly ownInputs: Readonly<Record<string, VersionRef>> | null
  /** Step → what it made, and in which epoch. */
  readonly outputs: Readonly<
    Record<string, { readonly epoch: number; readonly output: StepOutput }>
  >
  readonly artifacts: readonly EventOf<'ArtifactPublished'>[]
}
export const initial: RunState = {
  epoch: 0,
  attempt: 0,
  isOver: false,
  firstSeq: 0,
  givenBack: [],
  ownInputs: null,
  outputs: {},
  artifacts: [],
}

const overAfter: ReadonlySet<string> = new Set([
  'RunCompleted',
  'RunFailed',
  'RunDeadLettered',
  'RunCancelled',
  'RunSuspended',
])

/** One that could not know what others had read of the own outputs begins anew, and those after it do. */
const startedOn = ({ ownInputs }: EventOf<'RunStarted'>, state: RunState): RunState => {
  const isSame = JSON.stringify(state.ownInputs) === JSON.stringify(ownInputs)
  if (isSame || state.ownInputs === null) return { ...state, ownInputs }
  return { ...state, ownInputs, outputs: {} }
}

export const evolve = (run: string, earlier: RunState, event: Event, seq = 1): RunState => {
  if (!('attempt' in event) || event.run !== run) return earlier
  const before = earlier.firstSeq === 0 ? { ...earlier, firstSeq: seq } : earlier
  const epoch = event.epoch ?? 0
  if (epoch < before.epoch) return before
  const state =
    epoch > before.epoch ? { ...before, epoch, attempt: 0, isOver: false, givenBack: [] } : before
  const attempt = Math.max(state.attempt, event.attempt)
  switch (event.type) {
    case 'RunStarted':
      return event.attempt < state.attempt ? state : startedOn(event, { ...state, attempt })
    case 'RunGivenBack':
      return { ...state, attempt, givenBack: [...state.givenBack, event.attempt] }
    case 'StepSucceeded':
    case 'StepOutputRecorded': {
      const { output } = event
      if (!output || event.attempt < state.attempt) return { ...state, attempt }
      return { ...state, attempt, outputs: { ...state.outputs, [event.step]: { epoch, output } } }
    }
    case 'ArtifactPublished':
      return { ...state, attempt, artifacts: [...state.artifacts, event] }
    default: {
      const isNewest = event.attempt >= state.attempt
      const isOver = state.isOver || (isNewest && overAfter.has(event.type))
      return { ...state, attempt, isOver }
    }
  }
}

/** The attempt after those that the log knows, however often its command was handed out. */
export const next = (attempt: Attempt, before: RunState): Attempt => {
  if (before.epoch !== attempt.epoch) return { ...attempt, givenBack: 0 }
  const number = Math.max(attempt.attempt, before.attempt + 1)
  const givenBack = before.givenBack.filter((earlier) => earlier < number).length
  return { ...attempt, attempt: number, givenBack }
}

/** A newer run took its place (there, 0 for nowhere) before the log heard of it. */
export const gaveWay = (supersededSeq: number, { firstSeq }: RunState): boolean =>
  supersededSeq > 0 && (firstSeq === 0 || supersededSeq < firstSeq)
