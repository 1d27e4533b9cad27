/**
 * Who may reach the API, as the environment says it. On the machine's own addresses nobody has to say who
 * they are; on any other one the API does not start until that is settled.
 *
 *   HEADWAY_AUTH=required            API tokens: headway tokens create
 *   HEADWAY_OIDC_ISSUER=https://…    and bearer tokens of this issuer, for HEADWAY_OIDC_AUDIENCE
 *   HEADWAY_OIDC_ROLES=sre=admin,…   which value of the claim HEADWAY_OIDC_ROLE_CLAIM is which role
 *   HEADWAY_SESSION_KEY              signs cookies; the same on every instance
 *   HEADWAY_TRUST_PROXY=10.0.0.0/8   whose X-Forwarded-* headers are believed
 */
import { isRole, type Role } from '@headway/schemas/roles.ts'

export type OidcSettings = {
  readonly issuer: string
  readonly audience: string
  /** Left out: what the issuer's discovery document says. */
  readonly jwksUrl?: string
  readonly roleClaim: string
  readonly roles: Readonly<Record<string, Role>>
  /** When set, this claim has to be the tenant. */
  readonly tenantClaim?: string
}

export type AuthSettings = {
  readonly oidc?: OidcSettings
  readonly sessionKey?: string
  readonly trustProxy?: string
  /** How often one identity may ask; an address that fails to say who it is has a tenth. */
  readonly rate?: { readonly perSecond: number; readonly burst: number }
}

const keyCharactersMin = 32
type Environment = Readonly<Record<string, string | undefined>>

export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?|.+\.localhost)$/i.test(host)

const rolesOf = (text: string | undefined): Record<string, Role> => {
  if (text === undefined)
    return { viewer: 'viewer', operator: 'operator', releaser: 'releaser', admin: 'admin' }
  const entries = text.split(',').map((entry) => entry.trim().split('='))
  return Object.fromEntries(
    entries.map(([value = '', role]) => {
      if (value !== '' && isRole(role)) return [value, role]
      throw new Error(
        'HEADWAY_OIDC_ROLES is value=role,value=role with the roles viewer, operator, releaser, admin',
      )
    }),
  )
}

const oidcOf = (env: Environment): OidcSettings | undefined => {
  const issuer = env.HEADWAY_OIDC_ISSUER
  if (!issuer) return undefined
  const audience = env.HEADWAY_OIDC_AUDIENCE
  if (!audience)
    throw new Error(
      'HEADWAY_OIDC_ISSUER needs HEADWAY_OIDC_AUDIENCE: tokens made for somebody else are refused',
    )
  return {
    issuer,
    audience,
    ...(env.HEADWAY_OIDC_JWKS_URL ? { jwksUrl: env.HEADWAY_OIDC_JWKS_URL } : {}),
    roleClaim: env.HEADWAY_OIDC_ROLE_CLAIM ?? 'roles',
    roles: rolesOf(env.HEADWAY_OIDC_ROLES),
    ...(env.HEADWAY_OIDC_TENANT_CLAIM ? { tenantClaim: env.HEADWAY_OIDC_TENANT_CLAIM } : {}),
  }
}

/** Null: nobody has to say who they are. Throws when that would open the API to a network. */
export const authSettings = (host: string, env: Environment): AuthSettings | null => {
  const wanted = env.HEADWAY_AUTH ?? (env.HEADWAY_OIDC_ISSUER ? 'required' : 'none')
  if (wanted !== 'required' && wanted !== 'none')
    throw new Error('HEADWAY_AUTH is required or none')
  if (wanted === 'none') {
    if (isLoopback(host)) return null
    throw new Error(
      `the API would be open to everybody who reaches ${host}, so it does not start: ` +
        'set HEADWAY_AUTH=required and make a token with `headway tokens create --direct`, ' +
        'or set HEADWAY_OIDC_ISSUER and HEADWAY_OIDC_AUDIENCE, or listen on 127.0.0.1',
    )
  }
  const sessionKey = env.HEADWAY_SESSION_KEY
  if (sessionKey !== undefined && sessionKey.length < keyCharactersMin)
    throw new Error(`HEADWAY_SESSION_KEY is shorter than ${keyCharactersMin} characters`)
  const oidc = oidcOf(env)
  return {
    ...(oidc ? { oidc } : {}),
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...(env.HEADWAY_TRUST_PROXY ? { trustProxy: env.HEADWAY_TRUST_PROXY } : {}),
  }
}
