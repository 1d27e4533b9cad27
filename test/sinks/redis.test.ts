/** The redis sink against a real redis-server: alone, and as a cluster of one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../harness.ts'
import { conforms, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { onPath } from './installed.ts'
import { startRedis, type RedisServer } from './redis-server.ts'
import { never, openSink, place } from './sink-under-test.ts'

const program = onPath('redis-server', 'redis-server')
const password = 'right-password'

describe.runIf(program)('Redis', () => {
  let server: RedisServer
  let cluster: RedisServer
  beforeAll(async () => {
    server = await startRedis(program!, [], password)
    cluster = await startRedis(program!, [
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
    ])
    await cluster.client.call('cluster', 'addslotsrange', '0', '16383')
    await until('the cluster is there', async () =>
      String(await cluster.client.call('cluster', 'info')).includes('cluster_state:ok'),
    )
  })
  afterAll(() => Promise.all([server?.stop(), cluster?.stop()]))

  const optionsFor = (structure: string) => (where: string) => ({
    structure,
    key: structure === 'string' ? `[${where}]*:` : where,
    servers: [server.address],
    password,
  })
  const foreign = {
    put: async (where: string) => {
      await server.client.set(`${where}x:a.key1`, 'theirs')
      await server.client.set(`p*:a.key1`, 'theirs')
      await server.client.rpush(`[${where}]*:list`, 'theirs')
    },
    look: async (where: string) => [
      await server.client.get(`${where}x:a.key1`),
      await server.client.get(`p*:a.key1`),
      await server.client.lrange(`[${where}]*:list`, 0, -1),
    ],
  }

  for (const structure of ['string', 'hash', 'json']) {
    const options = optionsFor(structure)
    conforms(`redis, ${structure},`, {
      type: 'redis',
      options,
      foreign,
      unreachable: () => ({ ...options('a'), servers: [`127.0.0.1:${closedPort}`] }),
      refused: () => ({
        options: { ...options('a'), password: 'wrong-password' },
        secrets: ['wrong-password'],
      }),
    })
  }
  conforms('redis, cluster,', {
    type: 'redis',
    options: (where) => ({
      structure: 'string',
      key: `${where}:`,
      mode: 'cluster',
      servers: [cluster.address],
    }),
    unreachable: () => ({
      structure: 'string',
      key: 'a:',
      mode: 'cluster',
      servers: [`127.0.0.1:${closedPort}`],
    }),
  })

  test.each(['string', 'hash', 'json'])('a %s can end by itself', async (structure) => {
    const key = `ending-${structure}`
    const options = { ...optionsFor(structure)('x'), key, ttlSeconds: 100 }
    const sink = await openSink('redis', options)
    await sink.write(setting([['a', '1']]), place, never)
    await sink.close()
    const left = await server.client.ttl(structure === 'string' ? `${key}a` : key)
    expect(left).toBeGreaterThan(90)
  })

  test('a key of another kind is left alone', async () => {
    await server.client.set('plain', 'theirs')
    for (const structure of ['hash', 'json']) {
      const sink = await openSink('redis', { ...optionsFor(structure)('x'), key: 'plain' })
      const writing = sink.write(setting([['a', '1']]), place, never)
      await expect(writing).rejects.toMatchObject({ retryable: false })
      await sink.close()
    }
    expect(await server.client.get('plain')).toBe('theirs')
  })
})
