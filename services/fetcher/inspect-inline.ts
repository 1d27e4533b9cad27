/**
 * An inspection here and now. Bytes that break the inspection itself are refused like any other bad
 * ones: they would break it again.
 */
import {
  Refusal,
  type ContentKindName,
  type Inspection,
  type RefusalCode,
} from '@headway/schemas/content/kind.ts'
import { contentKindOf } from '@headway/schemas/content/registry.ts'

export type Inspected = {
  readonly inspection?: Inspection
  readonly refusal?: { readonly code: RefusalCode; readonly message: string }
}

const unreadable: Readonly<Record<ContentKindName, RefusalCode>> = {
  gtfs_schedule_zip: 'malformed_zip',
  gtfs_rt_protobuf: 'malformed_protobuf',
  csv_table: 'malformed_csv',
  opaque_bytes: 'too_large',
  config_tree: 'malformed_config',
  config_documents: 'malformed_config',
  config_values: 'malformed_config',
  sync_report: 'malformed_config',
}

export const inspectInline = (kind: ContentKindName, bytes: Uint8Array): Inspected => {
  try {
    return { inspection: contentKindOf[kind].inspect(bytes) }
  } catch (error) {
    const { message } = error as Error
    if (error instanceof Refusal) return { refusal: { code: error.code, message } }
    const told = `the inspection broke on these bytes: ${message}`
    return { refusal: { code: unreadable[kind], message: told } }
  }
}
