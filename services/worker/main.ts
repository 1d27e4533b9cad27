import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { openDoors, untilStopped } from '@headway/streams/room.ts'
import { runWorker } from './room.ts'

const signal = untilStopped()
const pool = process.env.HEADWAY_POOL ?? 'default'
const worker = `${pool}-${randomBytes(4).toString('hex')}`
const doors = await openDoors(`worker-${worker}`)
await runWorker(doors, {
  worker,
  pool,
  root:
    process.env.HEADWAY_PIPELINES ??
    fileURLToPath(new URL('../../deploy/pipelines', import.meta.url)),
  host: hostname(),
  pid: process.pid,
  signal,
  watch: process.env.HEADWAY_WATCH === '1',
  onUnloadable: (pipeline, message) =>
    process.stderr.write(`${pipeline} does not load\n${message}\n`),
})
await doors.close()
