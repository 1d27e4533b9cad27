/** What nobody could read or carry out. It changes nothing and is shown. */
import type { Tables } from './shape.ts'

export const refusedTables = {
  /** Commands that nobody can carry out. */
  refused_commands: {
    columns: {
      tenant: 'text',
      /** run, due or fetch */
      queue: 'text',
      /** The pipeline, or the asset of `fetch`. */
      about: 'text',
      problem: 'text',
      deliveries: 'int4',
      /** The first bytes of the message, base64. */
      sample: 'text',
      recorded_at: 'timestamptz',
      seq: 'int8',
      index: 'int4',
    },
    key: ['tenant', 'seq', 'index'],
  },
  /** Messages of the log that could not be read. */
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
} as const satisfies Tables
