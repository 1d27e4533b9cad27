/** The code of pipelines. */
import { Type } from 'typebox'
import { Actor, Count, Digest, Kind, Name, PipelineVersion, StepNode } from '../definitions.ts'
import { event } from './event.ts'

export const releaseEvents = {
  ReleaseRegistered: event('ReleaseRegistered', {
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    feedType: Type.Enum(['schedule', 'realtime', 'other']),
    folder: Type.String(),
    inputs: Type.Record(Type.String(), Type.Object({ kind: Kind, optional: Type.Boolean() })),
    outputs: Type.Record(Type.String(), Type.Object({ kind: Kind, step: Type.String() })),
    steps: Type.Array(StepNode),
    /** [source, target] between inputs, steps and outputs. */
    edges: Type.Array(Type.Tuple([Type.String(), Type.String()])),
    /** The files of the folder. */
    artifacts: Type.Optional(
      Type.Array(Type.Object({ path: Type.String(), digest: Digest, sizeBytes: Count })),
    ),
    /** Digest of what others rely on: inputs and outputs with their kinds. */
    contract: Type.Optional(Digest),
  }),
  ReleaseActivated: event('ReleaseActivated', {
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    actor: Actor,
  }),

  /** Nothing new may be pinned to it any more. */
  ReleaseRetired: event('ReleaseRetired', {
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    actor: Actor,
  }),
} as const
