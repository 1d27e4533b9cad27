import { openDoors, untilStopped } from '@headway/streams/room.ts'
import { runDebounce } from './room.ts'

const signal = untilStopped()
const doors = await openDoors('debounce')
await runDebounce(doors, { signal })
await doors.close()
