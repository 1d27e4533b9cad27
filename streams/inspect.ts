/**
 * A server as it is beside what this code wants of it: for people who look for what is wrong. Changes
 * nothing; `ensure` does.
 */
import { JetStreamApiError, type ConsumerConfig, type StreamConfig } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { connectTo } from './connect.ts'
import { leaseMs } from './control.ts'
import { isOldServer, topology } from './topology.ts'

export type StreamState = {
  readonly name: string
  /** Null: it is not there. */
  readonly differs: readonly string[] | null
  readonly messages: number
  readonly bytes: number
  readonly lastSeq: number
}
export type ConsumerState = {
  readonly name: string
  readonly differs: readonly string[]
  readonly waiting: number
  readonly redelivered: number
}
export type ServerState = {
  readonly version: string
  readonly isOld: boolean
  /** The server's clock less ours; half of the round trip is not known. */
  readonly skewMs: number
  readonly roundTripMs: number
  readonly streams: readonly StreamState[]
  readonly consumers: readonly ConsumerState[]
  /** What the connection may not do. */
  readonly denied: readonly string[]
}

const differing = (wanted: object, actual: object): readonly string[] =>
  Object.entries(wanted)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(actual[name as never]))
    .map(([name]) => name)

const queueConfig: Partial<ConsumerConfig> = {
  ack_policy: 'explicit',
  ack_wait: nanos(leaseMs),
  max_deliver: -1,
}

const isDenied = (error: unknown): boolean => /permission/i.test(String(error))

export const inspect = async (url: string): Promise<ServerState> => {
  const { nc, jsm, close } = await connectTo(url, 'doctor')
  const denied: string[] = []
  try {
    const version = nc.info?.version ?? '0.0'
    const roundTripMs = await nc.rtt()
    let skewMs = 0
    const streams: StreamState[] = []
    for (const wanted of Object.values<Partial<StreamConfig> & { name: string }>(topology)) {
      const before = Date.now()
      const info = await jsm.streams.info(wanted.name).catch((error: unknown) => {
        if (isDenied(error)) denied.push(`look at ${wanted.name}`)
        else if (!(error instanceof JetStreamApiError)) throw error
        return null
      })
      const after = Date.now()
      if (info?.ts) skewMs = Math.round(Date.parse(String(info.ts)) - (before + after) / 2)
      streams.push({
        name: wanted.name,
        differs: info && differing(wanted, info.config),
        messages: info?.state.messages ?? 0,
        bytes: info?.state.bytes ?? 0,
        lastSeq: info?.state.last_seq ?? 0,
      })
    }
    const consumers: ConsumerState[] = []
    if (streams.some(({ name, differs }) => name === topology.CONTROL.name && differs !== null))
      for await (const info of jsm.consumers.list(topology.CONTROL.name))
        consumers.push({
          name: info.name,
          differs: info.config.durable_name ? differing(queueConfig, info.config) : [],
          waiting: info.num_pending,
          redelivered: info.num_redelivered,
        })
    const isOld = isOldServer(version)
    return { version, isOld, skewMs, roundTripMs, streams, consumers, denied }
  } finally {
    await close()
  }
}
