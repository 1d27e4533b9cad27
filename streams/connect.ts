import { connect, type NatsConnection } from '@nats-io/transport-node'
import {
  jetstream,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream'

/** One connection of one room: how it talks, and how it manages streams. */
export type Connection = {
  readonly nc: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  /** Flushes and closes. */
  readonly close: () => Promise<void>
}

/**
 * Connects for good: a lost server is waited for, a half-open socket is noticed within a minute, and
 * replies come to an inbox of the room's own, so that permissions can name it.
 */
export const connectTo = async (url: string, room: string): Promise<Connection> => {
  const nc = await connect({
    servers: url,
    name: `headway-${room}`,
    inboxPrefix: `_INBOX_${room.replaceAll(/[^A-Za-z0-9]/g, '_')}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 50,
    waitOnFirstConnect: true,
    timeout: 5_000,
    pingInterval: 20_000,
    maxPingOut: 2,
    ignoreClusterUpdates: true,
    // Two stack traces for every request cost more than the request.
    noAsyncTraces: true,
  })
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 5_000 })
  return {
    nc,
    js: jetstream(nc, { timeout: 5_000 }),
    jsm,
    close: async () => {
      await nc.drain().catch(() => nc.close())
    },
  }
}
