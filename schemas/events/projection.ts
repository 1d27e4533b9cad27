/** What people want done with the copy of the tables: who asked is on the log, the work is not. */
import { Type } from 'typebox'
import { Actor, Name } from '../definitions.ts'
import { projectionActions } from '../projections.ts'
import { event } from './event.ts'

export const projectionEvents = {
  /** It may be refused afterwards: there may be no copy, or somebody else at work. */
  ProjectionRequested: event('ProjectionRequested', {
    projection: Name,
    action: Type.Enum([...projectionActions]),
    actor: Actor,
  }),
} as const
