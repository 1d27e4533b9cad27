/**
 * The streams as data, every option that matters said aloud, and `ensure`, which makes a server so or
 * refuses with a sentence.
 *
 * EVENTS is the log: total order, nobody deletes, purges or rolls up, and when it is full it refuses
 * rather than forgets. CONTROL is a work queue with schedules, told again from EVENTS when lost, so its
 * acknowledgements may cost no fsync; schedules forbid `discard: new`. LIVE is memory. FAULTS keeps the
 * server's own advisories. CONTENT is an Object Store bucket, written by `content.ts`.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  PersistMode,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { subjects } from './subjects.ts'

const serverVersionMin = [2, 14] as const
const daysMs = 86_400_000
export const contentBucket = 'headway'

type Stream = Partial<StreamConfig> & { readonly name: string; readonly subjects: string[] }

export const topology = {
  EVENTS: {
    name: 'EVENTS',
    description: 'Headway: the log. Every fact, in order, for good.',
    subjects: subjects.events,
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    deny_delete: true,
    deny_purge: true,
    allow_rollup_hdrs: false,
    allow_direct: true,
    duplicate_window: nanos(120_000),
    max_msg_size: 1_000_000,
  },
  CONTROL: {
    name: 'CONTROL',
    description: 'Headway: timers and commands. Told again from EVENTS when lost.',
    subjects: subjects.control,
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    persist_mode: PersistMode.Async,
    discard: DiscardPolicy.Old,
    allow_msg_schedules: true,
    allow_msg_ttl: true,
    allow_direct: true,
    duplicate_window: nanos(120_000),
  },
  LIVE: {
    name: 'LIVE',
    description: 'Headway: presence and rate limits. In memory, gone with the server.',
    subjects: subjects.live,
    retention: RetentionPolicy.Limits,
    storage: StorageType.Memory,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    allow_msg_ttl: true,
    allow_direct: true,
  },
  FAULTS: {
    name: 'FAULTS',
    description: "Headway: the server's advisories about deliveries that failed for good.",
    subjects: subjects.faults,
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(30 * daysMs),
    max_bytes: 64 * 1024 * 1024,
  },
  CONTENT: {
    name: `OBJ_${contentBucket}`,
    description: 'Headway: bytes by digest (Object Store format).',
    subjects: [`$O.${contentBucket}.C.>`, `$O.${contentBucket}.M.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
  },
} as const satisfies Record<string, Stream>

export class TopologyError extends Error {
  override readonly name = 'TopologyError'
}

export const isOldServer = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [majorMin, minorMin] = serverVersionMin
  return major < majorMin || (major === majorMin && minor < minorMin)
}

const refuseOldServer = (version: string): void => {
  const [majorMin, minorMin] = serverVersionMin
  if (!isOldServer(version)) return
  throw new TopologyError(
    `nats-server ${version} is too old: Headway needs ${majorMin}.${minorMin} or newer for message ` +
      'schedules. Upgrade the server, or unset HEADWAY_NATS_URL to use the one that comes with Headway.',
  )
}

const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === 10059

/** Creates what is missing and brings every option to what is written here. Safe to call by many. */
export const ensure = async (jsm: JetStreamManager, version: string): Promise<number> => {
  refuseOldServer(version)
  let created = 0
  for (const stream of Object.values<Stream>(topology)) {
    const info = await jsm.streams.info(stream.name).catch((error: unknown) => {
      if (isMissing(error)) return null
      throw error
    })
    if (!info) {
      await jsm.streams.add({ ...stream, num_replicas: 1 })
      created++
    } else if (differs(stream, info.config)) await jsm.streams.update(stream.name, stream)
  }
  return created
}

/** Whether a running stream has other options than `wanted`. */
export const differs = (wanted: Stream, actual: StreamConfig): boolean =>
  Object.entries(wanted).some(
    ([option, value]) =>
      JSON.stringify(actual[option as keyof StreamConfig]) !== JSON.stringify(value),
  )
