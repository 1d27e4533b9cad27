/**
 * The log as spans: what was fetched, which run that led to, its attempts and steps, what it published.
 * Ids are derived, so whoever makes them from the same log makes the same spans.
 */
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import { spanIdOf, traceIdOf, traceSeedOf } from '@headway/schemas/trace.ts'

export type Span = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: 'internal' | 'server'
  /** Milliseconds since 1970 UTC. */
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** Why it went wrong. */
  readonly error?: string
}

type Known = { readonly seed: string; readonly requestedAt: number; readonly parent?: string }
const knownMax = 20_000
const ends = new Set(['RunCompleted', 'RunFailed', 'RunDeadLettered', 'RunCancelled', 'RunRetried'])

export class Spans {
  /** Run → what its trace stands for. One that began before we looked is a trace of its own. */
  readonly #runs = new Map<string, Known>()

  of({ events, at, topic, seq }: Commit): readonly Span[] {
    return events.flatMap((event) => this.#ofEvent(event, at, topic.name, seq))
  }

  #ofEvent(event: Event, at: number, about: string, seq: number): readonly Span[] {
    const attributes = { 'headway.seq': seq, 'headway.about': about }
    if (event.type === 'AssetVersioned') return [this.#versioned(event, at, attributes)]
    if (event.type === 'RunRequested') this.#remember(event, at)
    if (event.type === 'StepSucceeded' || event.type === 'StepFailed')
      return [this.#step(event, attributes)]
    if (ends.has(event.type)) return this.#ended(event as EventOf<'RunCompleted'>, at, attributes)
    return []
  }

  #remember(request: EventOf<'RunRequested'>, requestedAt: number): void {
    const seed = traceSeedOf(request)
    const parent = seed === request.run ? {} : { parent: spanIdOf('version', seed) }
    this.#runs.set(request.run, { seed, requestedAt, ...parent })
    if (this.#runs.size > knownMax) this.#runs.delete(this.#runs.keys().next().value!)
  }

  #versioned(event: EventOf<'AssetVersioned'>, at: number, told: Span['attributes']): Span {
    const { origin, asset, version } = event
    const isMade = origin.by === 'run'
    const seed = isMade ? (this.#runs.get(origin.run)?.seed ?? origin.run) : version
    return {
      traceId: traceIdOf(seed),
      spanId: spanIdOf('version', version),
      ...(isMade ? { parentSpanId: attemptOf(origin) } : {}),
      name: `${isMade ? 'publish' : origin.by} ${asset}`,
      kind: 'internal',
      startedAt: Math.min(Date.parse(event.at), at),
      endedAt: at,
      attributes: { ...told, 'headway.version': version, 'headway.size_bytes': event.sizeBytes },
    }
  }

  #step(event: EventOf<'StepSucceeded' | 'StepFailed'>, told: Span['attributes']): Span {
    const { run, epoch, attempt, step, startedAt, endedAt } = event
    return {
      traceId: traceIdOf(this.#runs.get(run)?.seed ?? run),
      spanId: spanIdOf('step', run, epoch ?? 0, attempt, step),
      parentSpanId: attemptOf(event),
      name: `step ${step}`,
      kind: 'internal',
      startedAt: Date.parse(startedAt),
      endedAt: Date.parse(endedAt),
      attributes: { ...told, 'headway.run': run },
      ...(event.type === 'StepFailed' ? { error: event.error.type } : {}),
    }
  }

  #ended(event: EventOf<'RunCompleted'>, at: number, told: Span['attributes']): readonly Span[] {
    const { run, attempt } = event
    const known = this.#runs.get(run)
    const traceId = traceIdOf(known?.seed ?? run)
    const failure = (event as { error?: { type: string } }).error
    const shared = {
      traceId,
      kind: 'internal' as const,
      endedAt: at,
      attributes: { ...told, 'headway.run': run, 'headway.outcome': event.type },
      ...(failure ? { error: failure.type } : {}),
    }
    const whole: Span = {
      ...shared,
      spanId: spanIdOf('run', run),
      ...(known?.parent ? { parentSpanId: known.parent } : {}),
      name: `run ${told['headway.about']}`,
      startedAt: known?.requestedAt ?? at - event.durationMs,
    }
    const one: Span = {
      ...shared,
      spanId: attemptOf(event),
      parentSpanId: whole.spanId,
      name: `attempt ${attempt}`,
      startedAt: at - event.durationMs,
    }
    return (event.type as string) === 'RunRetried' ? [one] : [one, whole]
  }
}

const attemptOf = (fence: { run: string; epoch?: number; attempt: number }): string =>
  spanIdOf('attempt', fence.run, fence.epoch ?? 0, fence.attempt)
