/**
 * A nats-server can live and be of no use: after a full disk its JetStream was seen to answer nobody any
 * more, while the server itself answered pings. So whoever started it asks from time to time. One that
 * is silent for too long is killed, because its orderly end hangs as well, and is started again like any
 * other that died.
 */
import { connectTo } from '@headway/streams/connect.ts'

const everyMsDefault = 5_000
/** Long enough for a machine that was busy, or asleep. */
const silentMax = 4

export type WatchOptions = {
  readonly everyMs?: number
  readonly log?: (line: string) => void
}

/** Resolves when the server has ended. */
export const watchNats = async (
  { url, pid, exited }: { url: string; pid: number; exited: Promise<unknown> },
  { everyMs = everyMsDefault, log = () => {} }: WatchOptions = {},
): Promise<void> => {
  let isOver = false
  const over = exited.then(() => {
    isOver = true
  })
  const connecting = connectTo(url, 'watch')
  const ask = () =>
    connecting
      .then(({ jsm }) => jsm.getAccountInfo())
      .then(
        () => 'there' as const,
        () => 'silent' as const,
      )
  for (let silent = 0; !isOver && silent < silentMax;) {
    const pause = new Promise<'silent'>((resolve) => {
      setTimeout(resolve, everyMs, 'silent').unref()
    })
    const heard = await Promise.race([ask(), pause, over])
    silent = heard === 'there' ? 0 : silent + 1
    await Promise.race([pause, over])
  }
  void connecting.then(({ nc }) => nc.close()).catch(() => {})
  if (isOver) return
  log('nats-server answers nobody about streams; it is killed to be started again')
  process.kill(pid, 'SIGKILL')
}
