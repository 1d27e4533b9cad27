/**
 * The keys that a source's deliveries are signed with: named in its definition, read when one comes. What
 * Vault keeps is remembered for a moment, because whoever finds the address could have Vault asked
 * without end, before anybody knows whether he may.
 */
import { resolveSecret } from '@headway/streams/secrets.ts'

const keptMs = 30_000
/** Platforms do not wait much longer for an answer. */
const timeoutMs = 5_000

export type Keys = {
  readonly values: readonly string[]
  /** References that lead nowhere here. */
  readonly missing: readonly string[]
}

type Kept = { readonly until: number; readonly value: Promise<string | null> }
const kept = new Map<string, Kept>()

const read = (reference: string): Promise<string | null> =>
  resolveSecret(reference, AbortSignal.timeout(timeoutMs)).catch(() => null)

const valueOf = (reference: string, now: number): Promise<string | null> => {
  if (!reference.startsWith('vault:')) return read(reference)
  const known = kept.get(reference)
  if (known && known.until > now) return known.value
  const value = read(reference)
  kept.set(reference, { until: now + keptMs, value })
  return value
}

export const readKeys = async (references: readonly string[], now: number): Promise<Keys> => {
  const found = await Promise.all(
    references.map(async (one) => [one, await valueOf(one, now)] as const),
  )
  return {
    values: found.flatMap(([, value]) => value ?? []),
    missing: found.flatMap(([reference, value]) => (value === null ? reference : [])),
  }
}
