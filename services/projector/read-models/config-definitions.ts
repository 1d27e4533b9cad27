/** Sources, rules and sinks as they are defined now. A removed one keeps its last definition. */
import type { Row } from '@headway/schemas/tables.ts'
import type { Recorded } from '@headway/schemas/events.ts'
import { plain, type Fold, type Key } from './read-model.ts'

type Defined = Omit<Row<'sources'>, 'tenant' | 'source'>

const defined = (
  row: Defined | undefined,
  { seq, event }: Recorded & { readonly event: { readonly definition: object } },
): Defined => ({
  definition: plain(event.definition),
  removed: false,
  first_seq: row?.first_seq ?? seq,
  seq,
})

const keyOf =
  (field: 'source' | 'rule' | 'sink') =>
  ({ tenant, event }: Recorded): readonly Key[] =>
    field in event ? [[tenant, (event as unknown as Record<typeof field, string>)[field]]] : []

export const sources: Fold<'sources'> = {
  kind: 'fold',
  table: 'sources',
  version: 1,
  keys: keyOf('source'),
  evolve: {
    SourceDefined: (row, recorded) => {
      const { tenant, event } = recorded
      return { tenant, source: event.source, ...defined(row, recorded) }
    },
    SourceRemoved: (row, { seq }) => row && { ...row, removed: true, seq },
  },
}

export const rules: Fold<'rules'> = {
  kind: 'fold',
  table: 'rules',
  version: 1,
  keys: keyOf('rule'),
  evolve: {
    RuleDefined: (row, recorded) => {
      const { tenant, event } = recorded
      return { tenant, rule: event.rule, ...defined(row, recorded) }
    },
    RuleRemoved: (row, { seq }) => row && { ...row, removed: true, seq },
  },
}

export const sinks: Fold<'sinks'> = {
  kind: 'fold',
  table: 'sinks',
  version: 1,
  keys: keyOf('sink'),
  evolve: {
    SinkDefined: (row, recorded) => {
      const { tenant, event } = recorded
      return { tenant, sink: event.sink, ...defined(row, recorded) }
    },
    SinkRemoved: (row, { seq }) => row && { ...row, removed: true, seq },
  },
}
