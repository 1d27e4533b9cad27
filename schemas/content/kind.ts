/**
 * A content kind says what bytes mean. It is the one place where a kind of feed is proved, read,
 * counted and written; fetchers, workers and the API know kinds only through this contract.
 *
 * Two digests name a version. The raw digest is the SHA-256 of the bytes as they came. The content
 * digest survives everything that carries no meaning (row order, column order, compression, the
 * header timestamp of a realtime feed), so a re-zipped schedule is not a change.
 *
 * Everything here is a pure computation on bytes: no clock, no network, no disk.
 */
import type { PartDifference } from './difference/tally.ts'

/** The kinds that somebody may fetch or push. */
export const feedKinds = [
  'gtfs_schedule_zip',
  'gtfs_rt_protobuf',
  'csv_table',
  'opaque_bytes',
] as const
export type FeedKindName = (typeof feedKinds)[number]

/** All kinds; those of configuration are made here and nowhere else. */
export const contentKinds = [
  ...feedKinds,
  'config_tree',
  'config_documents',
  'config_values',
  'sync_report',
] as const
export type ContentKindName = (typeof contentKinds)[number]

/** What inspection learned from good bytes. */
export type Inspection = {
  /** SHA-256 over the canonical form, 64 lower-case hex digits. */
  readonly contentDigest: string
  /** Rows of a schedule, entities of a realtime feed, lines of a table; 0 for opaque bytes. */
  readonly rows: number
  /** When the content says it was made (RFC 3339), where it says so: a realtime header's timestamp. */
  readonly sourceAt?: string
  /** Small, flat facts worth showing to people: rows per file, entities per type. At most 64. */
  readonly facts: Readonly<Record<string, number | string>>
}

/** Limits that keep hostile input harmless. */
export type InspectLimits = {
  /** Upper bound for everything that comes out of an archive together. */
  readonly expandedBytesMax: number
  /** Upper bound for the number of entries of an archive. */
  readonly entriesMax: number
}

export const inspectLimits: InspectLimits = { expandedBytesMax: 2 ** 31 - 1, entriesMax: 1_000 }

/** One byte form of a value: `feed.pb` and `feed.json` are two renditions of the same version. */
export type Rendition = {
  readonly name: string
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** The primary rendition of each kind: its file name and media type. */
export const primaryRendition: Readonly<
  Record<ContentKindName, { readonly name: string; readonly mediaType: string }>
> = {
  gtfs_schedule_zip: { name: 'feed.zip', mediaType: 'application/zip' },
  gtfs_rt_protobuf: { name: 'feed.pb', mediaType: 'application/x-protobuf' },
  csv_table: { name: 'table.csv', mediaType: 'text/csv' },
  opaque_bytes: { name: 'content.bin', mediaType: 'application/octet-stream' },
  config_tree: { name: 'tree.json', mediaType: 'application/json' },
  config_documents: { name: 'documents.json', mediaType: 'application/json' },
  config_values: { name: 'values.json', mediaType: 'application/json' },
  sync_report: { name: 'report.json', mediaType: 'application/json' },
}

export type ContentKind<Value> = {
  readonly name: ContentKindName
  /** Proves that the bytes are what they claim to be. Throws `Refusal` when they are not. */
  inspect(bytes: Uint8Array, limits?: InspectLimits): Inspection
  /** Reads bytes that passed `inspect`. Lazy where it can be: unread tables stay bytes. */
  parse(bytes: Uint8Array): Value
  /** Writes a value, the primary rendition first. Equal values give equal bytes on one Node version. */
  encode(value: Value): readonly Rendition[]
  /** Rows or entities, as in `Inspection.rows`. */
  rows(value: Value): number
  /**
   * What two values say differently, part by part, for `difference`; the digest decides whether
   * they do. Without it, bytes are all that is compared.
   */
  compare?(before: Value, after: Value): readonly PartDifference[]
}

/** Why bytes were refused. The codes are part of the event log: add, never rename. */
export const refusalCodes = [
  'empty_body',
  'html_page',
  'json_document',
  'base64_text',
  'text_document',
  'truncated_zip',
  'malformed_zip',
  'unsafe_zip',
  'zip_bomb',
  'missing_required_file',
  'missing_required_column',
  'no_service',
  'malformed_csv',
  'truncated_protobuf',
  'malformed_protobuf',
  'missing_header',
  'too_large',
  'malformed_config',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

/** Bytes that must not become a version. The message says what was found and what was expected. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  constructor(code: RefusalCode, message: string) {
    super(message)
    this.code = code
  }
}
