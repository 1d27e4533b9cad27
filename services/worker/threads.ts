/**
 * The outside of the worker threads: a small pool for one version of one pipeline. A thread serves one
 * run at a time; idle ones go after a while. A step that outlives its time, or a run that does, costs the
 * thread its life and nothing else: there is no other way to stop code that does not return.
 */
import type { Worker } from 'node:worker_threads'
import { startThread } from '@headway/streams/threads.ts'
import type { Execution, Progress, StepError, Output } from './executor.ts'
import type { Manifest } from './pipeline.ts'
import type { ThreadAnswer } from './thread.ts'

const idleMs = 30_000
const loadMsMax = 30_000
const heapMbMax = 2_048

export type ThreadOutcome =
  | { readonly outcome: 'completed'; readonly outputs: readonly Output[] }
  | { readonly outcome: 'failed'; readonly step: string; readonly error: StepError }

export type RunLimits = {
  readonly stepTimeoutMs: number
  readonly runTimeoutMs: number
  readonly signal: AbortSignal
}

/** A pipeline folder that cannot be loaded: the author's own words, where it went wrong. */
export class LoadError extends Error {
  override readonly name = 'LoadError'
}

type Thread = { readonly worker: Worker; idle: NodeJS.Timeout | null }

/** Takes our listeners off. By name: the thread keeps listeners of its own among them. */
const quiet = (worker: Worker): void => {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event)
  worker.on('error', () => {})
}

export class Threads {
  readonly #path: string
  #idle: Thread[] = []
  #manifest: Manifest | null = null

  constructor(path: string) {
    this.#path = path
  }

  /** Loads the folder once and keeps the thread for the first run. */
  async manifest(): Promise<Manifest> {
    if (!this.#manifest) this.#rest(await this.#start())
    return this.#manifest!
  }

  async run(
    run: string,
    execution: Execution,
    limits: RunLimits,
    tell: (progress: Progress) => void,
  ): Promise<ThreadOutcome> {
    const thread = this.#idle.pop() ?? (await this.#start())
    if (thread.idle) clearTimeout(thread.idle)
    const outcome = await this.#supervise(thread, run, execution, limits, tell)
    if (outcome.alive) this.#rest(thread)
    else await thread.worker.terminate()
    return outcome.result
  }

  async close(): Promise<void> {
    const threads = this.#idle
    this.#idle = []
    for (const { idle } of threads) if (idle) clearTimeout(idle)
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  #rest(thread: Thread): void {
    thread.idle = setTimeout(() => {
      this.#idle = this.#idle.filter((other) => other !== thread)
      void thread.worker.terminate()
    }, idleMs)
    thread.idle.unref()
    this.#idle.push(thread)
  }

  async #start(): Promise<Thread> {
    const entry = new URL('./thread.ts', import.meta.url)
    const worker = startThread(entry, { path: this.#path }, { maxOldGenerationSizeMb: heapMbMax })
    const answer = await new Promise<ThreadAnswer>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new LoadError(`${this.#path} did not load within ${loadMsMax} ms`))
      }, loadMsMax)
      worker.once('message', (message: ThreadAnswer) => {
        clearTimeout(timer)
        resolve(message)
      })
      worker.once('error', reject)
      worker.once('exit', () => reject(new LoadError(`${this.#path} ended while it was loading`)))
    }).catch(async (error: unknown) => {
      await worker.terminate()
      throw error
    })
    quiet(worker)
    if (answer.type !== 'loaded') {
      await worker.terminate()
      throw new LoadError(answer.type === 'unloadable' ? answer.message : 'unexpected answer')
    }
    this.#manifest = answer.manifest
    return { worker, idle: null }
  }

  #supervise(
    { worker }: Thread,
    run: string,
    execution: Execution,
    limits: RunLimits,
    tell: (progress: Progress) => void,
  ): Promise<{ alive: boolean; result: ThreadOutcome }> {
    return new Promise((resolve) => {
      const timers = new Map<string, NodeJS.Timeout>()
      let lastStep = 'pipeline'
      const end = (alive: boolean, result: ThreadOutcome) => {
        for (const timer of timers.values()) clearTimeout(timer)
        limits.signal.removeEventListener('abort', onAbort)
        quiet(worker)
        resolve({ alive, result })
      }
      const dead = (type: string, message: string, step = lastStep) =>
        end(false, { outcome: 'failed', step, error: { type, message, terminal: false } })
      const onAbort = () => dead('Cancelled', 'the worker is stopping')
      const limit = (step: string, ms: number, what: string) =>
        timers.set(
          step,
          setTimeout(() => dead('Timeout', `${what} took longer than ${ms} ms`, step), ms),
        )
      const onProgress = (progress: Progress) => {
        if (progress.type === 'started') {
          lastStep = progress.step
          limit(progress.step, progress.timeoutMs ?? limits.stepTimeoutMs, `step ${progress.step}`)
        } else if (progress.type !== 'skipped') {
          clearTimeout(timers.get(progress.report.step))
          timers.delete(progress.report.step)
        }
        tell(progress)
      }
      limit('', limits.runTimeoutMs, 'the run')
      limits.signal.addEventListener('abort', onAbort, { once: true })
      worker.on('message', (message: ThreadAnswer) => {
        if (message.type === 'progress') onProgress(message.progress)
        else if (message.type === 'completed')
          end(true, { outcome: 'completed', outputs: message.outputs })
        else if (message.type === 'failed')
          end(true, { outcome: 'failed', step: message.step, error: message.error })
      })
      worker.once('error', (error: Error) => dead('ThreadError', error.message))
      worker.once('exit', (code) => dead('ThreadExit', `the step ended its thread (code ${code})`))
      worker.postMessage({ run, execution })
    })
  }
}
