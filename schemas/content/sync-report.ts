/** What a run did to every sink, and what it would have done where it may not. Keys, never values. */
import { Type, type Static } from 'typebox'
import { syncModes } from '../rules/definition.ts'
import { FileStatus } from './config-values.ts'
import { jsonDocument } from './json-document.ts'

const Count = Type.Integer({ minimum: 0 })
const Keys = Type.Array(Type.String())

export const SinkReport = Type.Object({
  sink: Type.String(),
  environment: Type.String(),
  mode: Type.Enum([...syncModes]),
  written: Count,
  deleted: Count,
  unchanged: Count,
  protected: Count,
  protected_keys: Keys,
  would_write: Keys,
  would_delete: Keys,
})
export const SyncReport = Type.Object({
  rule: Type.String(),
  repository: Type.String(),
  commit: Type.String(),
  environment: Type.String(),
  dryRun: Type.Boolean(),
  sinks: Type.Array(SinkReport),
  files: Type.Array(FileStatus),
})
export type SinkReport = Static<typeof SinkReport>
export type SyncReport = Static<typeof SyncReport>

const sum = (sinks: readonly SinkReport[], name: 'written' | 'deleted'): number =>
  sinks.reduce((all, sink) => all + sink[name], 0)

export const syncReport = jsonDocument<SyncReport>({
  name: 'sync_report',
  file: 'report.json',
  shape: SyncReport,
  rows: ({ sinks }) => sinks.length,
  facts: ({ commit, repository, environment, sinks }) => ({
    commit,
    repository,
    environment,
    written: sum(sinks, 'written'),
    deleted: sum(sinks, 'deleted'),
  }),
})
