/**
 * A contestant: a system that does the job "a run of four steps one after the other, each result durable
 * before the next begins" with its own best recipe. The steps do nothing. Whoever asks and whoever works
 * share one process, so a run is known to be completed as soon as the system itself has answered so.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * What a power cut may take: `second` at most the last second, `nothing` nothing that was answered.
 */
export const durabilities = ['second', 'nothing'] as const
export type Durability = (typeof durabilities)[number]

export const steps = 4
/** Runs in flight in the closed loop; every contestant's own limits are set for it. */
export const inFlight = 256

export type Tally = { readonly runs: number; readonly steps: number }

export type Peer = {
  /** Program → version, servers included. */
  readonly versions: Readonly<Record<string, string>>
  /** Starts the workers; `submit` may be called from then on. */
  start(): Promise<void>
  /** Resolves when run `n` is completed. */
  submit(n: number): Promise<void>
  /** Resolves when its end is on disk, for whom that is earlier; else `submit` is measured. */
  submitToLog?(n: number): Promise<void>
  /** Asks for so many runs while no worker is started. */
  enqueue(count: number): Promise<void>
  /** Starts the workers and resolves when every run that was enqueued is completed. */
  drain(): Promise<void>
  /** Steps that were executed, as the steps themselves count. */
  executed(): number | Promise<number>
  /** Completed runs and recorded steps that can be asked for afterwards; null when none are kept. */
  history(): Promise<Tally | null>
  close(): Promise<void>
}

export type OpenPeer = (options: {
  readonly durability: Durability
  /** An empty folder of its own for data. */
  readonly directory: string
}) => Promise<Peer>

const folder = process.env.HEADWAY_PEERS ?? ''
/** A package of the cache folder, which this repository does not depend on. */
export const load = <T>(name: string): T => createRequire(join(folder, 'package.json'))(name) as T
export const versionOf = (name: string): string =>
  load<{ version: string }>(join(folder, 'node_modules', name, 'package.json')).version
export const pathOf = (path: string): string => join(folder, 'node_modules', path)

/** Who waits for which run, and how many were completed. */
export class Completions {
  count = 0
  readonly #waiting = new Map<number, () => void>()
  #target = Infinity
  #reached = (): void => {}

  of(n: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(n, resolve))
  }

  complete(n: number): void {
    this.count++
    this.#waiting.get(n)?.()
    this.#waiting.delete(n)
    if (this.count >= this.#target) this.#reached()
  }

  /** Resolves when so many runs are completed in all. */
  reach(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#target = count
      this.#reached = resolve
      if (this.count >= count) resolve()
    })
  }
}

/**
 * Writes what is asked for while the write before is under way together: what a busy server does with
 * its requests. The first one never waits.
 */
export const batched = <T>(
  write: (items: readonly T[]) => Promise<unknown>,
  writersMax = 1,
): ((item: T) => Promise<void>) => {
  type Asked = { readonly item: T; resolve: () => void; reject: (error: unknown) => void }
  let asked: Asked[] = []
  let writers = 0
  const next = async () => {
    writers++
    await Promise.resolve()
    while (asked.length > 0) {
      const batch = asked
      asked = []
      try {
        await write(batch.map(({ item }) => item))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    writers--
  }
  return (item) =>
    new Promise((resolve, reject) => {
      asked.push({ item, resolve, reject })
      if (writers < writersMax) void next()
    })
}

/** Calls `ask` for 0 to `count` - 1 in groups of `size`, one after the other. */
export const inGroups = async (
  count: number,
  size: number,
  ask: (group: readonly number[]) => Promise<unknown>,
): Promise<void> => {
  for (let from = 0; from < count; from += size)
    await ask(Array.from({ length: Math.min(size, count - from) }, (_, i) => from + i))
}
