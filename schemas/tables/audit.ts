/** Everything that somebody asked for or decided. */
import type { Tables } from './shape.ts'

export const auditTables = {
  audit: {
    columns: {
      tenant: 'text',
      seq: 'int8',
      index: 'int4',
      type: 'text',
      actor: 'text',
      reason: 'text?',
      /** What it is about: the kind of thing and its name. */
      kind: 'text',
      about: 'text',
      /** The event without what is said above. */
      fields: 'jsonb',
      recorded_at: 'timestamptz',
    },
    key: ['tenant', 'seq', 'index'],
    indexes: [
      ['tenant', 'actor', 'seq'],
      ['tenant', 'kind', 'about', 'seq'],
    ],
  },
} as const satisfies Tables
