import type { ContentKind } from '@headway/schemas/content/kind.ts'
import { Value } from 'typebox/value'
import type { Static, TObject } from 'typebox'

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
 * saw through findings rather than by failing.
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

export type StepContext = {
  /** When the run was requested, RFC 3339. The same on every attempt. */
  readonly now: string
  readonly signal: AbortSignal
  /** A line for the people who look at this run. Kept with the step, at most 200 lines of 2,000 characters. */
  log(message: string): void
  finding(finding: Finding): void
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
export type Drawing = { readonly nodes: StepNode[] }
let drawing: Drawing | null = null

/** Runs `draw` with an empty drawing and returns the nodes it added, in the order they were drawn. */
export const drawSteps = <T>(draw: () => T): { drawn: T; nodes: readonly StepNode[] } => {
  if (drawing) throw new Error('a pipeline cannot be defined inside the flow of another one')
  drawing = { nodes: [] }
  try {
    const drawn = draw()
    return { drawn, nodes: drawing.nodes }
  } finally {
    drawing = null
  }
}

/**
 * Makes a step. The result takes one object with the step's inputs and options together, and
 * `as` to name the node when a step is used more than once.
 */
export const step = <I extends Inputs, O extends TObject, Out>(
  definition: StepDefinition<I, O, Out>,
) => {
  const inputNames = Object.keys(definition.inputs)
  const place = (given: Given<I> & Static<O> & { readonly as?: string }): Handle<Out> => {
    if (!drawing) throw new Error(`${definition.name} can only be used inside a pipeline's flow`)
    const inputs: Record<string, readonly string[]> = {}
    const options: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(given)) {
      if (inputNames.includes(name)) {
        const handles = (Array.isArray(value) ? value : [value]) as Handle<unknown>[]
        inputs[name] = handles.map((handle) => handle.node)
      } else if (name !== 'as') options[name] = value
    }
    const problem = Value.Errors(definition.options, options)[0]
    if (problem)
      throw new Error(
        `${definition.name}: option ${problem.instancePath || '/'} ${problem.message}`,
      )
    const id = given.as ?? definition.name
    if (drawing.nodes.some((node) => node.id === id))
      throw new Error(`step ${id} is used twice: name one of them with as: '…'`)
    drawing.nodes.push({ id, step: definition, options, inputs })
    return { node: id, kind: definition.output }
  }
  return Object.assign(place, { definition })
}
