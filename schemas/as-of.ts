/**
 * What the API asks the projector about earlier states, over NATS. Nothing of it is a fact of the log:
 * the tables of an earlier state are folded from it when somebody wants them, and thrown away.
 */
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'

export const asOfService = 'AsOf'

export const AsOfWish = Type.Object({
  seq: Type.Integer({ minimum: 0, description: 'the commit of the log to show the state after' }),
  withinMs: Type.Integer({ minimum: 0, maximum: 60_000, description: 'how long to wait for it' }),
})
export type AsOfWish = Static<typeof AsOfWish>
export const isAsOfWish = (value: unknown): value is AsOfWish => Check(AsOfWish, value)

export const AsOfAnswer = Type.Object({
  schema: Type.Union([Type.String({ pattern: '^headway_at_\\d+$' }), Type.Null()], {
    description: 'where the tables are; null while they are made',
  }),
  done: Type.Integer({ description: 'commits so far' }),
  total: Type.Integer({ description: 'commits in all' }),
})
export type AsOfAnswer = Static<typeof AsOfAnswer>
export const isAsOfAnswer = (value: unknown): value is AsOfAnswer => Check(AsOfAnswer, value)
