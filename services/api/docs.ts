/**
 * The description of the API: OpenAPI 3.1 at /openapi.json and a page to try it at /docs. Both are made
 * when somebody first asks, from the routes as they are registered: nobody reads them at every start.
 */
import { fastify, type FastifyInstance, type RouteOptions } from 'fastify'
import { base, version, type App } from './api.ts'
import { cookieName } from './auth/session.ts'
import { ProblemShape } from './shapes.ts'
import { compilersFactory } from './validate.ts'

export type DocumentedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema' | 'config'>

const about =
  'Feeds change; pipelines run on exactly the versions that changed; what happened can be told ' +
  'afterwards. Lists are bare arrays, newest first; while there is more, `Link` names the next page. ' +
  'Every read says with `X-Projected-Seq` how much of the log it knows; send the `seq` of a write as ' +
  '`Min-Projected-Seq` to read what you wrote. What comes from the read models ' +
  'can be had as it was after any commit, with `?asOf=`; the first time may be a 503 with ' +
  '`Retry-After`. Writes take an `Idempotency-Key` and an `X-Headway-Actor`. Who has to say who ' +
  'they are is told with `RateLimit` how much they may ask. ' +
  'Asset keys keep their slashes: `/assets/pims/prod/schedule/versions`.'

const headers = {
  type: 'object',
  properties: {
    'idempotency-key': { type: 'string', description: 'the same key is the same request' },
    'x-headway-actor': { type: 'string', description: 'who asks, for the log' },
  },
}
/** Only told: a body of bytes is for the fetcher to judge, not for a schema. */
const bytesBody = {
  consumes: ['application/octet-stream'],
  body: { type: 'string', format: 'binary' },
}
const failure = {
  description: 'Problem details (RFC 9457)',
  content: { 'application/problem+json': { schema: ProblemShape } },
}

const text = (description: string) => ({ type: 'string', description })
/** What every limited operation tells: draft-ietf-httpapi-ratelimit-headers-10. */
const limitHeaders = {
  'RateLimit-Policy': text('`"identity";q=1000;w=10`: at most q at once, all of it back after w s'),
  RateLimit: text('`"identity";r=998;t=1`: r are left, and in t seconds all of them'),
}
const refusedAsTooMany = {
  description: 'Too many requests: problem details (RFC 9457)',
  headers: { 'Retry-After': { type: 'integer', description: 'seconds' }, ...limitHeaders },
  content: { 'application/problem+json': { schema: ProblemShape } },
}
const isLimited = (url: string, role: string | undefined): boolean =>
  (role !== 'public' && role !== undefined) || url.startsWith(`${base}/webhooks/`)

/** Which role an operation needs; those of everybody need no credentials. */
const accessOf = (role: string | undefined) =>
  role === 'public' || role === undefined
    ? { 'x-headway-role': 'public', security: [] }
    : { 'x-headway-role': role }

const describe = async (routes: readonly DocumentedRoute[]): Promise<FastifyInstance> => {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ])
  const app = fastify({ schemaController: { compilersFactory }, exposeHeadRoutes: false })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Headway', version, description: about },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'an API token, or one of OIDC' },
          session: { type: 'apiKey', in: 'cookie', name: cookieName },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  for (const { method, url, schema, config } of routes) {
    if (!schema || schema.hide) continue
    const isRead = method === 'GET' || url === '/health'
    app.route({
      method,
      url,
      schema: {
        ...schema,
        ...accessOf(config?.role),
        ...(isRead ? {} : { headers }),
        ...(method === 'PUT' ? bytesBody : {}),
        response: {
          ...(schema.response as object),
          ...(isLimited(url, config?.role) ? { 429: refusedAsTooMany } : {}),
          default: failure,
        },
      },
      handler: () => null,
    })
  }
  await app.ready()
  return app
}

export const serveDocs = (app: App, routes: readonly DocumentedRoute[]): void => {
  let made: Promise<FastifyInstance> | null = null
  const docs = () => (made ??= describe(routes.filter(({ url }) => !url.startsWith('/docs'))))
  const config = { role: 'public' as const, anyMedia: true, unprojected: true }
  const hidden = { schema: { hide: true }, config }
  app.get(base, hidden, (_, reply) => reply.redirect('/docs'))
  app.get('/openapi.json', hidden, async (_, reply) =>
    reply.header('cache-control', 'no-cache').send((await docs()).swagger()),
  )
  for (const url of ['/docs', '/docs/*'])
    app.get(url, hidden, async (request, reply) => {
      const described = await docs()
      reply.hijack()
      described.routing(request.raw, reply.raw)
    })
  app.addHook('onClose', async () => (await made)?.close())
}
