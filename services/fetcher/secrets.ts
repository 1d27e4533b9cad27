import type { Auth } from '@headway/schemas/definitions.ts'

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
