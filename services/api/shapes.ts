/** The shapes that several answers share. */
import { Type, type TSchema, type TSchemaOptions } from 'typebox'

export const Nullable = <T extends TSchema>(schema: T, options: TSchemaOptions = {}) =>
  Type.Union([schema, Type.Null()], options)
export const Time = Type.String({ format: 'date-time' })
export const Seq = Type.Integer({ description: 'position in the log' })
export const Facts = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))

export const ActorShape = Type.Object({
  name: Type.String(),
  reason: Type.Optional(Type.String()),
})

export const ErrorShape = Type.Object({ type: Type.String(), message: Type.String() })

export const VersionRefShape = Type.Object({
  asset: Type.String(),
  version: Type.String(),
  ordinal: Type.Integer(),
  digest: Type.String(),
  sizeBytes: Type.Integer(),
  kind: Type.String(),
})

/** What waits, on what, and what to do about it. */
export const WaitingForShape = Type.Object({
  what: Type.String(),
  detail: Type.String(),
  pipelineVersion: Type.Optional(Type.String()),
  at: Type.Optional(Time),
})

export const AcceptedShape = Type.Object({
  id: Type.Optional(Type.String()),
  seq: Type.Optional(Type.Integer()),
  status: Type.String(),
})

export const ProblemShape = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  instance: Type.String(),
  traceId: Type.String(),
  code: Type.String(),
  retryable: Type.Boolean(),
})

export const IdParams = Type.Object({ id: Type.String() })
export const KeyParams = Type.Object({
  key: Type.String({ description: 'the asset key, slashes as they are or as %2F' }),
})
