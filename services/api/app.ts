/**
 * The HTTP API as a Fastify app on ports, not listening yet. What every route needs is here: ids and
 * problems, the position of the read models on every read, and who may write from where.
 */
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { Accepted } from './accepted.ts'
import { base, type Api, type ApiPorts, type App } from './api.ts'
import { addAsOf, asOfOf, serveAsOf } from './as-of.ts'
import { encodeAssetPath } from './asset-path.ts'
import { isPage, serveConsole } from './console.ts'
import { guard } from './auth/guard.ts'
import { Identities } from './auth/identity.ts'
import { serveDocs, type DocumentedRoute } from './docs.ts'
import { tagAnswers } from './etag.ts'
import { keepAnswers } from './kept.ts'
import { Position, projectedWaitMs } from './position.ts'
import { Problem, sendProblem } from './problem.ts'
import { serveProblems } from './problems.ts'
import { routes } from './routes/index.ts'
import { exportTraces, traceRequests } from './trace/tracing.ts'
import { compilersFactory } from './validate.ts'
import { clockOfView } from './view.ts'
import { Intake } from './webhooks/intake.ts'
import { RateLimits } from './webhooks/rate-limits.ts'
import { Sources } from './webhooks/sources.ts'
import { serveWebhookServices } from './webhooks/services.ts'

const bodyBytesMax = 64 * 1024
const pushBytesMaxDefault = 128 * 1024 * 1024
const requestMsMax = 180_000
/** A push of a hundred repositories at once passes; a flood does not. */
const ratesDefault = {
  address: { perSecond: 50, burst: 200 },
  source: { perSecond: 100, burst: 400 },
}
const noParameters = Type.Object({})

export const buildApp = async (ports: ApiPorts): Promise<App> => {
  const closing = new AbortController()
  const signal = ports.signal ? AbortSignal.any([ports.signal, closing.signal]) : closing.signal
  const { address, source } = ports.rates ?? ratesDefault
  const sources = new Sources(ports, signal)
  const auth = ports.auth ?? null
  const identities = new Identities(ports, auth, signal)
  const api: Api = {
    ...ports,
    clock: clockOfView(ports.clock),
    signal,
    sources,
    intake: new Intake(ports, sources),
    limits: {
      addresses: new RateLimits('address', address),
      sources: new RateLimits('source', source),
    },
    pushBytesMax: ports.pushBytesMax ?? pushBytesMaxDefault,
    resumeKeys: ports.resumeKeys ?? [],
    services: ports.services ?? null,
    inspect: ports.inspect ?? null,
    position: new Position(ports.db, ports.clock),
    accepted: new Accepted(),
    identities,
    startedAt: performance.now(),
  }
  const tell = (error: Error, request: FastifyRequest) =>
    api.logger.error(
      { request: request.id, method: request.method, url: request.url, error: error.stack },
      'a request failed',
    )
  const answerProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(error, request, reply, tell)

  const app = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: requestMsMax,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    ...(auth?.trustProxy ? { trustProxy: auth.trustProxy } : {}),
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1_000, ignoreTrailingSlash: true },
    rewriteUrl: ({ url = '/' }) => encodeAssetPath(url),
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply as never),
    schemaController: { compilersFactory },
  }).withTypeProvider<TypeBoxTypeProvider>()

  traceRequests(app)
  guard(app, identities)
  const documented: DocumentedRoute[] = []
  app.addHook('onRoute', (route) => {
    // Routes that name no parameters take none, so that a misspelt one is told everywhere.
    if (!route.schema?.hide) route.schema = { querystring: noParameters, ...route.schema }
    addAsOf(route)
    if (route.method !== 'HEAD') documented.push(route as DocumentedRoute)
  })
  const sendPage = serveConsole(app)
  app.setErrorHandler(answerProblem)
  app.setNotFoundHandler((request, reply) => {
    if (isPage(request)) return sendPage(request, reply)
    const problem = nothingHere(request, documented)
    return answerProblem(problem, request, reply)
  })
  acceptEmptyJson(app)
  app.addHook('onRequest', async (request) => {
    if (!request.routeOptions.config.anyMedia && !isPage(request)) refuseOtherMedia(request)
  })
  serveAsOf(app, api)
  app.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'GET' || request.routeOptions.config.unprojected) return
    if (request.is404 || !request.url.startsWith(base) || asOfOf(request) !== undefined) return
    await sayPosition(api, request, reply)
  })
  keepAnswers(app, api.position)
  tagAnswers(app)
  for (const register of routes) register(app, api)
  serveProblems(app)
  serveDocs(app, documented)
  // Answers that go on for ever end first: the server waits for all of them.
  app.addHook('preClose', async () => closing.abort())
  await exportTraces(app, api)
  await app.ready()
  void sources.follow()
  if (auth) void identities.book.follow()
  if (ports.services) await serveWebhookServices(api, ports.services)
  return app
}

/** An empty body that calls itself JSON is what many clients send with a POST without body. */
const acceptEmptyJson = (app: App): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : void parse(request, body as string, done),
  )
}

const refuseOtherMedia = ({ headers: { accept } }: FastifyRequest): void => {
  if (accept === undefined || /(\*\/\*|application\/(\*|json|problem\+json))/i.test(accept)) return
  throw new Problem(406, 'not_acceptable', 'this answers application/json: accept it, or */*')
}

const sayPosition = async (
  api: Api,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  const wanted = request.headers['min-projected-seq']
  if (wanted === undefined) {
    void reply.header('x-projected-seq', await api.position.read())
    return
  }
  if (!/^\d{1,15}$/.test(String(wanted)))
    throw new Problem(400, 'bad_header', 'Min-Projected-Seq is the `seq` of an earlier answer')
  const seq = Number(wanted)
  const projected = await api.position.reached(seq, projectedWaitMs, api.signal)
  void reply.header('x-projected-seq', projected)
  if (projected < seq) void reply.header('x-stale', 'true')
}

/** 405 with `Allow` when the path exists for other methods, else 404. */
const nothingHere = (request: FastifyRequest, documented: readonly DocumentedRoute[]): Problem => {
  const path = request.url.split('?', 1)[0]!
  const allowed = documented.filter(({ url }) =>
    new RegExp(`^${url.replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}/?$`).test(path),
  )
  if (allowed.length === 0)
    return new Problem(404, 'not_found', 'there is nothing at this path; /docs shows what there is')
  const allow = [...new Set(allowed.flatMap(({ method }) => method))].join(', ')
  return new Problem(405, 'method_not_allowed', `this path answers ${allow}`, {
    headers: { allow },
  })
}
