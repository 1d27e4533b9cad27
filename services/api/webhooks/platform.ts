/**
 * What a Git platform is to us: how its deliveries are named and signed, and which pushes they tell of.
 * All of it is pure; headers and body come in as they arrived. A new platform is one file and one line
 * in `index.ts`.
 */

/** Names are lower case. */
export type Headers = Readonly<Record<string, string | undefined>>

/** One ref of one repository that moved. */
export type Push = {
  readonly event: 'push' | 'pull_request' | 'tag'
  /** `owner/name`; more parts where the platform nests groups. */
  readonly repository: string
  /** In full: `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/head`. */
  readonly ref: string
  readonly commit: string
  readonly before?: string
  readonly pullRequest?: number
  /** RFC 3339, when the platform says so. */
  readonly pushedAt?: string
  readonly actor: string
}

/** Pushes, or why there are none. Null: the body is not what this event should hold. */
export type Told = readonly Push[] | { readonly ignored: string } | null

export type Platform = {
  /** What the platform calls this delivery; the same when it sends it again. */
  delivery(headers: Headers): string | null
  /** Whether one of the keys signed exactly these bytes. */
  signed(headers: Headers, body: Uint8Array, keys: readonly string[], now: number): boolean
  read(headers: Headers, payload: unknown): Told
}
