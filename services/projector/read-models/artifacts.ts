/** What each run published, per output. A later attempt's publication takes the place of an earlier. */
import { fold } from './read-model.ts'

export const artifacts = fold<'artifacts'>({
  table: 'artifacts',
  version: 1,
  keys: ({ event }) => (event.type === 'ArtifactPublished' ? [[event.run, event.output]] : []),
  evolve: {
    ArtifactPublished: (row, { tenant, seq, event }) =>
      row && row.attempt > event.attempt
        ? row
        : {
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
          },
  },
})
