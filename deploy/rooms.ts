import { startApi } from '@headway/api/room.ts'
import { applyConfig } from '@headway/cli/apply.ts'
import { runDebounce } from '@headway/debounce/room.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import { startProjector } from '@headway/projector/start.ts'
import type { Config } from '@headway/schemas/config.ts'
import { openDoors, type Doors } from '@headway/streams/room.ts'

/**
 * The rooms that `npm start` keeps in its own process, each with a connection of its own, as if they were
 * alone. The projector's end (a log that is not the one of the tables) is told and ends nobody else.
 */
export type RoomsOptions = {
  readonly natsUrl: string
  readonly pgUrl: string
  readonly port: number
  readonly signal: AbortSignal
  readonly doors: Doors
  readonly config: Config
  readonly onProblem: (message: string) => void
}

export type Rooms = {
  /** What the configuration changed, in words. */
  readonly told: string
  /** Resolves when the signal fired and every room has finished. */
  readonly ended: Promise<void>
}

export const startRooms = async (options: RoomsOptions): Promise<Rooms> => {
  const { natsUrl, pgUrl, port, signal, onProblem } = options
  const opened: { close(): Promise<void> }[] = []
  const open = async (room: string) => {
    const doors = await openDoors(room, natsUrl)
    opened.push(doors)
    return doors
  }
  const [fetcher, debounce, projector, api] = await Promise.all(
    ['fetcher', 'debounce', 'projector', 'api'].map(open),
  )
  const applied = await applyConfig(options.doors.log, options.config)
  const rooms = [
    runFetcher(fetcher!, { outside: openOutside(), signal }),
    runDebounce(debounce!, { signal }),
    startProjector(projector!, { pgUrl, signal }),
  ].map((room) => room.catch((error: unknown) => onProblem(String(error))))
  const { ended: apiEnded } = await startApi(api!, { pgUrl, host: '127.0.0.1', port, signal })
  const end = async () => {
    await Promise.all([...rooms, apiEnded])
    await Promise.all(opened.map((doors) => doors.close()))
  }
  const ended = end()
  const count = applied.changes.length
  return { told: count === 0 ? 'configuration unchanged' : `${count} definitions applied`, ended }
}
