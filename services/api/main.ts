import { openDoors, pgUrl, untilStopped } from '@headway/streams/room.ts'
import { startApi } from './room.ts'

const signal = untilStopped()
const doors = await openDoors('api')
const api = await startApi(doors, {
  pgUrl: pgUrl(),
  host: process.env.HEADWAY_API_HOST ?? '127.0.0.1',
  port: Number(process.env.HEADWAY_API_PORT ?? 4400),
  signal,
  tenant: process.env.HEADWAY_TENANT ?? 'default',
})
await api.ended
await doors.close()
