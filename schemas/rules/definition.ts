/**
 * What configuration of configuration is: where pushes come from, where values go, and the rules between
 * them. As permanent as the events that hold them.
 */
import { Type, type Static } from 'typebox'
import { Count, Millis, Name } from '../definitions.ts'

export const platforms = ['github', 'gitlab', 'gitea', 'bitbucket'] as const
/** Keys that are named when a sink drifted; the others are counted. */
export const driftKeysTold = 100
export const syncModes = ['auto', 'upsert_all', 'smart_repair', 'live_state'] as const

/** How a secret travels: by name, resolved at use. */
export const SecretReference = Type.String({ pattern: '^(env|file|vault):.+' })
const Strings = Type.Array(Type.String())
const Globs = Type.Record(Type.String(), Type.String())

export const SourceDefinition = Type.Object({
  platform: Type.Enum([...platforms]),
  /** Repositories are at `<url>/<owner>/<name>.git`. */
  url: Type.String(),
  webhook: Type.Optional(
    Type.Object({
      /** Any of them may have signed: the new one and the one before. */
      keys: Type.Optional(Type.Array(SecretReference, { maxItems: 2 })),
      /** False: nobody looks at signatures. */
      verify: Type.Optional(Type.Boolean()),
    }),
  ),
  auth: Type.Optional(Type.Object({ token: SecretReference })),
  poll: Type.Optional(Type.Object({ repositories: Strings, everyMs: Millis })),
  allowPrivateHosts: Type.Optional(Type.Boolean()),
})

/** Options are checked by the type that they are for. */
export const SinkDefinition = Type.Object({
  type: Type.String(),
  options: Type.Record(Type.String(), Type.Unknown()),
})

export const RuleDefinition = Type.Object({
  source: Name,
  repositories: Type.Array(Type.String(), { minItems: 1 }),
  exclude: Type.Optional(Strings),
  files: Type.Array(Type.String(), { minItems: 1 }),
  environment: Type.Object({
    branches: Type.Optional(Globs),
    paths: Type.Optional(Globs),
    pullRequests: Type.Optional(Type.Boolean()),
    branch: Type.Optional(Type.Boolean()),
    tags: Type.Optional(Type.Boolean()),
    default: Type.Optional(Type.String()),
  }),
  rootKey: Type.Optional(Type.String()),
  rootKeyOptional: Type.Optional(Type.Boolean()),
  slice: Type.Optional(Type.Boolean()),
  separator: Type.Optional(Type.String({ minLength: 1 })),
  /** New key → the flat key it is made of. */
  rename: Type.Optional(Globs),
  /** Glob of flat keys → reference of the secret. */
  secrets: Type.Optional(Type.Record(Type.String(), SecretReference)),
  validate: Type.Optional(
    Type.Object({
      jsonSchema: Type.Optional(Type.String()),
      cue: Type.Optional(Type.String()),
      definition: Type.Optional(Type.String()),
    }),
  ),
  sinks: Type.Array(Name, { minItems: 1 }),
  mode: Type.Optional(Type.Enum([...syncModes])),
  prune: Type.Optional(
    Type.Object({
      enabled: Type.Boolean(),
      dryRun: Type.Optional(Type.Boolean()),
      protect: Type.Optional(Strings),
    }),
  ),
  drift: Type.Optional(
    Type.Object({
      everyMs: Millis,
      heal: Type.Optional(Type.Boolean()),
      healEveryMs: Type.Optional(Millis),
    }),
  ),
  dryRun: Type.Optional(Type.Boolean()),
  pool: Type.Optional(Name),
})

/** A value as a sink holds it; of a secret a keyed digest, and the value sealed when there is a key. */
export const Held = Type.Union([
  Type.Object({ plain: Type.String() }),
  Type.Object({ digest: Type.String(), sealed: Type.Optional(Type.String()) }),
])

/**
 * What was done to a key, and which file asked for it. Released: it is not this owner's any more and stays
 * as it is, because somebody else has it, or got back the value that it had before it was taken.
 */
export const AppliedEntry = Type.Object({
  key: Type.String(),
  file: Type.String(),
  op: Type.Enum(['set', 'delete', 'release']),
  previous: Type.Optional(Held),
  value: Type.Optional(Held),
})

export const Counts = Type.Object({ written: Count, deleted: Count, unchanged: Count })

export type Platform = (typeof platforms)[number]
export type SyncMode = (typeof syncModes)[number]
export type SourceDefinition = Static<typeof SourceDefinition>
export type SinkDefinition = Static<typeof SinkDefinition>
export type RuleDefinition = Static<typeof RuleDefinition>
export type Held = Static<typeof Held>
export type AppliedEntry = Static<typeof AppliedEntry>
