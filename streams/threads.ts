import { Worker, type ResourceLimits } from 'node:worker_threads'

/** Node strips the types of TypeScript itself from 22.18; below, tsx does, and threads must be told. */
const readsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript)

/** Starts a thread on a TypeScript module; it finds `data` in its `workerData`. */
export const startThread = (
  entry: URL,
  data: Readonly<Record<string, unknown>>,
  resourceLimits: ResourceLimits,
): Worker =>
  new Worker(readsTypeScript ? entry : new URL('./thread.mjs', import.meta.url), {
    workerData: { ...data, entry: entry.href },
    resourceLimits,
    execArgv: [],
  })
