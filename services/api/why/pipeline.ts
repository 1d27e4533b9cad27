/** Why a pipeline runs or does not. Facts in, sentences out, the most pressing one first. */
import { failurePause, failuresMax } from '@headway/schemas/failure-pause.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { base } from '../api.ts'
import { nameOf, type RunSummary } from '../routes/run-summary.ts'
import type { Window } from '../routes/windows.ts'
import { next, plural, reason, type Reason, type Why } from './shape.ts'

export type PipelineFacts = {
  readonly id: string
  readonly folder: string
  readonly concurrency: number
  readonly activeVersion: string | null
  readonly paused: { readonly by: unknown; readonly since: string | null } | null
  readonly disabledSteps: readonly string[]
  readonly window: Window
  /** Asked for by people, and no runs so far. */
  readonly wishes: readonly { request: string; actor: unknown; asked_at: string; seq: number }[]
  /** Runs that have not ended, oldest first. */
  readonly open: readonly RunSummary[]
  /** The newest run that ended, apart from canaries and superseded ones. */
  readonly last: RunSummary | null
  /** Failed runs in a row on the inputs and the code of `last`. */
  readonly failures: number
  readonly questions: readonly { step: string; assignee: string | null; interaction: string }[]
}

const shownMax = 10
const runHref = (run: string): string => `${base}/runs/${run}`

const openRuns = ({ open }: PipelineFacts): Reason[] =>
  open
    .slice(0, shownMax)
    .map(({ id, status, since, seq, waitingFor }) =>
      reason(
        `run ${id} is ${status.replaceAll('_', ' ')}${waitingFor ? `: ${waitingFor.detail}` : ''}`,
        { since, seq, href: runHref(id) },
      ),
    )

const lastRun = ({ last }: PipelineFacts): Reason[] =>
  last
    ? [
        reason(
          `the last run ${last.id} ${last.status.replaceAll('_', ' ')}` +
            (last.error ? `: ${last.error.type}: ${last.error.message.slice(0, 300)}` : ''),
          { since: last.endedAt ?? last.since, seq: last.seq, href: runHref(last.id) },
        ),
      ]
    : []

const waiting = ({ window, wishes }: PipelineFacts): Reason[] => [
  ...wishes.slice(0, shownMax).map(({ request, actor, asked_at: since, seq }) =>
    reason(`run ${request} is asked for by ${nameOf(actor)}`, {
      since,
      seq,
      href: runHref(request),
    }),
  ),
  ...window.triggers.slice(-shownMax).map(({ asset, ordinal, version, recordedAt, seq }) =>
    reason(`${asset} #${ordinal} waits in the window`, {
      since: recordedAt,
      seq,
      href: `${base}/assets/${asset}/versions/${version}`,
    }),
  ),
]

/** What holds everything back, whatever changes. */
const blocked = (facts: PipelineFacts): Why | null => {
  const { id, folder, activeVersion, window, paused } = facts
  if (paused) {
    const text = `it is paused by ${nameOf(paused.by)}`
    return {
      answer: `${id} starts no runs: ${text}`,
      because: [
        reason(text, { since: paused.since, href: `${base}/pipelines/${id}` }),
        ...openRuns(facts),
        ...waiting(facts),
      ],
      next: next(`POST ${base}/pipelines/${id}/resume lets it go on; what waits is not lost`),
    }
  }
  if (activeVersion === null)
    return {
      answer: `${id} does not run: no version of its code is active`,
      because: [
        reason(`no worker has registered the folder ${folder}, or activation is manual`, {
          href: `${base}/releases?pipeline=${id}`,
        }),
        ...waiting(facts),
      ],
      next: next('start a worker that has the folder, or activate a release'),
    }
  if (window.waitingFor?.what !== 'input') return null
  return {
    answer: `${id} does not run: an input is missing`,
    because: [reason(window.waitingFor.detail, { href: `${base}/assets` }), ...waiting(facts)],
    next: next('it runs when every slot that is not optional has a version'),
  }
}

const busy = (facts: PipelineFacts): Why | null => {
  const { id, open, questions } = facts
  if (open.length === 0) return null
  const running = open.filter(({ status }) => status === 'running' || status === 'retrying')
  const asking = open.filter(({ status }) => status === 'waiting_external')
  const lacking = open.filter(({ status }) => status === 'waiting_for_worker')
  const because = [
    ...openRuns(facts),
    ...questions.map(({ step, assignee, interaction }) =>
      reason(`step ${step} waits for ${assignee ?? 'somebody outside'}`, {
        href: `${base}/interactions/${interaction}`,
      }),
    ),
    ...waiting(facts),
  ]
  if (running.length > 0)
    return { answer: `${id} runs: ${plural(running.length, 'run')} under way`, because }
  if (lacking.length > 0)
    return {
      answer: `${id} waits for a worker: nobody serves version ${lacking[0]!.pipelineVersion}`,
      because,
      next: next(lacking[0]!.waitingFor?.detail ?? 'start a worker that has this version'),
    }
  if (asking.length === open.length)
    return {
      answer: `${id} waits for answers: ${plural(asking.length, 'run')} suspended`,
      because,
    }
  return { answer: `${id} is about to run: ${plural(open.length, 'run')} asked for`, because }
}

/** The last run failed and nothing has changed since. */
const backingOff = (facts: PipelineFacts): Why | null => {
  const { id, failures, last } = facts
  if (failures === 0 || !last) return null
  const because = lastRun(facts)
  if (failures >= failuresMax)
    return {
      answer: `${id} gave up: its last ${failures} runs failed on the same inputs and code`,
      because,
      next: next('only a change of inputs or code, or a person, starts another run'),
    }
  const endedAt = Date.parse(last.endedAt ?? last.since)
  return {
    answer: `${id} pauses: its last ${plural(failures, 'run')} failed on the same inputs and code`,
    because,
    next: next('it tries again', toTimestamp(endedAt + failurePause(failures))),
  }
}

const open = (facts: PipelineFacts): Why | null => {
  const { id, window, wishes } = facts
  if (wishes.length > 0)
    return { answer: `${id} is about to run: somebody asked for it`, because: waiting(facts) }
  if (window.state === 'idle') return null
  return {
    answer: `${id} waits for its window to close: ${plural(window.triggerCount, 'change')} so far`,
    because: waiting(facts),
    next: next('it runs unless another change comes first', window.dueAt),
  }
}

export const whyPipeline = (facts: PipelineFacts): Why => {
  const { id, disabledSteps } = facts
  const idle: Why = {
    answer: facts.last
      ? `${id} does not run: its inputs and its code are those of its last run`
      : `${id} has not run so far`,
    because: lastRun(facts),
    next: next('it runs when an input changes, new code is active, or somebody asks'),
  }
  const why = blocked(facts) ?? busy(facts) ?? open(facts) ?? backingOff(facts) ?? idle
  const left = disabledSteps.map((step) => reason(`step ${step} is left out`))
  return { ...why, answer: `${why.answer}.`, because: [...why.because, ...left] }
}
