import { readFile } from 'node:fs/promises'

/** A reference that leads nowhere. Names the reference, never a value. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

/** Resolves `env:NAME` and `file:/path` at the moment of use; nothing is kept. */
export const resolveSecret = async (ref: string): Promise<string> => {
  const [scheme, ...rest] = ref.split(':')
  const name = rest.join(':')
  if (scheme === 'env') {
    const value = process.env[name]
    if (value) return value
    throw new SecretError(`the environment variable ${name} is not set where the fetcher runs`)
  }
  if (scheme === 'file') {
    const value = await readFile(name, 'utf8').catch(() => {
      throw new SecretError(`the secret file ${name} cannot be read by the fetcher`)
    })
    return value.trim()
  }
  throw new SecretError(`a secret reference begins with env: or file:`)
}
