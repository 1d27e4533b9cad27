/** What each run published, per output. A later attempt's publication takes the place of an earlier. */
import { fenceOf, type Fact } from './read-model.ts'

export const artifacts: Fact<'artifacts'> = {
  kind: 'fact',
  table: 'artifacts',
  version: 2,
  rows: {
    ArtifactPublished: ({ tenant, seq, event }) => ({
      tenant,
      ...fenceOf(event),
      output: event.output,
      asset: event.asset,
      version: event.version,
      ordinal: event.ordinal,
      changed: event.changed,
      size_bytes: event.sizeBytes,
      renditions: event.renditions,
      seq,
    }),
  },
}
