import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Oidc } from './oidc.ts'
import { authSettings, isLoopback } from './settings.ts'

let server: Server
let issuer = ''
let asked = 0
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let others: typeof keys

beforeAll(async () => {
  keys = await generateKeyPair('ES256')
  others = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' }
  server = createServer((request, response) => {
    const isDiscovery = request.url === '/.well-known/openid-configuration'
    if (!isDiscovery) asked++
    const body = isDiscovery ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: [jwk] }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const settings = () => ({
  issuer,
  audience: 'headway',
  roleClaim: 'realm.groups',
  roles: { look: 'viewer', sre: 'admin', ops: 'operator' } as const,
  tenantClaim: 'tenant',
})
const good = { sub: 'u1', email: 'ada@example.org', tenant: 'default', realm: { groups: ['ops'] } }
const sign = (
  claims: object,
  { from = issuer, to = 'headway', lives = '5m', by = keys.privateKey } = {},
) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer(from)
    .setAudience(to)
    .setExpirationTime(lives)
    .sign(by)

describe('a token of the provider', () => {
  test('says who somebody is and what they may do; the keys are fetched once', async () => {
    const oidc = new Oidc(settings(), 'default')
    const before = asked
    const verified = await oidc.verify(await sign(good))
    expect(verified).toMatchObject({ name: 'ada@example.org', role: 'operator' })
    expect(verified!.until).toBeGreaterThan(Date.now())
    const more = { ...good, realm: { groups: ['look', 'sre', 'constructor'] } }
    expect(await oidc.verify(await sign(more))).toMatchObject({ role: 'admin' })
    expect(asked).toBe(before + 1)
  })

  test('is none when anything about it is wrong', async () => {
    const oidc = new Oidc(settings(), 'default')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const body = { ...good, iss: issuer, aud: 'headway', exp: 4_000_000_000 }
    const secret = new TextEncoder().encode('a-secret-that-everybody-knows-by-heart')
    const bad = [
      await sign(good, { to: 'another' }),
      await sign(good, { from: 'https://evil.example' }),
      await sign(good, { lives: '-1h' }),
      await sign(good, { by: others.privateKey }),
      await new SignJWT(body).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret),
      `${part({ alg: 'none' })}.${part(body)}.`,
      await sign({ ...good, sub: undefined }),
      'nonsense',
    ]
    for (const token of bad) expect(await oidc.verify(token)).toBeNull()
  })

  test('of another tenant, or without a role, allows nothing', async () => {
    const oidc = new Oidc(settings(), 'default')
    const foreign = await sign({ ...good, tenant: 'other' })
    await expect(oidc.verify(foreign)).rejects.toMatchObject({ status: 403, code: 'other_tenant' })
    const nobody = await sign({ ...good, realm: { groups: ['guests'] } })
    await expect(oidc.verify(nobody)).rejects.toMatchObject({ status: 403, code: 'no_role' })
  })

  test('cannot be told while the provider is away, and can be afterwards', async () => {
    const away = new Oidc({ ...settings(), jwksUrl: 'http://127.0.0.1:1/keys' }, 'default')
    await expect(away.verify(await sign(good))).rejects.toMatchObject({ status: 503 })
  })
})

describe('where the API listens', () => {
  test('nobody has to say who they are on the machine itself', () => {
    for (const host of ['127.0.0.1', 'localhost', '::1', '127.1.2.3']) {
      expect(isLoopback(host)).toBe(true)
      expect(authSettings(host, {})).toBeNull()
    }
  })

  test('it does not start anywhere else without knowing who asks', () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'box', '127.0.0.1.evil.example', '']) {
      expect(() => authSettings(host, {})).toThrow(/open to everybody.*HEADWAY_AUTH=required/)
      expect(() => authSettings(host, { HEADWAY_AUTH: 'none' })).toThrow(/open to everybody/)
      expect(authSettings(host, { HEADWAY_AUTH: 'required' })).toEqual({})
    }
  })

  test('settings that mean nothing are refused', () => {
    const oidc = { HEADWAY_OIDC_ISSUER: 'https://id.example' }
    expect(() => authSettings('::', oidc)).toThrow(/HEADWAY_OIDC_AUDIENCE/)
    const more = { ...oidc, HEADWAY_OIDC_AUDIENCE: 'headway' }
    expect(authSettings('::', more)?.oidc).toMatchObject({ roleClaim: 'roles' })
    expect(() => authSettings('::', { ...more, HEADWAY_OIDC_ROLES: 'a=king' })).toThrow(
      /value=role/,
    )
    expect(() => authSettings('::', { HEADWAY_AUTH: 'maybe' })).toThrow(/required or none/)
    const short = { HEADWAY_AUTH: 'required', HEADWAY_SESSION_KEY: 'short' }
    expect(() => authSettings('::', short)).toThrow(/HEADWAY_SESSION_KEY/)
  })
})
