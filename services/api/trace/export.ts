/**
 * Spans to a collector (OTLP over HTTP, JSON). Loaded only when OTEL_EXPORTER_OTLP_ENDPOINT names one. A
 * collector that is slow or away costs spans and nothing else: what it does not take is dropped.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@headway/schemas/ports.ts'
import type { Span } from './spans.ts'

const waitingMax = 8_192
const batchMax = 512
const pauseMs = 1_000
const sendMsMax = 5_000
const kinds = { internal: 1, server: 2 } as const

const attributesOf = (attributes: Span['attributes']) =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }))

/** A float has too few digits for nanoseconds. */
const nanosOf = (ms: number): string => `${Math.round(ms * 1_000)}000`

const written = (span: Span) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
  name: span.name,
  kind: kinds[span.kind],
  startTimeUnixNano: nanosOf(Math.min(span.startedAt, span.endedAt)),
  endTimeUnixNano: nanosOf(span.endedAt),
  attributes: attributesOf(span.attributes),
  status: span.error === undefined ? {} : { code: 2, message: span.error },
})

/** `name=value,name=value`, as the specification has it. */
const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(',')
      .map((pair) => pair.split('=', 2).map((part) => decodeURIComponent(part.trim())))
      .filter(([name, value]) => name && value !== undefined),
  )

export class SpanExport {
  readonly #url: string
  readonly #headers: Record<string, string>
  readonly #logger: Logger
  #waiting: Span[] = []
  #dropped = 0

  constructor(endpoint: string, headers: string, logger: Logger) {
    this.#url = `${endpoint.replace(/\/+$/, '')}/v1/traces`
    this.#headers = headersOf(headers)
    this.#logger = logger
  }

  add(...spans: readonly Span[]): void {
    if (this.#waiting.length + spans.length > waitingMax) this.#dropped += spans.length
    else this.#waiting.push(...spans)
  }

  /** Sends what waits, again and again until the signal fires, and what is left then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(pauseMs, null, { signal, ref: false }).catch(() => null)
      while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, batchMax))
      if (this.#dropped > 0)
        this.#logger.warn({ spans: this.#dropped }, 'the collector does not take these spans')
      this.#dropped = 0
    }
  }

  async #send(spans: readonly Span[]): Promise<void> {
    const resource = { attributes: attributesOf({ 'service.name': 'headway' }) }
    const scopeSpans = [{ scope: { name: 'headway' }, spans: spans.map(written) }]
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.#headers },
        body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }),
        signal: AbortSignal.timeout(sendMsMax),
      })
      await answer.arrayBuffer()
      if (!answer.ok) this.#dropped += spans.length
    } catch {
      this.#dropped += spans.length
    }
  }
}
