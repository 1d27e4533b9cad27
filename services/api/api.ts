/**
 * What routes are written against. A group of routes is one function in one file: it gets the app to
 * put routes on and the ports to answer from, and one line in `routes/index.ts` makes it served.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Kysely } from 'kysely'
import type { Clock, Content, Live, Log, Logger, Services } from '@headway/schemas/ports.ts'
import type { Role } from '@headway/schemas/roles.ts'
import type { ServerState } from '@headway/streams/inspect.ts'
import type { Accepted } from './accepted.ts'
import type { Identities, Identity } from './auth/identity.ts'
import type { AuthSettings } from './auth/settings.ts'
import type { ApiDatabase } from './database.ts'
import type { Answer } from './kept.ts'
import type { Position } from './position.ts'
import type { ResumeKey } from './resume-token.ts'
import type { Intake } from './webhooks/intake.ts'
import type { Rate, RateLimits } from './webhooks/rate-limits.ts'
import type { Sources } from './webhooks/sources.ts'

export type ApiPorts = {
  readonly db: Kysely<ApiDatabase>
  readonly log: Log
  readonly content: Content
  readonly live: Live
  readonly clock: Clock
  readonly logger: Logger
  readonly tenant: string
  /** Ends waiting requests when the room stops. */
  readonly signal?: AbortSignal
  readonly pushBytesMax?: number
  /** Sign and verify resume tokens; the first one signs. None: no tokens. */
  readonly resumeKeys?: readonly ResumeKey[]
  /** Who may ask. None: everybody, on the machine's own addresses only. */
  readonly auth?: AuthSettings | null
  /** Programs may ask over NATS as well. None: over HTTP only. */
  readonly services?: Services
  /** The server beside what the code wants of it. */
  readonly inspect?: () => Promise<ServerState>
  /** How often an address and a source may deliver. */
  readonly rates?: { readonly address: Rate; readonly source: Rate }
}

export type Api = Required<Omit<ApiPorts, 'services' | 'inspect' | 'rates' | 'auth'>> & {
  readonly services: Services | null
  readonly inspect: (() => Promise<ServerState>) | null
  readonly position: Position
  readonly accepted: Accepted
  readonly identities: Identities
  readonly sources: Sources
  readonly intake: Intake
  readonly limits: { readonly addresses: RateLimits; readonly sources: RateLimits }
  readonly startedAt: number
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export type Routes = (app: App, api: Api) => void

export const base = '/api/v1'
export const version = '0.1.0'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null on public routes. */
    identity: Identity
    /** 32 hex digits. */
    traceId: string
    /** Of the run or version that the answer is about. */
    traceSeed: string | null
    /** The answer that is kept for others, or was. */
    answer: Answer | null
  }
  interface FastifyContextConfig {
    /** The least role that may use the route; the registry refuses a route that does not say. */
    readonly role: Role | 'public'
    /** Answers bytes or pages, whatever `Accept` says. */
    readonly anyMedia?: boolean
    /** Says nothing of the read models, so it does not ask how far they are. */
    readonly unprojected?: boolean
    /** Tells of the house as it runs, which has no earlier states: no `?asOf=`. */
    readonly current?: boolean
    /** Follows from the address and the read models alone: `kept.ts`. */
    readonly kept?: boolean
  }
}
