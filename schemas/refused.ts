import type { NewCommit, Delivery } from './ports.ts'
import { toTimestamp } from './ids.ts'

const sampleBytesMax = 1_000
const textMax = 4_000

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

/** A command that nobody can read, as a fact: it is shown among the dead letters and blocks nobody. */
export const commandRefused = (
  queue: 'run' | 'due' | 'fetch' | 'drift',
  delivery: Pick<Delivery, 'tenant' | 'about' | 'problem' | 'sample' | 'deliveries' | 'at'>,
  source: string,
): NewCommit => {
  const { tenant, about, problem = 'unreadable', sample, deliveries, at } = delivery
  return {
    tenant,
    topic: { kind: queue === 'fetch' ? 'asset' : 'pipeline', name: about },
    id: `refused-${queue}-${about}-${at}`,
    events: [
      {
        type: 'CommandRefused',
        v: 1,
        at: toTimestamp(at),
        queue,
        about: about.slice(0, textMax),
        problem: problem.slice(0, textMax),
        deliveries,
        sample: base64(sample?.subarray(0, sampleBytesMax) ?? new Uint8Array()),
      },
    ],
    source,
  }
}
