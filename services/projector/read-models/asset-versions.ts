/** Every version of every asset, with where it came from. */
import { moment, recordedAt, type Fact } from './read-model.ts'

export const assetVersions: Fact<'asset_versions'> = {
  kind: 'fact',
  table: 'asset_versions',
  version: 1,
  rows: {
    AssetVersioned: (recorded) => {
      const { tenant, seq, event } = recorded
      return {
        tenant,
        asset: event.asset,
        version: event.version,
        ordinal: event.ordinal,
        kind: event.kind,
        raw_digest: event.rawDigest,
        content_digest: event.contentDigest,
        size_bytes: event.sizeBytes,
        rows: event.rows,
        facts: event.facts,
        renditions: event.renditions,
        same_as: event.sameAs ?? null,
        source_at: moment(event.sourceAt),
        etag: event.etag ?? null,
        last_modified: event.lastModified ?? null,
        origin: event.origin,
        run: event.origin.by === 'run' ? event.origin.run : null,
        recorded_at: recordedAt(recorded),
        seq,
      }
    },
  },
}
