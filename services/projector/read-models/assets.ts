/**
 * Assets, inputs and outputs alike, with their newest version and what is wrong with their source.
 *
 * A row begins with a definition, a first version, or the release that names it as an output. Trouble
 * is the source's: a refused push is answered to whoever pushed and leaves the source as it was, and so
 * does a version that did not come from it. `trouble_since` is when the source was last left well,
 * however often the trouble changed its name meanwhile.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { moment, recordedAt, type Fold, type Key, type Look } from './read-model.ts'

type Asset = Row<'assets'>

const well = { trouble: null, trouble_detail: null, trouble_since: null, not_before: null }

/** A row that knows nothing yet but its name and kind. */
const created = ({ tenant, seq }: Recorded, asset: string, kind: string): Asset => ({
  tenant,
  asset,
  kind,
  strategy: 'content_hash',
  definition: null,
  producer: null,
  removed: false,
  version: null,
  ordinal: 0,
  size_bytes: null,
  versioned_at: null,
  good_at: null,
  ...well,
  first_seq: seq,
  seq,
})

const defined = (row: Asset | undefined, recorded: Recorded<EventOf<'AssetDefined'>>): Asset => {
  const { seq, event } = recorded
  const { definition, asset } = event
  const before = row ?? created(recorded, asset, definition.kind)
  return {
    ...before,
    kind: definition.kind,
    strategy: definition.strategy,
    definition,
    producer: definition.producer ?? before.producer,
    removed: false,
    seq,
  }
}

const versioned = (
  row: Asset | undefined,
  recorded: Recorded<EventOf<'AssetVersioned'>>,
): Asset => {
  const { seq, event } = recorded
  const before = row ?? created(recorded, event.asset, event.kind)
  const at = recordedAt(recorded)
  return {
    ...before,
    kind: event.kind,
    producer: event.origin.by === 'run' ? event.origin.pipeline : before.producer,
    version: event.version,
    ordinal: event.ordinal,
    size_bytes: event.sizeBytes,
    versioned_at: at,
    good_at: at,
    ...(event.origin.by === 'fetch' ? well : {}),
    seq,
  }
}

const troubled = (
  row: Asset | undefined,
  recorded: Recorded<EventOf<'FetchRefused' | 'FetchFailed'>>,
  trouble: string,
  detail: string,
): Asset | undefined => {
  const { seq, event } = recorded
  if (!row || ('push' in event && event.push !== undefined)) return row
  return {
    ...row,
    trouble,
    trouble_detail: detail,
    trouble_since: row.trouble_since ?? recordedAt(recorded),
    not_before: event.type === 'FetchFailed' ? moment(event.notBefore) : null,
    seq,
  }
}

const promised = (
  row: Asset | undefined,
  recorded: Recorded<EventOf<'ReleaseRegistered'>>,
  _look: Look,
  key: Key,
): Asset => {
  const { seq, event } = recorded
  const asset = String(key[1])
  const kind = event.outputs[asset.slice(asset.lastIndexOf('/') + 1)]?.kind ?? 'opaque_bytes'
  const before = row ?? created(recorded, asset, kind)
  if (row?.kind === kind && row.producer === event.pipeline) return row
  return { ...before, kind, producer: event.pipeline, seq }
}

export const assets: Fold<'assets'> = {
  kind: 'fold',
  table: 'assets',
  version: 1,
  keys: ({ tenant, event }) => {
    if (event.type === 'ReleaseRegistered')
      return Object.keys(event.outputs).map((name) => [tenant, `output/${event.pipeline}/${name}`])
    return 'asset' in event ? [[tenant, event.asset]] : []
  },
  evolve: {
    AssetDefined: defined,
    AssetRemoved: (row, { seq }) =>
      row && { ...row, ...well, definition: null, removed: true, seq },
    AssetVersioned: versioned,
    FetchRefused: (row, recorded) =>
      troubled(row, recorded, `refused:${recorded.event.code}`, recorded.event.detail),
    FetchFailed: (row, recorded) =>
      troubled(row, recorded, `failed:${recorded.event.error.type}`, recorded.event.error.message),
    FetchRecovered: (row, recorded) =>
      row &&
      (recorded.event.push === undefined
        ? { ...row, ...well, good_at: recordedAt(recorded), seq: recorded.seq }
        : row),
    ReleaseRegistered: promised,
  },
}
