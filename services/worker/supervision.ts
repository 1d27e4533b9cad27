/**
 * One run in one thread, watched from outside. The thread tells what its steps do; here is the watch that
 * ends it when a step or the run takes too long, and what a thread that ended on its own leaves behind:
 * every step that was under way failed, with what it had said so far, and the others were not reached.
 */
import type { Worker } from 'node:worker_threads'
import type { Executed, Execution, Progress } from './executor.ts'
import type { LedgerAnswers, LedgerQuestion } from './ledger-calls.ts'
import type { Manifest } from './pipeline.ts'
import { Report } from './report.ts'
import type { ThreadAnswer } from './thread.ts'

export type RunLimits = {
  readonly stepTimeoutMs: number
  readonly runTimeoutMs: number
  /** Fires when the run must be given back. */
  readonly signal: AbortSignal
  /** Fires when somebody wants the run to end: it is asked to, and made to after a while. */
  readonly cancel: AbortSignal
  /** Of those that wait for a thread the highest goes first. */
  readonly priority: number
  /** Answers what steps ask about sinks. */
  readonly ledger?: LedgerAnswers
}
export type ThreadOutcome = Executed
export type Supervised = { readonly isAlive: boolean; readonly outcome: ThreadOutcome }

type Watched = { readonly report: Report; readonly timer: NodeJS.Timeout }
type Tell = (progress: Progress) => void

/** How long the steps of a cancelled run may go on. */
const cancelGraceMs = 5_000

const now = (): number => performance.timeOrigin + performance.now()

/** Takes our listeners off. By name: the thread keeps listeners of its own among them. */
export const quiet = (worker: Worker): void => {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event)
  worker.on('error', () => {})
}

const answerTo = async (
  worker: Worker,
  { id, call }: LedgerQuestion,
  ledger: LedgerAnswers | undefined,
): Promise<void> => {
  const told = (result: object) => worker.postMessage({ type: 'answered', id, ...result })
  try {
    if (!ledger) throw new Error('there is no ledger here')
    told({ answer: await ledger(call) })
  } catch (error) {
    told({ problem: error instanceof Error ? error.message : String(error) })
  }
}

export const supervise = (
  worker: Worker,
  steps: Manifest['steps'],
  { run, execution }: { readonly run: string; readonly execution: Execution },
  limits: RunLimits,
  tell: Tell,
): Promise<Supervised> =>
  new Promise((resolve) => {
    const watch = new Watch(limits, steps, tell, (supervised) => {
      limits.signal.removeEventListener('abort', onAbort)
      limits.cancel.removeEventListener('abort', onCancel)
      quiet(worker)
      resolve(supervised)
    })
    const onAbort = () => watch.giveBack()
    const onCancel = () => {
      worker.postMessage({ type: 'cancel' })
      watch.endSoon()
    }
    limits.signal.addEventListener('abort', onAbort, { once: true })
    if (limits.signal.aborted) return onAbort()
    limits.cancel.addEventListener('abort', onCancel, { once: true })
    worker.on('message', (answer: ThreadAnswer) => {
      if (answer.type === 'asked') void answerTo(worker, answer, limits.ledger)
      else watch.hear(answer)
    })
    // What the thread still said may come after its error, and always comes before its exit.
    let lost: (Error & { code?: string }) | null = null
    worker.once('error', (error: Error) => (lost = error))
    worker.once('exit', (code) => {
      if (!lost) return watch.dead('ThreadExit', `ended its thread (exit code ${code})`)
      const isMemory = lost.code === 'ERR_WORKER_OUT_OF_MEMORY'
      watch.dead(isMemory ? 'OutOfMemory' : 'ThreadError', lost.message)
    })
    worker.postMessage({ type: 'run', run, execution })
    if (limits.cancel.aborted) onCancel()
  })

class Watch {
  readonly #limits: RunLimits
  readonly #steps: Manifest['steps']
  readonly #tell: Tell
  readonly #end: (supervised: Supervised) => void
  readonly #running = new Map<string, Watched>()
  readonly #told = new Set<string>()
  #timer: NodeJS.Timeout

  constructor(
    limits: RunLimits,
    steps: Manifest['steps'],
    tell: Tell,
    end: (supervised: Supervised) => void,
  ) {
    this.#limits = limits
    this.#steps = steps
    this.#tell = tell
    this.#end = end
    const { runTimeoutMs } = limits
    this.#timer = setTimeout(
      () => this.dead('Timeout', `the run took longer than ${runTimeoutMs} ms`),
      runTimeoutMs,
    )
  }

  hear(answer: ThreadAnswer): void {
    if (answer.type !== 'progress' && answer.type !== 'ended') return
    for (const progress of answer.progress) this.#follow(progress)
    if (answer.type === 'ended') this.#finish(true, answer.executed)
  }

  /** The run was asked to end and has a little time for it. */
  endSoon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => this.dead('Cancelled', `did not end within ${cancelGraceMs} ms`),
      cancelGraceMs,
    )
  }

  /** The thread is lost, through `step` or through the one that started last. */
  dead(type: string, message: string, step = [...this.#running.keys()].at(-1)): void {
    const error = { type, message, terminal: false }
    const also = {
      type: 'Interrupted',
      message: `ended with the thread of ${step}`,
      terminal: false,
    }
    for (const [name, { report }] of this.#running)
      this.#tell({
        type: 'failed',
        report: report.end(now(), 0),
        error: name === step ? error : also,
      })
    for (const [index, { id }] of this.#steps.entries())
      if (!this.#told.has(id))
        this.#tell({ type: 'skipped', step: id, index, reason: 'not_reached' })
    this.#finish(false, { outcome: 'failed', step: step ?? 'pipeline', error, recorded: [] })
  }

  giveBack(): void {
    const error = { type: 'GivenBack', message: 'the worker is stopping', terminal: false }
    this.#finish(false, { outcome: 'failed', step: 'pipeline', error, recorded: [] })
  }

  #finish(isAlive: boolean, outcome: ThreadOutcome): void {
    clearTimeout(this.#timer)
    for (const { timer } of this.#running.values()) clearTimeout(timer)
    this.#running.clear()
    this.#end({ isAlive, outcome })
  }

  #follow(progress: Progress): void {
    if (progress.type === 'started') this.#start(progress)
    else if (progress.type === 'logged')
      this.#running.get(progress.step)?.report.log(progress.message)
    else if (progress.type === 'found')
      this.#running.get(progress.step)?.report.finding(progress.finding)
    else if (progress.type === 'succeeded' || progress.type === 'failed')
      this.#stopped(progress.report.step)
    else if (progress.type === 'suspended') this.#stopped(progress.step)
    else if (progress.type === 'skipped') this.#told.add(progress.step)
    this.#tell(progress)
  }

  #stopped(step: string): void {
    clearTimeout(this.#running.get(step)?.timer)
    this.#running.delete(step)
  }

  #start(started: Extract<Progress, { type: 'started' }>): void {
    const { step, index, startedAt, rowsIn } = started
    const ms = started.timeoutMs ?? this.#limits.stepTimeoutMs
    const onTimeout = () => this.dead('Timeout', `took longer than ${ms} ms`, step)
    this.#told.add(step)
    this.#running.set(step, {
      report: new Report({ step, index, startedAt, rowsIn }),
      timer: setTimeout(onTimeout, ms),
    })
  }
}
