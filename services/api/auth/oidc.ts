/**
 * Bearer tokens of an OpenID provider. Its keys are fetched when first needed and kept; signature, issuer,
 * audience and times are checked; the role is what the claim map says, the highest of several.
 */
import type { JWTPayload, JWTVerifyGetKey } from 'jose'
import { allows, type Role } from '@headway/schemas/roles.ts'
import { Problem } from '../problem.ts'
import type { OidcSettings } from './settings.ts'

export type OidcIdentity = { readonly name: string; readonly role: Role; readonly until: number }

/** Never `none`, never one whose key is a shared secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
const clockToleranceS = 30
const discoveryMsMax = 5_000

const unavailable = (why: string): Problem =>
  new Problem(
    503,
    'identity_provider_unavailable',
    `the keys of the issuer cannot be had: ${why}`,
    {
      headers: { 'retry-after': '5' },
    },
  )

/** Claims may lie deeper: `realm_access.roles`. */
const claimOf = (payload: JWTPayload, path: string): unknown =>
  Object.hasOwn(payload, path)
    ? payload[path]
    : path
        .split('.')
        .reduce<unknown>(
          (value, name) => (value as Record<string, unknown> | null)?.[name],
          payload,
        )

const roleOf = (settings: OidcSettings, payload: JWTPayload): Role | null => {
  const claim = claimOf(payload, settings.roleClaim)
  const values = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  let best: Role | null = null
  for (const value of values) {
    const role = Object.hasOwn(settings.roles, String(value)) && settings.roles[String(value)]
    if (role && (best === null || allows(role, best))) best = role
  }
  return best
}

export class Oidc {
  readonly #settings: OidcSettings
  readonly #tenant: string
  #keys: Promise<JWTVerifyGetKey> | null = null

  constructor(settings: OidcSettings, tenant: string) {
    this.#settings = settings
    this.#tenant = tenant
  }

  /** Null when the token is not good; throws when that cannot be told, or when it allows nothing here. */
  async verify(token: string): Promise<OidcIdentity | null> {
    const { jwtVerify, errors } = await import('jose')
    const { issuer, audience, tenantClaim } = this.#settings
    const keys = await this.#jwks()
    const checks = { issuer, audience, algorithms, clockTolerance: clockToleranceS }
    const required = { requiredClaims: ['exp', 'sub'] }
    const payload = await jwtVerify(token, keys, { ...checks, ...required }).then(
      (verified) => verified.payload,
      (error: unknown) => {
        const isFault =
          !(error instanceof errors.JOSEError) ||
          error instanceof errors.JWKSTimeout ||
          error.code === 'ERR_JOSE_GENERIC'
        if (isFault) throw unavailable((error as Error).message)
        return null
      },
    )
    if (payload === null) return null
    if (tenantClaim !== undefined && claimOf(payload, tenantClaim) !== this.#tenant)
      throw new Problem(403, 'other_tenant', 'this token is for another tenant')
    const role = roleOf(this.#settings, payload)
    if (role === null)
      throw new Problem(403, 'no_role', `the claim ${this.#settings.roleClaim} gives no role here`)
    const name = [payload.email, payload.preferred_username, payload.sub].find(
      (one): one is string => typeof one === 'string' && one !== '',
    )
    return { name: name!.slice(0, 200), role, until: payload.exp! * 1_000 }
  }

  #jwks(): Promise<JWTVerifyGetKey> {
    return (this.#keys ??= this.#openJwks().catch((error: unknown) => {
      this.#keys = null
      throw unavailable((error as Error).message)
    }))
  }

  async #openJwks(): Promise<JWTVerifyGetKey> {
    const { createRemoteJWKSet } = await import('jose')
    return createRemoteJWKSet(new URL(this.#settings.jwksUrl ?? (await this.#discover())))
  }

  async #discover(): Promise<string> {
    const url = `${this.#settings.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const answer = await fetch(url, { signal: AbortSignal.timeout(discoveryMsMax) })
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`)
    const { jwks_uri: jwks, issuer } = (await answer.json()) as {
      jwks_uri?: string
      issuer?: string
    }
    if (issuer !== this.#settings.issuer) throw new Error(`${url} is of another issuer`)
    if (typeof jwks !== 'string') throw new Error(`${url} names no jwks_uri`)
    return jwks
  }
}
