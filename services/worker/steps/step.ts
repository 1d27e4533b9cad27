import type { ContentKind } from '@headway/schemas/content/kind.ts'
import type { SyncWish } from '@headway/schemas/definitions.ts'
import type { Static, TObject, TSchema } from 'typebox'
import type { Ledger } from '../ledger-calls.ts'
import { problemIn } from '../options.ts'

export { RetryableError, TerminalError } from '../errors.ts'
export { Type } from '../options.ts'

/**
 * The contract of a step: one small typed function in one file.
 *
 * A step names the values it reads, its options and the value it makes. Calling it inside a
 * pipeline's `flow` does not run it; it draws a node of the DAG, whose edges are the values handed
 * in. So order is never written down: a step runs when its inputs are there, and steps that do not
 * need each other run side by side.
 *
 * A step must be deterministic: same inputs and options, same output. It never changes its inputs,
 * it never reads a clock (`context.now` is the moment the run was requested), and it says what it
 * saw through findings rather than by failing. Everything needed to write one is exported here.
 */

/** An observation by a step. Codes are snake_case and stable; subject keys identify the thing meant. */
export type Finding = {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly message: string
  readonly subject?: Readonly<Record<string, string>>
  /** How many times it occurred; 1 when left out. */
  readonly count?: number
}

/** A question to a person or an outside system. */
export type StepQuestion = {
  /** What they see: plain values, as JSON. */
  readonly request: unknown
  /** JSON Schema of an answer; `Type` makes one. */
  readonly response: TSchema
  /** How long the run waits. An unanswered question ends it in the dead letters. */
  readonly timeoutMs: number
  readonly assignee?: string
  readonly group?: string
  /** The outside's own name for it: an answer under this name may come before the question does. */
  readonly correlation?: string
  /** An answer must bring a signed resume token. */
  readonly token?: boolean
}
export type AskedQuestion = StepQuestion & { readonly step: string }

export type StepContext = {
  /** When the run was requested, RFC 3339. The same on every attempt. */
  readonly now: string
  /** Fires when another step failed or the run is cancelled, so that long work can be given up. */
  readonly signal: AbortSignal
  /**
   * The answer to a step's one question. Without one the run is suspended here and the step begins anew
   * when it came, so do nothing before that has effects.
   */
  readonly ask: (question: StepQuestion) => unknown
  /** A line for the people who look at this run. At most 200 of 2,000 characters are kept. */
  readonly log: (message: string) => void
  readonly finding: (finding: Finding) => void
  /** Who owns what in the sinks, and where it is written down. */
  readonly ledger?: Ledger
  /** The run is a sync that somebody wished: only for these sinks, or back to what they held. */
  readonly sync?: SyncWish
}

/** An input is one value of a kind, or, written `[kind]`, a list of them. */
type Input = ContentKind<any> | readonly [ContentKind<any>]
type Inputs = Readonly<Record<string, Input>>
type ValueOf<I> =
  I extends ContentKind<infer V>
    ? V
    : I extends readonly [ContentKind<infer V>]
      ? readonly V[]
      : never

/** A value that will exist when the run gets there. */
export type Handle<Value> = { readonly node: string; readonly kind: ContentKind<Value> }

type HandleOf<I> =
  I extends ContentKind<infer V>
    ? Handle<V>
    : I extends readonly [ContentKind<infer V>]
      ? readonly Handle<V>[]
      : never
type Given<I extends Inputs> = { readonly [Name in keyof I]: HandleOf<I[Name]> }
type Read<I extends Inputs> = { readonly [Name in keyof I]: ValueOf<I[Name]> }

export type StepDefinition<I extends Inputs, O extends TObject, Out> = {
  /** snake_case, unique among steps. */
  readonly name: string
  readonly description: string
  /**
   * The values it reads, by name. When a value is absent (an optional slot with no version yet) a
   * list leaves it out, and a step that needs it is skipped, and so is what needs that step.
   */
  readonly inputs: I
  readonly options: O
  readonly output: ContentKind<Out>
  /** Longest a single execution may take; the run's policy applies when left out. */
  readonly timeoutMs?: number
  run(given: Read<I> & Static<O>, context: StepContext): Out | Promise<Out>
}

/** A node of the DAG as the worker executes it. */
export type StepNode = {
  readonly id: string
  readonly step: StepDefinition<any, any, any>
  readonly options: Readonly<Record<string, unknown>>
  readonly inputs: Readonly<Record<string, readonly string[]>>
}

/** What `flow` draws on. Only `definePipeline` opens one. */
type Drawing = { readonly nodes: StepNode[]; isKnown(node: string): boolean }
let drawing: Drawing | null = null

/** Runs `draw` with an empty drawing; returns the nodes it added, in the order they were drawn. */
export const drawSteps = <T>(
  draw: () => T,
  inputs: readonly string[],
): { drawn: T; nodes: readonly StepNode[] } => {
  if (drawing) throw new PipelineError('a pipeline is defined inside the flow of another one')
  const nodes: StepNode[] = []
  drawing = {
    nodes,
    isKnown: (node) => inputs.includes(node) || nodes.some(({ id }) => id === node),
  }
  try {
    return { drawn: draw(), nodes }
  } finally {
    drawing = null
  }
}

/** What a pipeline's author did wrong, told at the place where it was written. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError'
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const isHandle = (value: unknown): value is Handle<unknown> =>
  typeof value === 'object' && value !== null && 'node' in value && 'kind' in value

/** The nodes that make an input's values, or why they cannot. */
const sourcesOf = (what: string, input: Input, given: unknown): readonly string[] => {
  const isList = Array.isArray(input)
  const kind = (isList ? input[0] : input) as ContentKind<unknown>
  if (isList !== Array.isArray(given) && given !== undefined)
    throw new PipelineError(`${what} takes ${isList ? 'a list of values: [a, b]' : 'one value'}`)
  const handles: readonly unknown[] = isList && given !== undefined ? (given as []) : [given]
  return handles.map((handle) => {
    if (!isHandle(handle))
      throw new PipelineError(
        `${what} is not given a value of this flow: use an input slot or what another step makes`,
      )
    if (handle.kind.name !== kind.name)
      throw new PipelineError(
        `${what} takes ${kind.name} and is given ${handle.kind.name} (by ${handle.node})`,
      )
    if (!drawing!.isKnown(handle.node))
      throw new PipelineError(`${what} is given ${handle.node}, which belongs to another pipeline`)
    return handle.node
  })
}

/**
 * Makes a step. The result takes one object with the step's inputs and options together, and
 * `as` to name the node when a step is used more than once.
 */
export const step = <I extends Inputs, O extends TObject, Out>(
  definition: StepDefinition<I, O, Out>,
) => {
  const { name } = definition
  const place = (given: Given<I> & Static<O> & { readonly as?: string }): Handle<Out> => {
    if (!drawing) throw new PipelineError(`${name} can only be used inside a pipeline's flow`)
    const { as: id = name, ...values } = given as { as?: string } & Record<string, unknown>
    const sources = Object.entries(definition.inputs).map(([slot, input]) => {
      const what = `${id}: input ${slot}`
      return [slot, sourcesOf(what, input, values[slot])] as const
    })
    const options = Object.fromEntries(
      Object.entries(values).filter(([key]) => !Object.hasOwn(definition.inputs, key)),
    )
    const problem = problemIn(definition.options, options)
    if (problem) throw new PipelineError(`${id}: option ${problem}`)
    if (!idPattern.test(id))
      throw new PipelineError(`step ${JSON.stringify(id)}: a name holds letters, digits, _ . and -`)
    if (drawing.isKnown(id))
      throw new PipelineError(`step ${id} is used twice: name one of them with as: '…'`)
    drawing.nodes.push({ id, step: definition, options, inputs: Object.fromEntries(sources) })
    return { node: id, kind: definition.output }
  }
  return Object.assign(place, { definition })
}
