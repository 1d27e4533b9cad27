/**
 * API tokens. The secret is in the answer that makes one and nowhere else, not even when the same request
 * is sent again: then a new one has to be made.
 */
import { randomBytes } from 'node:crypto'
import { Type, type Static } from 'typebox'
import type { EventOf } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { roles } from '@headway/schemas/roles.ts'
import { mintToken, tokenBytes } from '@headway/schemas/token.ts'
import { base, type Routes } from '../api.ts'
import type { KnownToken } from '../auth/token-book.ts'
import { Problem, unknown } from '../problem.ts'
import { AcceptedShape, IdParams, Nullable, Time } from '../shapes.ts'
import { actorOf, append, keyOf, keyReused, wish } from '../write.ts'

const daysDefault = 90
const daysMax = 366
const dayMs = 86_400_000
const knownMs = 2_000

const Token = Type.Object({
  id: Type.String(),
  role: Type.Enum([...roles]),
  holder: Type.String(),
  status: Type.Enum(['good', 'expired', 'revoked']),
  createdAt: Time,
  createdBy: Type.String(),
  expiresAt: Time,
  revokedAt: Nullable(Time),
})
const Body = Type.Object(
  {
    holder: Type.String({ minLength: 1, maxLength: 200, description: 'the actor of what it does' }),
    role: Type.Enum([...roles]),
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: daysMax, description: `${daysDefault} when left out` }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  { additionalProperties: false },
)
const Created = Type.Object({
  id: Type.String(),
  token: Type.String({ description: 'shown once: keep it now' }),
  expiresAt: Time,
  seq: Type.Integer(),
})

const topicOf = (id: string) => ({ kind: 'token' as const, name: id })

const present = (known: KnownToken, now: number): Static<typeof Token> => {
  const { id, role, holder, createdAt, createdBy, expiresAt, revokedAt } = known
  const isOver = now >= Date.parse(expiresAt)
  const status = revokedAt !== null ? 'revoked' : isOver ? 'expired' : 'good'
  return { id, role, holder, status, createdAt, createdBy, expiresAt, revokedAt }
}

export const tokensRoutes: Routes = (app, api) => {
  const { book } = api.identities
  const config = { role: 'admin' as const, unprojected: true }
  app.get(
    `${base}/tokens`,
    {
      config,
      schema: {
        summary: 'API tokens, newest first, also those that are over',
        tags: ['access'],
        response: { 200: Type.Array(Token) },
      },
    },
    async () => {
      await book.follow()
      return book.list().map((known) => present(known, api.clock.now()))
    },
  )
  app.post(
    `${base}/tokens`,
    {
      config,
      schema: {
        summary: 'Make a token; its secret is shown once',
        tags: ['access'],
        body: Body,
        response: { 201: Created },
      },
    },
    async (request, reply) => {
      const { holder, role, days = daysDefault } = request.body
      const { id, token, hash } = mintToken(randomBytes(tokenBytes.id + tokenBytes.secret))
      const now = api.clock.now()
      const expiresAt = toTimestamp(now + days * dayMs)
      const event: EventOf<'TokenCreated'> = {
        type: 'TokenCreated',
        v: 1,
        at: toTimestamp(now),
        token: id,
        hash,
        role,
        holder,
        expiresAt,
        actor: actorOf(request, request.body),
      }
      const once = `TokenCreated-${keyOf(request) ?? id}`
      const { seq, repeated } = await append(api, topicOf(id), once, event)
      if (repeated) throw keyReused()
      await book.follow()
      await book.reached(seq, knownMs)
      void reply.header('location', `${base}/tokens/${id}`).header('cache-control', 'no-store')
      return reply.code(201).send({ id, token, expiresAt, seq })
    },
  )
  app.delete(
    `${base}/tokens/:id`,
    {
      config,
      schema: {
        summary: 'End a token, and the sessions that were made of it',
        tags: ['access'],
        params: IdParams,
        response: { 200: AcceptedShape },
      },
    },
    async (request) => {
      await book.follow()
      const known = book.get(request.params.id)
      if (!known) throw unknown('token', request.params.id, 'tokens')
      if (known.revokedAt !== null) return { id: known.id, seq: known.seq, status: 'unchanged' }
      if (request.identity.token === known.id)
        throw new Problem(409, 'own_token', 'a token cannot end itself: use another one')
      const { seq } = await wish(api, request, topicOf(known.id), {
        type: 'TokenRevoked',
        v: 1,
        at: toTimestamp(api.clock.now()),
        token: known.id,
        actor: actorOf(request, null),
      })
      await book.reached(seq, knownMs)
      return { id: known.id, seq, status: 'revoked' }
    },
  )
}
