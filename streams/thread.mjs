// The first module of a thread where Node does not read TypeScript itself: goes on with the thread's
// own module, bundled.
import { fileURLToPath, pathToFileURL } from 'node:url'
import { workerData } from 'node:worker_threads'
import { bundled } from './bundle.mjs'

await import(pathToFileURL(await bundled(fileURLToPath(workerData.entry))).href)
