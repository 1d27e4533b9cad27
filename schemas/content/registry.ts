import { configDocuments } from './config-documents.ts'
import { configTree } from './config-tree.ts'
import { configValues } from './config-values.ts'
import { csvTable } from './csv-table.ts'
import { gtfsRealtime } from './gtfs-realtime.ts'
import { gtfsSchedule } from './gtfs-schedule.ts'
import type { ContentKind, ContentKindName } from './kind.ts'
import { opaqueBytes } from './opaque.ts'
import { syncReport } from './sync-report.ts'

/** Every kind of content by its name: the one place to add another. */
export const contentKindOf: Readonly<Record<ContentKindName, ContentKind<any>>> = {
  gtfs_schedule_zip: gtfsSchedule,
  gtfs_rt_protobuf: gtfsRealtime,
  csv_table: csvTable,
  opaque_bytes: opaqueBytes,
  config_tree: configTree,
  config_documents: configDocuments,
  config_values: configValues,
  sync_report: syncReport,
}
