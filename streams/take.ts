/**
 * What every taker of commands does: what cannot be read becomes a fact, shown among the dead letters,
 * and blocks nobody; and a lease is kept for as long as somebody works.
 */
import type { Command, CommandType } from '@headway/schemas/commands.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Delivery, NewCommit, Queue, Topic } from '@headway/schemas/ports.ts'
import type { Doors } from './room.ts'

const leaseRenewMs = 1_300
const sampleBytesMax = 1_000
const textMax = 4_000
const over = 'a reason spares making an error'

const kinds: Readonly<Record<Queue['kind'], Topic['kind']>> = {
  fetch: 'asset',
  resolve: 'source',
  due: 'pipeline',
  run: 'pipeline',
  drift: 'pipeline',
}

type Taking = {
  readonly concurrency: number
  readonly signal: AbortSignal
  /** Who says that a command cannot be read. */
  readonly source: string
  /** For work that may take longer than a lease. */
  readonly renewsLease?: boolean
}

/** Hands each command to `handle`, which settles its delivery; resolves like `Control.consume`. */
export const takeCommands = <T extends CommandType>(
  { control, log, clock }: Pick<Doors, 'control' | 'log' | 'clock'>,
  queue: Queue,
  { concurrency, signal, source, renewsLease = false }: Taking,
  handle: (command: Extract<Command, { type: T }>, delivery: Delivery) => Promise<void>,
): Promise<void> =>
  control.consume<T>(queue, { concurrency, signal }, async (delivery) => {
    const { command } = delivery
    if (!command) {
      await log.append(refusal(queue.kind, delivery, source))
      return delivery.refuse(delivery.problem ?? 'unreadable')
    }
    const settled = new AbortController()
    if (renewsLease) void keepLease(clock, delivery, settled.signal)
    try {
      await handle(command, delivery)
    } finally {
      settled.abort(over)
    }
  })

const keepLease = async (
  clock: Doors['clock'],
  delivery: Delivery,
  settled: AbortSignal,
): Promise<void> => {
  while (!settled.aborted) {
    await clock.sleep(leaseRenewMs, settled)
    if (!settled.aborted) delivery.working()
  }
}

const refusal = (queue: Queue['kind'], delivery: Delivery, source: string): NewCommit => {
  const { tenant, about, problem = 'unreadable', sample, deliveries, at } = delivery
  return {
    tenant,
    topic: { kind: kinds[queue], name: about },
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
        sample: Buffer.from(sample?.subarray(0, sampleBytesMax) ?? []).toString('base64'),
      },
    ],
    source,
  }
}
