import { openDoors, untilStopped } from '@headway/streams/room.ts'
import { runFetcher } from './room.ts'

const signal = untilStopped()
const doors = await openDoors('fetcher')
await runFetcher(doors, signal)
await doors.close()
