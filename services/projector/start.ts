/**
 * Everything that a projector does at once: it follows the log, tells how fast, keeps earlier states, and
 * heeds people.
 */
import type { Doors, SideDoors } from '@headway/streams/room.ts'
import { keepPast } from './past.ts'
import { Pulse } from './pulse.ts'
import { rebuild } from './rebuild.ts'
import { Remaking } from './remaking.ts'
import { runProjector } from './room.ts'
import { openStore } from './store.ts'

export const startProjector = async (
  doors: Doors & Pick<SideDoors, 'services'>,
  { pgUrl, signal }: { readonly pgUrl: string; readonly signal: AbortSignal },
): Promise<void> => {
  const store = openStore(pgUrl)
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const pulse = new Pulse()
  const remaking = new Remaking(doors, pgUrl, either)
  const anew = async () => {
    await rebuild(doors, { pgUrl, swap: true, signal, tell: () => {} })
  }
  const past = keepPast(doors, pgUrl, either)
  try {
    await doors.services.serve(remaking.service, either)
    const { onStored } = pulse
    await Promise.all([
      runProjector(doors, store, { signal, rebuild: anew, onStored }),
      pulse.run(doors, either),
    ])
  } finally {
    stop.abort()
    await Promise.all([remaking.ended(), past])
    await store.close()
  }
}
