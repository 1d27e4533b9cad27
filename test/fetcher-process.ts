import { fileURLToPath } from 'node:url'
import { startChild, type RunningChild } from '@headway/deploy/child.ts'

/** A fetcher in a process of its own, as it runs in production. */
export const startFetcherProcess = (
  natsUrl: string,
  onLine: (line: string) => void = () => {},
): Promise<RunningChild> =>
  startChild({
    name: 'fetcher',
    command: process.execPath,
    args: ['--import', 'tsx', 'services/fetcher/main.ts'],
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, HEADWAY_NATS_URL: natsUrl },
    onLine,
  })
