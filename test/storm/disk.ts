/**
 * The disk under the NATS server, which can be filled to the last byte and freed. With the right to mount
 * it is a small file system of its own and the server hears ENOSPC; that poisons the stream it was
 * writing until the server is started again, which is what an operator would do. Without that right the
 * streams that refuse when full are told that they are.
 */
import { execFile } from 'node:child_process'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connectTo } from '@headway/streams/connect.ts'
import { topology } from '@headway/streams/topology.ts'
import { until } from '../harness.ts'

const run = promisify(execFile)
const sizeBytes = 4 * 1024 ** 3

export type Disk = {
  readonly directory: string
  /** Whether the server must be started again after it was freed. */
  readonly isReal: boolean
  fill(): Promise<void>
  free(): Promise<void>
  remove(): Promise<void>
}

/** A file system of its own when we may mount one, else null. */
const mountDisk = async (directory: string): Promise<Disk | null> => {
  const image = join(directory, 'disk.img')
  const mounted = join(directory, 'disk')
  const filler = join(mounted, 'filler')
  try {
    await mkdir(mounted)
    await writeFile(image, '')
    await truncate(image, sizeBytes)
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-O', '^has_journal', image])
    await run('mount', ['-o', 'loop', image, mounted])
  } catch {
    await rm(image, { force: true })
    return null
  }
  return {
    directory: join(mounted, 'nats'),
    isReal: true,
    // What it cannot get it takes in smaller pieces, until nothing is left.
    fill: async () => {
      const script = `for size in 512M 64M 8M 1M 64k 4k; do
        i=0; while fallocate -l $size "$0.$size.$i" 2>/dev/null; do i=$((i + 1)); done
        rm -f "$0.$size.$i"; done`
      await run('sh', ['-c', script, filler])
    },
    free: async () => {
      await run('sh', ['-c', 'rm -f "$0".*', filler])
    },
    remove: async () => {
      await run('umount', ['-l', mounted])
    },
  }
}

/** The streams that refuse when full get a limit that they have reached. */
const limitedDisk = (directory: string, natsUrl: string): Disk => {
  const limit = async (bytesOf: (stored: number) => number) => {
    const { jsm, close } = await connectTo(natsUrl, 'storm-disk')
    for (const { name } of [topology.EVENTS, topology.CONTENT])
      await until(`the limit of ${name}`, async () => {
        const { state } = await jsm.streams.info(name)
        return jsm.streams.update(name, { max_bytes: bytesOf(state.bytes) })
      })
    await close()
  }
  return {
    directory: join(directory, 'nats'),
    isReal: false,
    fill: () => limit((stored) => Math.max(1, stored)),
    free: () => limit(() => -1),
    remove: async () => {},
  }
}

export const openDisk = async (directory: string, natsUrl: string): Promise<Disk> =>
  (await mountDisk(directory)) ?? limitedDisk(directory, natsUrl)
