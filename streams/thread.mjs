// The first module of a thread where Node does not read TypeScript itself: makes it so, then goes on
// with the thread's own module.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.entry)
