import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { openDoors, untilStopped } from '@headway/streams/room.ts'
import { openCode } from './code.ts'
import { runWorker } from './room.ts'

const signal = untilStopped()
const pool = process.env.HEADWAY_POOL ?? 'default'
const worker = `${pool}-${randomBytes(4).toString('hex')}`
const doors = await openDoors(`worker-${worker}`)
await runWorker(doors, {
  worker,
  pool,
  code: openCode({
    root:
      process.env.HEADWAY_PIPELINES ??
      fileURLToPath(new URL('../../deploy/pipelines', import.meta.url)),
    clock: doors.clock,
    watch: process.env.HEADWAY_WATCH === '1',
    threadsMax: Number(process.env.HEADWAY_THREADS ?? 8),
  }),
  host: hostname(),
  pid: process.pid,
  signal,
  onUnloadable: (pipeline, message) =>
    process.stderr.write(`${pipeline} does not load\n${message}\n`),
})
await doors.close()
