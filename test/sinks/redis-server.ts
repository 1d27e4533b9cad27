/** A real redis-server on a free port, gone with its folder when it is stopped. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { until } from '../harness.ts'
import { freePort } from './free-port.ts'

export type RedisServer = {
  readonly address: string
  readonly client: Redis
  readonly stop: () => Promise<void>
}

export const startRedis = async (
  program: string,
  settings: readonly string[] = [],
  password?: string,
): Promise<RedisServer> => {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'headway-redis-'))
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '']
  const given = password === undefined ? [] : ['--requirepass', password]
  const server = spawn(program, [...flags, ...given, ...settings], { stdio: 'ignore' })
  const ended = once(server, 'exit')
  const client = new Redis({ port, ...(password === undefined ? {} : { password }) })
  client.on('error', () => {})
  await until('redis answers', () => client.ping())
  return {
    address: `127.0.0.1:${port}`,
    client,
    stop: async () => {
      client.disconnect()
      server.kill()
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}
