/** The keys that a source's deliveries are signed with: named in its definition, read when one comes. */
import { readFile } from 'node:fs/promises'

const valueOf = async (reference: string): Promise<string | null> => {
  const [, scheme, name = ''] = /^(env|file):(.+)$/s.exec(reference) ?? []
  if (scheme === 'env') return process.env[name]?.trim() || null
  if (scheme !== 'file') return null
  const text = await readFile(name, 'utf8').catch(() => '')
  return text.trim() || null
}

export type Keys = {
  readonly values: readonly string[]
  /** References that lead nowhere here. */
  readonly missing: readonly string[]
}

export const readKeys = async (references: readonly string[]): Promise<Keys> => {
  const found = await Promise.all(references.map(async (one) => [one, await valueOf(one)] as const))
  return {
    values: found.flatMap(([, value]) => value ?? []),
    missing: found.flatMap(([reference, value]) => (value === null ? reference : [])),
  }
}
