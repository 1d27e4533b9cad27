/** Why a run ran, and why it is where it is. Facts in, sentences out. */
import { base } from '../api.ts'
import type { Run } from '../routes/run-detail.ts'
import { nameOf } from '../routes/run-summary.ts'
import { next, plural, reason, type Reason, type Why } from './shape.ts'

export type RunFacts = {
  readonly run: Run
  readonly paused: { readonly by: unknown; readonly since: string | null } | null
  /** How many of the pipeline's runs may be under way at once, which are, and which come first. */
  readonly concurrency: number
  readonly underWay: readonly { readonly run: string; readonly started_at: string | null }[]
  readonly ahead: readonly { readonly run: string; readonly seq: number }[]
  /** Runs that gave way to it. */
  readonly superseded: readonly { readonly run: string; readonly seq: number }[]
}

const runHref = (run: string): string => `${base}/runs/${run}`
const shownMax = 10

const changed = ({ asset, ordinal, version }: Run['triggeredBy'][number], verb: string): Reason =>
  reason(`${asset} #${ordinal} ${verb}`, { href: `${base}/assets/${asset}/versions/${version}` })

/** Why it was asked for. */
const origins = ({ run, superseded }: RunFacts): Reason[] => {
  const { triggeredBy, carriedOver, requestedAt: since, seq } = run
  const asked = reason(run.why, { since, seq })
  const more = triggeredBy.length - shownMax
  return [
    asked,
    ...triggeredBy.slice(0, shownMax).map((ref) => changed(ref, 'was in its window')),
    ...(more > 0 ? [reason(`and ${plural(more, 'more version')} of the same window`)] : []),
    ...superseded.map(({ run: older, seq: at }) =>
      reason(`run ${older} had not started and gave way to it`, { seq: at, href: runHref(older) }),
    ),
    ...carriedOver.slice(0, shownMax).map((ref) => changed(ref, 'was carried over')),
    ...(run.canary
      ? [
          reason(`it repeats run ${run.canary.of} for a canary and publishes nothing`, {
            href: `${base}/canaries/${run.canary.id}`,
          }),
        ]
      : []),
    ...run.redriveHistory
      .filter(({ epoch }) => epoch !== null)
      .map(({ id, actor, redrivenAt }) =>
        reason(`it was redriven by ${nameOf(actor)}`, {
          since: redrivenAt,
          href: `${base}/redrives/${id}`,
        }),
      ),
  ]
}

const turn = ({ concurrency, underWay, ahead }: RunFacts): Why => {
  const busy = underWay.map(({ run, started_at: since }) =>
    reason(`run ${run} is under way`, { since, href: runHref(run) }),
  )
  const before = ahead
    .slice(0, shownMax)
    .map(({ run, seq }) => reason(`run ${run} was asked for before`, { seq, href: runHref(run) }))
  if (busy.length >= concurrency)
    return {
      answer: `it waits for its turn: ${plural(busy.length, 'run')} of ${concurrency} at a time`,
      because: [...busy, ...before],
      next: next('it starts when one of these has ended'),
    }
  if (before.length > 0)
    return {
      answer: `it waits for its turn: ${plural(ahead.length, 'run')} come first`,
      because: before,
      next: next('it starts after these'),
    }
  return {
    answer: 'it has its turn and a worker serves its version',
    because: [],
    next: next('a worker takes it any moment'),
  }
}

const pending = (facts: RunFacts): Why => {
  const { run, paused } = facts
  const { cancelRequestedBy, waitingFor, pipelineId } = run
  if (cancelRequestedBy)
    return {
      answer: `it is about to end: ${nameOf(cancelRequestedBy)} cancelled it`,
      because: [],
    }
  if (waitingFor?.what === 'decision')
    return {
      answer: 'it is asked for and no inputs are pinned to it so far',
      because: [reason(waitingFor.detail, { href: `${base}/pipelines/${pipelineId}/why` })],
    }
  if (paused) {
    const text = `${pipelineId} is paused by ${nameOf(paused.by)}`
    return {
      answer: `it waits: ${text}`,
      because: [reason(text, { since: paused.since, href: `${base}/pipelines/${pipelineId}` })],
      next: next('it starts when the pipeline is resumed'),
    }
  }
  if (run.status !== 'waiting_for_worker') return turn(facts)
  const text = `no healthy worker serves ${pipelineId} ${run.pipelineVersion}`
  return {
    answer: `it waits: ${text}`,
    because: [reason(text, { since: run.since, href: `${base}/workers?all=true` })],
    next: next(waitingFor?.detail ?? 'start a worker that has this version'),
  }
}

const attempts = (run: Run): string =>
  `attempt ${run.attempt}${run.attemptsMax === null ? '' : ` of ${run.attemptsMax}`}`

const failures = (run: Run): Reason[] =>
  run.errors
    .slice(-shownMax)
    .map(({ epoch, attempt, outcome, type, message, recordedAt: since, seq }) =>
      reason(
        `attempt ${epoch > 0 ? `${epoch}.` : ''}${attempt} ${outcome.replaceAll('_', ' ')}: ` +
          `${type}: ${message.slice(0, 300)}`,
        { since, seq },
      ),
    )

const questions = (run: Run): Reason[] =>
  run.questions
    .filter(({ status }) => status === 'waiting')
    .map(({ step, assignee, group, deadlineAt, href }) => {
      const whom = assignee ?? (group ? `somebody of ${group}` : 'somebody outside')
      return reason(`step ${step} waits for ${whom} until ${deadlineAt}`, { href })
    })

const dead = (run: Run, how: string): Why => ({
  answer: `it ${how}${run.error ? `: ${run.error.type}: ${run.error.message.slice(0, 300)}` : ''}`,
  because: [
    ...failures(run),
    ...run.questions
      .filter(({ status }) => status === 'expired')
      .map(({ step, deadlineAt, href }) =>
        reason(`nobody answered ${step} before ${deadlineAt}`, { href }),
      ),
  ],
  next: next(`POST ${runHref(run.id)}/redrive does it again`),
})

const completed = ({ artifacts, durationMs, canary }: Run): Why => {
  const isSame = artifacts.length > 0 && artifacts.every(({ changed: isNew }) => !isNew)
  return {
    answer:
      `it completed${durationMs === null ? '' : ` in ${Math.round(durationMs)} ms`}` +
      (isSame ? ' and made what was there already' : ''),
    because: canary
      ? []
      : artifacts.map(({ asset, ordinal, version, changed: isNew }) =>
          reason(`${asset} is ${isNew ? 'now' : 'still'} #${ordinal}`, {
            href: `${base}/assets/${asset}/versions/${version}`,
          }),
        ),
  }
}

const stateOf = (facts: RunFacts): Why => {
  const { run } = facts
  switch (run.status) {
    case 'running': {
      const cancelled = run.cancelRequestedBy
      const text = `${run.worker} executes ${attempts(run)}`
      return {
        answer: `it runs: ${text}`,
        because: [
          reason(text, { since: run.startedAt, href: `${base}/workers/${run.worker}` }),
          ...failures(run),
        ],
        ...(cancelled ? { next: next(`it ends soon: ${nameOf(cancelled)} cancelled it`) } : {}),
      }
    }
    case 'retrying':
      return {
        answer: `${attempts(run)} ended badly and another one follows`,
        because: failures(run),
        next: next(`attempt ${run.attempt + 1}`, run.nextAttemptAt),
      }
    case 'waiting_external':
      return {
        answer: `it waits for ${plural(questions(run).length, 'answer')}`,
        because: questions(run),
        next: next('it goes on when all are answered, or is a dead letter', run.waitingFor?.at),
      }
    case 'completed':
      return completed(run)
    case 'failed':
      return dead(run, 'failed with an error that another attempt does not cure')
    case 'dead_lettered':
      return dead(run, 'used up its attempts or its time')
    case 'cancelled':
      return {
        answer: `it was cancelled by ${nameOf(run.cancelledBy)}`,
        because: failures(run),
        next: next(`POST ${runHref(run.id)}/redrive does it again`),
      }
    case 'superseded':
      return {
        answer: `it had not started and gave way to run ${run.supersededBy}`,
        because: [
          reason(`run ${run.supersededBy} carries its versions over`, {
            since: run.since,
            href: runHref(run.supersededBy ?? ''),
          }),
        ],
      }
    default:
      return pending(facts)
  }
}

export const whyRun = (facts: RunFacts): Why => {
  const { run } = facts
  const state = stateOf(facts)
  return {
    ...state,
    answer: `Run ${run.id} of ${run.pipelineId}: ${state.answer}. It was asked for because: ${run.why}.`,
    because: [...state.because, ...origins(facts)],
  }
}
