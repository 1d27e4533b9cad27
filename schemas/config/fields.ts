/** The kinds of fields that the file is made of, each with what an editor and our own checks say of it. */
import { Type } from 'typebox'
import { namePattern } from '../ids.ts'
import { durationPattern } from './units.ts'

export const secondMs = 1_000
export const dayMs = 86_400_000
/** Longer than this a timer of the runtime fires at once. */
export const timerMsMax = 24 * dayMs

type Range = { readonly min: number; readonly max: number; readonly step?: number }
type Said = { readonly examples?: readonly string[]; readonly default?: string | number }

export const strict = { additionalProperties: false } as const

export const requiredDuration = (description: string, range: Range, said: Said = {}) =>
  Type.Unsafe<string | number>({
    type: ['string', 'integer'],
    pattern: durationPattern,
    patternErrorMessage: 'a duration is a number and a unit: 500ms, 20s, 5m, 2h, 1d, or 0 for none',
    minimum: 0,
    maximum: 0,
    description,
    ...said,
    duration: range,
  })

export const duration = (...said: Parameters<typeof requiredDuration>) =>
  Type.Optional(requiredDuration(...said))

export const name = (description: string, said: Said = {}) =>
  Type.String({
    pattern: namePattern,
    patternErrorMessage:
      'a name has letters, digits, _ and -, begins with a letter or digit and has at most 64 characters',
    description,
    ...said,
  })

export const text = (description: string, said: Said = {}) =>
  Type.String({ minLength: 1, description, ...said })

/** Never the secret itself: the file is checked in and the log keeps what it says for good. */
export const secret = (description: string) =>
  Type.String({
    pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|vault:.+#.+)$',
    patternErrorMessage:
      'a secret is named, never written: put the value into an environment variable of the fetcher ' +
      'and write env:NAME, or into a file and write file:/path, or into Vault and write ' +
      'vault:mount/path#field',
    description,
    examples: ['env:PIMS_PROD_TOKEN', 'file:/run/secrets/pims-prod-token'],
    secret: true,
  })
