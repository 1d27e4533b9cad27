/**
 * The API room: answers HTTP from the read models and writes facts to the log. It keeps nothing, so any
 * number of them may run. Postgres need not be there when it starts: until then reads are a 503.
 */
import type { Doors, SideDoors } from '@headway/streams/room.ts'
import { buildApp } from './app.ts'
import { authSettings } from './auth/settings.ts'
import { openDatabase } from './database.ts'
import { parseResumeKeys } from './resume-token.ts'

/** How long answers in progress may take after the signal. */
const drainMs = 10_000
const sweepMs = 50

export type ApiOptions = {
  readonly pgUrl: string
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  readonly signal: AbortSignal
  readonly tenant?: string
  readonly pushBytesMax?: number
  /** `name:secret,name:secret`; of the environment when left out. */
  readonly resumeKeys?: string
}

export type RunningApi = {
  readonly url: string
  /** Resolves when the signal fired, what was asked is answered, and everything is given back. */
  readonly ended: Promise<void>
}

export const startApi = async (
  {
    log,
    content,
    live,
    clock,
    logger,
    services,
    inspect,
  }: Pick<Doors, 'log' | 'content' | 'live' | 'clock' | 'logger'> &
    Partial<Pick<SideDoors, 'services' | 'inspect'>>,
  options: ApiOptions,
): Promise<RunningApi> => {
  const auth = authSettings(options.host, process.env)
  const { pgUrl, host, port, signal, tenant = 'default', pushBytesMax } = options
  const resumeKeys = parseResumeKeys(options.resumeKeys ?? process.env.HEADWAY_RESUME_KEYS ?? '')
  const database = openDatabase(pgUrl, logger)
  const { db } = database
  const ports = { db, log, content, live, clock, logger, tenant, signal, resumeKeys, auth }
  const app = await buildApp({
    ...ports,
    ...(pushBytesMax === undefined ? {} : { pushBytesMax }),
    ...(services === undefined ? {} : { services }),
    ...(inspect === undefined ? {} : { inspect }),
  })
  try {
    const url = await app.listen({ host, port })
    const end = async (): Promise<void> => {
      // A connection that was busy when the end began is idle a moment later, and kept alive.
      const sweep = setInterval(() => app.server.closeIdleConnections(), sweepMs)
      const patience = setTimeout(() => app.server.closeAllConnections(), drainMs)
      await app.close()
      clearInterval(sweep)
      clearTimeout(patience)
      await database.close()
    }
    const ended = new Promise<void>((resolve, reject) => {
      const stop = () => void end().then(resolve, reject)
      if (signal.aborted) stop()
      else signal.addEventListener('abort', stop, { once: true })
    })
    return { url, ended }
  } catch (error) {
    await app.close()
    await database.close()
    const { code } = error as { code?: string }
    throw code === 'EADDRINUSE'
      ? new Error(`${host}:${port} is taken: HEADWAY_API_PORT names another port for the API`)
      : error
  }
}
