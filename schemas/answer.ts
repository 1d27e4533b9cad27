/**
 * Which answer to a suspended step's question counts. One rule for all readers of the log:
 *
 *   too_late        recorded at or after the deadline
 *   token_missing   the question asks for a signed token and none came with the answer
 *   misfit          it does not fit the question's JSON Schema
 *
 * The first one that is good, in log order, answers the question; an answer that comes before its
 * question is held and judged when the question is recorded.
 */
import { Check, Errors } from 'typebox/schema'
import type { Question } from './definitions.ts'
import type { EventOf } from './events.ts'
import { toTimestamp, ulidOf } from './ids.ts'

/** A question with the moment from which an answer is too late, RFC 3339. */
export type OpenQuestion = Question & { readonly deadlineAt: string }

/** Ten years; what waits longer waits for nobody, and moments that far away have no usual form. */
const timeoutMsMax = 315_360_000_000

/** Its time runs by the log's clock, whatever the asker's says. */
export const opened = (question: Question, recordedAt: number): OpenQuestion => ({
  ...question,
  deadlineAt: toTimestamp(recordedAt + Math.min(question.timeoutMs, timeoutMsMax)),
})

export type Answer = {
  readonly event: EventOf<'InteractionCompleted'>
  /** When the log recorded it, milliseconds since 1970 UTC. */
  readonly at: number
}
export type AnswerProblem =
  | { readonly code: 'too_late' | 'token_missing' }
  | { readonly code: 'misfit'; readonly detail: string }

/** The id of a step's question: the same on every attempt of an epoch. */
export const interactionOf = (requestedAt: string, run: string, step: string, epoch: number) =>
  ulidOf(Date.parse(requestedAt), 'interaction', run, step, epoch)

export const isAbout = (question: Question, { event }: Pick<Answer, 'event'>): boolean =>
  event.interaction !== undefined
    ? event.interaction === question.interaction
    : question.correlation !== undefined && event.correlation === question.correlation

/** Why an answer does not count; null when it does. */
export const problemOf = (question: OpenQuestion, { event, at }: Answer): AnswerProblem | null => {
  if (at >= Date.parse(question.deadlineAt)) return { code: 'too_late' }
  if (question.token && !event.token) return { code: 'token_missing' }
  const detail = misfitOf(question.response, event.response)
  return detail === null ? null : { code: 'misfit', detail }
}

/** What does not fit a schema; null when it fits. Nothing fits a schema that cannot be applied. */
const misfitOf = (schema: Question['response'], response: unknown): string | null => {
  try {
    if (Check(schema, response)) return null
    const [first] = Errors(schema, response)[1]
    return `${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim()
  } catch (error) {
    return `the schema cannot be applied: ${(error as Error).message}`
  }
}
