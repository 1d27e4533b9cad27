/** What runs did, as their workers tell it, and the answers that they wait for. */
import { Difference } from '../content/difference/shape.ts'
import { Type } from 'typebox'
import {
  Actor,
  AssetKey,
  Count,
  Digest,
  ErrorInfo,
  Finding,
  Name,
  PipelineVersion,
  Question,
  Rendition,
  StepOutput,
  Time,
  Ulid,
  VersionRef,
} from '../definitions.ts'
import { event } from './event.ts'

/**
 * The fence of everything that is said about a run. An epoch begins when a run is redriven or resumed;
 * the first is 0 and left out. Attempts are counted from 1 in each.
 */
const run = { run: Ulid, epoch: Type.Optional(Type.Integer({ minimum: 1 })), attempt: Count }
const step = {
  ...run,
  step: Type.String(),
  index: Count,
  startedAt: Time,
  endedAt: Time,
  durationMs: Type.Number(),
  logs: Type.Array(Type.String()),
  findings: Type.Array(Finding),
}

export const runEvents = {
  RunStarted: event('RunStarted', {
    ...run,
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    worker: Type.String(),
    /** Slots bound to the pipeline's own outputs, read when the run starts. */
    ownInputs: Type.Record(Type.String(), VersionRef),
  }),
  StepSucceeded: event('StepSucceeded', {
    ...step,
    rowsIn: Count,
    rowsOut: Count,
    output: Type.Optional(StepOutput),
  }),
  StepFailed: event('StepFailed', { ...step, rowsIn: Count, error: ErrorInfo }),
  StepSkipped: event('StepSkipped', {
    ...run,
    step: Type.String(),
    index: Count,
    reason: Type.Enum(['disabled', 'input_absent', 'not_reached', 'reused']),
  }),
  /** What a step made is kept for the attempts that follow. */
  StepOutputRecorded: event('StepOutputRecorded', {
    ...run,
    step: Type.String(),
    output: StepOutput,
  }),
  /** An output of the run is this version of this asset, whether it is new or was already there. */
  ArtifactPublished: event('ArtifactPublished', {
    ...run,
    output: Type.String(),
    asset: AssetKey,
    version: Ulid,
    ordinal: Count,
    changed: Type.Boolean(),
    sizeBytes: Count,
    renditions: Type.Array(Rendition, { minItems: 1 }),
  }),
  /** What a canary run made beside what the run it repeats had published. */
  ArtifactCompared: event('ArtifactCompared', {
    ...run,
    output: Type.String(),
    /** Primary renditions; absent where one side made nothing. */
    baseline: Type.Optional(Digest),
    candidate: Type.Optional(Digest),
    renditions: Type.Array(Rendition),
    difference: Difference,
  }),
  RunCompleted: event('RunCompleted', { ...run, pipeline: Name, durationMs: Type.Number() }),
  /** Steps wait for somebody outside. The run holds no worker until they have answered. */
  RunSuspended: event('RunSuspended', {
    ...run,
    pipeline: Name,
    questions: Type.Array(Question, { minItems: 1 }),
  }),
  /** The worker stops before it could finish; the attempt does not count. */
  RunGivenBack: event('RunGivenBack', { ...run, pipeline: Name, worker: Type.String() }),
  /** An attempt ended badly and another one follows. */
  RunRetried: event('RunRetried', {
    ...run,
    pipeline: Name,
    error: ErrorInfo,
    nextAttemptAt: Time,
  }),
  /** The run ended badly for good: a permanent error. */
  RunFailed: event('RunFailed', {
    ...run,
    pipeline: Name,
    error: ErrorInfo,
    durationMs: Type.Number(),
  }),
  /** The run used up its attempts, or killed its workers that often. */
  RunDeadLettered: event('RunDeadLettered', {
    ...run,
    pipeline: Name,
    error: ErrorInfo,
    durationMs: Type.Number(),
  }),

  RunCancelled: event('RunCancelled', {
    ...run,
    pipeline: Name,
    actor: Actor,
    durationMs: Type.Number(),
  }),
  InteractionCompleted: event('InteractionCompleted', {
    pipeline: Name,
    /** One of the two says what is answered. */
    interaction: Type.Optional(Ulid),
    correlation: Type.Optional(Type.String({ maxLength: 200 })),
    response: Type.Unknown(),
    actor: Actor,
    /** A valid resume token came with it. */
    token: Type.Boolean(),
  }),
} as const
