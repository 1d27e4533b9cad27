/**
 * Rows of questions and answers: from the events that bring them, and against each other. What the
 * database gives back has its names in another order than the event had, so both sides are put in order
 * before they are judged.
 */
import {
  isAbout as isAboutQuestion,
  opened,
  problemOf,
  type Answer,
  type OpenQuestion,
} from '@headway/schemas/answer.ts'
import type { Question } from '@headway/schemas/definitions.ts'
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { fenceOf, placeOf, plain, recordedAt } from './read-model.ts'

export type Interaction = Row<'interactions'>
export type AnswerRow = Row<'answers'>

/** Names are part of a key, which holds no NUL. */
export const clean = (name: string): string => name.replaceAll('\0', '\ufffd')

const questionOf = (row: Interaction): OpenQuestion => ({
  interaction: row.interaction,
  step: row.step,
  ...(row.correlation === null ? {} : { correlation: row.correlation }),
  timeoutMs: Date.parse(row.deadline_at) - Date.parse(row.asked_at),
  deadlineAt: row.deadline_at,
  request: row.request,
  response: plain(row.response_schema) as Question['response'],
  token: row.token,
})
const answerOf = (row: AnswerRow): Answer => ({
  at: Date.parse(row.recorded_at),
  event: {
    type: 'InteractionCompleted',
    v: 1,
    at: row.recorded_at,
    pipeline: row.pipeline,
    ...(row.named_interaction === null ? {} : { interaction: row.named_interaction }),
    ...(row.named_correlation === null ? {} : { correlation: row.named_correlation }),
    response: plain(row.response),
    actor: row.actor as Answer['event']['actor'],
    token: row.token,
  },
})

export const asked = (
  recorded: Recorded<EventOf<'RunSuspended'>>,
  question: Question,
): Interaction => ({
  tenant: recorded.tenant,
  ...fenceOf(recorded.event),
  interaction: question.interaction,
  pipeline: recorded.event.pipeline,
  step: question.step,
  correlation: question.correlation === undefined ? null : clean(question.correlation),
  assignee: question.assignee ?? null,
  group: question.group ?? null,
  deadline_at: opened(question, recorded.at).deadlineAt,
  request: plain(question.request),
  response_schema: plain(question.response),
  token: question.token,
  status: 'waiting',
  response: null,
  actor: null,
  answer_seq: null,
  answer_index: null,
  asked_at: recordedAt(recorded),
  since: recordedAt(recorded),
  seq: recorded.seq,
  last_seq: recorded.seq,
})

export const given = (recorded: Recorded<EventOf<'InteractionCompleted'>>): AnswerRow => {
  const { pipeline, interaction, correlation, response, actor, token } = recorded.event
  return {
    ...placeOf(recorded),
    pipeline,
    named_interaction: interaction ?? null,
    named_correlation: correlation === undefined ? null : clean(correlation),
    status: 'held',
    code: null,
    detail: null,
    interaction: null,
    response: plain(response),
    actor,
    token,
    recorded_at: recordedAt(recorded),
  }
}

export const completed = (
  row: Interaction,
  answer: AnswerRow,
  recorded: Recorded,
): Interaction => ({
  ...row,
  status: 'completed',
  response: answer.response,
  actor: answer.actor,
  answer_seq: answer.seq,
  answer_index: answer.index,
  since: recordedAt(recorded),
  last_seq: recorded.seq,
})

export const isAbout = (question: Interaction, answer: AnswerRow): boolean =>
  isAboutQuestion(questionOf(question), answerOf(answer))

type Judged = { readonly answer: AnswerRow; readonly answered: Interaction | null }

/** An answer against questions: the first one it fits; refused when it fits none. */
export const judged = (answer: AnswerRow, questions: readonly Interaction[]): Judged => {
  const refused: AnswerRow = { ...answer, status: 'refused', code: 'not_waiting' }
  let first: AnswerRow | null = null
  for (const row of questions) {
    const { interaction } = row
    const problem = problemOf(questionOf(row), answerOf(answer))
    if (!problem) return { answer: { ...answer, status: 'counted', interaction }, answered: row }
    const detail = 'detail' in problem ? problem.detail : null
    first ??= { ...refused, code: problem.code, detail, interaction }
  }
  return { answer: first ?? refused, answered: null }
}
