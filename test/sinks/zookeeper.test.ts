/** The zookeeper sink against a real ZooKeeper. */
import { openSession } from '@headway/worker/sinks/zookeeper-session.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { installed } from './installed.ts'
import { never, openSink, place } from './sink-under-test.ts'
import { startZooKeeper, type Server } from './zookeeper-server.ts'

const jars = installed('zookeeper')
const open = [{ scheme: 'world', id: 'anyone', bits: 31 }]

describe.runIf(jars)('ZooKeeper', () => {
  let server: Server
  beforeAll(async () => {
    server = await startZooKeeper(jars!)
    const session = await openSession(server.address, { auth: 'ann:right', timeoutMs: 5_000 })
    const acl = [{ scheme: 'auth', id: '', bits: 31 }]
    await session.change([{ do: 'create', path: '/closed', data: null, acl }])
    session.close()
  })
  afterAll(() => server?.stop())

  const unreachable = () => ({ servers: `127.0.0.1:${closedPort}`, path: '/a' })
  const refused = () => ({
    options: { servers: server.address, path: '/closed', auth: 'ann:wrong-password' },
    secrets: ['wrong-password'],
  })
  const ask = async <T>(act: (session: Awaited<ReturnType<typeof openSession>>) => Promise<T>) => {
    const session = await openSession(server.address, { timeoutMs: 5_000 })
    try {
      return await act(session)
    } finally {
      session.close()
    }
  }
  const foreign = {
    put: (where: string) =>
      ask(async (session) => {
        for (const path of [`/config`, `/config/${where}`, `/config/${where}/%zz`]) {
          await session.change([{ do: 'create', path, data: Buffer.from('theirs'), acl: open }])
        }
      }),
    look: (where: string) =>
      ask(async (session) => [
        await session.get(`/config/${where}/%zz`),
        (await session.get(`/config/${where}`))?.data?.toString(),
      ]),
  }

  conforms('zookeeper, flat,', {
    type: 'zookeeper',
    options: (where) => ({ servers: server.address, path: `/config/${where}` }),
    unreachable,
    refused,
    foreign,
  })

  conforms('zookeeper, with folders,', {
    type: 'zookeeper',
    options: (where) => ({ servers: server.address, path: `/config/${where}`, layout: 'path' }),
    key: (number) => `part${number % 7}.of.key${number}`,
    foreign,
  })

  test('folders that are values too, and go with their last child', async () => {
    const options = { servers: server.address, path: '/folders/here', layout: 'path' }
    const sink = await openSink('zookeeper', options)
    const entries = [
      ['a', 'folder and value'],
      ['a.b.c', '1'],
      ['d.e', ''],
    ] as const
    await sink.write(setting(entries), place, never)
    expect(await sink.read('all', never)).toEqual(new Map(entries))
    await sink.write(removing('a'), place, never)
    expect(await sink.read('all', never)).toEqual(new Map(entries.slice(1)))
    await sink.write(removing('a.b.c', 'd.e'), place, never)
    await sink.close()
    const left = await ask((session) => session.children('/folders/here'))
    expect(left).toEqual([])
  })

  test('what is private can be read by nobody else', async () => {
    const options = { servers: server.address, path: '/secret', auth: 'ann:right', acl: 'private' }
    const sink = await openSink('zookeeper', options)
    await sink.write(setting([['a', '1']]), place, never)
    await sink.close()
    const stranger = await openSink('zookeeper', { servers: server.address, path: '/secret' })
    await expect(stranger.read('all', never)).rejects.toMatchObject({ retryable: false })
    await stranger.close()
  })

  test('writers of the same keys end with the values of one of them', async () => {
    const options = { servers: server.address, path: '/contended', layout: 'path' }
    const sinks = await Promise.all(Array.from({ length: 6 }, () => openSink('zookeeper', options)))
    const entriesOf = (i: number) =>
      Array.from({ length: 10 }, (_, n) => [`f${n}.key`, `of ${i}`] as const)
    await Promise.all(sinks.map((sink, i) => sink.write(setting(entriesOf(i)), place, never)))
    const found = await sinks[0]!.read('all', never)
    expect([found.size, new Set(found.values()).size]).toEqual([10, 1])
    for (const sink of sinks) await sink.close()
  })

  test('the base node says who writes there', async () => {
    const sink = await openSink('zookeeper', { servers: server.address, path: '/labelled' })
    await sink.write(setting([['a', '1']]), place, never)
    await sink.close()
    const node = await ask((session) => session.get('/labelled'))
    expect(JSON.parse(String(node?.data))).toEqual(place.labels)
  })

  test('the next server of the list is asked when one is gone', async () => {
    const servers = `127.0.0.1:${closedPort},${server.address}`
    const sink = await openSink('zookeeper', { servers, path: '/second' })
    await sink.write(setting([['a', '1']]), place, never)
    expect(await sink.read('all', never)).toEqual(new Map([['a', '1']]))
    await sink.close()
  })
})
