/**
 * Rooms of ours in a process of their own: `rooms.ts ROOM…`. A process of workers loads everything, says
 * that it is ready and begins with SIGUSR2, so that a backlog is measured without the start of Node.
 */
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runDebounce } from '@headway/debounce/room.ts'
import { runProjector } from '@headway/projector/room.ts'
import { openStore } from '@headway/projector/store.ts'
import { openDoors, pgUrl, untilStopped, type Doors } from '@headway/streams/room.ts'
import { openCode } from '@headway/worker/code.ts'
import { runWorker } from '@headway/worker/room.ts'

const pipelines = fileURLToPath(new URL('../pipelines', import.meta.url))
const signal = untilStopped()

const rooms: Readonly<Record<string, (doors: Doors) => Promise<void>>> = {
  debounce: (doors) => runDebounce(doors, { signal }),
  projector: async (doors) => {
    const store = openStore(pgUrl())
    await runProjector(doors, store, { signal })
    await store.close()
  },
  worker: (doors) =>
    runWorker(doors, {
      worker: `bench-${process.pid}`,
      pool: 'default',
      code: openCode({ root: pipelines, clock: doors.clock, threadsMax: 2 }),
      host: hostname(),
      pid: process.pid,
      signal,
    }),
}

const names = process.argv.slice(2)
const begun = names.includes('worker')
  ? new Promise<unknown>((resolve) => {
      process.once('SIGUSR2', resolve)
      signal.addEventListener('abort', resolve)
    })
  : null
const opened = await Promise.all(
  names.map(async (name) => ({ name, doors: await openDoors(name) })),
)
process.stdout.write('ready\n')
await begun
if (!signal.aborted) await Promise.all(opened.map(({ name, doors }) => rooms[name]!(doors)))
await Promise.all(opened.map(({ doors }) => doors.close()))
