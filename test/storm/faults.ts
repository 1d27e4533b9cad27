/**
 * What befalls the constellation, chosen by a seed: the same seed makes the same choices in the same
 * order, though not at the same moments of everybody's work.
 */
import type { Constellation } from '../constellation.ts'
import { Random } from './random.ts'

export const faultNames = ['kill', 'stop', 'disconnect', 'disk-full', 'postgres-restart'] as const
export type FaultName = (typeof faultNames)[number]

export type FaultOptions = {
  readonly seed: number
  readonly killsPerSecond: number
  readonly faults: readonly FaultName[]
  readonly signal: AbortSignal
  /** Faults so far, by name. */
  readonly counts: Map<FaultName, number>
  readonly onFault?: (what: string) => void
}

/** Longer than a lease of 4 s: whoever stands still that long was given up and comes back as a zombie. */
const stopMs = { min: 4_500, max: 8_000 }
const awayMs = { min: 200, max: 4_000 }
const fullMs = { min: 2_000, max: 4_000 }
/** From one fault of a kind to the next; kills have a rate of their own. */
const everyMs = {
  stop: { min: 3_000, max: 7_000 },
  disconnect: { min: 2_000, max: 5_000 },
  'disk-full': { min: 25_000, max: 35_000 },
  'postgres-restart': { min: 10_000, max: 20_000 },
}

/** Resolves after the time or with the signal. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })

/** Resolves when the signal fired and everything that was taken away was given back. */
export const rage = async (constellation: Constellation, options: FaultOptions): Promise<void> => {
  const { seed, signal, counts, onFault = () => {} } = options
  const note = (fault: FaultName, what: string) => {
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
    onFault(`${fault} ${what}`)
  }
  const { names, wires, disk } = constellation
  const random = Object.fromEntries(
    faultNames.map((name) => [name, new Random(seed, name)]),
  ) as Readonly<Record<FaultName, Random>>
  const between = (fault: FaultName, { min, max }: { min: number; max: number }) =>
    random[fault].between(min, max)

  const kill = () => {
    const down = new Set(constellation.down())
    const up = names.filter((name) => !down.has(name))
    const name = random.kill.pick(up)
    if (name !== null && constellation.kill(name)) note('kill', name)
  }
  const stop = async () => {
    const name = random.stop.pick(names)!
    const forMs = between('stop', stopMs)
    const thaw = constellation.freeze(name)
    if (!thaw) return
    note('stop', `${name} for ${Math.round(forMs)} ms`)
    await pause(forMs, signal)
    thaw()
  }
  const disconnect = async () => {
    const name = random.disconnect.pick([...wires.keys()])!
    const how = random.disconnect.pick(['cut', 'hold'] as const)!
    const forMs = between('disconnect', awayMs)
    const giveBack = wires.get(name)![how]()
    note('disconnect', `${name}: ${how} for ${Math.round(forMs)} ms`)
    await pause(forMs, signal)
    giveBack()
  }
  const fill = async () => {
    try {
      await disk.fill()
      note('disk-full', disk.isReal ? 'no space left on device' : 'limits reached')
      await pause(between('disk-full', fullMs), signal)
    } finally {
      await disk.free()
      if (disk.isReal) constellation.restart('nats')
    }
  }
  const restart = () => {
    if (constellation.restart('postgres')) note('postgres-restart', '')
  }
  const again = async (fault: keyof typeof everyMs, strike: () => Promise<void> | void) => {
    while (!signal.aborted) {
      await pause(between(fault, everyMs[fault]), signal)
      if (!signal.aborted) await strike()
    }
  }
  const strikes = { stop, disconnect, 'disk-full': fill, 'postgres-restart': restart }
  const kills = async () => {
    const startedAt = performance.now()
    for (let n = 1; !signal.aborted; n++) {
      const at = startedAt + (n * 1_000) / options.killsPerSecond
      await pause(Math.max(0, at - performance.now()), signal)
      if (!signal.aborted) kill()
    }
  }
  await Promise.all([
    pause(2 ** 31 - 1, signal),
    ...options.faults.map((fault) => (fault === 'kill' ? kills() : again(fault, strikes[fault]))),
  ])
}
