/**
 * What shall be in every sink of a rule, for one environment: keys in order, each with the file it comes
 * from. A secret is its reference; no value of one is ever in here.
 */
import { Type, type Static } from 'typebox'
import { RuleDefinition, SinkDefinition } from '../rules/definition.ts'
import type { Entry } from '../rules/value.ts'
import { jsonDocument } from './json-document.ts'

/** Where configuration comes from and where it goes: all of a tree but its files. */
export const ConfigOrigin = Type.Object({
  rule: Type.Intersect([Type.Object({ name: Type.String() }), RuleDefinition]),
  sinks: Type.Record(Type.String(), SinkDefinition),
  repository: Type.String(),
  ref: Type.String(),
  commit: Type.String(),
  author: Type.String(),
  authoredAt: Type.String(),
  message: Type.String(),
  environment: Type.String(),
  dryRun: Type.Boolean(),
})
export type ConfigOrigin = Static<typeof ConfigOrigin>

export const FileStatus = Type.Object({
  path: Type.String(),
  status: Type.Enum(['ok', 'empty', 'invalid', 'removed']),
})
export type FileStatus = Static<typeof FileStatus>

const key = { key: Type.String(), file: Type.String() }
const Shape = Type.Intersect([
  ConfigOrigin,
  Type.Object({
    entries: Type.Array(
      Type.Union([
        Type.Object({ ...key, value: Type.Unknown() }),
        Type.Object({ ...key, secret: Type.String() }),
      ]),
    ),
    files: Type.Array(FileStatus),
  }),
])

export type ConfigValues = ConfigOrigin & {
  readonly entries: readonly Entry[]
  readonly files: readonly FileStatus[]
}

export const configValues = jsonDocument<ConfigValues>({
  name: 'config_values',
  file: 'values.json',
  shape: Shape,
  rows: ({ entries }) => entries.length,
  facts: ({ commit, repository, environment, entries }) => ({
    commit,
    repository,
    environment,
    keys: entries.length,
  }),
})
