/**
 * The inside of a worker thread: loads one version of one pipeline, tells its manifest, then executes
 * what it is told to, one run at a time. Steps live here and nowhere else, so whatever they do (compute
 * for a minute, block, use up memory, exit) the room outside keeps its leases and its word.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { errorOf, execute, type Execution, type Progress, type StepError } from './executor.ts'
import type { Output } from './executor.ts'
import { manifestOf, type Manifest, type Pipeline } from './pipeline.ts'
import { isBuiltin } from './steps/index.ts'

export type ThreadRequest = { readonly run: string; readonly execution: Execution }
export type ThreadAnswer =
  | { readonly type: 'loaded'; readonly manifest: Manifest }
  | { readonly type: 'unloadable'; readonly message: string }
  | { readonly type: 'progress'; readonly run: string; readonly progress: Progress }
  | { readonly type: 'completed'; readonly run: string; readonly outputs: readonly Output[] }
  | {
      readonly type: 'failed'
      readonly run: string
      readonly step: string
      readonly error: StepError
    }

const port = parentPort!
const answer = (message: ThreadAnswer, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer)

const load = async (): Promise<Pipeline> => {
  const { path } = workerData as { path: string }
  const module = (await import(pathToFileURL(join(path, 'pipeline.ts')).href)) as {
    pipeline?: Pipeline
  }
  if (!module.pipeline) throw new Error('pipeline.ts does not export `pipeline`')
  return module.pipeline
}

/** The buffers that can go to the other side instead of being copied. */
const transferable = (outputs: readonly Output[]): ArrayBuffer[] => {
  const buffers = new Set<ArrayBuffer>()
  for (const { renditions } of outputs)
    for (const { bytes } of renditions)
      if (bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength)
        buffers.add(bytes.buffer)
  return [...buffers]
}

try {
  const pipeline = await load()
  port.on('message', async ({ run, execution }: ThreadRequest) => {
    try {
      const executed = await execute(pipeline, execution, {
        signal: new AbortController().signal,
        now: () => performance.timeOrigin + performance.now(),
        tell: (progress) => answer({ type: 'progress', run, progress }),
      })
      if (executed.outcome === 'failed')
        answer({ type: 'failed', run, step: executed.step, error: executed.error })
      else {
        // A small buffer is a slice of Node's pool; its bytes are copied so that only they travel.
        const outputs = executed.outputs.map((output) => ({
          ...output,
          renditions: output.renditions.map((rendition) =>
            rendition.bytes.byteLength === rendition.bytes.buffer.byteLength
              ? rendition
              : { ...rendition, bytes: Uint8Array.from(rendition.bytes) },
          ),
        }))
        answer({ type: 'completed', run, outputs }, transferable(outputs))
      }
    } catch (error) {
      answer({ type: 'failed', run, step: 'pipeline', error: errorOf(error) })
    }
  })
  answer({ type: 'loaded', manifest: manifestOf(pipeline, isBuiltin) })
} catch (error) {
  answer({ type: 'unloadable', message: (error as Error).stack ?? String(error) })
}
