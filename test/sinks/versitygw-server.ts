/** A real S3 gateway over a folder: Versity's, which checks signatures and conditions as Amazon does. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild, untilReady } from '@headway/deploy/child.ts'
import { freePort } from './free-port.ts'
import { credentials } from './s3-server.ts'

export const startVersityGateway = async (program: string, bucket: string) => {
  const folder = await mkdtemp(join(tmpdir(), 'headway-versitygw-'))
  await mkdir(join(folder, bucket))
  const address = `127.0.0.1:${await freePort()}`
  const child = await startChild({
    name: 'versitygw',
    command: program,
    args: ['--port', address, '--quiet', 'posix', folder],
    env: {
      ...process.env,
      ROOT_ACCESS_KEY: credentials.accessKeyId,
      ROOT_SECRET_KEY: credentials.secretAccessKey,
    },
  })
  const endpoint = `http://${address}`
  await untilReady(child, async () => (await fetch(endpoint).catch(() => undefined)) && true)
  return {
    endpoint,
    stop: async () => {
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
