/**
 * Starts again what died. A child that ends without being asked to comes back after a pause that grows
 * while it keeps dying and is forgotten once it has lived for a while.
 */
const pauseMsMin = 50
const pauseMsMaxDefault = 5_000
const livedMs = 30_000

type Mortal = { readonly stop: () => Promise<void>; readonly exited: Promise<number | null> }
export type Kept<C extends Mortal> = { readonly first: C; readonly stop: () => Promise<void> }

export const keepRunning = async <C extends Mortal>(
  name: string,
  start: () => Promise<C>,
  tell: (message: string) => void,
  pauseMsMax = pauseMsMaxDefault,
): Promise<Kept<C>> => {
  const first = await start()
  let current: C | null = first
  let stopped = false
  const watch = async () => {
    for (let pauseMs = pauseMsMin; !stopped;) {
      const startedAt = performance.now()
      const code = await current?.exited
      if (stopped) return
      if (performance.now() - startedAt > livedMs) pauseMs = pauseMsMin
      tell(`${name} ended (${code ?? 'killed'}) and is started again`)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      pauseMs = Math.min(pauseMs * 2, pauseMsMax)
      if (stopped) return
      current = await start().catch((error: unknown) => {
        tell(`${name} does not start: ${String(error)}`)
        return null
      })
    }
  }
  const watching = watch()
  return {
    first,
    stop: async () => {
      stopped = true
      await current?.stop()
      await watching
    },
  }
}
