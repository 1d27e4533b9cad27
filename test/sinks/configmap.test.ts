/** The configmap sink against Kubernetes' REST API, and a real kube-apiserver where one is installed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { installed } from './installed.ts'
import { startKubeApiServer } from './kube-apiserver.ts'
import { startKubernetes } from './kubernetes-server.ts'
import { never, openSink, place } from './sink-under-test.ts'

type Cluster = {
  readonly access: { server: string; token: string; certificateAuthority?: string }
  readonly stop: () => Promise<void>
}
type ConfigMap = {
  metadata: Record<string, unknown>
  data: Record<string, string>
  immutable?: boolean
}

const apiServer = installed('kube-apiserver')
const clusters: { name: string; start: () => Promise<Cluster> }[] = [
  { name: 'the protocol', start: startKubernetes },
  ...(apiServer ? [{ name: 'kube-apiserver', start: () => startKubeApiServer(apiServer) }] : []),
]

describe.each(clusters)('Kubernetes: $name', ({ name, start }) => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await start()
  })
  afterAll(() => cluster?.stop())

  const optionsFor = (where: string) => ({ ...cluster.access, name: where, namespace: 'default' })
  const unreachable = () => ({
    ...optionsFor('a'),
    server: cluster.access.server.replace(/:\d+$/, `:${closedPort}`),
  })
  const refused = () => ({
    options: { ...optionsFor('a'), token: 'wrong-token' },
    secrets: ['wrong-token'],
  })
  /** As another client would. */
  const kubectl = async (method: 'GET' | 'POST' | 'PUT', where: string, content?: object) => {
    const { server, token, certificateAuthority: ca } = cluster.access
    const folder = `${server}/api/v1/namespaces/default/configmaps`
    const dispatcher = new Agent({ connect: ca ? { ca: readFileSync(ca, 'utf8') } : {} })
    const { statusCode, body } = await request(method === 'POST' ? folder : `${folder}/${where}`, {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(content ? { body: JSON.stringify(content) } : {}),
    })
    const map = (await body.json()) as ConfigMap
    await dispatcher.close()
    return { statusCode, map }
  }
  const theirs = (where: string) => ({
    metadata: { name: where, labels: { theirs: 'label' }, annotations: { theirs: 'note' } },
    data: { 'their.key': 'kept' },
  })

  conforms(`configmap, an entry per key, ${name}`, {
    type: 'configmap',
    options: optionsFor,
    unreachable,
    refused,
    foreign: {
      put: async (where) => void (await kubectl('POST', where, theirs(where))),
      look: async (where) => {
        const { data, metadata } = (await kubectl('GET', where)).map
        const { labels, annotations } = metadata as Record<string, Record<string, string>>
        return [data, labels?.['theirs'], annotations?.['theirs']]
      },
    },
  })

  conforms(`configmap, immutable and in one file, ${name}`, {
    type: 'configmap',
    options: (where) => ({ ...optionsFor(where), layout: 'file', immutable: true }),
    foreign: {
      put: async (where) =>
        void (await kubectl('POST', where, { ...theirs(where), immutable: true })),
      look: async (where) => {
        const { data, metadata } = (await kubectl('GET', where)).map
        return [data['their.key'], (metadata['labels'] as Record<string, string>)['theirs']]
      },
    },
  })

  test('what is larger than a ConfigMap is a clear error', async () => {
    const sink = await openSink('configmap', optionsFor('large'))
    const writing = sink.write(setting([['a', 'x'.repeat(1_048_576)]]), place, never)
    await expect(writing).rejects.toMatchObject({
      message: expect.stringMatching(/would hold 1048577 bytes/) as string,
      retryable: false,
    })
    await sink.close()
  })

  test('an immutable map is left alone unless replacing was asked for', async () => {
    await kubectl('POST', 'fixed', { ...theirs('fixed'), immutable: true })
    const sink = await openSink('configmap', optionsFor('fixed'))
    const writing = sink.write(setting([['a', '1']]), place, never)
    await expect(writing).rejects.toMatchObject({
      message: expect.stringMatching(/immutable/) as string,
      retryable: false,
    })
    await sink.close()
  })

  test('between delete and create the content of an immutable map is found beside it', async () => {
    const options = { ...optionsFor('gone'), immutable: true }
    await kubectl('POST', 'gone-next', { ...theirs('gone-next'), data: { a: '1', b: '2' } })
    const sink = await openSink('configmap', options)
    expect(await sink.read('all', never)).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    )
    await sink.write(removing('b'), place, never)
    expect((await kubectl('GET', 'gone')).map).toMatchObject({ data: { a: '1' }, immutable: true })
    expect((await kubectl('GET', 'gone-next')).statusCode).toBe(404)
    await sink.close()
  })

  test('a namespace is made when asked for, and only then', async () => {
    const options = { ...optionsFor('a'), namespace: 'fresh' }
    const change = setting([['a', '1']])
    const without = await openSink('configmap', options)
    await expect(without.write(change, place, never)).rejects.toMatchObject({ retryable: false })
    await without.close()
    const sink = await openSink('configmap', { ...options, createNamespace: true })
    await sink.write(change, place, never)
    expect(await sink.read('all', never)).toEqual(change.set)
    await sink.close()
  })

  test('labels say who manages it, annotations from where', async () => {
    const sink = await openSink('configmap', optionsFor('labelled'))
    await sink.write(setting([['a', '1']]), place, never)
    await sink.close()
    expect((await kubectl('GET', 'labelled')).map.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'headway' },
      annotations: { 'headway.dev/repository': 'acme/shop', 'headway.dev/rule': 'shop' },
    })
  })

  test('a kubeconfig says where and as whom', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headway-kubeconfig-'))
    const { server, token, certificateAuthority } = cluster.access
    const ca = certificateAuthority ? { 'certificate-authority': certificateAuthority } : {}
    const config = {
      'current-context': 'one',
      contexts: [{ name: 'one', context: { cluster: 'c', user: 'ann', namespace: 'default' } }],
      clusters: [{ name: 'c', cluster: { server, ...ca } }],
      users: [{ name: 'ann', user: { tokenFile: 'token' } }],
    }
    const kubeconfig = join(folder, 'config')
    await writeFile(join(folder, 'token'), `${token}\n`)
    await writeFile(kubeconfig, JSON.stringify(config))
    const sink = await openSink('configmap', { name: 'by-kubeconfig', kubeconfig })
    await sink.write(setting([['a', '1']]), place, never)
    await sink.close()
    expect((await kubectl('GET', 'by-kubeconfig')).map.data).toEqual({ a: '1' })

    const users = [{ name: 'ann', user: { exec: { command: 'login' } } }]
    await writeFile(kubeconfig, JSON.stringify({ ...config, users }))
    const opening = openSink('configmap', { name: 'by-kubeconfig', kubeconfig })
    await expect(opening).rejects.toMatchObject({ retryable: false })
    await rm(folder, { recursive: true })
  })
})
