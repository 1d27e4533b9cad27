/**
 * The inside of a worker thread: loads one version of one pipeline, tells its manifest, then executes
 * what it is told to, one run at a time. Steps live here and nowhere else, so whatever they do (compute
 * for a minute, block, use up memory, exit) the room outside keeps its leases and its word.
 */
import { parentPort, workerData } from 'node:worker_threads'
import {
  errorOf,
  execute,
  type Executed,
  type Execution,
  type Failure,
  type Output,
  type Progress,
} from './executor.ts'
import { describeLoadError } from './load-error.ts'
import { manifestOf, type Manifest, type Pipeline } from './pipeline.ts'
import { isBuiltin } from './steps/index.ts'

export type ThreadRequest = { readonly run: string; readonly execution: Execution }
export type ThreadAnswer =
  | { readonly type: 'loaded'; readonly manifest: Manifest }
  | { readonly type: 'unloadable'; readonly message: string }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'completed'; readonly outputs: readonly Output[] }
  | ({ readonly type: 'failed' } & Omit<Failure, 'outcome'>)

const port = parentPort!
const { path, modules } = workerData as { path: string; modules: readonly [string] }
const answer = (message: ThreadAnswer, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer)

const load = async (): Promise<Pipeline> => {
  const { pipeline } = (await import(modules[0])) as { pipeline?: Pipeline }
  if (!pipeline?.nodes)
    throw new Error('pipeline.ts must export what definePipeline makes: export const pipeline = …')
  return pipeline
}

/** Copies the bytes so that they travel alone and the author's code keeps its own. */
const tellExecuted = (executed: Executed): void => {
  if (executed.outcome === 'failed') {
    const { step, error } = executed
    return answer({ type: 'failed', step, error })
  }
  const buffers: ArrayBuffer[] = []
  const outputs = executed.outputs.map((output) => ({
    ...output,
    renditions: output.renditions.map((rendition) => {
      const bytes = Uint8Array.from(rendition.bytes)
      buffers.push(bytes.buffer)
      return { ...rendition, bytes }
    }),
  }))
  answer({ type: 'completed', outputs }, buffers)
}

const serve = (pipeline: Pipeline): void => {
  const ports = {
    now: () => performance.timeOrigin + performance.now(),
    tell: (progress: Progress) => answer({ type: 'progress', progress }),
  }
  port.on('message', ({ execution }: ThreadRequest) => {
    void execute(pipeline, execution, ports)
      .catch((error: unknown) => ({
        outcome: 'failed' as const,
        step: 'pipeline',
        error: errorOf(error),
      }))
      .then(tellExecuted)
  })
}

try {
  const pipeline = await load()
  const builtin = await Promise.all(pipeline.nodes.map(({ step }) => isBuiltin(step)))
  const builtins = new Set(pipeline.nodes.filter((_, i) => builtin[i]).map(({ step }) => step))
  serve(pipeline)
  answer({ type: 'loaded', manifest: manifestOf(pipeline, (step) => builtins.has(step)) })
} catch (error) {
  answer({ type: 'unloadable', message: describeLoadError(error, path) })
}
