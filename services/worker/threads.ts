/**
 * The outside of the worker threads: a small pool for one version of one pipeline. A thread serves one
 * run at a time; idle ones go after a while. A step that outlives its time, or a run that does, costs the
 * thread its life and nothing else: there is no other way to stop code that does not return.
 */
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { startThread } from '@headway/streams/threads.ts'
import type { Execution, Progress } from './executor.ts'
import { LoadError } from './folder.ts'
import { describeLoadError } from './load-error.ts'
import type { Manifest } from './pipeline.ts'
import { quiet, supervise, type RunLimits, type ThreadOutcome } from './supervision.ts'
import type { ThreadAnswer } from './thread.ts'

const idleMs = 30_000
const loadMsMax = 30_000
const heapMbMax = 2_048

export type ThreadOptions = {
  /** How long a thread without a run is kept. */
  readonly idleMs?: number
  /** Memory for JavaScript values of one thread, in MB; a step that needs more fails. */
  readonly heapMbMax?: number
}

type Thread = { readonly worker: Worker; idle: NodeJS.Timeout | null }

export class Threads {
  readonly #path: string
  readonly #options: Required<ThreadOptions>
  #idle: Thread[] = []
  #manifest: Manifest | null = null

  constructor(path: string, options: ThreadOptions = {}) {
    this.#path = path
    this.#options = { idleMs, heapMbMax, ...options }
  }

  /** How many threads wait for work. */
  get idle(): number {
    return this.#idle.length
  }

  /** Loads the folder once and keeps the thread for the first run. */
  async manifest(signal?: AbortSignal): Promise<Manifest> {
    if (!this.#manifest) this.#rest(await this.#start(signal))
    return this.#manifest!
  }

  async run(
    run: string,
    execution: Execution,
    limits: RunLimits,
    tell: (progress: Progress) => void,
  ): Promise<ThreadOutcome> {
    const thread = this.#idle.pop() ?? (await this.#start(limits.signal))
    if (thread.idle) clearTimeout(thread.idle)
    quiet(thread.worker)
    const request = { run, execution }
    const { steps } = this.#manifest!
    const { isAlive, outcome } = await supervise(thread.worker, steps, request, limits, tell)
    if (isAlive) this.#rest(thread)
    else await thread.worker.terminate()
    return outcome
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.map((thread) => this.#retire(thread)))
  }

  #rest(thread: Thread): void {
    thread.idle = setTimeout(() => void this.#retire(thread), this.#options.idleMs)
    thread.idle.unref()
    // What a step left running behind its back may still end the thread.
    thread.worker.once('exit', () => void this.#retire(thread))
    this.#idle.push(thread)
  }

  async #retire(thread: Thread): Promise<void> {
    if (thread.idle) clearTimeout(thread.idle)
    this.#idle = this.#idle.filter((other) => other !== thread)
    quiet(thread.worker)
    await thread.worker.terminate()
  }

  async #start(signal?: AbortSignal): Promise<Thread> {
    const entry = new URL('./thread.ts', import.meta.url)
    const limits = { maxOldGenerationSizeMb: this.#options.heapMbMax }
    const modules = [join(this.#path, 'pipeline.ts')]
    const worker = startThread(entry, { path: this.#path }, limits, modules)
    try {
      const answer = await this.#firstAnswer(worker, signal)
      if (answer.type !== 'loaded')
        throw new LoadError(answer.type === 'unloadable' ? answer.message : 'unexpected answer')
      this.#manifest = answer.manifest
      quiet(worker)
      return { worker, idle: null }
    } catch (error) {
      quiet(worker)
      await worker.terminate()
      throw error
    }
  }

  #firstAnswer(worker: Worker, signal?: AbortSignal): Promise<ThreadAnswer> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        act()
      }
      const refuse = (error: Error) => settle(() => reject(error))
      const onAbort = () => refuse(new Error('the worker is stopping'))
      const timer = setTimeout(
        () => refuse(new LoadError(`did not load within ${loadMsMax} ms`)),
        loadMsMax,
      )
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
      worker.once('message', (message: ThreadAnswer) => settle(() => resolve(message)))
      worker.once('error', (error) => refuse(new LoadError(describeLoadError(error, this.#path))))
      worker.once('exit', () => refuse(new LoadError('ended its thread while it was loading')))
    })
  }
}
