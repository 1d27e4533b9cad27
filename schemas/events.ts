/**
 * Every fact Headway knows. These names and fields are the storage format: they are added to, never
 * edited. A changed shape is a new `v` beside the old one, whose golden bytes stay.
 *
 * An event belongs to the thing it is about, named by its subject; within a tenant nothing else says
 * where it goes. `at` is the writer's clock and only for people: decisions use the moment the log
 * recorded (`Recorded.at`), which one server's clock gives for all.
 */
import { Type, type Static, type TSchema } from 'typebox'
import { contentKinds, refusalCodes } from './content/kind.ts'
import { assetKeyPattern, digestPattern, namePattern, ulidPattern, versionPattern } from './ids.ts'

const AssetKey = Type.String({ pattern: assetKeyPattern, maxLength: 200 })
const Name = Type.String({ pattern: namePattern })
const PipelineVersion = Type.String({ pattern: versionPattern })
const Ulid = Type.String({ pattern: ulidPattern })
const Digest = Type.String({ pattern: digestPattern })
const Text = Type.String({ maxLength: 4_000 })
const Millis = Type.Integer({ minimum: 0 })
const Count = Type.Integer({ minimum: 0 })
const Facts = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))
const Kind = Type.Enum([...contentKinds])
const Time = Type.String()

const event = <const T extends string, P extends Record<string, TSchema>>(type: T, fields: P) =>
  Type.Object({ type: Type.Literal(type), v: Type.Literal(1), at: Time, ...fields })

/** A person or a room, and why. Every decision somebody asked for carries one. */
export const Actor = Type.Object({ name: Text, reason: Type.Optional(Text) })

/** How a secret travels: by name. `env:NAME` or `file:/path`, resolved at use and nowhere else. */
const SecretRef = Type.String({ pattern: '^(env|file):.+' })
export const Auth = Type.Union([
  Type.Object({ type: Type.Literal('header'), name: Type.String(), value: SecretRef }),
  Type.Object({ type: Type.Literal('query'), name: Type.String(), value: SecretRef }),
  Type.Object({ type: Type.Literal('basic'), username: Type.String(), password: SecretRef }),
  Type.Object({ type: Type.Literal('bearer'), token: SecretRef }),
])

export const versionStrategies = ['content_hash', 'timestamp'] as const

/** What the fetcher needs to know about an asset. Without `url` the asset is pushed or made by runs. */
export const AssetDefinition = Type.Object({
  kind: Kind,
  strategy: Type.Enum([...versionStrategies]),
  url: Type.Optional(Type.String()),
  auth: Type.Optional(Auth),
  headers: Type.Optional(Type.Record(Type.String(), Type.String())),
  cadenceMs: Type.Optional(Millis),
  fullFetchMs: Type.Optional(Millis),
  timeoutMs: Type.Optional(Millis),
  sizeBytesMax: Type.Optional(Count),
  redirectsMax: Type.Optional(Count),
  rateLimit: Type.Optional(
    Type.Object({ key: Name, requests: Type.Integer({ minimum: 1 }), perMs: Millis }),
  ),
  /** The asset is stale when nothing good was seen for this long. */
  freshnessMs: Type.Optional(Millis),
  /** The pipeline that makes it, for outputs. */
  producer: Type.Optional(Name),
})

export const PipelineDefinition = Type.Object({
  /** The folder below the workers' pipelines root that holds the code. */
  folder: Type.String({ pattern: '^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$' }),
  /** The pool of workers that runs it. */
  pool: Name,
  /** Slot name → asset. A slot bound to one of the pipeline's own outputs reads and never triggers. */
  slots: Type.Record(Type.String(), AssetKey),
  debounce: Type.Object({ quietMs: Millis, maxWaitMs: Millis }),
  /** Runs executing at the same time. With 1, outputs appear in the order of their inputs. */
  concurrency: Type.Integer({ minimum: 1 }),
  retry: Type.Object({
    attempts: Type.Integer({ minimum: 1 }),
    backoffMs: Millis,
    backoffMsMax: Millis,
  }),
  stepTimeoutMs: Millis,
  runTimeoutMs: Millis,
  disabledSteps: Type.Optional(Type.Array(Type.String())),
})

const Rendition = Type.Object({
  name: Type.String(),
  mediaType: Type.String(),
  digest: Digest,
  sizeBytes: Count,
})

/** Which version of which asset a slot read, or what was in a window. */
export const VersionRef = Type.Object({
  asset: AssetKey,
  version: Ulid,
  ordinal: Count,
  /** Digest and size of the primary rendition. */
  digest: Digest,
  sizeBytes: Count,
  kind: Kind,
})

/** Where the bytes of a version came from. */
const Origin = Type.Union([
  Type.Object({ by: Type.Literal('fetch'), url: Type.String(), status: Type.Integer() }),
  Type.Object({ by: Type.Literal('push'), push: Ulid, actor: Actor }),
  Type.Object({
    by: Type.Literal('run'),
    run: Ulid,
    attempt: Count,
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    output: Type.String(),
  }),
])

const ErrorInfo = Type.Object({ type: Type.String(), message: Text })

/** Why a run was asked for, besides its triggers. */
export const runReasons = [
  'triggered',
  'manual',
  'flushed',
  'never_run',
  'last_run_failed',
  'inputs_changed',
  'code_changed',
] as const

const Finding = Type.Object({
  code: Type.String(),
  severity: Type.Enum(['error', 'warning', 'info']),
  message: Text,
  subject: Type.Optional(Type.Record(Type.String(), Type.String())),
  count: Type.Integer({ minimum: 1 }),
})

const StepNode = Type.Object({
  id: Type.String(),
  type: Type.String(),
  builtin: Type.Boolean(),
  description: Type.Optional(Type.String()),
})

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

export type AssetDefinition = Static<typeof AssetDefinition>
export type PipelineDefinition = Static<typeof PipelineDefinition>
export type VersionRef = Static<typeof VersionRef>
export type Actor = Static<typeof Actor>
export type Auth = Static<typeof Auth>
export type RenditionRef = Static<typeof Rendition>
export type FindingRecord = Static<typeof Finding>
export type RunReason = (typeof runReasons)[number]
export type ErrorInfo = Static<typeof ErrorInfo>

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
