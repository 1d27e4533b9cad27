/**
 * Nodes in ZooKeeper, below a base path.
 *
 * `layout: flat` gives every key its own child; `layout: path` makes a folder of every dot. Writes go in
 * transactions of a few hundred keys, each against the version that was read, so that nobody's change
 * is overwritten unseen: what was misjudged is read again. A node without data is a folder, not a value;
 * a folder that has lost its last child goes. The base node's data says who writes there.
 */
import { Type } from '../options.ts'
import { keyOfName, nameOfKey } from './escaped-name.ts'
import { sideBySide } from './side-by-side.ts'
import { SinkError, type Sink, type SinkPlace, type SinkType } from './sink.ts'
import { openSession, type Change, type Permission, type Session } from './zookeeper-session.ts'

const options = Type.Object({
  /** `host:port,host:port` */
  servers: Type.String(),
  path: Type.String({ pattern: '^(/[^/]+)+$' }),
  layout: Type.Optional(Type.Enum(['flat', 'path'])),
  /** `user:password`, for the digest scheme. */
  auth: Type.Optional(Type.String({ secret: true })),
  /** Whose the nodes are that we make: everybody's, ours alone, or ours for all to read. */
  acl: Type.Optional(Type.Enum(['open', 'private', 'readable'])),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
})

type Layout = {
  pathOf(key: string): string
  keys(session: Session): Promise<readonly string[]>
}

const width = 256
const batchKeys = 200
const batchBytes = 500_000
const casTries = 20
const all = 31
const acls: Readonly<Record<'open' | 'private' | 'readable', readonly Permission[]>> = {
  open: [{ scheme: 'world', id: 'anyone', bits: all }],
  private: [{ scheme: 'auth', id: '', bits: all }],
  readable: [
    { scheme: 'auth', id: '', bits: all },
    { scheme: 'world', id: 'anyone', bits: 1 },
  ],
}

export const zookeeper: SinkType<typeof options> = {
  type: 'zookeeper',
  options,
  open: async (given) => {
    const { servers, path: base, auth, timeoutMs = 10_000 } = given
    const layout = given.layout === 'path' ? inFolders(base) : inChildren(base)
    const acl = acls[given.acl ?? 'open']
    let opened: Promise<Session> | null = null
    const connected = async <T>(signal: AbortSignal, act: (session: Session) => Promise<T>) => {
      signal.throwIfAborted()
      const session = await (opened ??= openSession(servers, { auth, timeoutMs }))
      const giveUp = () => session.close()
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        return await act(session)
      } catch (error) {
        opened = null
        session.close()
        signal.throwIfAborted()
        throw error
      } finally {
        signal.removeEventListener('abort', giveUp)
      }
    }
    return {
      render: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
      read: (keys, signal) =>
        connected(signal, async (session) => {
          const found = new Map<string, string>()
          const wanted = keys === 'all' ? await layout.keys(session) : keys
          await sideBySide(wanted, width, async (key) => {
            const node = await session.get(layout.pathOf(key))
            if (node !== null && node.data !== null) found.set(key, node.data.toString())
          })
          return found
        }),
      write: (changes, place, signal) =>
        connected(signal, async (session) => {
          const values: Value[] = [
            ...[...changes.set].map(([key, stored]) => ({ path: layout.pathOf(key), stored })),
            ...changes.delete.map((key) => ({ path: layout.pathOf(key), stored: null })),
          ]
          await makeFolders(session, [base, ...values.map(({ path }) => parentOf(path))], acl)
          for (const batch of batchesOf(values)) await writeBatch(session, batch, acl)
          const emptied = values.filter(({ stored }) => stored === null)
          for (const { path } of emptied) await removeEmptyFolders(session, parentOf(path), base)
          await label(session, base, place)
        }),
      close: async () => {
        const session = await opened?.catch(() => null)
        session?.close()
      },
    } satisfies Sink
  },
}

type Value = { readonly path: string; readonly stored: string | null }

const writeBatch = async (
  session: Session,
  batch: readonly Value[],
  acl: readonly Permission[],
): Promise<void> => {
  for (let attempt = 1; attempt <= casTries; attempt++) {
    const changes: Change[] = []
    await sideBySide(batch, width, async (value) => {
      const change = await changeFor(session, value, acl)
      if (change !== null) changes.push(change)
    })
    if (changes.length === 0 || (await session.change(changes))) return
    await makeFolders(
      session,
      batch.map(({ path }) => parentOf(path)),
      acl,
    )
  }
  throw new SinkError(`zookeeper: others changed the same nodes ${casTries} times in a row`, {
    retryable: true,
  })
}

/** What makes the node hold the value; null when it does. */
const changeFor = async (
  session: Session,
  { path, stored }: Value,
  acl: readonly Permission[],
): Promise<Change | null> => {
  const node = await session.get(path)
  const data = stored === null ? null : Buffer.from(stored)
  if (node === null) return data && { do: 'create', path, data, acl }
  const { version, childCount } = node
  if (data === null && childCount === 0) return { do: 'remove', path, version }
  if (isSame(data, node.data)) return null
  return { do: 'set', path, data, version }
}

const isSame = (left: Buffer | null, right: Buffer | null): boolean =>
  left === null || right === null ? left === right : left.equals(right)

const makeFolders = async (
  session: Session,
  paths: readonly string[],
  acl: readonly Permission[],
): Promise<void> => {
  const folders = new Set(paths.flatMap((path) => [...ancestorsOf(path), path]))
  for (const path of [...folders].toSorted((a, b) => a.length - b.length)) {
    if ((await session.get(path)) !== null) continue
    await session.change([{ do: 'create', path, data: null, acl }])
  }
}

const removeEmptyFolders = async (session: Session, path: string, base: string): Promise<void> => {
  if (path.length <= base.length) return
  const node = await session.get(path)
  if (node !== null) {
    if (node.data !== null || node.childCount > 0) return
    if (!(await session.change([{ do: 'remove', path, version: node.version }]))) return
  }
  await removeEmptyFolders(session, parentOf(path), base)
}

/** Only on a base node that is empty or already says so: its data may be somebody's. */
const label = async (session: Session, base: string, place: SinkPlace): Promise<void> => {
  const node = await session.get(base)
  if (node === null || (node.data !== null && !isLabels(node.data))) return
  const data = Buffer.from(JSON.stringify(place.labels))
  if (isSame(data, node.data)) return
  await session.change([{ do: 'set', path: base, data, version: node.version }])
}
const isLabels = (data: Buffer): boolean => data.toString().startsWith('{"managed-by":"headway"')

function* batchesOf(values: readonly Value[]): Generator<readonly Value[]> {
  let batch: Value[] = []
  let bytes = 0
  for (const value of values) {
    const size = value.path.length + Buffer.byteLength(value.stored ?? '') + 100
    if (batch.length === batchKeys || (batch.length > 0 && bytes + size > batchBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(value)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
const ancestorsOf = (path: string): string[] => {
  const parent = parentOf(path)
  return parent === '' ? [] : [...ancestorsOf(parent), parent]
}

const inChildren = (base: string): Layout => ({
  pathOf: (key) => `${base}/${nameOfKey(key, forbidden)}`,
  keys: async (session) =>
    (await session.children(base)).flatMap((name) => keyOfName(name, forbidden) ?? []),
})

const inFolders = (base: string): Layout => ({
  pathOf: (key) => [base, ...key.split('.').map((part) => nameOfKey(part, forbidden))].join('/'),
  keys: async (session) => {
    const keys: string[] = []
    const walk = async (folder: string, parts: readonly string[]): Promise<void> => {
      for (const name of await session.children(folder)) {
        const part = keyOfName(name, forbidden)
        if (part === null) continue
        keys.push([...parts, part].join('.'))
        await walk(`${folder}/${name}`, [...parts, part])
      }
    }
    await walk(base, [])
    return keys
  },
})

/** What ZooKeeper takes in no path, besides our own escape. */
const forbidden = /[%/\p{Cc}\ue000-\uf8ff\ufff0-\uffff\u{10000}-\u{10ffff}]/gu
