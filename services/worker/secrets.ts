/**
 * Resolves a secret's reference at the moment of use; nothing is kept. `env:NAME` and `file:/path` are
 * what the fetcher knows as well, written twice because rooms do not import each other. What cannot be
 * resolved is an error that names the reference: never a value, never the reference in place of one.
 */
import { readFile } from 'node:fs/promises'
import { readVault } from './vault.ts'

/** Why a reference leads nowhere. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
  /** Worth another attempt: whoever keeps the secret could not be asked. */
  readonly retryable: boolean
  constructor(message: string, options: { readonly retryable: boolean } = { retryable: false }) {
    super(message)
    this.retryable = options.retryable
  }
}

const fromEnvironment = (name: string): string => {
  const value = process.env[name]?.trim()
  if (value) return value
  throw new SecretError(`the environment variable ${name} is not set where the worker runs`)
}

const fromFile = async (path: string, signal: AbortSignal): Promise<string> => {
  const value = await readFile(path, { encoding: 'utf8', signal }).catch(() => {
    throw new SecretError(`the secret file ${path} cannot be read by the worker`)
  })
  if (value.trim()) return value.trim()
  throw new SecretError(`the secret file ${path} is empty`)
}

export const resolveSecret = async (ref: string, signal: AbortSignal): Promise<string> => {
  const colon = ref.indexOf(':')
  const [scheme, name] = [ref.slice(0, colon), ref.slice(colon + 1)]
  if (scheme === 'env') return fromEnvironment(name)
  if (scheme === 'file') return fromFile(name, signal)
  if (scheme === 'vault') return readVault(name, signal)
  throw new SecretError('a secret reference begins with env:, file: or vault:')
}
