/**
 * What is measured of every contestant, alone on the machine:
 *
 *   latency   one run at a time, request to its end on disk
 *   loop      256 runs in flight, each completed one replaced by a new one; runs per second
 *   backlog   all runs asked for before a worker starts; runs per second from the start to the last one
 */
import { percentile } from '../figure.ts'
import { inFlight, type Peer } from './peer.ts'

export type Limits = {
  readonly warmup: number
  readonly rounds: number
  readonly warmupMs: number
  readonly loopMs: number
  readonly backlog: number
}
export type Measured = {
  /** All that were asked for, the warm-up included. */
  readonly runs: number
  readonly p50?: number
  readonly p99?: number
  readonly perSecond?: number
}
export type MeasureName = keyof typeof measures

const latency = async (peer: Peer, { warmup, rounds }: Limits): Promise<Measured> => {
  await peer.start()
  const submit = (n: number) => peer.submitToLog?.(n) ?? peer.submit(n)
  const samples: number[] = []
  for (let n = 0; n < warmup + rounds; n++) {
    const startedAt = performance.now()
    await submit(n)
    if (n >= warmup) samples.push(performance.now() - startedAt)
  }
  return {
    runs: warmup + rounds,
    p50: percentile(samples, 0.5),
    p99: percentile(samples, 0.99),
  }
}

const loop = async (peer: Peer, { warmupMs, loopMs }: Limits): Promise<Measured> => {
  await peer.start()
  const startedAt = performance.now()
  const from = startedAt + warmupMs
  const to = from + loopMs
  let runs = 0
  let counted = 0
  const one = async () => {
    while (performance.now() < to) {
      await peer.submit(runs++)
      const now = performance.now()
      if (now >= from && now < to) counted++
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return { runs, perSecond: (counted * 1_000) / loopMs }
}

const drained = async (peer: Peer, { backlog }: Limits): Promise<Measured> => {
  await peer.enqueue(backlog)
  const startedAt = performance.now()
  await peer.drain()
  return { runs: backlog, perSecond: (backlog * 1_000) / (performance.now() - startedAt) }
}

export const measures = { latency, loop, backlog: drained }
