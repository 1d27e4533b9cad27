/**
 * Runs a pipeline's DAG on bytes and tells what happens, step by step. It knows nothing of runs, logs or
 * threads; the clock comes in.
 *
 * A step starts when everything it reads is there, so independent ones run side by side. What does not
 * run says why:
 *
 *   disabled      its value of the same kind passes through, so the rest of the DAG stays as it is
 *   input_absent  an optional slot without a version, or what the step needs was skipped for that reason
 *   not_reached   something failed before it could start
 *   reused        an earlier attempt made its value and recorded it
 *
 * After a failure nothing new starts; what runs is told through its signal and may finish. A step that
 * asks somebody outside suspends the run: what does not need its value still runs. Whatever was made by
 * then is recorded, so that the next attempt goes on instead of beginning anew.
 */
import type {
  ContentKind,
  ContentKindName,
  Inspection,
  Rendition,
} from '@headway/schemas/content/kind.ts'
import type { FindingRecord, SyncWish } from '@headway/schemas/definitions.ts'
import { Suspension, TerminalError } from './errors.ts'
import type { Ledger } from './ledger-calls.ts'
import { inputNode, type Pipeline } from './pipeline.ts'
import { Recorder, type Recorded } from './recorder.ts'
import { Report, type StepReport, type StepStart } from './report.ts'
import type { AskedQuestion, StepNode } from './steps/step.ts'

const messageCharactersMax = 4_000

export type StepError = {
  readonly type: string
  readonly message: string
  readonly terminal: boolean
  readonly afterMs?: number
}
export type SkipReason = 'disabled' | 'input_absent' | 'not_reached' | 'reused'
export type Progress =
  | ({ readonly type: 'started'; readonly timeoutMs: number | null } & StepStart)
  | { readonly type: 'logged'; readonly step: string; readonly message: string }
  | { readonly type: 'found'; readonly step: string; readonly finding: FindingRecord }
  | { readonly type: 'succeeded'; readonly report: StepReport; readonly inline?: Recorded }
  | { readonly type: 'recorded'; readonly recorded: Recorded }
  | { readonly type: 'suspended'; readonly step: string }
  | { readonly type: 'failed'; readonly report: StepReport; readonly error: StepError }
  | {
      readonly type: 'skipped'
      readonly step: string
      readonly index: number
      readonly reason: SkipReason
    }

export type Output = {
  readonly output: string
  readonly kind: ContentKindName
  readonly renditions: readonly Rendition[]
  readonly inspection: Inspection
}
export type Failure = {
  readonly outcome: 'failed'
  readonly step: string
  readonly error: StepError
  /** What was made before, for the next attempt. */
  readonly recorded: readonly Recorded[]
}
export type Suspended = {
  readonly outcome: 'suspended'
  readonly questions: readonly AskedQuestion[]
  readonly recorded: readonly Recorded[]
}
export type Executed =
  | { readonly outcome: 'completed'; readonly outputs: readonly Output[] }
  | Suspended
  | Failure

export type Execution = {
  /** Slot name → the version it is pinned to. Slots without one are left out. */
  readonly inputs: Readonly<
    Record<string, { readonly kind: ContentKindName; readonly bytes: Uint8Array }>
  >
  readonly disabled: readonly string[]
  /** Step → what an earlier attempt made. */
  readonly recorded: Readonly<
    Record<string, { readonly kind: ContentKindName; readonly bytes: Uint8Array }>
  >
  /** Step → what was answered to its question. */
  readonly answers: Readonly<Record<string, unknown>>
  readonly sync?: SyncWish
  /** When the run was requested, RFC 3339. */
  readonly now: string
}
export type ExecutorPorts = {
  /** Milliseconds since 1970 UTC, with fractions. */
  readonly now: () => number
  readonly tell: (progress: Progress) => void
  /** Fires when somebody wants the run to end. */
  readonly cancel?: AbortSignal
  readonly ledger?: Ledger
}

/** A value that is there; null when it will not be. */
export type Made = {
  readonly value: unknown
  readonly kind: ContentKind<unknown>
  readonly rows: number
} | null
/** What a suspended step has not made yet. */
const waiting: Made = { value: null, kind: null as never, rows: 0 }

export const errorOf = (error: unknown): StepError => {
  const cut = (text: unknown) => String(text).slice(0, messageCharactersMax)
  if (!(error instanceof Error)) return { type: 'Error', message: cut(error), terminal: false }
  const { afterMs } = error as { afterMs?: unknown }
  return {
    type: String(error.name).slice(0, 100),
    message: cut(error.message),
    terminal: error.name === 'TerminalError' || error.name === 'Refusal',
    ...(typeof afterMs === 'number' && afterMs >= 0 ? { afterMs } : {}),
  }
}

export const execute = (
  pipeline: Pipeline,
  execution: Execution,
  ports: ExecutorPorts,
): Promise<Executed> => new DagExecution(pipeline, execution, ports).run()

class DagExecution {
  readonly #pipeline: Pipeline
  readonly #execution: Execution
  readonly #ports: ExecutorPorts
  readonly #made = new Map<string, Promise<Made>>()
  readonly #stop = new AbortController()
  readonly #recorder: Recorder
  readonly #questions: AskedQuestion[] = []
  #failure: Omit<Failure, 'recorded'> | null = null

  constructor(pipeline: Pipeline, execution: Execution, ports: ExecutorPorts) {
    this.#pipeline = pipeline
    this.#execution = execution
    this.#ports = ports
    this.#recorder = new Recorder(execution.recorded)
  }

  async run(): Promise<Executed> {
    const { inputs, nodes } = this.#pipeline
    const onCancel = () => this.#fail('run', new TerminalError('it was cancelled'))
    this.#ports.cancel?.addEventListener('abort', onCancel, { once: true })
    for (const slot of Object.keys(inputs))
      this.#made.set(inputNode(slot), Promise.resolve(this.#read(slot)))
    nodes.forEach((node, index) => this.#made.set(node.id, this.#runStep(node, index)))
    await Promise.all(this.#made.values())
    this.#ports.cancel?.removeEventListener('abort', onCancel)
    if (this.#failure) return { ...this.#failure, recorded: this.#recorder.rest() }
    if (this.#questions.length === 0) return this.#outputs()
    return {
      outcome: 'suspended',
      questions: this.#questions,
      recorded: this.#recorder.rest(),
    }
  }

  #fail(step: string, error: unknown): null {
    this.#failure ??= { outcome: 'failed', step, error: errorOf(error) }
    this.#stop.abort()
    return null
  }

  /** A pinned input as a value. The same bytes would fail again, so an error here is terminal. */
  #read(slot: string): Made {
    const { kind, optional } = this.#pipeline.inputs[slot]!
    const given = this.#execution.inputs[slot]
    const step = `input ${slot}`
    if (!given && optional) return null
    if (!given)
      return this.#fail(
        step,
        new TerminalError('has no version: bind the slot to an asset, or say optional(…)'),
      )
    if (given.kind !== kind.name)
      return this.#fail(
        step,
        new TerminalError(
          `is bound to an asset of ${given.kind}, but the pipeline reads ${kind.name}`,
        ),
      )
    try {
      const value = kind.parse(given.bytes)
      return { value, kind, rows: kind.rows(value) }
    } catch (error) {
      this.#fail(step, error)
      this.#failure = { ...this.#failure!, error: { ...this.#failure!.error, terminal: true } }
      return null
    }
  }

  async #runStep(node: StepNode, index: number): Promise<Made> {
    const given: Record<string, readonly Made[]> = {}
    for (const [name, sources] of Object.entries(node.inputs))
      given[name] = await Promise.all(sources.map((source) => this.#made.get(source)!))
    const all = Object.values(given).flat()
    const skip = (reason: SkipReason, value: Made): Made => {
      this.#ports.tell({ type: 'skipped', step: node.id, index, reason })
      return value
    }
    const reused = this.#recorder.reuse(node)
    if (reused) return skip('reused', reused)
    if (this.#failure) return skip('not_reached', null)
    if (all.some((made) => made === waiting)) return waiting
    if (this.#execution.disabled.includes(node.id)) {
      const same = all.find((made) => made?.kind.name === node.step.output.name)
      return skip('disabled', same ?? null)
    }
    const read: Record<string, unknown> = { ...node.options }
    for (const [name, values] of Object.entries(given)) {
      const present = values.filter((made) => made !== null).map(({ value }) => value)
      const isList = Array.isArray(node.step.inputs[name])
      if (!isList && present.length === 0) return skip('input_absent', null)
      read[name] = isList ? present : present[0]
    }
    const rowsIn = all.reduce((sum, made) => sum + (made?.rows ?? 0), 0)
    return this.#runBody(node, index, read, rowsIn)
  }

  async #runBody(
    { id, step }: StepNode,
    index: number,
    read: Readonly<Record<string, unknown>>,
    rowsIn: number,
  ): Promise<Made> {
    const { now, tell, ledger } = this.#ports
    const { sync } = this.#execution
    const start = { step: id, index, startedAt: now(), rowsIn }
    const report = new Report(start)
    tell({ type: 'started', ...start, timeoutMs: step.timeoutMs ?? null })
    try {
      const value: unknown = await step.run(read, {
        now: this.#execution.now,
        signal: this.#stop.signal,
        ...(ledger ? { ledger } : {}),
        ...(sync ? { sync } : {}),
        ask: (question) => {
          if (Object.hasOwn(this.#execution.answers, id)) return this.#execution.answers[id]
          throw new Suspension(question)
        },
        log: (message) => {
          const line = report.log(message)
          if (line !== null) tell({ type: 'logged', step: id, message: line })
        },
        finding: (finding) => {
          const record = report.finding(finding)
          if (record) tell({ type: 'found', step: id, finding: record })
        },
      })
      if (value === undefined || value === null)
        throw new TerminalError(`returned nothing; it makes ${step.output.name}`)
      const made = { value, kind: step.output, rows: step.output.rows(value) }
      const told = report.end(now(), made.rows)
      const { inline, recorded } = this.#recorder.made(id, made, told.durationMs)
      tell({ type: 'succeeded', report: told, ...(inline ? { inline } : {}) })
      if (recorded) tell({ type: 'recorded', recorded })
      return made
    } catch (error) {
      if (error instanceof Suspension) {
        tell({ type: 'suspended', step: id })
        this.#questions.push({ ...error.question, step: id })
        return waiting
      }
      tell({ type: 'failed', report: report.end(now(), 0), error: errorOf(error) })
      return this.#fail(id, error)
    }
  }

  async #outputs(): Promise<Executed> {
    const outputs: Output[] = []
    for (const [output, handle] of Object.entries(this.#pipeline.outputs)) {
      const made = await this.#made.get(handle.node)!
      if (!made) continue
      try {
        const renditions = made.kind.encode(made.value)
        const inspection = made.kind.inspect(renditions[0]!.bytes)
        outputs.push({ output, kind: made.kind.name, renditions, inspection })
      } catch (error) {
        return { outcome: 'failed', step: `output ${output}`, error: errorOf(error), recorded: [] }
      }
    }
    if (outputs.length > 0) return { outcome: 'completed', outputs }
    const message = 'the run made nothing: every step that leads to an output was skipped'
    return {
      outcome: 'failed',
      step: 'output',
      error: { type: 'NoOutput', message, terminal: true },
      recorded: [],
    }
  }
}
