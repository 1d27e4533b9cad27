/**
 * Every fact Headway knows. These names and fields are the storage format: they are added to, never
 * edited. A changed shape is a new `v` beside the old one, whose golden bytes stay.
 *
 * An event belongs to the thing it is about, named by its subject; within a tenant nothing else says
 * where it goes. `at` is the writer's clock and only for people: decisions use the moment the log
 * recorded (`Recorded.at`), which one server's clock gives for all.
 */
import { Type, type Static, type TSchema } from 'typebox'
import { refusalCodes } from './content/kind.ts'
import {
  Actor,
  AssetDefinition,
  AssetKey,
  Count,
  Digest,
  ErrorInfo,
  Facts,
  Finding,
  Kind,
  Name,
  Origin,
  PipelineDefinition,
  PipelineVersion,
  Rendition,
  StepNode,
  Text,
  Time,
  Ulid,
  VersionRef,
  runReasons,
} from './definitions.ts'

const event = <const T extends string, P extends Record<string, TSchema>>(type: T, fields: P) =>
  Type.Object({ type: Type.Literal(type), v: Type.Literal(1), at: Time, ...fields })

const run = { run: Ulid, attempt: Count }
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

export const schemas = {
  // asset
  AssetDefined: event('AssetDefined', { asset: AssetKey, definition: AssetDefinition }),
  AssetRemoved: event('AssetRemoved', { asset: AssetKey }),
  AssetVersioned: event('AssetVersioned', {
    asset: AssetKey,
    version: Ulid,
    /** 1, 2, 3… without gaps, per asset. */
    ordinal: Type.Integer({ minimum: 1 }),
    kind: Kind,
    rawDigest: Digest,
    contentDigest: Digest,
    sizeBytes: Count,
    rows: Count,
    facts: Facts,
    /** Primary first. Several byte forms of one version are published together or not at all. */
    renditions: Type.Array(Rendition, { minItems: 1 }),
    /** An earlier version with the same content digest: A → B → A points back at A. */
    sameAs: Type.Optional(Ulid),
    sourceAt: Type.Optional(Time),
    etag: Type.Optional(Type.String()),
    lastModified: Type.Optional(Type.String()),
    origin: Origin,
  }),
  /** Bytes came with a good status and are not what they should be. The last good version stays. */
  FetchRefused: event('FetchRefused', {
    asset: AssetKey,
    /** The push that is answered; left out for fetched bytes. */
    push: Type.Optional(Ulid),
    code: Type.Enum([...refusalCodes]),
    detail: Text,
    sizeBytes: Count,
    rawDigest: Type.Optional(Digest),
  }),
  /** No bytes came. `notBefore` is the server's own wish (`Retry-After`). */
  FetchFailed: event('FetchFailed', {
    asset: AssetKey,
    error: ErrorInfo,
    status: Type.Optional(Type.Integer()),
    notBefore: Type.Optional(Time),
  }),
  /** The source answers well again, with content that is already known. */
  FetchRecovered: event('FetchRecovered', { asset: AssetKey, push: Type.Optional(Ulid) }),
  /** Somebody delivered bytes for an asset; whether they become a version is decided next. */
  ContentPushed: event('ContentPushed', {
    asset: AssetKey,
    push: Ulid,
    digest: Digest,
    sizeBytes: Count,
    actor: Actor,
  }),
  FetchTriggered: event('FetchTriggered', { asset: AssetKey, actor: Actor }),

  // pipeline: decisions about it
  PipelineDefined: event('PipelineDefined', { pipeline: Name, definition: PipelineDefinition }),
  PipelineRemoved: event('PipelineRemoved', { pipeline: Name }),
  RunTriggered: event('RunTriggered', { pipeline: Name, request: Ulid, actor: Actor }),
  WindowFlushed: event('WindowFlushed', { pipeline: Name, actor: Actor }),
  WindowCancelled: event('WindowCancelled', { pipeline: Name, actor: Actor }),
  RunRequested: event('RunRequested', {
    pipeline: Name,
    run: Ulid,
    pipelineVersion: PipelineVersion,
    reason: Type.Enum([...runReasons]),
    actor: Type.Optional(Actor),
    /** Slot name → the version it is pinned to. */
    inputs: Type.Record(Type.String(), VersionRef),
    /** Every version of the window, in log order. */
    triggeredBy: Type.Array(VersionRef),
    /** The window reached from the previous request's position to this one (stream sequence). */
    throughSeq: Count,
    windowOpenedAt: Type.Optional(Time),
    disabledSteps: Type.Optional(Type.Array(Type.String())),
  }),

  // run: what it did
  RunStarted: event('RunStarted', {
    ...run,
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    worker: Type.String(),
    /** Slots bound to the pipeline's own outputs, read when the run starts. */
    ownInputs: Type.Record(Type.String(), VersionRef),
  }),
  StepSucceeded: event('StepSucceeded', { ...step, rowsIn: Count, rowsOut: Count }),
  StepFailed: event('StepFailed', { ...step, rowsIn: Count, error: ErrorInfo }),
  StepSkipped: event('StepSkipped', {
    ...run,
    step: Type.String(),
    index: Count,
    reason: Type.Enum(['disabled', 'input_absent', 'not_reached']),
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
  RunCompleted: event('RunCompleted', { ...run, pipeline: Name, durationMs: Type.Number() }),
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

  // release
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
  }),
  ReleaseActivated: event('ReleaseActivated', {
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    actor: Actor,
  }),

  // worker
  WorkerJoined: event('WorkerJoined', {
    worker: Type.String(),
    pool: Name,
    version: PipelineVersion,
    pipelines: Type.Record(Name, PipelineVersion),
    capabilities: Type.Array(Type.String()),
    host: Type.String(),
    pid: Type.Integer(),
  }),
  WorkerLeft: event('WorkerLeft', { worker: Type.String(), pool: Name, reason: Text }),
  /** Its heartbeats ended without a word. */
  WorkerLost: event('WorkerLost', {
    worker: Type.String(),
    pool: Name,
    lastSeenAt: Type.Optional(Time),
  }),
} as const

export type EventType = keyof typeof schemas
type Shapes = { [T in EventType]: Static<(typeof schemas)[T]> }
export type EventOf<T extends EventType> = Shapes[T]
export type Event = Shapes[EventType]

/** Position in the log: the commit's stream sequence and the event's place in the commit. */
export type Position = { readonly seq: number; readonly index: number }

/** An event as the log keeps it. */
export type Recorded<E extends Event = Event> = {
  readonly tenant: string
  readonly seq: number
  readonly index: number
  /** When the log recorded it, milliseconds since 1970 UTC by the server's clock. */
  readonly at: number
  readonly event: E
}
