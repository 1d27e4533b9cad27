/**
 * Sinks that stay open from one step to the next: planning, applying and confirming are about the same
 * place, and would each connect, log in and resolve secrets again. One that failed is never used again,
 * and one that nobody asks soon is closed.
 */
import type { Sink } from './sink.ts'

const idleMs = 1_000

type Resting = { readonly sink: Sink; readonly timer: NodeJS.Timeout }

const resting = new Map<string, Resting>()

export const takeSink = (key: string, open: () => Promise<Sink>): Promise<Sink> => {
  const found = resting.get(key)
  if (!found) return open()
  clearTimeout(found.timer)
  resting.delete(key)
  return Promise.resolve(found.sink)
}

export const restSink = async (key: string, sink: Sink): Promise<void> => {
  if (resting.has(key)) return sink.close()
  const timer = setTimeout(() => {
    resting.delete(key)
    sink.close().catch(() => {})
  }, idleMs)
  timer.unref()
  resting.set(key, { sink, timer })
}
