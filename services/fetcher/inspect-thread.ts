import { parentPort, workerData } from 'node:worker_threads'
import type { ContentKindName } from '@headway/schemas/content/kind.ts'
import { inspectInline } from './inspect-inline.ts'

/** One inspection in a thread of its own; answers what came of it and ends. */
const { kind, bytes } = workerData as { kind: ContentKindName; bytes: Uint8Array }
parentPort!.postMessage(inspectInline(kind, bytes))
