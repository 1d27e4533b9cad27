/**
 * The one place where a secret's reference becomes its value, at the moment of use: `env:NAME`,
 * `file:/path`, `vault:<mount>/<path>#<field>`. Nothing is kept here. What cannot be resolved is an error
 * that names the reference: never a value, never the reference in place of one.
 */
import { readFile } from 'node:fs/promises'
import { readVault } from './vault.ts'

const timeoutMs = 30_000

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
  throw new SecretError(`the environment variable ${name} is not set where its secret is needed`)
}

const fromFile = async (path: string, signal: AbortSignal): Promise<string> => {
  const value = await readFile(path, { encoding: 'utf8', signal }).catch(() => {
    throw new SecretError(`the secret file ${path} cannot be read where it is needed`)
  })
  if (value.trim()) return value.trim()
  throw new SecretError(`the secret file ${path} is empty`)
}

const fromVault = (name: string, signal: AbortSignal): Promise<string> =>
  readVault(name, signal).catch((error: unknown) => {
    const isLate = signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError'
    if (error instanceof SecretError || !isLate) throw error
    throw new SecretError(`Vault did not give vault:${name} in time`, { retryable: true })
  })

export const resolveSecret = async (
  ref: string,
  signal: AbortSignal = AbortSignal.timeout(timeoutMs),
): Promise<string> => {
  const colon = ref.indexOf(':')
  const [scheme, name] = [ref.slice(0, colon), ref.slice(colon + 1)]
  if (scheme === 'env') return fromEnvironment(name)
  if (scheme === 'file') return fromFile(name, signal)
  if (scheme === 'vault') return fromVault(name, signal)
  throw new SecretError('a secret reference begins with env:, file: or vault:')
}
