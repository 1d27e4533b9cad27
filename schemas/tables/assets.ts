/** Assets, their versions, and what went wrong with their sources. */
import type { Tables } from './shape.ts'

export const assetTables = {
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
} as const satisfies Tables
