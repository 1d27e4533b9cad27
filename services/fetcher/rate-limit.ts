/**
 * One budget for all assets that share a key, however many fetchers there are: `requests` per `perMs`,
 * at once or spread (the generic cell rate algorithm). The whole state is one moment, kept where every
 * fetcher sees it and moved by compare-and-set.
 *
 * An asset that comes too late for a place books the next one and keeps it until it comes back. Without
 * that, of two assets whose cadences fire together the same one would win for ever.
 */
import type { Live } from '@headway/schemas/ports.ts'

export type RateLimit = { readonly key: string; readonly requests: number; readonly perMs: number }
export type Place = {
  /** When the request may go. */
  readonly at: number
  /** The budget afterwards: the moment at which it is whole again. */
  readonly wholeAt: number
}

/** A booked place that nobody came for is forgotten after this. */
const keptMs = 60_000

/** The next place in a budget that is whole again at `wholeAt`. */
export const nextPlace = (limit: RateLimit, wholeAt: number, now: number): Place => {
  const next = Math.max(wholeAt, now) + limit.perMs / limit.requests
  return { at: Math.max(now, next - limit.perMs), wholeAt: next }
}

/** When this asset's request may go: now, or at the place that is kept for it. */
export const placeFor = async (
  live: Live,
  { tenant, asset, limit }: { tenant: string; asset: string; limit: RateLimit },
  now: number,
): Promise<number> => {
  const placeKey = `place/${tenant}/${asset}`
  const kept = await live.get(placeKey)
  const keptAt = Number(kept?.value ?? 0)
  if (keptAt > now) return keptAt
  if (keptAt > 0 && (await live.swap(placeKey, '0', kept!.revision, 1_000))) return now
  const budgetKey = `rate/${tenant}/${limit.key}`
  for (;;) {
    const current = await live.get(budgetKey)
    const { at, wholeAt } = nextPlace(limit, Number(current?.value ?? 0), now)
    const ttlMs = wholeAt - now + 1_000
    if (!(await live.swap(budgetKey, String(wholeAt), current?.revision ?? 0, ttlMs))) continue
    if (at > now) await live.put(placeKey, String(at), at - now + keptMs)
    return at
  }
}
