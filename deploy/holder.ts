/**
 * One data directory, one server. Two nats-servers on one store destroy it without a word, and a
 * pid file alone does not tell: after a reboot its number may belong to anybody. So the process is
 * asked for its command line, and only one that names the directory counts.
 *
 * A server whose parent was killed is on its way out and gone within moments: we wait for it. One
 * that stays has a living parent, most likely another `npm start`, and is not ours to stop.
 */
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { commandOf } from './ports.ts'
import type { PortHolder } from './ports.ts'

/** Waits until the server that a pid file names has let go of the directory. */
export async function untilReleased(
  name: string,
  pidFile: string,
  dataDir: string,
  timeoutMs = 5_000,
): Promise<void> {
  const until = performance.now() + timeoutMs
  for (;;) {
    const holder = holderOf(pidFile)
    if (holder === undefined) return
    if (!holder.command.includes(dataDir)) {
      // Postgres would take the stranger for its predecessor and refuse to start.
      rmSync(pidFile, { force: true })
      return
    }
    if (performance.now() > until) {
      throw new Error(
        `${dataDir} is in use by ${name} (pid ${holder.pid}), probably of another npm start\n` +
          `  kill ${holder.pid}\tstops it`,
      )
    }
    await delay(20)
  }
}

/** The live process whose number stands in a pid file. */
function holderOf(pidFile: string): PortHolder | undefined {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
    const command = commandOf(pid)
    return command === undefined ? undefined : { pid, command }
  } catch {
    return undefined
  }
}
