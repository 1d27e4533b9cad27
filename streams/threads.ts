import { pathToFileURL } from 'node:url'
import { Worker, type ResourceLimits } from 'node:worker_threads'

/**
 * Starts a thread on a TypeScript module; it finds `data` in its `workerData`. What it loads later goes
 * into `modules`, as paths of TypeScript files, and is found in `workerData.modules` as what to import.
 */
export const startThread = (
  entry: URL,
  data: Readonly<Record<string, unknown>>,
  resourceLimits: ResourceLimits,
  modules: readonly string[] = [],
): Worker =>
  new Worker(new URL('./thread.mjs', import.meta.url), {
    workerData: {
      ...data,
      entry: entry.href,
      modules: modules.map((path) => pathToFileURL(path).href),
    },
    resourceLimits,
    execArgv: [],
  })
