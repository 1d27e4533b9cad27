/**
 * The log's door for a command. Rooms wait for their server for ever; a command tells within seconds
 * that there is none. Whether somebody listens is asked with a bare socket first.
 */
import { connect as connectSocket } from 'node:net'
import type { Log } from '@headway/schemas/ports.ts'
import { CliError, commandLine } from './errors.ts'

const dialMs = 2_000

const addressOf = (url: string): { host: string; port: number } => {
  const parsed = new URL(url.includes('://') ? url : `nats://${url}`)
  return { host: parsed.hostname, port: Number(parsed.port || 4222) }
}

/** Null when somebody listens, else why not. */
const dial = (url: string): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connectSocket({ ...addressOf(url), timeout: dialMs })
    const end = (why: string | null) => {
      socket.destroy()
      resolve(why)
    }
    socket.on('connect', () => end(null))
    socket.on('timeout', () => end('no answer'))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })

export const isReachable = async (url: string): Promise<boolean> => (await dial(url)) === null

/** Opens the log, uses it, closes it. `ensureStreams` makes the streams of a new server. */
export const withLog = async <T>(
  { ensureStreams }: { readonly ensureStreams: boolean },
  use: (log: Log) => Promise<T>,
): Promise<T> => {
  const { natsUrl } = await import('@headway/streams/room.ts')
  const { host, port } = addressOf(natsUrl())
  const why = await dial(natsUrl())
  if (why !== null)
    throw new CliError('unreachable', `no NATS server at ${host}:${port} (${why})`, [
      'npm start\tstarts Headway with everything it needs',
      'HEADWAY_NATS_URL=nats://host:4222\tnames a server that runs elsewhere',
    ])
  const { connectTo } = await import('@headway/streams/connect.ts')
  const { openLog } = await import('@headway/streams/log.ts')
  const { ensure, topology } = await import('@headway/streams/topology.ts')
  const connection = await connectTo(natsUrl(), 'cli')
  try {
    if (ensureStreams) await ensure(connection.jsm, connection.nc.info?.version ?? '0.0')
    else
      await connection.jsm.streams.info(topology.EVENTS.name).catch((error: unknown) => {
        throw new CliError(
          'notFound',
          `the server at ${host}:${port} has no log of Headway (${(error as Error).message})`,
          [`${commandLine('apply')}\tmakes one`],
        )
      })
    return await use(openLog(connection))
  } finally {
    await connection.close()
  }
}
