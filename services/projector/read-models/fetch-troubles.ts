/** Fetches and pushes that went wrong, and the recoveries that ended it: one row per event. */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { recordedAt, type Fact } from './read-model.ts'

const trouble = (
  recorded: Recorded<EventOf<'FetchRefused' | 'FetchFailed' | 'FetchRecovered'>>,
  told: Pick<Row<'fetch_troubles'>, 'outcome' | 'code' | 'detail' | 'status' | 'size_bytes'>,
): Row<'fetch_troubles'> => ({
  tenant: recorded.tenant,
  asset: recorded.event.asset,
  seq: recorded.seq,
  index: recorded.index,
  ...told,
  recorded_at: recordedAt(recorded),
})

export const fetchTroubles: Fact<'fetch_troubles'> = {
  kind: 'fact',
  table: 'fetch_troubles',
  version: 1,
  rows: {
    FetchRefused: (recorded) => {
      const { code, detail, sizeBytes } = recorded.event
      return trouble(recorded, {
        outcome: 'refused',
        code,
        detail,
        status: null,
        size_bytes: sizeBytes,
      })
    },
    FetchFailed: (recorded) => {
      const { error, status } = recorded.event
      return trouble(recorded, {
        outcome: 'failed',
        code: error.type,
        detail: error.message,
        status: status ?? null,
        size_bytes: null,
      })
    },
    FetchRecovered: (recorded) =>
      trouble(recorded, {
        outcome: 'recovered',
        code: null,
        detail: null,
        status: null,
        size_bytes: null,
      }),
  },
}
