import { fileURLToPath } from 'node:url'
import { startChild, type RunningChild } from './child.ts'

export type WorkerPoolOptions = {
  readonly pool: string
  readonly natsUrl: string
  /** For sinks that are tables of the same server. */
  readonly pgUrl: string
  /** The folder of pipeline folders. */
  readonly pipelines: string
  readonly onLine: (line: string) => void
}

/** One worker process for a pool, watching its folders for new code. */
export const startWorkerPool = (options: WorkerPoolOptions): Promise<RunningChild> =>
  startChild({
    name: `worker pool ${options.pool}`,
    command: process.execPath,
    args: [fileURLToPath(new URL('./headway.mjs', import.meta.url)), 'worker'],
    env: {
      ...process.env,
      HEADWAY_NATS_URL: options.natsUrl,
      HEADWAY_PG_URL: options.pgUrl,
      HEADWAY_POOL: options.pool,
      HEADWAY_PIPELINES: options.pipelines,
      HEADWAY_WATCH: '1',
    },
    onLine: options.onLine,
  })
