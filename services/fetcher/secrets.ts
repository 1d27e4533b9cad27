import { readFile } from 'node:fs/promises'
import type { Auth } from '@headway/schemas/definitions.ts'

/** A reference that leads nowhere. Names the reference, never a value. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

/** Resolves `env:NAME` and `file:/path` at the moment of use; nothing is kept. */
export const resolveSecret = async (ref: string): Promise<string> => {
  const [scheme, ...rest] = ref.split(':')
  const name = rest.join(':')
  if (scheme === 'env') {
    const value = process.env[name]?.trim()
    if (value) return value
    throw new SecretError(`the environment variable ${name} is not set where the fetcher runs`)
  }
  if (scheme === 'file') {
    const value = await readFile(name, 'utf8').catch(() => {
      throw new SecretError(`the secret file ${name} cannot be read by the fetcher`)
    })
    if (value.trim()) return value.trim()
    throw new SecretError(`the secret file ${name} is empty`)
  }
  throw new SecretError(`a secret reference begins with env: or file:`)
}

/**
 * The secrets that one look used. Servers tell them back (`{"error":"invalid key …"}` with status 200,
 * a validator made of the query), so whatever is reported of a look passes through `hide`.
 */
export class SecretsInUse {
  readonly #auth: Auth | undefined
  readonly #secret: (ref: string) => Promise<string>
  readonly #values = new Set<string>()

  constructor(auth: Auth | undefined, secret: (ref: string) => Promise<string>) {
    this.#auth = auth
    this.#secret = secret
  }

  readonly resolve = async (ref: string): Promise<string> => {
    const value = await this.#secret(ref)
    this.#values.add(value)
    this.#values.add(encodeURIComponent(value))
    this.#values.add(new URLSearchParams({ '': value }).toString().slice(1))
    if (this.#auth?.type === 'basic')
      this.#values.add(Buffer.from(`${this.#auth.username}:${value}`).toString('base64'))
    return value
  }

  readonly hide = (text: string): string => {
    let told = text
    for (const value of this.#values) told = told.replaceAll(value, '…')
    return told
  }
}
