import { appendColumn, appendRows, setCells } from '@headway/schemas/content/csv-edit.ts'
import { createTable } from '@headway/schemas/content/csv.ts'
import type { Table } from '@headway/schemas/content/csv.ts'
import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { step, Type } from './step.ts'

/**
 * Says who publishes the feed, under which version and for which dates, once the feed is ours.
 *
 * A feed without feed_info.txt gets one, a file without one of the fields gets the column. Fields
 * that are not named keep what they say. An empty text clears a field.
 */

const fileName = 'feed_info.txt'
const requiredFields = ['feed_publisher_name', 'feed_publisher_url', 'feed_lang']

const withField = (table: Table, field: string, text: string): Table =>
  table.columns.includes(field)
    ? setCells(table, field, () => text)
    : appendColumn(table, field, () => text)

export const updateFeedInfo = step({
  name: 'update_feed_info',
  description: 'Sets fields of feed_info.txt; creates the file and its columns when absent.',
  inputs: { feed: gtfsSchedule },
  options: Type.Object(
    {
      fields: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]*$' }), Type.String(), {
        description: 'Texts by column, such as feed_version: "2024-11".',
        additionalProperties: false,
        minProperties: 1,
      }),
    },
    { additionalProperties: false },
  ),
  output: gtfsSchedule,
  run({ feed, fields }, context) {
    const found = feed.table(fileName)
    const table = found && found.columns.length > 0 ? found : createTable(Object.keys(fields))
    const columns = Object.entries(fields).reduce(
      (columnsSoFar, [field, text]) => withField(columnsSoFar, field, text),
      table,
    )
    const updated = columns.rowCount > 0 ? columns : appendRows(columns, [fields])
    for (const field of requiredFields.filter((name) => !updated.columns.includes(name)))
      context.finding({
        code: 'missing_required_column',
        severity: 'warning',
        message: `${fileName} has no ${field}; name it in the options of update_feed_info`,
        subject: { filename: fileName, field_name: field },
      })
    return feed.with(fileName, updated)
  },
})
