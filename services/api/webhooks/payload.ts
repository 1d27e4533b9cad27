/** Careful reading of what strangers send: a field that is not as it should be is not there. */
export type Fields = Readonly<Record<string, unknown>>

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}

/** The value at a path of names: `at(payload, 'repository', 'full_name')`. */
export const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, name) => {
    const fields = fieldsOf(inner)
    return Object.hasOwn(fields, name) ? fields[name] : undefined
  }, value)

export const textAt = (value: unknown, ...path: readonly string[]): string | null => {
  const found = at(value, ...path)
  return typeof found === 'string' && found !== '' ? found : null
}

export const numberAt = (value: unknown, ...path: readonly string[]): number | null => {
  const found = at(value, ...path)
  return typeof found === 'number' && Number.isSafeInteger(found) && found > 0 ? found : null
}

export const listAt = (value: unknown, ...path: readonly string[]): readonly unknown[] => {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

/** The first text of several. */
export const firstOf = (...texts: readonly (string | null)[]): string | null =>
  texts.find((text) => text !== null) ?? null

/** All zeros: the ref did not exist before, or does not exist any more. */
const isNothing = (commit: string): boolean => /^0+$/.test(commit)

/** A commit in full; null for none, for an abbreviated one and for what is no commit. */
export const commitOf = (text: string | null): string | null =>
  text !== null && /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(text) && !isNothing(text)
    ? text.toLowerCase()
    : null

const repositoryPattern = /^[A-Za-z0-9_.~-]+(\/[A-Za-z0-9_.~-]+){1,9}$/
const badPart = /^\.{1,2}$|\.git$|^-/

/** `owner/name` that names a place below the source's address and nothing else. */
export const repositoryOf = (text: string | null): string | null =>
  text !== null &&
  text.length <= 200 &&
  repositoryPattern.test(text) &&
  !text.split('/').some((part) => badPart.test(part))
    ? text
    : null

/** Forbidden by git itself, and everything that could be read as an option or a range. */
const badRef = /^refs\/[^/]*\/-|\.\.|\/\/|@\{|[\s~^:?*[\\]|\p{Control}|\/$|\.lock(\/|$)|\.$/u

export const refOf = (text: string | null): string | null =>
  text !== null && text.length <= 255 && text.startsWith('refs/') && !badRef.test(text)
    ? text
    : null

/** RFC 3339 of a text or of seconds since 1970. */
export const timeAt = (value: unknown, ...path: readonly string[]): string | null => {
  const found = at(value, ...path)
  if (typeof found === 'number' && found > 0 && found < 1e11)
    return new Date(found * 1_000).toISOString()
  if (typeof found !== 'string') return null
  const ms = Date.parse(found)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}
