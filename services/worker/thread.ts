/**
 * The inside of a worker thread: loads one version of one pipeline, tells its manifest, then executes
 * what it is told to, one run at a time. Steps live here and nowhere else, so whatever they do (compute
 * for a minute, block, use up memory, exit) the room outside keeps its leases and its word.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { errorOf, execute, type Executed, type Execution, type Progress } from './executor.ts'
import { LedgerLine, type LedgerAnswer, type LedgerQuestion } from './ledger-calls.ts'
import { describeLoadError } from './load-error.ts'
import { manifestOf, type Manifest, type Pipeline } from './pipeline.ts'
import { isBuiltin } from './steps/index.ts'

export type ThreadRequest =
  | { readonly type: 'run'; readonly run: string; readonly execution: Execution }
  | { readonly type: 'cancel' }
  | LedgerAnswer
export type ThreadAnswer =
  | { readonly type: 'loaded'; readonly manifest: Manifest }
  | { readonly type: 'unloadable'; readonly message: string }
  | { readonly type: 'progress'; readonly progress: readonly Progress[] }
  | LedgerQuestion
  | {
      readonly type: 'ended'
      readonly progress: readonly Progress[]
      readonly executed: Executed
    }

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

/** Outputs with their bytes copied, so that they travel alone and the author's code keeps its own. */
const portable = (executed: Executed, buffers: ArrayBuffer[]): Executed => {
  const copyOf = <T extends { readonly bytes: Uint8Array }>(one: T): T => {
    const bytes = Uint8Array.from(one.bytes)
    buffers.push(bytes.buffer)
    return { ...one, bytes }
  }
  if (executed.outcome !== 'completed')
    return { ...executed, recorded: executed.recorded.map(copyOf) }
  const outputs = executed.outputs.map((output) => ({
    ...output,
    renditions: output.renditions.map(copyOf),
  }))
  return { ...executed, outputs }
}

/**
 * What steps say goes out in batches: before a step goes on, because it may not return, and whenever the
 * loop comes round.
 */
const urgent: ReadonlySet<Progress['type']> = new Set(['started', 'logged', 'found'])

class Telling {
  #told: Progress[] = []
  #isDue = false

  tell(progress: Progress): void {
    this.#told.push(progress)
    if (urgent.has(progress.type)) return this.flush()
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#told.length > 0) answer({ type: 'progress', progress: this.take() })
  }

  take(): readonly Progress[] {
    const told = this.#told
    this.#told = []
    return told
  }
}

const serve = (pipeline: Pipeline): void => {
  let cancel = new AbortController()
  const line = new LedgerLine((question) => answer(question))
  const run = async (execution: Execution) => {
    cancel = new AbortController()
    const telling = new Telling()
    const ports = {
      now: () => performance.timeOrigin + performance.now(),
      tell: (progress: Progress) => telling.tell(progress),
      cancel: cancel.signal,
      ledger: line.ledger,
    }
    const executed = await execute(pipeline, execution, ports).catch((error: unknown) => ({
      outcome: 'failed' as const,
      step: 'pipeline',
      error: errorOf(error),
      recorded: [],
    }))
    const buffers: ArrayBuffer[] = []
    answer(
      { type: 'ended', progress: telling.take(), executed: portable(executed, buffers) },
      buffers,
    )
  }
  port.on('message', (request: ThreadRequest) => {
    if (request.type === 'run') void run(request.execution)
    else if (request.type === 'answered') line.hear(request)
    else cancel.abort()
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
