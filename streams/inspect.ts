/**
 * A server as it is beside what this code wants of it: for people who look for what is wrong. Changes
 * nothing; `ensure` does.
 */
import {
  JetStreamApiError,
  type ConsumerConfig,
  type ConsumerInfo,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { connectTo, type Connection } from './connect.ts'
import { leaseMs } from './control.ts'
import { tenantOfFilter } from './subjects.ts'
import { isOldServer, topology } from './topology.ts'

/** An option that is not as the code wants it; what is not set is null. */
export type Drift = {
  readonly option: string
  readonly wanted: unknown
  readonly actual: unknown
}
export type StreamState = {
  readonly name: string
  readonly description: string
  /** Null: it is not there. */
  readonly drift: readonly Drift[] | null
  readonly messages: number
  readonly bytes: number
  readonly subjects: number
  readonly firstSeq: number
  readonly lastSeq: number
  /** When the first and the last message were recorded; null in an empty stream. */
  readonly firstAt: string | null
  readonly lastAt: string | null
  readonly storage: 'file' | 'memory'
  readonly replicas: number
  /** Null: as many as the store has room for. */
  readonly limits: {
    readonly bytes: number | null
    readonly messages: number | null
    readonly ageMs: number | null
    readonly messageBytes: number | null
  }
}
export type ConsumerState = {
  readonly stream: string
  readonly name: string
  readonly isDurable: boolean
  /** Whose messages it takes; null: every tenant's. */
  readonly tenant: string | null
  readonly filters: readonly string[]
  readonly drift: readonly Drift[]
  /** Not delivered yet. */
  readonly pending: number
  /** Delivered and not settled, and how many of them for a second time. */
  readonly ackPending: number
  readonly ackPendingMax: number | null
  readonly redelivered: number
  /** Requests for messages that wait for some. */
  readonly asking: number
  readonly deliveredSeq: number
  readonly settledSeq: number
  /** The last delivery or settlement; null: none since the server started. */
  readonly activeAt: string | null
}
export type ServerState = {
  readonly version: string
  readonly isOld: boolean
  /** The server's clock less ours; half of the round trip is not known. */
  readonly skewMs: number
  readonly roundTripMs: number
  /** Bytes on disk that the account holds and may hold; null: without end. */
  readonly store: { readonly bytes: number; readonly bytesMax: number | null }
  readonly streams: readonly StreamState[]
  readonly consumers: readonly ConsumerState[]
  /** What the connection may not do. */
  readonly denied: readonly string[]
}

type Wanted = Partial<StreamConfig> & { readonly name: string; readonly description: string }

const driftOf = (wanted: object, actual: object): readonly Drift[] =>
  Object.entries(wanted)
    .map(([option, value]) => ({
      option,
      wanted: value as unknown,
      actual: (actual[option as never] ?? null) as unknown,
    }))
    .filter((one) => JSON.stringify(one.wanted) !== JSON.stringify(one.actual))

const queueConfig: Partial<ConsumerConfig> = {
  ack_policy: 'explicit',
  ack_wait: nanos(leaseMs),
  max_deliver: -1,
}

const isDenied = (error: unknown): boolean => /permission/i.test(String(error))
const limit = (value: number | undefined): number | null => (value && value > 0 ? value : null)

/** Whatever never happened was in the year 1. */
const momentOf = (text: unknown): string | null => {
  const at = Date.parse(String(text))
  return at > 0 ? new Date(at).toISOString() : null
}
const latest = (...moments: (string | null)[]): string | null =>
  moments.reduce((one, other) => ((other ?? '') > (one ?? '') ? other : one), null)

const streamState = (wanted: Wanted, info: StreamInfo | null): StreamState => {
  const config = info?.config
  const state = info?.state
  const isEmpty = (state?.messages ?? 0) === 0
  const maxAge = limit(config?.max_age)
  return {
    name: wanted.name,
    description: wanted.description.replace('Headway: ', ''),
    drift: config ? driftOf(wanted, config) : null,
    messages: state?.messages ?? 0,
    bytes: state?.bytes ?? 0,
    subjects: state?.num_subjects ?? 0,
    firstSeq: state?.first_seq ?? 0,
    lastSeq: state?.last_seq ?? 0,
    firstAt: isEmpty ? null : momentOf(state?.first_ts),
    lastAt: isEmpty ? null : momentOf(state?.last_ts),
    storage: config?.storage ?? wanted.storage ?? 'file',
    replicas: config?.num_replicas ?? 0,
    limits: {
      bytes: limit(config?.max_bytes),
      messages: limit(config?.max_msgs),
      ageMs: maxAge && maxAge / 1e6,
      messageBytes: limit(config?.max_msg_size),
    },
  }
}

const consumerState = (info: ConsumerInfo): ConsumerState => {
  const { config } = info
  const isQueue = info.stream_name === topology.CONTROL.name && config.durable_name !== undefined
  const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : [])
  return {
    stream: info.stream_name,
    name: info.name,
    isDurable: config.durable_name !== undefined,
    tenant: tenantOfFilter(filters),
    filters,
    drift: isQueue ? driftOf(queueConfig, config) : [],
    pending: info.num_pending,
    ackPending: info.num_ack_pending,
    ackPendingMax: limit(config.max_ack_pending),
    redelivered: info.num_redelivered,
    asking: info.num_waiting,
    deliveredSeq: info.delivered.stream_seq,
    settledSeq: info.ack_floor.stream_seq,
    activeAt: latest(momentOf(info.delivered.last_active), momentOf(info.ack_floor.last_active)),
  }
}

/** Over a connection that is open already. */
export const inspectServer = async ({
  nc,
  jsm,
}: Pick<Connection, 'nc' | 'jsm'>): Promise<ServerState> => {
  const denied: string[] = []
  const version = nc.info?.version ?? '0.0'
  const roundTripMs = await nc.rtt()
  let skewMs = 0
  const streams: StreamState[] = []
  const consumers: ConsumerState[] = []
  for (const wanted of Object.values<Wanted>(topology)) {
    const before = Date.now()
    const info = await jsm.streams.info(wanted.name).catch((error: unknown) => {
      if (isDenied(error)) denied.push(`look at ${wanted.name}`)
      else if (!(error instanceof JetStreamApiError)) throw error
      return null
    })
    const after = Date.now()
    if (info?.ts) skewMs = Math.round(Date.parse(String(info.ts)) - (before + after) / 2)
    streams.push(streamState(wanted, info))
    if ((info?.state.consumer_count ?? 0) > 0)
      for await (const one of jsm.consumers.list(wanted.name)) consumers.push(consumerState(one))
  }
  const account = await jsm.getAccountInfo()
  const store = { bytes: account.storage, bytesMax: limit(account.limits.max_storage) }
  const isOld = isOldServer(version)
  return { version, isOld, skewMs, roundTripMs, store, streams, consumers, denied }
}

export const inspect = async (url: string): Promise<ServerState> => {
  const connection = await connectTo(url, 'doctor')
  try {
    return await inspectServer(connection)
  } finally {
    await connection.close()
  }
}
