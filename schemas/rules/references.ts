/**
 * Which values are secrets: those that a file writes as `secret://env:NAME`, and those whose key the
 * rule gives a reference for. From here on only the reference travels; `{key}` in a rule's reference is
 * the flat key. What looks like a secret and is none is an error: a placeholder never reaches a sink.
 */
import picomatch from 'picomatch'
import { ValuesError } from './flatten.ts'
import type { Entry, Plain } from './value.ts'

const prefix = 'secret://'
const reference = /^(?:env|file|vault):.+/

const referenceOf = (entry: Entry, text: string): string => {
  const secret = text.slice(prefix.length)
  if (reference.test(secret)) return secret
  throw new ValuesError(
    `key ${entry.key} of ${entry.file} is no secret that can be found: ` +
      `write secret://env:NAME, secret://file:/path or secret://vault:mount/path#field`,
  )
}

const holdsPlaceholder = (value: Plain): boolean => {
  if (typeof value === 'string') return value.startsWith(prefix)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsPlaceholder)
}

const written = (entry: Entry): Entry => {
  if ('secret' in entry) return entry
  const { key, file, value } = entry
  if (typeof value === 'string' && value.startsWith(prefix))
    return { key, file, secret: referenceOf(entry, value) }
  if (holdsPlaceholder(value))
    throw new ValuesError(
      `key ${key} of ${file} holds a secret inside a list: give the secret a key of its own`,
    )
  return entry
}

/** Entries with their secrets as references; the rule's word wins, its first glob that matches. */
export const withSecrets = (
  entries: readonly Entry[],
  secrets: Readonly<Record<string, string>> = {},
): readonly Entry[] => {
  const globs = Object.entries(secrets).map(
    ([glob, ref]) => [picomatch(glob, { dot: true, nonegate: true, bash: true }), ref] as const,
  )
  return entries.map((entry) => {
    const ref = globs.find(([matches]) => matches(entry.key))?.[1]
    if (ref === undefined) return written(entry)
    return { key: entry.key, file: entry.file, secret: ref.replaceAll('{key}', entry.key) }
  })
}

/** Globs of the rule that no key answers to: a misspelled one would let a value through as it is. */
export const unusedSecrets = (
  entries: readonly Entry[],
  secrets: Readonly<Record<string, string>> = {},
): readonly string[] =>
  Object.keys(secrets).filter((glob) => {
    const matches = picomatch(glob, { dot: true, nonegate: true, bash: true })
    return !entries.some(({ key }) => matches(key))
  })
