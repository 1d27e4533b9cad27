/**
 * Where a worker's code comes from and how it runs. The room knows versions and what they answer; that
 * they are folders, kept copies of them and threads is known here.
 */
import { watch } from 'node:fs'
import type { PipelineVersion } from '@headway/schemas/ids.ts'
import type { Clock } from '@headway/schemas/ports.ts'
import type { Execution, Progress } from './executor.ts'
import { describeFolder, findSnapshot, takeSnapshot, type Artifact } from './folder.ts'
import type { Manifest } from './pipeline.ts'
import type { RunLimits, ThreadOutcome } from './supervision.ts'
import { Threads } from './threads.ts'
import { Turns } from './turns.ts'

/** One version of one pipeline, ready to run. */
export type Runner = {
  /** Throws a `LoadError` with the author's own words when it does not load. */
  manifest(signal: AbortSignal): Promise<Manifest>
  run(
    run: string,
    execution: Execution,
    limits: RunLimits,
    tell: (progress: Progress) => void,
  ): Promise<ThreadOutcome>
  close(): Promise<void>
}

export type Code = {
  /** The version of a folder as it is now. */
  take(folder: string): Promise<{
    readonly version: PipelineVersion
    readonly artifacts: () => Promise<readonly Artifact[]>
    readonly open: () => Runner
  }>
  /** A version that was taken before; null when it is not here. */
  find(folder: string, version: PipelineVersion): Promise<Runner | null>
  /** Calls back after files changed; resolves with the signal. */
  watch(signal: AbortSignal, onChange: () => void): Promise<void>
}

export type CodeOptions = {
  /** The folder that holds the pipeline folders. */
  readonly root: string
  readonly clock: Clock
  /** Register a new version when a folder changes. */
  readonly watch?: boolean
  /** Runs executing at the same time. */
  readonly threadsMax?: number
}

const watchSettleMs = 200
const threadsMaxDefault = 8

export const openCode = ({ root, clock, ...options }: CodeOptions): Code => {
  const turns = new Turns(options.threadsMax ?? threadsMaxDefault)
  const pools = new Pools()
  const runnerOf = (path: string): Runner => {
    const threads = pools.take(path)
    let isClosed = false
    return {
      manifest: (signal) => threads.manifest(signal),
      run: async (run, execution, limits, tell) => {
        const signals = [limits.signal, limits.cancel]
        const outcome = await turns.take(limits.priority, signals, () =>
          threads.run(run, execution, limits, tell),
        )
        const error = { type: 'NotBegun', message: 'no turn came in time', terminal: false }
        return outcome ?? { outcome: 'failed', step: 'pipeline', error, recorded: [] }
      },
      close: async () => {
        if (isClosed) return
        isClosed = true
        await pools.leave(path)
      },
    }
  }
  return {
    take: async (folder) => {
      const { version, path } = await takeSnapshot(root, folder)
      const artifacts = async () => (await describeFolder(path)).artifacts
      return { version, artifacts, open: () => runnerOf(path) }
    },
    find: async (folder, version) => {
      const path = await findSnapshot(root, folder, version)
      return path === null ? null : runnerOf(path)
    },
    watch: async (signal, onChange) => {
      if (!options.watch) return
      let isChanged = false
      const watcher = watch(root, { recursive: true, persistent: false }, (_, file) => {
        isChanged ||= !file?.startsWith('.')
      })
      watcher.on('error', () => {})
      while (!signal.aborted) {
        await clock.sleep(watchSettleMs, signal)
        if (!isChanged) continue
        isChanged = false
        onChange()
      }
      watcher.close()
    },
  }
}

/** Pipelines with the same code share its threads. */
class Pools {
  readonly #pools = new Map<string, { readonly threads: Threads; users: number }>()

  take(path: string): Threads {
    const pool = this.#pools.get(path) ?? { threads: new Threads(path), users: 0 }
    this.#pools.set(path, pool)
    pool.users++
    return pool.threads
  }

  async leave(path: string): Promise<void> {
    const pool = this.#pools.get(path)
    if (!pool || --pool.users > 0) return
    this.#pools.delete(path)
    await pool.threads.close()
  }
}
