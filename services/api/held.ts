/** Values of sinks as people may see them: a secret is only known to be there and to be another one. */
import { Type, type Static } from 'typebox'
import type { Held } from '@headway/schemas/rules/definition.ts'
import { Nullable } from './shapes.ts'

export const ValueShape = Nullable(
  Type.Union([
    Type.Object({ value: Type.String() }),
    Type.Object({ secret: Type.String({ description: 'how its keyed digest begins' }) }),
  ]),
)
export type Shown = Static<typeof ValueShape>

const shownDigits = 12

export const present = (held: unknown): Shown => {
  if (held === null || held === undefined) return null
  const known = held as Held
  return 'plain' in known ? { value: known.plain } : { secret: known.digest.slice(0, shownDigits) }
}

/** Whether two values are the same; of secrets the digests tell. */
export const isSame = (one: unknown, other: unknown): boolean => {
  const [a, b] = [one, other] as readonly (Held | null)[]
  if (!a || !b) return a === b
  if ('plain' in a) return 'plain' in b && a.plain === b.plain
  return 'digest' in b && a.digest === b.digest
}

/** `db.*` as a LIKE pattern. */
export const likeOf = (glob: string): string =>
  glob
    .replaceAll(/[\\%_]/g, '\\$&')
    .replaceAll('*', '%')
    .replaceAll('?', '_')
