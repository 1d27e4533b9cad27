/**
 * What led to a commit, as its own events tell it: the version that was new, the run that did it, the push
 * that was received, what somebody wished. A cause is a fact's own id, so no room hands one on, and the
 * chain from an artifact back to a fetch can be read from the log at any time.
 */
import type { Event } from './events.ts'

export type Cause = {
  readonly kind: 'version' | 'run' | 'push' | 'wish'
  readonly id: string
}

const runOf = (event: Event): string | null => ('run' in event ? event.run : null)

/** Null for what begins a story: a fetch, a wish, a delivery from outside. */
export const causeOf = (events: readonly Event[]): Cause | null => {
  const [first] = events
  if (!first) return null
  const request = events.find((event) => event.type === 'RunRequested')
  if (request) {
    const version = request.triggeredBy.at(-1)?.version
    return version ? { kind: 'version', id: version } : { kind: 'wish', id: request.run }
  }
  if (first.type === 'AssetVersioned') {
    const { origin } = first
    if (origin.by === 'run') return { kind: 'run', id: origin.run }
    return origin.by === 'push' ? { kind: 'wish', id: origin.push } : null
  }
  if (first.type === 'PushResolved') return { kind: 'push', id: first.task }
  if (first.type === 'RunRedriven') return { kind: 'wish', id: first.redrive }
  const run = runOf(first)
  const isBeginning = run === null || 'actor' in first
  // Several runs may share a commit, which nothing led to then.
  return isBeginning || events.some((event) => runOf(event) !== run)
    ? null
    : { kind: 'run', id: run }
}

/** What a commit belongs to: its run, or that of which it is a part. */
export const correlationOf = (events: readonly Event[]): string | null =>
  events.find((event) => event.type === 'RunRequested')?.run ?? causeOf(events)?.id ?? null
