import {
  connect,
  credsAuthenticator,
  errors,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node'
import { readFileSync } from 'node:fs'
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
  /** Calls back whenever a lost connection is there again, until the answer is called. */
  readonly onReconnect: (heed: () => void) => () => void
  /** Flushes and closes. */
  readonly close: () => Promise<void>
}

/** Who we are: in the address (`nats://user:password@host`, `nats://token@host`), or a credentials file. */
const credentialsOf = (url: string): { servers: string } & ConnectionOptions => {
  const { protocol, host, username, password } = new URL(
    url.includes('://') ? url : `nats://${url}`,
  )
  const servers = `${protocol}//${host}`
  const file = process.env.HEADWAY_NATS_CREDS
  if (file) return { servers, authenticator: credsAuthenticator(readFileSync(file)) }
  if (username === '') return { servers }
  const user = decodeURIComponent(username)
  return password === ''
    ? { servers, token: user }
    : { servers, user, pass: decodeURIComponent(password) }
}

/**
 * Connects for good: a lost server is waited for, a half-open socket is noticed within a minute, and
 * replies come to an inbox of the room's own, so that permissions can name it.
 */
export const connectTo = async (url: string, room: string): Promise<Connection> => {
  const nc = await connect({
    ...credentialsOf(url),
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
  const onReconnect = reconnects(nc)
  failWhenLost(nc, onReconnect)
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 5_000 })
  return {
    nc,
    js: jetstream(nc, { timeout: 5_000 }),
    jsm,
    onReconnect,
    close: async () => {
      await nc.drain().catch(() => nc.close())
    },
  }
}

const reconnects = (nc: NatsConnection): Connection['onReconnect'] => {
  const heeds = new Set<() => void>()
  const watch = async () => {
    for await (const { type } of nc.status())
      if (type === 'reconnect') for (const heed of heeds) heed()
  }
  void watch()
  return (heed) => {
    heeds.add(heed)
    return () => heeds.delete(heed)
  }
}

/**
 * An answer comes on the connection on which was asked, or never. Who waits when it is lost is told so
 * and asks again, instead of waiting for the end of its patience while the server is back already.
 */
const failWhenLost = (nc: NatsConnection, onReconnect: Connection['onReconnect']): void => {
  const waiting = new Set<(error: Error) => void>()
  const request = nc.request.bind(nc)
  nc.request = (...asked) =>
    new Promise((resolve, reject) => {
      waiting.add(reject)
      request(...asked)
        .then(resolve, reject)
        .finally(() => waiting.delete(reject))
    })
  onReconnect(() => {
    for (const reject of waiting) reject(new errors.TimeoutError())
    waiting.clear()
  })
}
