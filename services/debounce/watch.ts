/**
 * Workers' presence. Heartbeats are volatile; only their end is a fact, and after a while that the
 * worker is gone. Two looks in a row must miss one.
 */
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { WorkerState } from './board.ts'

/** A worker that was lost for this long will not come back. */
const goneMs = 60_000

type Watched = ReadonlyMap<string, WorkerState & { readonly tenant: string }>

export const watchWorkers = async (
  { live, log, clock }: Pick<Doors, 'live' | 'log' | 'clock'>,
  workers: Watched,
  missing: Map<string, number>,
): Promise<void> => {
  if (workers.size === 0) return
  const present = new Set(await live.keys('worker'))
  for (const [key, { joined, lostAt, topicSeq, tenant }] of workers) {
    const { worker } = joined
    const isPresent = present.has(`worker/${worker}`)
    const misses = isPresent ? 0 : (missing.get(key) ?? 0) + 1
    missing.set(key, misses)
    const now = clock.now()
    const isGone = !isPresent && lostAt !== null && now - lostAt >= goneMs
    const isNews = isPresent ? lostAt !== null : isGone || (lostAt === null && misses >= 2)
    if (!isNews) continue
    const head = { v: 1 as const, at: toTimestamp(now), worker, pool: joined.pool }
    const what = isPresent ? 'back' : isGone ? 'gone' : 'lost'
    await log.append({
      tenant,
      topic: { kind: 'worker', name: joined.pool },
      id: `worker-${worker}-${what}-${topicSeq}`,
      events: [
        isPresent
          ? { ...joined, at: head.at }
          : isGone
            ? { type: 'WorkerLeft', ...head, reason: 'not heard of for a minute' }
            : { type: 'WorkerLost', ...head },
      ],
      source: 'debounce',
    })
  }
}
