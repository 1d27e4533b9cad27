/**
 * The first module of a thread. Node strips the types of TypeScript itself from 22.18 and, with the
 * compile cache, not twice (half the memory and time on 24); below, the thread's own module and what it
 * will load are bundled, and stacks name the lines of the sources.
 */
import module from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { workerData } from 'node:worker_threads'

if (process.features.typescript) {
  module.enableCompileCache?.()
  await import(workerData.entry)
} else {
  process.setSourceMapsEnabled(true)
  const { bundled } = await import('./bundle.mjs')
  const bundleUrl = async (url) => pathToFileURL(await bundled(fileURLToPath(url))).href
  const entry = await bundleUrl(workerData.entry)
  workerData.modules = await Promise.all(workerData.modules.map(bundleUrl))
  await import(entry)
}
