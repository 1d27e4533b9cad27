import { parentPort, workerData } from 'node:worker_threads'
import { Refusal, type ContentKindName } from '@headway/schemas/content/kind.ts'
import { contentKindOf } from '@headway/schemas/content/registry.ts'

/** One inspection in a thread of its own; answers what came of it and ends. */
const { kind, bytes } = workerData as { kind: ContentKindName; bytes: Uint8Array }
try {
  parentPort!.postMessage({ inspection: contentKindOf[kind].inspect(bytes) })
} catch (error) {
  const refusal = error instanceof Refusal ? { code: error.code, message: error.message } : null
  parentPort!.postMessage({ refusal, error: String(error) })
}
