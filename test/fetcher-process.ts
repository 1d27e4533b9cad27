import { fileURLToPath } from 'node:url'
import { startChild, type RunningChild } from '@headway/deploy/child.ts'
import { programOf } from './program.ts'

/** A fetcher in a process of its own, as it runs in production. */
export const startFetcherProcess = async (
  natsUrl: string,
  onLine: (line: string) => void = () => {},
): Promise<RunningChild> =>
  startChild({
    name: 'fetcher',
    command: process.execPath,
    args: [await programOf('services/fetcher/main.ts')],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, HEADWAY_NATS_URL: natsUrl },
    onLine,
  })
