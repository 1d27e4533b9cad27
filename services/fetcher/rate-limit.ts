/**
 * One budget for all assets that share a key, however many fetchers there are: `requests` per `perMs`,
 * spread evenly (the generic cell rate algorithm). The whole state is one moment, kept where every
 * fetcher sees it and moved by compare-and-set.
 */
import type { Live } from '@headway/schemas/ports.ts'

export type RateLimit = { readonly key: string; readonly requests: number; readonly perMs: number }

/** When the budget is next free, given that `now` takes one; null when `now` must wait. */
export const take = (limit: RateLimit, freeAt: number, now: number): number | null => {
  const costMs = limit.perMs / limit.requests
  const next = Math.max(freeAt, now) + costMs
  return next - now > limit.perMs ? null : next
}

/** True when this request may go now. */
export const allowed = async (
  live: Live,
  tenant: string,
  limit: RateLimit,
  now: number,
): Promise<boolean> => {
  const key = `rate/${tenant}/${limit.key}`
  for (;;) {
    const current = await live.get(key)
    const next = take(limit, current ? Number(current.value) : 0, now)
    if (next === null) return false
    const kept = await live.swap(key, String(next), current?.revision ?? 0, limit.perMs * 2)
    if (kept) return true
  }
}
