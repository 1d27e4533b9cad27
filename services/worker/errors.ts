import type { AskedQuestion } from './steps/step.ts'

/** A step's word on what should happen next: a terminal error is never tried again. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
}

/** Worth another attempt, not before `afterMs`. Every error that is not terminal is retried. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError'
  readonly afterMs: number | undefined
  constructor(message: string, options: ErrorOptions & { readonly afterMs?: number } = {}) {
    super(message, options)
    this.afterMs = options.afterMs
  }
}

/** Thrown by `context.ask` while there is no answer: the run waits for one. Let it pass. */
export class Suspension extends Error {
  override readonly name = 'Suspension'
  readonly question: Omit<AskedQuestion, 'step'>

  constructor(question: Omit<AskedQuestion, 'step'>) {
    super('the step waits for an answer')
    this.question = question
  }
}
