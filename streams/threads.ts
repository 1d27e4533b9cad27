import { pathToFileURL } from 'node:url'
import { Worker, type ResourceLimits } from 'node:worker_threads'

/**
 * For new objects. Node grants 16 MB beyond a thread's limit to end it in; where young objects have more
 * room than that (Node 24), they move up all at once, and V8 ends the whole process instead.
 */
const youngMbMax = 32

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
    resourceLimits: { maxYoungGenerationSizeMb: youngMbMax, ...resourceLimits },
    execArgv: [],
  })
