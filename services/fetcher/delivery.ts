/** What every taker of commands does with them: keep the lease, and show what cannot be read. */
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Delivery, Topic } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'

const leaseRenewMs = 1_300
const sampleBytesMax = 1_000

export const renewLease = async (
  { clock }: Pick<Doors, 'clock'>,
  delivery: Pick<Delivery, 'working'>,
  settled: AbortSignal,
): Promise<void> => {
  while (!settled.aborted) {
    await clock.sleep(leaseRenewMs, settled)
    if (!settled.aborted) delivery.working()
  }
}

/** What cannot be read is shown and blocks nobody. */
export const refuse = async (
  { log, clock }: Pick<Doors, 'log' | 'clock'>,
  queue: 'fetch' | 'resolve',
  kind: Topic['kind'],
  delivery: Delivery,
): Promise<void> => {
  const { tenant, about, problem = 'unreadable', deliveries, sample } = delivery
  const bytes = Buffer.from(sample?.subarray(0, sampleBytesMax) ?? [])
  await log.append({
    tenant,
    topic: { kind, name: about },
    id: `refused-${queue}-${about}-${delivery.at}`,
    events: [
      {
        type: 'CommandRefused',
        v: 1,
        at: toTimestamp(clock.now()),
        queue,
        about,
        problem: problem.slice(0, 4_000),
        deliveries,
        sample: bytes.toString('base64'),
      },
    ],
    source: 'fetcher',
  })
  delivery.refuse(problem)
}
