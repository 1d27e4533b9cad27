/**
 * The read models' tables as data: columns, key, indexes. The projector makes the tables and fills
 * them, the API reads them, and the row types below follow from the same lines. Every value comes from
 * the log alone, so a replay gives the same rows; nothing here knows when it was projected.
 *
 * A type with `?` may be null. Times are `timestamptz` of the log unless the name says otherwise, and
 * travel as RFC 3339 text; `int8` travels as a number; `jsonb` as plain values.
 */

type Scalar = 'text' | 'int4' | 'int8' | 'float8' | 'bool' | 'timestamptz' | 'jsonb'
export type ColumnType = Scalar | `${Scalar}?`
export type Table = {
  readonly columns: Readonly<Record<string, ColumnType>>
  readonly key: readonly string[]
  /** Columns of each secondary index. */
  readonly indexes?: readonly (readonly string[])[]
}

export const tables = {
  /** One row per asset, input or output, with its newest version and its trouble. */
  assets: {
    columns: {
      tenant: 'text',
      asset: 'text',
      kind: 'text',
      strategy: 'text',
      definition: 'jsonb?',
      producer: 'text?',
      removed: 'bool',
      version: 'text?',
      ordinal: 'int8',
      size_bytes: 'int8?',
      versioned_at: 'timestamptz?',
      /** The newest moment at which the log knew the source to be well. */
      good_at: 'timestamptz?',
      trouble: 'text?',
      trouble_detail: 'text?',
      trouble_since: 'timestamptz?',
      not_before: 'timestamptz?',
      first_seq: 'int8',
      seq: 'int8',
    },
    key: ['tenant', 'asset'],
  },
  asset_versions: {
    columns: {
      tenant: 'text',
      asset: 'text',
      version: 'text',
      ordinal: 'int8',
      kind: 'text',
      raw_digest: 'text',
      content_digest: 'text',
      size_bytes: 'int8',
      rows: 'int8',
      facts: 'jsonb',
      renditions: 'jsonb',
      same_as: 'text?',
      source_at: 'timestamptz?',
      etag: 'text?',
      last_modified: 'text?',
      origin: 'jsonb',
      /** The run that made it, for outputs. */
      run: 'text?',
      recorded_at: 'timestamptz',
      seq: 'int8',
    },
    key: ['tenant', 'version'],
    indexes: [
      ['tenant', 'asset', 'seq'],
      ['tenant', 'run'],
    ],
  },
  /** Fetches that went wrong, one row each. */
  fetch_troubles: {
    columns: {
      tenant: 'text',
      asset: 'text',
      seq: 'int8',
      index: 'int4',
      /** refused, failed or recovered */
      outcome: 'text',
      code: 'text?',
      detail: 'text?',
      status: 'int4?',
      size_bytes: 'int8?',
      recorded_at: 'timestamptz',
    },
    key: ['tenant', 'seq', 'index'],
    indexes: [['tenant', 'asset', 'seq']],
  },
  pipelines: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      definition: 'jsonb?',
      removed: 'bool',
      active_version: 'text?',
      /** Versions recorded after this position and not after a cancellation are in the open window. */
      through_seq: 'int8',
      cancelled_seq: 'int8',
      defined_seq: 'int8',
      flushed: 'bool',
      last_run: 'text?',
      last_requested_at: 'timestamptz?',
      runs: 'int8',
      seq: 'int8',
    },
    key: ['tenant', 'pipeline'],
  },
  releases: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      pipeline_version: 'text',
      feed_type: 'text',
      folder: 'text',
      inputs: 'jsonb',
      outputs: 'jsonb',
      steps: 'jsonb',
      edges: 'jsonb',
      registered_at: 'timestamptz',
      activated_at: 'timestamptz?',
      activated_by: 'jsonb?',
      seq: 'int8',
    },
    key: ['tenant', 'pipeline', 'pipeline_version'],
  },
  runs: {
    columns: {
      tenant: 'text',
      run: 'text',
      pipeline: 'text',
      pipeline_version: 'text',
      /** pending, running, retrying, completed, failed or dead_lettered */
      status: 'text',
      reason: 'text',
      actor: 'jsonb?',
      inputs: 'jsonb',
      triggered_by: 'jsonb',
      window_opened_at: 'timestamptz?',
      requested_at: 'timestamptz',
      started_at: 'timestamptz?',
      ended_at: 'timestamptz?',
      duration_ms: 'float8?',
      attempt: 'int4',
      worker: 'text?',
      error: 'jsonb?',
      next_attempt_at: 'timestamptz?',
      /** When the present status began. */
      since: 'timestamptz',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'run'],
    indexes: [
      ['tenant', 'seq'],
      ['tenant', 'pipeline', 'seq'],
      ['tenant', 'status', 'seq'],
    ],
  },
  steps: {
    columns: {
      tenant: 'text',
      run: 'text',
      attempt: 'int4',
      step: 'text',
      index: 'int4',
      /** succeeded, failed or skipped */
      status: 'text',
      reason: 'text?',
      started_at: 'timestamptz?',
      ended_at: 'timestamptz?',
      duration_ms: 'float8?',
      rows_in: 'int8?',
      rows_out: 'int8?',
      logs: 'jsonb',
      findings: 'jsonb',
      error: 'jsonb?',
      seq: 'int8',
    },
    key: ['tenant', 'run', 'attempt', 'step'],
  },
  artifacts: {
    columns: {
      tenant: 'text',
      run: 'text',
      output: 'text',
      attempt: 'int4',
      asset: 'text',
      version: 'text',
      ordinal: 'int8',
      changed: 'bool',
      size_bytes: 'int8',
      renditions: 'jsonb',
      seq: 'int8',
    },
    key: ['tenant', 'run', 'output'],
    indexes: [['tenant', 'asset', 'seq']],
  },
  workers: {
    columns: {
      tenant: 'text',
      worker: 'text',
      pool: 'text',
      version: 'text',
      pipelines: 'jsonb',
      capabilities: 'jsonb',
      host: 'text',
      pid: 'int4',
      /** connected, left or lost */
      status: 'text',
      joined_at: 'timestamptz',
      since: 'timestamptz',
      seq: 'int8',
    },
    key: ['tenant', 'worker'],
  },
  /** Messages of the log that could not be read. They change nothing and are shown. */
  unreadable: {
    columns: {
      tenant: 'text',
      seq: 'int8',
      subject: 'text',
      problem: 'text',
      recorded_at: 'timestamptz',
    },
    key: ['tenant', 'seq'],
  },
} as const satisfies Record<string, Table>

type Plain<T extends string> = T extends 'text' | 'timestamptz'
  ? string
  : T extends 'bool'
    ? boolean
    : T extends 'jsonb'
      ? unknown
      : number
type ValueOf<T extends string> = T extends `${infer S}?` ? Plain<S> | null : Plain<T>
export type TableName = keyof typeof tables
export type Row<T extends TableName> = {
  -readonly [C in keyof (typeof tables)[T]['columns']]: ValueOf<
    (typeof tables)[T]['columns'][C] & string
  >
}
/** What Kysely needs to know. */
export type Database = { [T in TableName]: Row<T> }

/** The schema that serves; a rebuild makes another one beside it and swaps. */
export const liveSchema = 'headway'
