/** An answer to "why?" in sentences, each with where it can be looked up. */
import { Type, type Static } from 'typebox'

const Reason = Type.Object({
  text: Type.String(),
  since: Type.Optional(Type.String({ format: 'date-time' })),
  seq: Type.Optional(Type.Integer({ description: 'position in the log' })),
  href: Type.Optional(Type.String()),
})
export const WhyShape = Type.Object({
  answer: Type.String(),
  because: Type.Array(Reason),
  next: Type.Optional(
    Type.Object({
      text: Type.String(),
      at: Type.Optional(Type.String({ format: 'date-time' })),
    }),
  ),
})
export type Reason = Static<typeof Reason>
export type Why = Static<typeof WhyShape>

/** A reason without what is not known. */
export const reason = (
  text: string,
  more: { readonly since?: string | null; readonly seq?: number; readonly href?: string } = {},
): Reason => ({
  text,
  ...(more.since ? { since: more.since } : {}),
  ...(more.seq === undefined ? {} : { seq: more.seq }),
  ...(more.href === undefined ? {} : { href: more.href }),
})

export const next = (text: string, at: string | null = null): NonNullable<Why['next']> => ({
  text,
  ...(at === null ? {} : { at }),
})

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
