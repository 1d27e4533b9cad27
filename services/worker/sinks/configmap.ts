/**
 * One Kubernetes ConfigMap, over the REST API.
 *
 * Read, change, write back with the resource version that was read: a 409 means that somebody was faster,
 * and we look again. Keys of others, their labels and annotations stay. `layout: keys` gives every key
 * its own entry, with what a ConfigMap forbids in a name written as `_u0020_`; `layout: file` keeps all
 * of them in one JSON file.
 *
 * An immutable map cannot be changed, only replaced, and between delete and create its content would
 * exist nowhere. So with `immutable: true` the new content is first put down as `<name>-next`, from where
 * a reader that comes after a crash takes it. A namespace is made only when asked for.
 */
import { Type } from '../options.ts'
import { openCluster, type Cluster } from './kubernetes.ts'
import { refused, send, type SinkAnswer, type SinkRequest } from './request.ts'
import { SinkError, type Sink, type SinkPlace, type SinkType } from './sink.ts'

const options = Type.Object({
  name: Type.String({ pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }),
  namespace: Type.Optional(Type.String({ pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' })),
  layout: Type.Optional(Type.Enum(['keys', 'file'])),
  file: Type.Optional(Type.String({ pattern: '^[-._a-zA-Z0-9]+$' })),
  immutable: Type.Optional(Type.Boolean()),
  createNamespace: Type.Optional(Type.Boolean()),
  server: Type.Optional(Type.String()),
  token: Type.Optional(Type.String({ secret: true })),
  certificateAuthority: Type.Optional(Type.String()),
  kubeconfig: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
})

type Data = Readonly<Record<string, string>>
type ConfigMap = {
  readonly apiVersion: 'v1'
  readonly kind: 'ConfigMap'
  readonly metadata: {
    readonly name: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly labels?: Data
    readonly annotations?: Data
  }
  readonly immutable?: boolean
  readonly data?: Data
  readonly binaryData?: Data
}
type Found = { readonly map: ConfigMap | null; readonly entries: Map<string, string> }

const sizeBytesMax = 1_048_576
const casTries = 20

export const configmap: SinkType<typeof options> = {
  type: 'configmap',
  options,
  open: async (given) => {
    const cluster = await openCluster(given)
    const { name, immutable = false } = given
    const namespace = given.namespace ?? cluster.namespace ?? 'default'
    const layout = given.layout === 'file' ? inFile(given.file ?? 'config.json') : inKeys
    const maps = mapsOf(cluster, namespace)

    const load = async (signal: AbortSignal): Promise<Found> => {
      const map = await maps.get(name, signal)
      const next = map === null && immutable ? await maps.get(`${name}-next`, signal) : null
      return { map, entries: layout.entriesIn((map ?? next)?.data ?? {}) }
    }
    /** Says whether it was done; not done means that the map is not what it was. */
    const replace = async (map: ConfigMap, wanted: ConfigMap, signal: AbortSignal) => {
      const next = `${name}-next`
      await maps.remove(next, {}, signal)
      const metadata = { name: next, labels: wanted.metadata.labels ?? {} }
      if (!(await maps.create({ ...wanted, immutable: false, metadata }, signal))) return false
      const { uid = '', resourceVersion = '' } = map.metadata
      if (!(await maps.remove(name, { uid, resourceVersion }, signal))) return false
      return maps.create(wanted, signal)
    }
    const save = async (found: Found, wanted: ConfigMap, signal: AbortSignal) => {
      if (found.map === null) return maps.create(wanted, signal)
      if (!found.map.immutable) return maps.put(wanted, signal)
      if (immutable) return replace(found.map, wanted, signal)
      throw new SinkError(
        `configmap: ${namespace}/${name} is immutable; set \`immutable: true\` to have it replaced`,
        { retryable: false },
      )
    }
    return {
      render: layout.render,
      async read(keys, signal) {
        const { entries } = await load(signal)
        if (keys === 'all') return entries
        return new Map(keys.flatMap((key) => (entries.has(key) ? [[key, entries.get(key)!]] : [])))
      },
      async write(changes, place, signal) {
        for (let attempt = 1; attempt <= casTries; attempt++) {
          const found = await load(signal)
          for (const key of changes.delete) found.entries.delete(key)
          for (const [key, stored] of changes.set) found.entries.set(key, stored)
          const data = layout.dataOf(found.entries, found.map?.data ?? {})
          if (found.map !== null && isSame(data, found.map.data ?? {})) {
            if (immutable) await maps.remove(`${name}-next`, {}, signal)
            return
          }
          const wanted = mapFor(name, { data, immutable, map: found.map, place })
          insistOnSize(`${namespace}/${name}`, wanted)
          if (given.createNamespace) await maps.createNamespace(signal)
          if (!(await save(found, wanted, signal))) continue
          if (immutable) await maps.remove(`${name}-next`, {}, signal)
          return
        }
        throw new SinkError(`configmap: others changed ${namespace}/${name} ${casTries} times`, {
          retryable: true,
        })
      },
      close: () => cluster.dispatcher.close(),
    }
  },
}

/** The few requests that a ConfigMap needs. */
const mapsOf = (cluster: Cluster, namespace: string) => {
  const folder = `${cluster.server}/api/v1/namespaces/${namespace}/configmaps`
  const ask = async (
    method: SinkRequest['method'],
    url: string,
    signal: AbortSignal,
    content?: unknown,
  ): Promise<{ answer: SinkAnswer; fail: () => SinkError }> => {
    const answer = await send({
      method,
      url,
      headers: { ...cluster.headers, 'content-type': 'application/json' },
      dispatcher: cluster.dispatcher,
      signal,
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    })
    return { answer, fail: () => refused({ method, url }, answer, reasonIn(answer.text)) }
  }
  /** Made or changed; false when what is there is not what was read. */
  const store = async (
    method: 'POST' | 'PUT',
    url: string,
    map: ConfigMap,
    signal: AbortSignal,
  ) => {
    const { answer, fail } = await ask(method, url, signal, map)
    if (answer.status === 200 || answer.status === 201) return true
    if (answer.status === 409 || (method === 'PUT' && answer.status === 404)) return false
    throw fail()
  }
  return {
    async get(name: string, signal: AbortSignal): Promise<ConfigMap | null> {
      const { answer, fail } = await ask('GET', `${folder}/${name}`, signal)
      if (answer.status === 404) return null
      if (answer.status !== 200) throw fail()
      return JSON.parse(answer.text) as ConfigMap
    },
    create: (map: ConfigMap, signal: AbortSignal) => {
      const { uid: _, resourceVersion: __, ...metadata } = map.metadata
      return store('POST', folder, { ...map, metadata }, signal)
    },
    put: (map: ConfigMap, signal: AbortSignal) =>
      store('PUT', `${folder}/${map.metadata.name}`, map, signal),
    async remove(name: string, preconditions: Data, signal: AbortSignal): Promise<boolean> {
      const { answer, fail } = await ask('DELETE', `${folder}/${name}`, signal, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions,
      })
      if (answer.status === 200 || answer.status === 404) return true
      if (answer.status === 409) return false
      throw fail()
    },
    async createNamespace(signal: AbortSignal) {
      const url = `${cluster.server}/api/v1/namespaces`
      const metadata = { name: namespace, labels: { [managedBy]: 'headway' } }
      const made = { apiVersion: 'v1', kind: 'Namespace', metadata }
      const { answer, fail } = await ask('POST', url, signal, made)
      if (answer.status !== 201 && answer.status !== 409) throw fail()
    },
  }
}

const managedBy = 'app.kubernetes.io/managed-by'

/** Only the manager is a label: repositories and branches have characters that labels forbid. */
const mapFor = (
  name: string,
  given: { data: Data; immutable: boolean; map: ConfigMap | null; place: SinkPlace },
): ConfigMap => {
  const { data, immutable, map, place } = given
  const annotations = Object.fromEntries(
    Object.entries(place.labels).map(([label, value]) => [`headway.dev/${label}`, value]),
  )
  return {
    ...map,
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...map?.metadata,
      name,
      labels: { ...map?.metadata.labels, [managedBy]: 'headway' },
      annotations: { ...map?.metadata.annotations, ...annotations },
    },
    data,
    ...(immutable ? { immutable } : {}),
  }
}

const insistOnSize = (name: string, { data = {}, binaryData = {} }: ConfigMap): void => {
  const sizeBytes = [...Object.entries(data), ...Object.entries(binaryData)]
    .map(([key, text]) => key.length + Buffer.byteLength(text))
    .reduce((sum, bytes) => sum + bytes, 0)
  if (sizeBytes <= sizeBytesMax) return
  throw new SinkError(
    `configmap: ${name} would hold ${sizeBytes} bytes; a ConfigMap takes ${sizeBytesMax}`,
    { retryable: false },
  )
}

const isSame = (left: Data, right: Data): boolean =>
  Object.keys(left).length === Object.keys(right).length &&
  Object.entries(left).every(([key, text]) => right[key] === text)

type Layout = {
  render: Sink['render']
  entriesIn(data: Data): Map<string, string>
  dataOf(entries: ReadonlyMap<string, string>, before: Data): Data
}

const inKeys: Layout = {
  render: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
  entriesIn: (data) => new Map(Object.entries(data).map(([name, text]) => [keyOf(name), text])),
  dataOf: (entries) => Object.fromEntries([...entries].map(([key, text]) => [nameOf(key), text])),
}

const inFile = (file: string): Layout => ({
  render: (value) => JSON.stringify(value),
  entriesIn: (data) => {
    try {
      const content = JSON.parse(data[file] ?? '{}') as Readonly<Record<string, unknown>>
      return new Map(Object.entries(content).map(([key, value]) => [key, JSON.stringify(value)]))
    } catch {
      throw new SinkError(`configmap: ${file} is not JSON; it is left alone`, { retryable: false })
    }
  },
  dataOf: (entries, before) => {
    const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const content = Object.fromEntries(sorted.map(([key, text]) => [key, JSON.parse(text)]))
    return { ...before, [file]: `${JSON.stringify(content, null, 2)}\n` }
  },
})

/** What a name forbids, as `_u<hex>_`; an `_` that would read like one is itself written so. */
const nameOf = (key: string): string => {
  const escape = (char: string) => `_u${char.codePointAt(0)!.toString(16).padStart(4, '0')}_`
  const name = key.replace(/[^-._a-zA-Z0-9]|_(?=u[0-9a-f]{4,6}_)/gu, escape)
  return name === '.' || name.startsWith('..') ? escape('.') + name.slice(1) : name
}
const keyOf = (name: string): string =>
  name.replace(/_u([0-9a-f]{4,6})_/g, (whole, hex: string) =>
    Number.parseInt(hex, 16) > 0x10ffff ? whole : String.fromCodePoint(Number.parseInt(hex, 16)),
  )

/** Why the API server refused; its message may quote values, so only its words for the case are kept. */
const reasonIn = (text: string): string | undefined => {
  try {
    const { reason, details } = JSON.parse(text) as {
      reason?: string
      details?: { kind?: string; name?: string; causes?: readonly { field?: string }[] }
    }
    const fields = details?.causes?.map(({ field }) => field).slice(0, 3) ?? []
    return [reason, details?.kind, details?.name, ...fields].filter(Boolean).join(' ')
  } catch {
    return undefined
  }
}
