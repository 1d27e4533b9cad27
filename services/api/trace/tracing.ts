/**
 * Every answer names its trace in `traceparent`: the one that was asked in, else, where it tells of a run
 * or a version, the trace of that, else one of its own. With OTEL_EXPORTER_OTLP_ENDPOINT the requests and
 * what the log tells are sent there as spans.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { readTraceparent, traceIdOf, traceparentOf } from '@headway/schemas/trace.ts'
import type { Api, App } from '../api.ts'

const pauseMs = 1_000

/** Says that an answer is about the datum of this seed. */
export const aboutTrace = (request: FastifyRequest, seed: string): void => {
  request.traceSeed = seed
  if (request.headers.traceparent === undefined) request.traceId = traceIdOf(seed)
}

const spanOf = (request: FastifyRequest): string => request.id.replaceAll('-', '').slice(16)

export const traceRequests = (app: App): void => {
  app.decorateRequest('traceId', '')
  app.decorateRequest('traceSeed', null)
  app.addHook('onRequest', (request, _, done) => {
    const asked = readTraceparent(request.headers.traceparent as string | undefined)
    request.traceId = asked?.traceId ?? request.id.replaceAll('-', '')
    done()
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    void reply.header('traceparent', traceparentOf(request.traceId, spanOf(request)))
    done(null, payload)
  })
}

/** Begins to send spans; loads nothing when nobody wants them. */
export const exportTraces = async (app: App, api: Api, env = process.env): Promise<void> => {
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT
  if (!endpoint) return
  const [{ SpanExport }, { Spans }] = await Promise.all([
    import('./export.ts'),
    import('./spans.ts'),
  ])
  const { log, tenant, signal, clock, logger } = api
  const exported = new SpanExport(endpoint, env.OTEL_EXPORTER_OTLP_HEADERS ?? '', logger)
  const spans = new Spans()
  app.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done) => {
    const endedAt = clock.now()
    const parent = readTraceparent(request.headers.traceparent as string | undefined)?.spanId
    exported.add({
      traceId: request.traceId,
      spanId: spanOf(request),
      ...(parent === undefined ? {} : { parentSpanId: parent }),
      name: `${request.method} ${request.routeOptions.url ?? 'nothing'}`,
      kind: 'server',
      startedAt: endedAt - reply.elapsedTime,
      endedAt,
      attributes: {
        'http.request.method': request.method,
        'http.route': request.routeOptions.url ?? '',
        'http.response.status_code': reply.statusCode,
      },
      ...(reply.statusCode >= 500 ? { error: String(reply.statusCode) } : {}),
    })
    done()
  })
  const kinds = ['asset', 'pipeline', 'run'] as const
  const follow = async () => {
    let next: number | null = null
    while (!signal.aborted) {
      try {
        next ??= (await log.head()).seq + 1
        for await (const commits of log.tail({ from: next, kinds, tenant, signal })) {
          for (const commit of commits) exported.add(...spans.of(commit))
          next = commits.at(-1)!.seq + 1
        }
      } catch (error) {
        logger.warn({ error: String(error) }, 'the log cannot be followed for traces')
      }
      await clock.sleep(pauseMs, signal)
    }
  }
  void follow()
  void exported.run(signal)
}
