import { openDoors, untilStopped } from '@headway/streams/room.ts'
import { openOutside } from './outside.ts'
import { runFetcher } from './room.ts'

const signal = untilStopped()
const doors = await openDoors('fetcher')
await runFetcher(doors, { outside: openOutside(), signal })
await doors.close()
