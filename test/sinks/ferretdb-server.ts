/**
 * A database that speaks MongoDB's wire protocol to MongoDB's own driver: FerretDB over SQLite, with users.
 * No registry within reach carries a mongod.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild, untilReady } from '@headway/deploy/child.ts'
import { MongoClient } from 'mongodb'
import { freePort } from './free-port.ts'

export const startFerretDb = async (program: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'headway-ferretdb-'))
  await mkdir(join(folder, 'data'))
  const address = `127.0.0.1:${await freePort()}`
  const child = await startChild({
    name: 'ferretdb',
    command: program,
    args: [
      '--handler=sqlite',
      `--sqlite-url=file:${join(folder, 'data')}/`,
      `--state-dir=${folder}`,
      `--listen-addr=${address}`,
      '--debug-addr=-',
      '--telemetry=disable',
      '--log-level=ERROR',
      '--test-enable-new-auth',
      '--setup-database=headway',
      '--setup-username=ann',
      '--setup-password=right',
    ],
  })
  const url = `mongodb://ann:right@${address}/headway`
  const client = await untilReady(child, async () => {
    const client = new MongoClient(url, { serverSelectionTimeoutMS: 500 })
    try {
      await client.db('headway').command({ ping: 1 })
      return client
    } catch {
      await client.close()
      return undefined
    }
  })
  return {
    url,
    address,
    client,
    stop: async () => {
      await client.close()
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
