/**
 * The door of the API: every route says which role it needs or is not served; who asks is known before
 * anything else happens; nobody asks too often; and browsers are told what pages of ours may do.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { allows, isRole } from '@headway/schemas/roles.ts'
import type { App } from '../api.ts'
import { Problem } from '../problem.ts'
import { RateLimits } from '../webhooks/rate-limits.ts'
import type { Identities, Identity } from './identity.ts'
import { isLoopback } from './settings.ts'

const rateDefault = { perSecond: 100, burst: 1_000 }
const strangersShare = 0.1
const safe = new Set(['GET', 'HEAD', 'OPTIONS'])
const httpsAgeS = 31_536_000

/** No inline script and nothing of anybody else. */
const contentPolicy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export const securityHeaders = (isHttps: boolean): Readonly<Record<string, string>> => ({
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': contentPolicy,
  ...(isHttps ? { 'strict-transport-security': `max-age=${httpsAgeS}; includeSubDomains` } : {}),
})
const plainHeaders = securityHeaders(false)
const httpsHeaders = securityHeaders(true)

/**
 * A page of another site must not start runs through the browser of somebody who visits it. With a
 * cookie the browser has to say where the page is from; programs without one need say nothing.
 */
const refuseOtherSites = ({ method, headers }: FastifyRequest, cookie: boolean): void => {
  if (safe.has(method)) return
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  const isOurs = origin?.replace(/^https?:\/\//, '') === host
  if (origin !== undefined && !isOurs) throw crossSite()
  if (site !== undefined && site !== 'same-origin' && site !== 'none') throw crossSite()
  if (cookie && !isOurs && site !== 'same-origin') throw crossSite()
}
const crossSite = (): Problem =>
  new Problem(403, 'cross_site_request', 'a page of another site may not write here')

/** A name that somebody points at this machine would make their page a page of ours. */
const refuseOtherNames = ({ headers: { host = '' } }: FastifyRequest): void => {
  if (isLoopback(host.replace(/:\d+$/, ''))) return
  throw new Problem(
    403,
    'foreign_host',
    `nobody has to say who they are here, so only localhost is answered, not ` +
      `${JSON.stringify(host.slice(0, 100))}: HEADWAY_AUTH=required opens other names`,
  )
}

const tooOften = (waitMs: number): Problem =>
  new Problem(429, 'too_many_requests', 'this is more than is answered: wait a moment', {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))) },
  })

const requireRole = ({ role, name }: Identity, request: FastifyRequest): void => {
  const needed = request.routeOptions.config.role
  if (needed === 'public' || allows(role, needed)) return
  throw new Problem(
    403,
    'role_too_low',
    `${name} is ${role} here; this needs ${needed}: ask an admin for another token`,
    { role, needed },
  )
}

export const guard = (app: App, identities: Identities): void => {
  const { settings } = identities
  const rate = settings?.rate ?? rateDefault
  const known = new RateLimits('identity', rate)
  const strangers = new RateLimits('stranger', {
    perSecond: rate.perSecond * strangersShare,
    burst: rate.burst * strangersShare,
  })
  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<Identity> => {
    try {
      return await identities.of(request)
    } catch (error) {
      const waitMs = strangers.take(request.ip, performance.now())
      void reply.headers(strangers.tell(request.ip))
      throw waitMs > 0 ? tooOften(waitMs) : error
    }
  }

  app.decorateRequest('identity', null as unknown as Identity)
  app.addHook('onRoute', ({ method, url, config }) => {
    const role: unknown = config?.role
    if (isRole(role) || role === 'public') return
    throw new Error(
      `${String(method)} ${url} does not say who may use it: config: { role: 'viewer' }, ` +
        "or a higher one, or 'public'",
    )
  })
  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    void reply.headers(request.protocol === 'https' ? httpsHeaders : plainHeaders)
    if (request.is404) return
    const { role: needed } = request.routeOptions.config
    if (needed === 'public') return refuseOtherSites(request, false)
    if (settings === null) refuseOtherNames(request)
    request.identity = await identify(request, reply)
    refuseOtherSites(request, request.identity.cookie)
    if (!request.identity.open) {
      const { name, token } = request.identity
      const waitMs = known.take(token ?? name, performance.now())
      void reply.headers(known.tell(token ?? name))
      if (waitMs > 0) throw tooOften(waitMs)
    }
    requireRole(request.identity, request)
  })
}
