import { holdsFeedHeader } from './gtfs-realtime.ts'
import type { FeedKindName } from './kind.ts'

/**
 * Guesses what unknown bytes are, so that `headway add <url>` need not be told. Only kinds that
 * give themselves away are guessed: an archive by its first bytes, a realtime feed by a header that
 * can be read. Whether they are any good is for `inspect` to say.
 */

const zipStarts = ['PK\u0003\u0004', 'PK\u0005\u0006']

export const sniff = (bytes: Uint8Array): FeedKindName | null => {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1')
  if (zipStarts.includes(start)) return 'gtfs_schedule_zip'
  return holdsFeedHeader(bytes) ? 'gtfs_rt_protobuf' : null
}
