/**
 * How often somebody may knock: a bucket for each name that fills at a steady rate and holds a burst.
 * Names that have not been seen for as long as a full bucket takes are as good as new, and forgotten.
 *
 * How much is left is told in the fields of draft-ietf-httpapi-ratelimit-headers-10: the whole bucket is
 * the quota, the time that it takes to fill the window.
 */
export type Rate = { readonly perSecond: number; readonly burst: number }

type Bucket = { tokens: number; at: number }

const namesMax = 20_000

export class RateLimits {
  readonly #policy: string
  readonly #rate: Rate
  readonly #buckets = new Map<string, Bucket>()

  constructor(policy: string, rate: Rate) {
    this.#policy = policy
    this.#rate = rate
  }

  /** 0 when it may pass; else how many milliseconds it should wait. */
  take(name: string, nowMs: number): number {
    const { perSecond, burst } = this.#rate
    const bucket = this.#buckets.get(name) ?? { tokens: burst, at: nowMs }
    const gained = (Math.max(0, nowMs - bucket.at) / 1_000) * perSecond
    bucket.tokens = Math.min(burst, bucket.tokens + gained)
    bucket.at = nowMs
    // Seen last stands last, so that the first ones are those to forget.
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    if (this.#buckets.size > namesMax) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) / perSecond) * 1_000)
    bucket.tokens -= 1
    return 0
  }

  /** Header fields for somebody who just knocked. */
  tell(name: string): Readonly<Record<string, string>> {
    const { perSecond, burst } = this.#rate
    const left = this.#buckets.get(name)?.tokens ?? burst
    const seconds = (tokens: number) => Math.ceil(tokens / perSecond)
    return {
      'ratelimit-policy': `"${this.#policy}";q=${Math.floor(burst)};w=${seconds(burst)}`,
      ratelimit: `"${this.#policy}";r=${Math.floor(left)};t=${seconds(burst - left)}`,
    }
  }
}
