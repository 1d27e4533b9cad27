/** The s3 sink against S3's protocol, and against a real gateway where one is installed. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { installed } from './installed.ts'
import { credentials, startS3 } from './s3-server.ts'
import { never, openSink, place } from './sink-under-test.ts'
import { startVersityGateway } from './versitygw-server.ts'

const bucket = 'config-bucket'
const gateway = installed('versitygw')
const servers = [
  { name: 'the protocol', start: () => startS3(bucket) },
  ...(gateway
    ? [{ name: 'Versity S3 Gateway', start: () => startVersityGateway(gateway, bucket) }]
    : []),
]

describe.each(servers)('S3: $name', ({ name, start }) => {
  let server: { endpoint: string; stop: () => Promise<void> }
  beforeAll(async () => {
    server = await start()
  })
  afterAll(() => server?.stop())

  const optionsFor = (key: string) => ({ ...credentials, bucket, key, endpoint: server.endpoint })
  const unreachable = () => ({ ...optionsFor('a'), endpoint: `http://127.0.0.1:${closedPort}` })
  const refused = () => ({
    options: { ...optionsFor('a'), secretAccessKey: 'wrong-secret' },
    secrets: ['wrong-secret', credentials.accessKeyId],
  })
  const ours = (where: string) => ({ ...optionsFor(`${where}/config.json`) })

  conforms(`s3, one object, ${name}`, {
    type: 's3',
    options: ours,
    unreachable,
    refused,
    foreign: {
      put: async (where) => {
        const sink = await openSink('s3', ours(where))
        await sink.write(setting([['their.key', '"kept"']]), place, never)
      },
      look: async (where) => {
        const sink = await openSink('s3', ours(where))
        return sink.read('all', never)
      },
    },
  })

  conforms(`s3, an object per key, ${name}`, {
    type: 's3',
    options: (where) => ({ ...optionsFor(`${where}/`), layout: 'object_per_key' }),
    keysLarge: 1_500,
    unreachable,
    refused,
    foreign: {
      put: async (where) => {
        const sink = await openSink('s3', { ...optionsFor(`${where}/theirs/config.json`) })
        await sink.write(setting([['a', '1']]), place, never)
      },
      look: async (where) => {
        const sink = await openSink('s3', { ...optionsFor(`${where}/theirs/config.json`) })
        return sink.read('all', never)
      },
    },
  })

  test('an object that is no JSON is left alone', async () => {
    const parts = await openSink('s3', { ...optionsFor('left/'), layout: 'object_per_key' })
    await parts.write(setting([['alone', 'not JSON']]), place, never)
    const whole = await openSink('s3', optionsFor('left/alone'))
    const writing = whole.write(setting([['a', '1']]), place, never)
    await expect(writing).rejects.toMatchObject({ retryable: false })
    expect(await parts.read(['alone'], never)).toEqual(new Map([['alone', 'not JSON']]))
  })

  test('a bucket that does not exist is an error that names it', async () => {
    const sink = await openSink('s3', { ...optionsFor('a'), bucket: 'no-such-bucket' })
    await expect(sink.read('all', never)).rejects.toMatchObject({
      message: expect.stringMatching(/no-such-bucket.*NoSuchBucket/) as string,
      retryable: false,
    })
  })
})

describe('what goes with an S3 object', () => {
  test('labels, tags and encryption', async () => {
    const server = await startS3(bucket)
    const sink = await openSink('s3', {
      ...credentials,
      bucket,
      key: 'a',
      endpoint: server.endpoint,
      tags: { team: 'shop & co' },
      encryption: 'aws:kms',
      encryptionKeyId: 'key-1',
      sessionToken: 'session-1',
    })
    await sink.write(setting([['a', '1']]), place, never)
    expect(server.objects.get('a')?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-amz-meta-managed-by': 'headway',
      'x-amz-meta-repository': 'acme%2Fshop',
      'x-amz-security-token': 'session-1',
      'x-amz-tagging': 'team=shop+%26+co',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    })
    await server.stop()
  })

  test('more than ten tags are refused before anything is written', async () => {
    const tags = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`t${i}`, 'x']))
    const opening = openSink('s3', { ...credentials, bucket, key: 'a', tags })
    await expect(opening).rejects.toMatchObject({ retryable: false })
  })

  test('a server that is busy is asked again when it says so', async () => {
    let asked = 0
    const server = createServer((_, response) => {
      const isBusy = asked++ < 2
      response.writeHead(isBusy ? 503 : 404, isBusy ? { 'retry-after': '0' } : {}).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const endpoint = `http://127.0.0.1:${port}`
    const sink = await openSink('s3', { ...credentials, bucket, key: 'a', endpoint })
    expect(await sink.read('all', never)).toEqual(new Map())
    expect(asked).toBe(3)
    server.closeAllConnections()
    server.close()
  })
})
