/** What each run published, per output. A later attempt's publication takes the place of an earlier. */
import type { Fact } from './read-model.ts'

export const artifacts: Fact<'artifacts'> = {
  kind: 'fact',
  table: 'artifacts',
  version: 1,
  rows: {
    ArtifactPublished: ({ tenant, seq, event }) => ({
      tenant,
      run: event.run,
      output: event.output,
      attempt: event.attempt,
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
