/**
 * The shapes that events are made of: names, references, and what configuration defines. They are as
 * permanent as the events that hold them.
 */
import { Type, type Static } from 'typebox'
import { contentKinds } from './content/kind.ts'
import { assetKeyPattern, digestPattern, namePattern, ulidPattern, versionPattern } from './ids.ts'

export const AssetKey = Type.String({ pattern: assetKeyPattern, maxLength: 200 })
export const Name = Type.String({ pattern: namePattern })
export const PipelineVersion = Type.String({ pattern: versionPattern })
export const Ulid = Type.String({ pattern: ulidPattern })
export const Digest = Type.String({ pattern: digestPattern })
export const Text = Type.String({ maxLength: 4_000 })
export const Millis = Type.Integer({ minimum: 0 })
export const Count = Type.Integer({ minimum: 0 })
export const Facts = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))
export const Kind = Type.Enum([...contentKinds])
export const Time = Type.String()

/** A person or a room, and why. Every decision somebody asked for carries one. */
export const Actor = Type.Object({ name: Text, reason: Type.Optional(Text) })

/** How a secret travels: by name. `env:NAME`, `file:/path` or `vault:path#field`, resolved at use only. */
const SecretRef = Type.String({ pattern: '^(env|file|vault):.+' })
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
  /** The rule that it follows from, what of it, and the pipeline that was made with it. */
  target: Type.Optional(
    Type.Object({
      rule: Name,
      repository: Type.String(),
      environment: Type.String(),
      pipeline: Name,
      pool: Name,
    }),
  ),
})

export const activations = ['automatic', 'manual'] as const

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
    /** Error types that another attempt cannot cure, besides `TerminalError`. */
    nonRetryable: Type.Optional(Type.Array(Type.String())),
  }),
  stepTimeoutMs: Millis,
  runTimeoutMs: Millis,
  disabledSteps: Type.Optional(Type.Array(Type.String())),
  /** Of the runs that wait for a thread of the same worker, those of the higher priority go first. */
  priority: Type.Optional(Type.Integer()),
  /** A run that has not started when the next one is asked for is superseded by it. */
  newestWins: Type.Optional(Type.Boolean()),
  /** Whether new code becomes active by itself or when somebody says so. */
  activation: Type.Optional(Type.Enum([...activations])),
  /** The rule that it follows from: it comes and goes with it. */
  rule: Type.Optional(Name),
})

export const Rendition = Type.Object({
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
export const Origin = Type.Union([
  Type.Object({ by: Type.Literal('fetch'), url: Type.String(), status: Type.Integer() }),
  Type.Object({ by: Type.Literal('push'), push: Ulid, actor: Actor }),
  Type.Object({
    by: Type.Literal('run'),
    run: Ulid,
    epoch: Type.Optional(Type.Integer({ minimum: 1 })),
    attempt: Count,
    pipeline: Name,
    pipelineVersion: PipelineVersion,
    output: Type.String(),
  }),
])

export const ErrorInfo = Type.Object({ type: Type.String(), message: Text })

/** Why a run was asked for, besides its triggers. */
export const runReasons = [
  'triggered',
  'manual',
  'flushed',
  'never_run',
  'last_run_failed',
  'inputs_changed',
  'code_changed',
  'canary',
  'rollback',
  'drift',
] as const

/**
 * A sync that somebody wants beside what files say. Without `restore` the sinks get what their input says;
 * with it, what the ledger says that they held when this commit was confirmed last, or this run of it.
 */
export const SyncWish = Type.Object({
  /** Only these sinks of the rule; all of them when left out. */
  sinks: Type.Optional(Type.Array(Name, { minItems: 1 })),
  restore: Type.Optional(Type.Object({ commit: Type.String(), run: Type.Optional(Ulid) })),
})

/** What a suspended step asks of a person or an outside system. */
export const Question = Type.Object({
  interaction: Ulid,
  step: Type.String(),
  /** The asker's own name for it: an answer may come under this one, even before the question. */
  correlation: Type.Optional(Type.String({ maxLength: 200 })),
  assignee: Type.Optional(Type.String({ maxLength: 200 })),
  group: Type.Optional(Type.String({ maxLength: 200 })),
  /** How long it waits for an answer after it was recorded. */
  timeoutMs: Millis,
  request: Type.Unknown(),
  /** JSON Schema that an answer must fit. */
  response: Type.Record(Type.String(), Type.Unknown()),
  /** Answers must bring a signed resume token. */
  token: Type.Boolean(),
})

/** What a step made, kept so that a later attempt need not make it again. */
export const StepOutput = Type.Object({
  kind: Kind,
  sizeBytes: Count,
  /** In the content store. */
  digest: Type.Optional(Digest),
  /** Or here, when it is small; base64. */
  inline: Type.Optional(Type.String()),
})

export const Finding = Type.Object({
  code: Type.String(),
  severity: Type.Enum(['error', 'warning', 'info']),
  message: Text,
  subject: Type.Optional(Type.Record(Type.String(), Type.String())),
  count: Type.Integer({ minimum: 1 }),
})

export const StepNode = Type.Object({
  id: Type.String(),
  type: Type.String(),
  builtin: Type.Boolean(),
  description: Type.Optional(Type.String()),
})

export type AssetDefinition = Static<typeof AssetDefinition>
export type PipelineDefinition = Static<typeof PipelineDefinition>
export type VersionRef = Static<typeof VersionRef>
export type Question = Static<typeof Question>
export type StepOutput = Static<typeof StepOutput>
export type Actor = Static<typeof Actor>
export type Auth = Static<typeof Auth>
export type RenditionRef = Static<typeof Rendition>
export type FindingRecord = Static<typeof Finding>
export type SyncWish = Static<typeof SyncWish>
export type RunReason = (typeof runReasons)[number]
export type ErrorInfo = Static<typeof ErrorInfo>
