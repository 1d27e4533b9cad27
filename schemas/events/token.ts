/** Access for programs and people. The secret of a token is told once and is on no log. */
import { Type } from 'typebox'
import { Actor, Digest, Name, Text, Time } from '../definitions.ts'
import { roles } from '../roles.ts'
import { event } from './event.ts'

export const tokenEvents = {
  TokenCreated: event('TokenCreated', {
    token: Name,
    /** SHA-256 of the whole token, which carries 256 random bits: it cannot be guessed back. */
    hash: Digest,
    role: Type.Enum([...roles]),
    /** Who uses it: the actor of what it does. */
    holder: Text,
    expiresAt: Time,
    actor: Actor,
  }),
  TokenRevoked: event('TokenRevoked', { token: Name, actor: Actor }),
} as const
