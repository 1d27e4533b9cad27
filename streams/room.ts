/**
 * What every room wears: its settings from the environment, a logger, a clock, its doors, and an end.
 * A room runs until its signal fires, finishes or gives back what it holds, and leaves an empty loop.
 */
import pino from 'pino'
import type {
  Clock,
  Content,
  Control,
  Live,
  Log,
  Logger,
  Services,
} from '@headway/schemas/ports.ts'
import { connectTo } from './connect.ts'
import { openContent } from './content.ts'
import { openControl } from './control.ts'
import { inspectServer, type ServerState } from './inspect.ts'
import { openLive } from './live.ts'
import { openLog } from './log.ts'
import { redacted } from './redact.ts'
import { openServices } from './services.ts'
import { ensure } from './topology.ts'

export const defaultNatsUrl = 'nats://127.0.0.1:4222'
export const defaultPgUrl = 'postgres://headway@127.0.0.1:4402/headway'

export const natsUrl = (): string => process.env.HEADWAY_NATS_URL ?? defaultNatsUrl
export const pgUrl = (): string => process.env.HEADWAY_PG_URL ?? defaultPgUrl

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}

/** JSON lines on stderr, ISO times, words for levels. */
export const openLogger = (room: string): Logger =>
  pino(
    {
      level: process.env.HEADWAY_LOG_LEVEL ?? 'warn',
      base: { room },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redacted(fields) as Record<string, unknown>,
      },
    },
    pino.destination(2),
  )

export type Doors = {
  readonly log: Log
  readonly control: Control
  readonly content: Content
  readonly live: Live
  readonly clock: Clock
  readonly logger: Logger
}

/** What a room has that is not of its own story. */
export type SideDoors = {
  readonly services: Services
  /** The server beside what this code wants of it. */
  readonly inspect: () => Promise<ServerState>
  readonly close: () => Promise<void>
}

/** Opens all doors of a room, making the streams first when they are not there. */
export const openDoors = async (
  room: string,
  url: string = natsUrl(),
): Promise<Doors & SideDoors> => {
  const connection = await connectTo(url, room)
  await ensure(connection.jsm, connection.nc.info?.version ?? '0.0')
  return {
    log: openLog(connection),
    control: openControl(connection),
    content: openContent(connection),
    live: openLive(connection),
    services: openServices(connection),
    inspect: () => inspectServer(connection),
    clock: systemClock,
    logger: openLogger(room),
    close: connection.close,
  }
}

/** The signal that ends a process in order: SIGINT or SIGTERM. */
export const untilStopped = (): AbortSignal => {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  return stop.signal
}
