/**
 * What a pipeline folder says: which versions it reads, how they become outputs, nothing else.
 *
 *   export const pipeline = definePipeline({
 *     feedType: 'realtime',
 *     inputs: { vehicle_positions: gtfsRealtime, trip_updates: optional(gtfsRealtime) },
 *     flow: ({ vehicle_positions, trip_updates }) => ({
 *       'feed.pb': combineFeeds({ feeds: [vehicle_positions, trip_updates] }),
 *     }),
 *   })
 *
 * `flow` is called once, when the folder is loaded, and draws the DAG. The folder must not depend on
 * anything that may differ between two loads of the same files, because its hash is its version.
 */
import type { ContentKind, ContentKindName } from '@headway/schemas/content/kind.ts'
import {
  drawSteps,
  PipelineError,
  type Handle,
  type StepDefinition,
  type StepNode,
} from './steps/step.ts'

export type Optional<Value> = { readonly optional: ContentKind<Value> }
export const optional = <Value>(kind: ContentKind<Value>): Optional<Value> => ({ optional: kind })

type InputKinds = Readonly<Record<string, ContentKind<any> | Optional<any>>>
type HandlesOf<I extends InputKinds> = {
  readonly [Name in keyof I]: I[Name] extends ContentKind<infer V>
    ? Handle<V>
    : I[Name] extends Optional<infer V>
      ? Handle<V>
      : never
}

export type FeedType = 'schedule' | 'realtime' | 'other'

export type Pipeline = {
  readonly feedType: FeedType
  readonly inputs: Readonly<Record<string, { kind: ContentKind<unknown>; optional: boolean }>>
  readonly nodes: readonly StepNode[]
  /** Output name → the node that makes it. */
  readonly outputs: Readonly<Record<string, Handle<unknown>>>
}

const inputPrefix = 'input:'
const outputPrefix = 'output:'
/** An output is part of its asset's key: `output/<pipeline>/<name>`. */
const outputPattern = /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+){0,5}$/

export const inputNode = (slot: string): string => inputPrefix + slot

const checkOutputs = (drawn: unknown): void => {
  if (drawn instanceof Promise) throw new PipelineError('flow must not be async: it only draws')
  if (typeof drawn !== 'object' || drawn === null || Object.keys(drawn).length === 0)
    throw new PipelineError("flow must return at least one output: { 'feed.pb': combineFeeds(…) }")
  for (const [name, handle] of Object.entries(drawn as Record<string, Partial<Handle<unknown>>>)) {
    if (!outputPattern.test(name))
      throw new PipelineError(`output ${JSON.stringify(name)}: a name holds letters, digits, . _ -`)
    if (!handle?.node) throw new PipelineError(`output ${name} is not what a step makes`)
  }
}

export const definePipeline = <const I extends InputKinds>(definition: {
  readonly feedType: FeedType
  readonly inputs: I
  flow(inputs: HandlesOf<I>): Readonly<Record<string, Handle<any>>>
}): Pipeline => {
  const inputs: Record<string, { kind: ContentKind<unknown>; optional: boolean }> = {}
  const handles: Record<string, Handle<unknown>> = {}
  for (const [slot, given] of Object.entries(definition.inputs)) {
    const isOptional = 'optional' in given
    const kind = (isOptional ? given.optional : given) as ContentKind<unknown>
    inputs[slot] = { kind, optional: isOptional }
    handles[slot] = { node: inputNode(slot), kind }
  }
  const known = Object.values(handles).map(({ node }) => node)
  const { drawn, nodes } = drawSteps(() => definition.flow(handles as HandlesOf<I>), known)
  checkOutputs(drawn)
  return { feedType: definition.feedType, inputs, nodes, outputs: drawn }
}

/** The pipeline as data, for the release record and the DAG view. */
export type Manifest = {
  readonly feedType: FeedType
  readonly inputs: Record<string, { kind: ContentKindName; optional: boolean }>
  readonly outputs: Record<string, { kind: ContentKindName; step: string }>
  readonly steps: { id: string; type: string; builtin: boolean; description?: string }[]
  readonly edges: [string, string][]
}

export const manifestOf = (
  pipeline: Pipeline,
  isBuiltin: (step: StepDefinition<any, any, any>) => boolean,
): Manifest => ({
  feedType: pipeline.feedType,
  inputs: Object.fromEntries(
    Object.entries(pipeline.inputs).map(([slot, input]) => [
      slot,
      { kind: input.kind.name, optional: input.optional },
    ]),
  ),
  outputs: Object.fromEntries(
    Object.entries(pipeline.outputs).map(([name, handle]) => [
      name,
      { kind: handle.kind.name, step: handle.node },
    ]),
  ),
  steps: pipeline.nodes.map(({ id, step }) => ({
    id,
    type: step.name,
    builtin: isBuiltin(step),
    description: step.description,
  })),
  edges: [
    ...pipeline.nodes.flatMap(({ id, inputs }) =>
      Object.values(inputs).flatMap((sources) =>
        sources.map((source): [string, string] => [source, id]),
      ),
    ),
    ...Object.entries(pipeline.outputs).map(([name, handle]): [string, string] => [
      handle.node,
      outputPrefix + name,
    ]),
  ],
})
