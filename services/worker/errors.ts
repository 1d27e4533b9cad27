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
