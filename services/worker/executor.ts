/**
 * Runs a pipeline's DAG on bytes and tells what happened, step by step. It knows nothing of runs,
 * logs or threads; the clock comes in.
 *
 * A step starts when everything it reads is there, so independent ones run side by side. What cannot
 * run says why: `disabled` (its value of the same kind passes through, so the rest of the DAG stays as it
 * is), `input_absent` (an optional slot without a version, or the step that needed it), `not_reached`
 * (something failed before it could start). After a failure nothing new starts.
 */
import type { ContentKind, Inspection, Rendition } from '@headway/schemas/content/kind.ts'
import { inputNode, type Pipeline } from './pipeline.ts'
import type { Finding, StepNode } from './steps/step.ts'

const logsMax = 200
const logCharactersMax = 2_000
const findingsMax = 1_000

export type StepReport = {
  readonly step: string
  readonly index: number
  readonly startedAt: number
  readonly endedAt: number
  readonly durationMs: number
  readonly rowsIn: number
  readonly rowsOut: number
  readonly logs: string[]
  readonly findings: (Finding & { count: number })[]
}
export type StepError = {
  readonly type: string
  readonly message: string
  readonly terminal: boolean
  readonly afterMs?: number
}
export type Progress =
  | { readonly type: 'started'; readonly step: string; readonly timeoutMs: number | null }
  | { readonly type: 'succeeded'; readonly report: StepReport }
  | { readonly type: 'failed'; readonly report: StepReport; readonly error: StepError }
  | {
      readonly type: 'skipped'
      readonly step: string
      readonly index: number
      readonly reason: 'disabled' | 'input_absent' | 'not_reached'
    }

export type Output = {
  readonly output: string
  readonly kind: ContentKind<unknown>['name']
  readonly renditions: readonly Rendition[]
  readonly inspection: Inspection
}
export type Executed =
  | { readonly outcome: 'completed'; readonly outputs: readonly Output[] }
  | { readonly outcome: 'failed'; readonly step: string; readonly error: StepError }

export type Execution = {
  readonly inputs: Readonly<Record<string, Uint8Array>>
  readonly disabled: readonly string[]
  /** When the run was requested, RFC 3339. */
  readonly now: string
}
export type ExecutorPorts = {
  readonly signal: AbortSignal
  /** Milliseconds since 1970 UTC, with fractions. */
  readonly now: () => number
  readonly tell: (progress: Progress) => void
}

/** A value and its kind; null when it will not be there. */
type Made = { readonly value: unknown; readonly kind: ContentKind<unknown> } | null

export const errorOf = (error: unknown): StepError => {
  if (!(error instanceof Error))
    return { type: 'Error', message: String(error).slice(0, 4_000), terminal: false }
  const { afterMs } = error as { afterMs?: number }
  return {
    type: error.name,
    message: error.message.slice(0, 4_000),
    terminal: error.name === 'TerminalError' || error.name === 'Refusal',
    ...(afterMs === undefined ? {} : { afterMs }),
  }
}

const passedThrough = ({ step }: StepNode, given: readonly Made[]): Made =>
  given.find((made) => made !== null && made.kind.name === step.output.name) ?? null

export const execute = async (
  pipeline: Pipeline,
  execution: Execution,
  ports: ExecutorPorts,
): Promise<Executed> => {
  let failure: { step: string; error: StepError } | null = null
  const made = new Map<string, Promise<Made>>()

  const inputOf = (slot: string): Made => {
    const bytes = execution.inputs[slot]
    const { kind } = pipeline.inputs[slot]!
    return bytes ? { value: kind.parse(bytes), kind } : null
  }
  const valueOf = (node: string): Promise<Made> => {
    const promise = made.get(node)
    if (!promise) throw new Error(`nothing makes ${node}`)
    return promise
  }

  const runStep = async (node: StepNode, index: number): Promise<Made> => {
    const { id, step } = node
    const names = Object.keys(node.inputs)
    const given = await Promise.all(
      names.map((name) => Promise.all(node.inputs[name]!.map(valueOf))),
    )
    const skip = (reason: 'disabled' | 'input_absent' | 'not_reached', value: Made): Made => {
      ports.tell({ type: 'skipped', step: id, index, reason })
      return value
    }
    if (failure) return skip('not_reached', null)
    if (execution.disabled.includes(id)) return skip('disabled', passedThrough(node, given.flat()))
    const read: Record<string, unknown> = { ...node.options }
    let rowsIn = 0
    for (const [i, name] of names.entries()) {
      const present = given[i]!.filter((one) => one !== null)
      const isList = Array.isArray(step.inputs[name])
      if (present.length === 0) return skip('input_absent', null)
      read[name] = isList ? present.map((one) => one.value) : present[0]!.value
      for (const one of present) rowsIn += one.kind.rows(one.value)
    }
    const report = startReport(id, index, rowsIn, ports)
    ports.tell({ type: 'started', step: id, timeoutMs: step.timeoutMs ?? null })
    try {
      const value: unknown = await step.run(read, {
        now: execution.now,
        signal: ports.signal,
        log: report.log,
        finding: report.finding,
      })
      ports.tell({ type: 'succeeded', report: report.end(step.output.rows(value)) })
      return { value, kind: step.output }
    } catch (error) {
      failure ??= { step: id, error: errorOf(error) }
      ports.tell({ type: 'failed', report: report.end(0), error: errorOf(error) })
      return null
    }
  }

  try {
    for (const slot of Object.keys(pipeline.inputs))
      made.set(inputNode(slot), Promise.resolve(inputOf(slot)))
  } catch (error) {
    return { outcome: 'failed', step: 'input', error: errorOf(error) }
  }
  pipeline.nodes.forEach((node, index) => made.set(node.id, runStep(node, index)))
  await Promise.all(made.values())
  if (failure) return { outcome: 'failed', ...(failure as { step: string; error: StepError }) }

  const outputs: Output[] = []
  try {
    for (const [output, handle] of Object.entries(pipeline.outputs)) {
      const result = await valueOf(handle.node)
      if (!result) continue
      const renditions = result.kind.encode(result.value)
      const inspection = result.kind.inspect(renditions[0]!.bytes)
      outputs.push({ output, kind: result.kind.name, renditions, inspection })
    }
  } catch (error) {
    return { outcome: 'failed', step: 'output', error: errorOf(error) }
  }
  if (outputs.length === 0) {
    const message = 'the run made no output: every step that leads to one was skipped'
    return {
      outcome: 'failed',
      step: 'output',
      error: { type: 'NoOutput', message, terminal: true },
    }
  }
  return { outcome: 'completed', outputs }
}

const startReport = (step: string, index: number, rowsIn: number, ports: ExecutorPorts) => {
  const startedAt = ports.now()
  const logs: string[] = []
  const findings: (Finding & { count: number })[] = []
  return {
    log: (message: string) => {
      if (logs.length < logsMax) logs.push(message.slice(0, logCharactersMax))
    },
    finding: (finding: Finding) => {
      if (findings.length < findingsMax) findings.push({ ...finding, count: finding.count ?? 1 })
    },
    end: (rowsOut: number): StepReport => {
      const endedAt = ports.now()
      const durationMs = Math.round((endedAt - startedAt) * 1_000) / 1_000
      return { step, index, startedAt, endedAt, durationMs, rowsIn, rowsOut, logs, findings }
    },
  }
}
