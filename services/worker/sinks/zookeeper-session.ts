/**
 * A session with ZooKeeper: its wire protocol, as far as a sink needs it.
 *
 * The one pure JavaScript client there is has had no release for years, reconnects for ever and has no
 * way to give up. A sink wants the opposite: when the connection is lost every question fails at once and
 * the step's next attempt begins anew. Replies come in the order of the questions, so thousands may be
 * under way together.
 */
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { SinkError } from './sink.ts'
import { field, Reader } from './zookeeper-records.ts'

export type Permission = { readonly scheme: string; readonly id: string; readonly bits: number }
export type Change =
  | { do: 'create'; path: string; data: Buffer | null; acl: readonly Permission[] }
  | { do: 'set'; path: string; data: Buffer | null; version: number }
  | { do: 'remove'; path: string; version: number }
export type Node = {
  readonly data: Buffer | null
  readonly version: number
  readonly childCount: number
}

export type Session = {
  /** Null when there is no such node. */
  get(path: string): Promise<Node | null>
  children(path: string): Promise<readonly string[]>
  /** All or nothing. False when a node is not what it was taken for. */
  change(changes: readonly Change[]): Promise<boolean>
  close(): void
}

const ops = {
  create: 1,
  remove: 2,
  getData: 4,
  set: 5,
  getChildren: 8,
  ping: 11,
  multi: 14,
} as const
const authOp = 100
const closeOp = -11
const pingXid = -2
const authXid = -4

export const faults = { noNode: -101, noAuth: -102, badVersion: -103, nodeExists: -110 } as const
const names: Readonly<Record<number, string>> = {
  [faults.noAuth]: 'the credentials do not allow it (NoAuth)',
  [-4]: 'connection lost',
  [-5]: 'the request is too large or malformed',
  [-8]: 'bad arguments',
  [-108]: 'an ephemeral node takes no children',
  [-112]: 'the session expired',
  [-114]: 'the ACL is not valid',
  [-115]: 'the credentials were refused (AuthFailed)',
  [-118]: 'the session moved',
}
const curable = new Set([-4, -7, -112, -118])

export const openSession = async (
  servers: string,
  given: { auth?: string | undefined; timeoutMs: number },
): Promise<Session> => {
  let last: unknown
  for (const server of servers.split(',').toSorted(() => Math.random() - 0.5)) {
    try {
      return await sessionWith(server.trim(), given)
    } catch (error) {
      last = error
    }
  }
  throw last
}

type Question = {
  readonly path: string
  readonly resolve: (reply: Reader) => void
  readonly reject: (error: Error) => void
}

const sessionWith = async (
  server: string,
  { auth, timeoutMs }: { auth?: string | undefined; timeoutMs: number },
): Promise<Session> => {
  const socket = await dial(server, timeoutMs)
  const pending: Question[] = []
  let isGreeted = false
  let lost: SinkError | null = null
  let greet = () => {}
  const greeted = new Promise<void>((resolve) => (greet = resolve))

  const lose = (why: string, retryable = true) => {
    lost ??= new SinkError(`zookeeper: ${server}: ${why}`, { retryable })
    for (const { reject } of pending.splice(0)) reject(lost)
    greet()
    socket.destroy()
  }
  const take = (packet: Buffer) => {
    const reader = new Reader(packet)
    if (!isGreeted) {
      isGreeted = true
      reader.int()
      if (reader.int() <= 0) lose('the session was refused')
      greet()
      return
    }
    const xid = reader.int()
    reader.skip(8)
    const fault = reader.int()
    if (xid === authXid && fault !== 0) lose(names[-115]!, false)
    if (xid < 0) return
    const question = pending.shift()
    if (!question) lose('an answer that nobody asked for')
    else if (fault === 0) question.resolve(reader)
    else question.reject(new Fault(fault, question.path))
  }
  socket.on('data', inPackets(take))
  socket.on('error', ({ message }) => lose(message))
  socket.on('close', () => lose('connection lost'))
  socket.setTimeout(timeoutMs, () => lose(`no word for ${timeoutMs} ms`))

  let xid = 0
  const send = (...fields: Buffer[]) => {
    const packet = Buffer.concat(fields)
    socket.write(Buffer.concat([field.int(packet.length), packet]))
  }
  const ask = (op: number, path: string, ...fields: Buffer[]): Promise<Reader> =>
    new Promise((resolve, reject) => {
      if (lost) {
        reject(lost)
        return
      }
      pending.push({ resolve, reject, path })
      send(field.int(++xid), field.int(op), ...fields)
    })

  const nothing = Buffer.alloc(8)
  send(
    field.int(0),
    nothing,
    field.int(timeoutMs),
    nothing,
    field.bytes(Buffer.alloc(16)),
    field.no,
  )
  if (auth !== undefined) {
    const proof = [field.int(0), field.text('digest'), field.bytes(Buffer.from(auth))]
    send(field.int(authXid), field.int(authOp), ...proof)
  }
  await greeted
  if (lost) throw lost as SinkError
  const beat = setInterval(() => send(field.int(pingXid), field.int(ops.ping)), timeoutMs / 3)
  beat.unref()
  socket.once('close', () => clearInterval(beat))

  return {
    async get(path) {
      const reply = await ask(ops.getData, path, field.text(path), field.no).catch(unlessAbsent)
      if (reply === null) return null
      const data = reply.bytes()
      reply.skip(32)
      const version = reply.int()
      reply.skip(20)
      return { data, version, childCount: reply.int() }
    },
    async children(path) {
      const asked = [field.text(path), field.no]
      const reply = await ask(ops.getChildren, path, ...asked).catch(unlessAbsent)
      return reply === null ? [] : Array.from({ length: reply.int() }, () => reply.text())
    },
    async change(changes) {
      const fields = changes.flatMap((change) => [head(ops[change.do]), ...fieldsOf(change)])
      const asked = ask(ops.multi, changes[0]!.path, ...fields, head(-1, true))
      const reply = await asked.catch((error: unknown) => {
        if (error instanceof Fault && misjudged.has(error.code)) return null
        throw error
      })
      return reply !== null && changes.map((change) => isDone(reply, change)).every(Boolean)
    },
    close() {
      send(field.int(++xid), field.int(closeOp))
      clearInterval(beat)
      lost ??= new SinkError('zookeeper: closed', { retryable: true })
      socket.end()
    },
  }
}

/** What a single question was answered with, when not with what it asked for. */
class Fault extends SinkError {
  readonly code: number
  constructor(code: number, path: string) {
    const why = names[code] ?? `fault ${code}`
    super(`zookeeper: ${path}: ${why}`, { retryable: curable.has(code) })
    this.code = code
  }
}

const unlessAbsent = (error: unknown): null => {
  if (error instanceof Fault && error.code === faults.noNode) return null
  throw error
}

const statBytes = 68

const head = (op: number, isEnd = false): Buffer =>
  Buffer.concat([field.int(op), isEnd ? field.yes : field.no, field.int(-1)])

const fieldsOf = (change: Change): Buffer[] => {
  const path = field.text(change.path)
  if (change.do === 'remove') return [path, field.int(change.version)]
  const data = field.bytes(change.data)
  if (change.do === 'set') return [path, data, field.int(change.version)]
  const acl = change.acl.flatMap(({ bits, scheme, id }) => [
    field.int(bits),
    field.text(scheme),
    field.text(id),
  ])
  return [path, data, field.int(change.acl.length), ...acl, field.int(0)]
}

const misjudged: ReadonlySet<number> = new Set([
  faults.noNode,
  faults.badVersion,
  faults.nodeExists,
  -111, // not empty
  -2, // failed because another one of the same transaction did
  0,
])

/** One result of a transaction. Anything but done or misjudged is an error. */
const isDone = (reply: Reader, { path }: Change): boolean => {
  const op = reply.int()
  reply.skip(5)
  if (op === ops.create) reply.text()
  else if (op === ops.set) reply.skip(statBytes)
  else if (op === -1) {
    const fault = reply.int()
    if (!misjudged.has(fault)) throw new Fault(fault, path)
    return false
  }
  return true
}

const dial = async (server: string, timeoutMs: number): Promise<Socket> => {
  const [, host, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(server)!
  const socket = connectSocket({ host: host!, port: Number(port ?? 2181), noDelay: true })
  const timer = setTimeout(
    () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)),
    timeoutMs,
  )
  try {
    await once(socket, 'connect')
    return socket
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new SinkError(`zookeeper: ${server} cannot be reached: ${code ?? message}`, {
      retryable: true,
    })
  } finally {
    clearTimeout(timer)
  }
}

/** Cuts a stream into what its length prefixes say. */
const inPackets = (take: (packet: Buffer) => void): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
      const end = 4 + rest.readInt32BE()
      const packet = rest.subarray(4, end)
      rest = rest.subarray(end)
      take(packet)
    }
  }
}
