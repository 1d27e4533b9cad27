/**
 * What validators have in common. They fail closed: what could not be checked is an error, never a pass.
 * Schemas come from a repository and may be anybody's, so they are evaluated where they can be ended.
 */
import { startThread } from '@headway/streams/threads.ts'
import type { Plain } from '@headway/schemas/rules/value.ts'

/** Stands for every secret: validators see that there is a text, and not which. */
export const placeholder = 'secret'

export type Problem = {
  /** The way to the value, from the top; empty when it is about all. */
  readonly path: readonly string[]
  readonly message: string
}

export type Subject = {
  readonly value: { readonly [key: string]: Plain }
  /** Whether the value at a path is a secret. */
  readonly isSecret: (path: readonly string[]) => boolean
}

/** A validation that could not be done. */
export class ValidatorError extends Error {
  override readonly name = 'ValidatorError'
  /** Worth another attempt: it did not come to an end. What the schema cannot be is not. */
  readonly retryable: boolean
  constructor(message: string, options: { readonly retryable: boolean }) {
    super(message)
    this.retryable = options.retryable
  }
}

export const timeoutMs = 30_000
const heapMbMax = 1_024

export type ThreadResult<T> = { readonly result: T } | { readonly failure: string }

/** Runs a module in a thread of its own, which lives no longer than it may. */
export const inThread = <T>(
  entry: URL,
  data: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  limitMs = timeoutMs,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const thread = startThread(entry, data, { maxOldGenerationSizeMb: heapMbMax })
    const end = (why: string, retryable = true) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      reject(new ValidatorError(why, { retryable }))
      void thread.terminate()
    }
    const abort = () => end('it was given up')
    const timer = setTimeout(() => end(`it took longer than ${limitMs} ms`), limitMs)
    signal.addEventListener('abort', abort, { once: true })
    thread.once('message', (told: ThreadResult<T>) => {
      if ('result' in told) resolve(told.result)
      end('failure' in told ? told.failure : 'it is over', false)
    })
    thread.on('error', ({ message }) => end(message))
    thread.once('exit', () => end('it ended without an answer'))
    if (signal.aborted) abort()
  })
