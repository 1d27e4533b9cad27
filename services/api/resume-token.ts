/**
 * Resume tokens: whoever holds one may answer one question of one run until its deadline. Signed, not
 * stored, so there is no list of secrets to lose.
 *
 * `HEADWAY_RESUME_KEYS` is `name:secret,name:secret`. The first key signs and all of them verify: a new
 * one is put in front, the old one is taken away when its last token has expired.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export type ResumeKey = { readonly name: string; readonly secret: string }
export type ResumeClaim = {
  readonly tenant: string
  readonly pipeline: string
  readonly run: string
  readonly interaction: string
  /** From then on it is worth nothing, RFC 3339. */
  readonly deadline: string
}
export type TokenProblem = 'malformed' | 'unknown_key' | 'bad_signature' | 'expired'
export type Verified =
  | { readonly claim: ResumeClaim; readonly problem?: undefined }
  | { readonly problem: TokenProblem }

const secretCharactersMin = 16
const tokenCharactersMax = 2_000

/** Throws for keys that are no keys: the room must not start with them. */
export const parseResumeKeys = (text: string): readonly ResumeKey[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [, name, secret] = /^([A-Za-z0-9_-]{1,32}):(.+)$/.exec(entry) ?? []
      if (name === undefined || secret === undefined)
        throw new Error('HEADWAY_RESUME_KEYS is name:secret,name:secret; the first one signs')
      if (secret.length < secretCharactersMin)
        throw new Error(
          `HEADWAY_RESUME_KEYS: the secret of ${name} is shorter than ${secretCharactersMin} characters`,
        )
      return { name, secret }
    })

const macOf = ({ secret }: ResumeKey, body: string): Buffer =>
  createHmac('sha256', secret).update(`headway-resume-1.${body}`).digest()

export const mintToken = (key: ResumeKey, claim: ResumeClaim): string => {
  const body = Buffer.from(JSON.stringify({ key: key.name, ...claim })).toString('base64url')
  return `${body}.${macOf(key, body).toString('base64url')}`
}

const read = (body: string): (ResumeClaim & { readonly key: string }) | null => {
  try {
    const value = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
    const { key, tenant, pipeline, run, interaction, deadline } = value
    const texts = [key, tenant, pipeline, run, interaction, deadline]
    if (!texts.every((text) => typeof text === 'string')) return null
    const [k, t, p, r, i, d] = texts as [string, string, string, string, string, string]
    return { key: k, tenant: t, pipeline: p, run: r, interaction: i, deadline: d }
  } catch {
    return null
  }
}

/** What a token allows at a moment (milliseconds since 1970 UTC), or why it allows nothing. */
export const verifyToken = (keys: readonly ResumeKey[], token: string, now: number): Verified => {
  const [body = '', mac = '', more] = token.split('.')
  const told = token.length > tokenCharactersMax || more !== undefined ? null : read(body)
  if (!told || !/^[A-Za-z0-9_-]{43}$/.test(mac)) return { problem: 'malformed' }
  const { key: name, ...claim } = told
  const key = keys.find((one) => one.name === name)
  if (!key) return { problem: 'unknown_key' }
  const given = Buffer.from(mac, 'base64url')
  const wanted = macOf(key, body)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return { problem: 'bad_signature' }
  const endsAt = Date.parse(claim.deadline)
  if (!(now < endsAt)) return { problem: 'expired' }
  return { claim }
}
