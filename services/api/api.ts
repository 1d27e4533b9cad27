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
import type { Clock, Content, Live, Log, Logger } from '@headway/schemas/ports.ts'
import type { Accepted } from './accepted.ts'
import type { ApiDatabase } from './database.ts'
import type { Position } from './position.ts'
import type { ResumeKey } from './resume-token.ts'

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
}

export type Api = Required<ApiPorts> & {
  readonly position: Position
  readonly accepted: Accepted
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
  interface FastifyContextConfig {
    /** Answers bytes or pages, whatever `Accept` says. */
    readonly anyMedia?: boolean
    /** Says nothing of the read models, so it does not ask how far they are. */
    readonly unprojected?: boolean
  }
}
