/**
 * What an error of Redis means. The client hangs the whole command on its errors, values and passwords
 * included, so only the server's own code word is kept.
 */
import { SinkError } from './sink.ts'

/** It is starting, full, moving or has lost its master: later it may take the same command. */
const passing = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOREPLICAS',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNBLOCKED',
])

/** `said` is what the connection complained of: a refused login shows as a closed connection only. */
export const redisProblem = (error: unknown, said: unknown): SinkError => {
  const word = wordOf(error) ?? wordOf(said)
  if (word !== null) return new SinkError(`redis: ${word}`, { retryable: passing.has(word) })
  const code = codeOf(said) ?? codeOf(error) ?? 'connection lost'
  return new SinkError(`redis: cannot be reached: ${code}`, { retryable: true })
}

const wordOf = (error: unknown): string | null => {
  for (let one = error; one instanceof Error; one = lastNodeErrorOf(one) ?? one.cause) {
    if (one.name === 'ReplyError') return /^[A-Z]+\b/.exec(one.message)?.[0] ?? 'ERR'
  }
  return null
}

const lastNodeErrorOf = (error: Error): unknown =>
  (error as { lastNodeError?: unknown }).lastNodeError

const codeOf = (error: unknown): string | null => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : null
}
