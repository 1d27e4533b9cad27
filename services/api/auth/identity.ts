/**
 * Who asks. An API token, a bearer token of the OpenID provider, or a session cookie; on a machine's own
 * addresses nobody has to say it, and who asks is whoever they say they are.
 */
import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { roles, type Role } from '@headway/schemas/roles.ts'
import type { ApiPorts } from '../api.ts'
import { Problem } from '../problem.ts'
import { Oidc } from './oidc.ts'
import { openSession, readCookie, sealSession, type Session } from './session.ts'
import type { AuthSettings } from './settings.ts'
import { TokenBook } from './token-book.ts'

export type Identity = {
  readonly name: string
  readonly role: Role
  /** Milliseconds since 1970 UTC. */
  readonly until: number
  /** Nobody has to say who they are here: names are taken from a header. */
  readonly open: boolean
  /** By cookie: a browser sends it unasked, so the site that asks is looked at. */
  readonly cookie: boolean
  /** The API token behind it. */
  readonly token?: string
}

const sessionMsMax = 12 * 3_600_000
const followMsMax = 5_000

const anybody: Identity = {
  name: 'api',
  role: roles.at(-1)!,
  until: Infinity,
  open: true,
  cookie: false,
}

const unauthorized = (code: string, detail: string): Problem =>
  new Problem(401, code, detail, { headers: { 'www-authenticate': 'Bearer realm="headway"' } })

type Ports = Pick<ApiPorts, 'log' | 'clock' | 'logger' | 'tenant'>

export class Identities {
  readonly book: TokenBook
  readonly settings: AuthSettings | null
  readonly #ports: Ports
  readonly #oidc: Oidc | null
  readonly #sessionKey: string

  constructor(ports: Ports, settings: AuthSettings | null, signal: AbortSignal) {
    this.#ports = ports
    this.settings = settings
    this.book = new TokenBook(ports, signal)
    this.#oidc = settings?.oidc ? new Oidc(settings.oidc, ports.tenant) : null
    this.#sessionKey = settings?.sessionKey ?? randomBytes(32).toString('hex')
  }

  /** Who sent this; throws a 401 for somebody who does not say it, or not truly. */
  async of(request: FastifyRequest): Promise<Identity> {
    if (this.settings === null) return anybody
    const { authorization, cookie } = request.headers
    if (authorization !== undefined) return this.#ofBearer(authorization)
    const sealed = readCookie(cookie)
    if (sealed !== null) return this.#ofSession(sealed)
    throw unauthorized(
      'unauthenticated',
      'say who you are: Authorization: Bearer <token>; `headway tokens create` makes one',
    )
  }

  /** Whether it still counts: an answer that goes on for hours asks again. */
  isGood({ until, token, open }: Identity): boolean {
    if (open) return true
    const now = this.#ports.clock.now()
    return now < until && (token === undefined || this.book.isGood(token, now))
  }

  seal(identity: Identity): { readonly sealed: string; readonly until: number } {
    const { name, role, token } = identity
    const until = Math.min(identity.until, this.#ports.clock.now() + sessionMsMax)
    const { tenant } = this.#ports
    const session: Session = { name, role, tenant, until, ...(token ? { token } : {}) }
    return { sealed: sealSession(this.#sessionKey, session), until }
  }

  async #ofBearer(authorization: string): Promise<Identity> {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    if (token === undefined)
      throw unauthorized('bad_credentials', 'Authorization is: Bearer <token>')
    if (!token.startsWith('hw_')) return this.#ofProvider(token)
    await this.#caughtUp()
    const known = this.book.verify(token, this.#ports.clock.now())
    if (!known)
      throw unauthorized('bad_credentials', 'this token is unknown, expired or revoked here')
    const { id, holder: name, role, expiresAt } = known
    return { name, role, until: Date.parse(expiresAt), open: false, cookie: false, token: id }
  }

  async #ofProvider(token: string): Promise<Identity> {
    const verified = await this.#oidc?.verify(token)
    if (verified) return { ...verified, open: false, cookie: false }
    throw unauthorized('bad_credentials', 'this token is not one that is good here')
  }

  async #ofSession(sealed: string): Promise<Identity> {
    const session = openSession(this.#sessionKey, sealed, this.#ports.clock.now())
    if (session?.token !== undefined) await this.#caughtUp()
    const identity = session && { ...session, open: false, cookie: true }
    if (identity && identity.tenant === this.#ports.tenant && this.isGood(identity)) return identity
    throw unauthorized('session_ended', 'the session is over: sign in again')
  }

  async #caughtUp(): Promise<void> {
    const patience = AbortSignal.timeout(followMsMax)
    const late = new Promise<'late'>((resolve) => {
      patience.addEventListener('abort', () => resolve('late'), { once: true })
    })
    if ((await Promise.race([this.book.follow(), late])) === 'late')
      throw new Problem(503, 'log_unavailable', 'the log does not say which tokens are good', {
        headers: { 'retry-after': '2' },
      })
  }
}
