/**
 * Answers to the questions of suspended runs. An answer may be recorded before its question is: it is
 * held, and judged when the question comes. One that comes after its question was asked is judged at
 * once or means nothing.
 */
import { Set as PersistentSet } from 'immutable'
import { isAbout, problemOf, type Answer } from '@headway/schemas/answer.ts'
import type { Question } from '@headway/schemas/definitions.ts'
import type { Run } from './runs.ts'

const heldMax = 1_000

export type Answers = {
  readonly held: readonly Answer[]
  /** Interactions and correlations that were asked. */
  readonly asked: PersistentSet<string>
}
export const noAnswers: Answers = { held: [], asked: PersistentSet() }

const namesOf = ({ interaction, correlation }: Question): string[] =>
  correlation === undefined ? [interaction] : [interaction, correlation]

/** The run with one of its questions answered; the very same run when that answers none of them. */
export const answered = (run: Run, answer: Answer): Run => {
  const question = run.questions.find((one) => isAbout(one, answer))
  if (!question || problemOf(question, answer) !== null) return run
  return {
    ...run,
    questions: run.questions.filter((one) => one !== question),
    answers: { ...run.answers, [question.step]: answer.event.response },
    interactions: [...run.interactions, question.interaction],
  }
}

/** What was held for the questions of a run that has just asked them. */
export const asked = (answers: Answers, run: Run): { answers: Answers; run: Run } => {
  const names = run.questions.flatMap(namesOf)
  const isForIt = (answer: Answer) => run.questions.some((question) => isAbout(question, answer))
  const mine = answers.held.filter(isForIt)
  return {
    run: mine.reduce(answered, run),
    answers: {
      held: answers.held.filter((answer) => !mine.includes(answer)),
      asked: answers.asked.union(names),
    },
  }
}

/** Keeps an answer for a question that was not asked yet. */
export const held = (answers: Answers, answer: Answer): Answers => {
  const { interaction, correlation } = answer.event
  const name = interaction ?? correlation
  if (name === undefined || answers.asked.has(name)) return answers
  return { ...answers, held: [...answers.held, answer].slice(-heldMax) }
}
