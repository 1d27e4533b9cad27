/** Configuration: sources, rules and sinks; pushes and what became of them; what sinks hold and held. */
import type { Tables } from './shape.ts'

const defined = {
  definition: 'jsonb?',
  removed: 'bool',
  first_seq: 'int8',
  seq: 'int8',
} as const

export const configTables = {
  sources: { columns: { tenant: 'text', source: 'text', ...defined }, key: ['tenant', 'source'] },
  rules: { columns: { tenant: 'text', rule: 'text', ...defined }, key: ['tenant', 'rule'] },
  sinks: { columns: { tenant: 'text', sink: 'text', ...defined }, key: ['tenant', 'sink'] },
  /** One row per push that was accepted; how it ends follows from the runs of its targets. */
  tasks: {
    columns: {
      tenant: 'text',
      task: 'text',
      source: 'text',
      delivery: 'text',
      platform: 'text',
      event: 'text',
      repository: 'text',
      ref: 'text',
      commit: 'text?',
      before: 'text?',
      pull_request: 'int8?',
      pushed_at: 'timestamptz?',
      actor: 'text',
      reason: 'text?',
      rule: 'text?',
      environment: 'text?',
      dry_run: 'bool',
      /** Rule and environment each, with what became of it; null while nobody looked. */
      targets: 'jsonb?',
      /** Why there are no targets. */
      note: 'text?',
      received_at: 'timestamptz',
      resolved_at: 'timestamptz?',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'task'],
    indexes: [
      ['tenant', 'seq'],
      ['tenant', 'source', 'seq'],
    ],
  },
  /** One row per run and sink: what was planned, and how it ended. */
  syncs: {
    columns: {
      tenant: 'text',
      run: 'text',
      sink: 'text',
      environment: 'text',
      rule: 'text',
      pipeline: 'text?',
      repository: 'text?',
      commit: 'text?',
      mode: 'text?',
      /** planned, confirmed or failed */
      status: 'text',
      writes: 'int8?',
      deletes: 'int8?',
      protected: 'int8?',
      written: 'int8?',
      deleted: 'int8?',
      unchanged: 'int8?',
      error: 'jsonb?',
      planned_at: 'timestamptz?',
      ended_at: 'timestamptz?',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'run', 'sink', 'environment'],
    indexes: [['tenant', 'sink', 'environment', 'last_seq']],
  },
  /** What each key of a sink holds by our own doing. `held` is null when we deleted it. */
  sink_values: {
    columns: {
      tenant: 'text',
      sink: 'text',
      environment: 'text',
      key: 'text',
      rule: 'text',
      file: 'text',
      repository: 'text',
      commit: 'text',
      run: 'text',
      held: 'jsonb?',
      changed_at: 'timestamptz',
      seq: 'int8',
    },
    key: ['tenant', 'sink', 'environment', 'key'],
  },
  /** Every change of every key. */
  value_changes: {
    columns: {
      tenant: 'text',
      seq: 'int8',
      index: 'int4',
      entry: 'int4',
      sink: 'text',
      environment: 'text',
      rule: 'text',
      key: 'text',
      file: 'text',
      op: 'text',
      previous: 'jsonb?',
      value: 'jsonb?',
      repository: 'text',
      commit: 'text',
      run: 'text',
      recorded_at: 'timestamptz',
    },
    key: ['tenant', 'seq', 'index', 'entry'],
    indexes: [
      ['tenant', 'sink', 'environment', 'key', 'seq'],
      ['tenant', 'rule', 'seq'],
      ['tenant', 'run'],
    ],
  },
  /** Where a sink differs, or differed last, from what we put there. */
  drifts: {
    columns: {
      tenant: 'text',
      sink: 'text',
      environment: 'text',
      rule: 'text',
      repository: 'text',
      open: 'bool',
      keys: 'jsonb',
      count: 'int8',
      /** Why nobody can look; null while somebody can. */
      error: 'jsonb?',
      since: 'timestamptz',
      ended_at: 'timestamptz?',
      /** How often it began. */
      times: 'int8',
      /** Runs that were asked for to put it right, and the newest of them. */
      heals: 'int8',
      heal: 'text?',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'sink', 'environment', 'rule', 'repository'],
  },
} as const satisfies Tables
