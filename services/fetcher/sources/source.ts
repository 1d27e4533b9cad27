/**
 * The contract of a source: one way of getting at bytes, chosen by the URL's scheme. A source looks
 * once, within the limits it is given, and tells one of three outcomes. It keeps nothing; validators of
 * the last version come in, so any fetcher can do the next look.
 */
import type { AssetDefinition } from '@headway/schemas/definitions.ts'

export type PollRequest = {
  readonly definition: AssetDefinition & { readonly url: string }
  /** Validators of the newest version; left out when everything is to be sent again. */
  readonly validators?: { readonly etag?: string; readonly lastModified?: string }
  /** Milliseconds since 1970 UTC, for `Retry-After` dates. */
  readonly now: number
  readonly signal: AbortSignal
  /** The value behind a reference such as `env:NAME`; throws `SecretError` when there is none. */
  readonly secret: (ref: string) => Promise<string>
}

export type Polled =
  | {
      readonly outcome: 'content'
      readonly bytes: Uint8Array
      readonly status: number
      readonly etag?: string
      readonly lastModified?: string
    }
  /** The source says that the version we have is still the one. */
  | { readonly outcome: 'unchanged' }
  | {
      readonly outcome: 'failed'
      readonly error: { readonly type: string; readonly message: string }
      readonly status?: number
      /** When the source wants to be asked again, milliseconds since 1970 UTC. */
      readonly notBefore?: number
    }
  /** Bytes came, but too many to be taken. */
  | { readonly outcome: 'too_large'; readonly sizeBytes: number; readonly detail: string }

export type Source = {
  readonly schemes: readonly string[]
  poll(request: PollRequest): Promise<Polled>
}

export const defaults = {
  timeoutMs: 30_000,
  sizeBytesMax: 256 * 1024 * 1024,
  redirectsMax: 5,
} as const

/** What may be told of a URL: no query, no user, no fragment. */
export const tellableUrl = (url: string | URL): string => {
  if (!URL.canParse(String(url))) return 'the configured URL'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
