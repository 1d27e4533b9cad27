/**
 * Where Headway runs on this machine: `npm start` of this folder writes it down, whichever ports it took.
 * A command then reaches it without being told; what the environment says counts more.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

type Running = {
  readonly console: string
  readonly nats: string
  readonly postgres: string
  readonly agency: string
  readonly pid: number
}

/** Null when nothing was started here, or it has ended. */
const runningFrom = (file: string): Running | null => {
  try {
    const running = JSON.parse(readFileSync(file, 'utf8')) as Running
    return isAlive(running.pid) ? running : null
  } catch {
    return null
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Sets in the environment what it does not say. */
export const useRunning = (
  env: NodeJS.ProcessEnv = process.env,
  file = resolve('.headway', 'dev.json'),
): void => {
  const running = runningFrom(file)
  if (!running) return
  env['HEADWAY_API_URL'] ??= running.console
  if (!env['HEADWAY_NATS_CONTEXT']) env['HEADWAY_NATS_URL'] ??= running.nats
  env['HEADWAY_PG_URL'] ??= running.postgres
  env['HEADWAY_AGENCY_URL'] ??= running.agency
}
