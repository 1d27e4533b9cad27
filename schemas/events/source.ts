/** What happens at a source: what it is, what was pushed there, and what became of it. */
import { Type } from 'typebox'
import { AssetKey, Name, Text, Time, Ulid } from '../definitions.ts'
import { platforms, SourceDefinition } from '../rules/definition.ts'
import { event } from './event.ts'

const Commit = Type.String({ pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' })
const Delivery = Type.String({ minLength: 1, maxLength: 300 })

/** What became of a push for one rule and environment. */
export const Target = Type.Object({
  rule: Name,
  environment: Type.String(),
  asset: Type.Optional(AssetKey),
  pipeline: Type.Optional(Name),
  version: Type.Optional(Ulid),
  outcome: Type.Enum(['versioned', 'unchanged', 'older', 'refused', 'failed', 'retired']),
  reason: Type.Optional(Text),
})

export const sourceEvents = {
  SourceDefined: event('SourceDefined', { source: Name, definition: SourceDefinition }),
  SourceRemoved: event('SourceRemoved', { source: Name }),
  /** Somebody pushed, or wants a repository to be looked at. Each delivery is there once. */
  PushReceived: event('PushReceived', {
    source: Name,
    delivery: Delivery,
    platform: Type.Enum([...platforms]),
    event: Type.Enum(['push', 'pull_request', 'tag', 'poll', 'manual']),
    repository: Type.String({ maxLength: 200 }),
    ref: Type.String({ maxLength: 255 }),
    /** Left out when somebody asks for the newest of a ref. */
    commit: Type.Optional(Commit),
    before: Type.Optional(Commit),
    pullRequest: Type.Optional(Type.Integer({ minimum: 1 })),
    pushedAt: Type.Optional(Time),
    actor: Text,
    reason: Type.Optional(Text),
    task: Ulid,
    /** Only for this rule and this environment, when somebody says so. */
    rule: Type.Optional(Name),
    environment: Type.Optional(Type.String()),
    /** Plan, never write. */
    dryRun: Type.Boolean(),
  }),
  PushResolved: event('PushResolved', {
    source: Name,
    delivery: Delivery,
    task: Ulid,
    targets: Type.Array(Target),
    /** Why there are no targets. */
    reason: Type.Optional(Text),
  }),
} as const
