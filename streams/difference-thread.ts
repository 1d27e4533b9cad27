import { parentPort, workerData } from 'node:worker_threads'
import type { ContentKindName } from '@headway/schemas/content/kind.ts'
import { difference } from '@headway/schemas/content/difference.ts'

/** One comparison in a thread of its own; answers what came of it and ends. */
type Given = { kind: ContentKindName; before: Uint8Array; after: Uint8Array }
const { kind, before, after } = workerData as Given
parentPort!.postMessage(difference(kind, before, after))
