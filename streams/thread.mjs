// The first module of a thread where Node does not read TypeScript itself: goes on with the thread's
// own module, bundled, and bundles what that one will load. Stacks name the lines of the sources.
import { fileURLToPath, pathToFileURL } from 'node:url'
import { workerData } from 'node:worker_threads'
import { bundled } from './bundle.mjs'

process.setSourceMapsEnabled(true)
const bundleUrl = async (url) => pathToFileURL(await bundled(fileURLToPath(url))).href
const entry = await bundleUrl(workerData.entry)
workerData.modules = await Promise.all(workerData.modules.map(bundleUrl))
await import(entry)
