/**
 * The part of Kubernetes' REST API that a ConfigMap needs: namespaces, resource versions with conflicts,
 * preconditions, immutability, the rules for names and sizes, bearer tokens. Its answers were copied from
 * a real kube-apiserver, which runs the same tests where it is installed.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

type Data = Readonly<Record<string, string>>
type Metadata = { name: string; uid?: string; resourceVersion?: string } & Record<string, unknown>
type Resource = { metadata: Metadata; data?: Data; immutable?: boolean }
type Reply = { code: number; content: unknown }

export const token = 'right-token'

/** Nobody waits for the answer to a request that was never said to its end. */
const whoeverLeft = () => {}

export const startKubernetes = async () => {
  const namespaces = new Set(['default'])
  const maps = new Map<string, Resource>()
  let version = 1
  const store = (path: string, map: Resource, uid: string): Resource => {
    const metadata = { ...map.metadata, uid, resourceVersion: String(++version) }
    const stored = { ...map, metadata }
    maps.set(path, stored)
    return stored
  }
  const create = (namespace: string, map: Resource): Reply => {
    const path = `${namespace}/${map.metadata.name}`
    const wrong = wrongIn(map, null)
    if (wrong) return failed(422, 'Invalid', map.metadata.name, wrong)
    if (maps.has(path)) return failed(409, 'AlreadyExists', map.metadata.name)
    return { code: 201, content: store(path, map, randomUUID()) }
  }
  const put = (path: string, map: Resource, old: Resource): Reply => {
    const { resourceVersion: wanted } = map.metadata
    if (wanted !== undefined && wanted !== old.metadata.resourceVersion) {
      return failed(409, 'Conflict', map.metadata.name)
    }
    const wrong = wrongIn(map, old)
    if (wrong) return failed(422, 'Invalid', map.metadata.name, wrong)
    return { code: 200, content: store(path, map, old.metadata.uid!) }
  }
  const remove = (path: string, preconditions: Data, old: Resource): Reply => {
    const isMet = Object.entries(preconditions).every(
      ([field, value]) => old.metadata[field] === value,
    )
    if (!isMet) return failed(409, 'Conflict', old.metadata.name)
    maps.delete(path)
    return { code: 200, content: { status: 'Success' } }
  }
  const answer = ({ method, url, headers }: IncomingMessage, body: string): Reply => {
    if (headers.authorization !== `Bearer ${token}`) return failed(401, 'Unauthorized')
    const content = body === '' ? {} : (JSON.parse(body) as Resource & { preconditions?: Data })
    const { metadata } = content as Resource
    if (url === '/api/v1/namespaces') {
      if (namespaces.has(metadata.name)) return failed(409, 'AlreadyExists', metadata.name)
      namespaces.add(metadata.name)
      return { code: 201, content }
    }
    const parts = /^\/api\/v1\/namespaces\/([^/]+)\/configmaps(?:\/([^/]+))?$/.exec(url ?? '')
    if (!parts) return failed(404, 'NotFound')
    const [, namespace, name] = parts
    if (method === 'POST') {
      if (!namespaces.has(namespace!)) return failed(404, 'NotFound', namespace)
      return create(namespace!, content as Resource)
    }
    const path = `${namespace}/${name}`
    const old = maps.get(path)
    if (!old) return failed(404, 'NotFound', name)
    if (method === 'GET') return { code: 200, content: old }
    if (method === 'PUT') return put(path, content as Resource, old)
    const { preconditions = {} } = content as { preconditions?: Data }
    return remove(path, preconditions, old)
  }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { code, content } = answer(request, body)
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(content))
    }, whoeverLeft)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    access: { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const failed = (code: number, reason: string, name?: string, field?: string): Reply => ({
  code,
  content: {
    kind: 'Status',
    status: 'Failure',
    reason,
    message: `${name ?? ''}: ${reason}`,
    details: { name, ...(field === undefined ? {} : { causes: [{ field }] }) },
    code,
  },
})

/** The field that is wrong, if any. */
const wrongIn = ({ data = {}, immutable }: Resource, old: Resource | null): string | null => {
  for (const name of Object.keys(data)) {
    const isName = /^[-._a-zA-Z0-9]{1,253}$/.test(name) && name !== '.' && !name.startsWith('..')
    if (!isName) return `data[${name}]`
  }
  const sizes = Object.entries(data).map(([key, value]) => key.length + Buffer.byteLength(value))
  if (sizes.reduce((sum, size) => sum + size, 0) > 1_048_576) return ''
  if (!old?.immutable) return null
  if (!immutable) return 'immutable'
  return JSON.stringify(data) === JSON.stringify(old.data) ? null : 'data'
}
