import { Type, type TSchema } from 'typebox'
import { Time } from '../definitions.ts'

/** An event's shape. `at` is its writer's clock, RFC 3339. */
export const event = <const T extends string, P extends Record<string, TSchema>>(
  type: T,
  fields: P,
) => Type.Object({ type: Type.Literal(type), v: Type.Literal(1), at: Time, ...fields })
