/**
 * Redis, in one of three shapes: `structure: string` keeps one string per key below a prefix, `hash` one
 * hash with a field per key, `json` one string that holds all keys as a JSON document.
 *
 * The document is changed by compare-and-set on the text that was read. What is below the prefix is found
 * by SCAN with the prefix taken literally; values of other kinds there are somebody else's. A `ttlSeconds`
 * begins anew with every write of ours. Commands go out together, a thousand at a time; a cluster gets
 * them sorted by node. RedisJSON is not used.
 */
import { withDeadline } from '@headway/streams/deadline.ts'
import type { Cluster, Redis } from 'ioredis'
import { Type } from '../options.ts'
import { inBatches } from './batches.ts'
import { redisProblem } from './redis-problem.ts'
import { canonicalJson, rendering, valuesOption } from './rendering.ts'
import { SinkError, type Sink, type SinkType } from './sink.ts'

const options = Type.Object({
  structure: Type.Enum(['string', 'hash', 'json']),
  /** What every key begins with (`string`), or the key of the hash or document. */
  key: Type.String({ minLength: 1 }),
  /** Servers `host:port`: one, the first ones of a cluster, or the sentinels. */
  servers: Type.Array(Type.String(), { minItems: 1 }),
  mode: Type.Optional(Type.Enum(['standalone', 'cluster', 'sentinel'])),
  /** What the sentinels call it. */
  master: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  password: Type.Optional(Type.String({ secret: true })),
  sentinelPassword: Type.Optional(Type.String({ secret: true })),
  database: Type.Optional(Type.Integer({ minimum: 0 })),
  tls: Type.Optional(Type.Boolean()),
  ttlSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
  values: valuesOption,
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
})

type Options = Parameters<(typeof redis)['open']>[0]
type Client = Redis | Cluster
type Shape = Pick<Sink, 'read' | 'write'>

const batchKeys = 1_000
const casTries = 50

export const redis: SinkType<typeof options> = {
  type: 'redis',
  options,
  open: async (given) => {
    let opened: Client | null = null
    let said: unknown = null
    const client = async (): Promise<Client> => {
      if (opened && !['end', 'close'].includes(opened.status)) return opened
      const made = await connecting(given)
      made.on('error', (error: unknown) => (said = error))
      opened = made
      await made.connect()
      return made
    }
    const guarded = async <T>(signal: AbortSignal, act: (shape: Shape) => Promise<T>) => {
      signal.throwIfAborted()
      said = null
      const limit = withDeadline(60_000, signal)
      // What waits for an answer is told that there is none.
      const stop = () => opened?.disconnect()
      limit.addEventListener('abort', stop, { once: true })
      try {
        return await act(shapes[given.structure](await client(), given))
      } catch (error) {
        signal.throwIfAborted()
        throw error instanceof SinkError ? error : redisProblem(error, said)
      } finally {
        limit.removeEventListener('abort', stop)
      }
    }
    return {
      render: rendering(given.structure === 'json' ? 'json' : given.values),
      read: (keys, signal) => guarded(signal, (shape) => shape.read(keys, signal)),
      write: (changes, place, signal) =>
        guarded(signal, (shape) => shape.write(changes, place, signal)),
      close: async () => opened?.disconnect(),
    }
  },
}

/** Three more looks, then whoever asked decides. */
const patience = (times: number): number | null => (times > 3 ? null : 50 * times)

const connecting = async (given: Options): Promise<Client> => {
  const { Cluster, Redis } = await import('ioredis')
  const { timeoutMs = 5_000, mode = 'standalone' } = given
  const nodes = given.servers.map((server) => {
    const colon = server.lastIndexOf(':')
    const host = colon < 0 ? server : server.slice(0, colon)
    return { host, port: colon < 0 ? 6_379 : Number(server.slice(colon + 1)) }
  })
  const shared = {
    connectionName: 'headway',
    connectTimeout: timeoutMs,
    maxRetriesPerRequest: 2,
    ...(given.username === undefined ? {} : { username: given.username }),
    ...(given.password === undefined ? {} : { password: given.password }),
    ...(given.tls ? { tls: {} } : {}),
  }
  if (mode === 'cluster') {
    return new Cluster(nodes, {
      redisOptions: shared,
      lazyConnect: true,
      enableAutoPipelining: true,
      clusterRetryStrategy: patience,
    })
  }
  const at = {
    lazyConnect: true,
    enableAutoPipelining: true,
    retryStrategy: patience,
    db: given.database ?? 0,
  }
  if (mode === 'standalone') return new Redis({ ...shared, ...at, ...nodes[0] })
  return new Redis({
    ...shared,
    ...at,
    sentinels: nodes,
    name: given.master ?? 'mymaster',
    sentinelRetryStrategy: patience,
    ...(given.sentinelPassword === undefined ? {} : { sentinelPassword: given.sentinelPassword }),
  })
}

/** All at once, a bounded number at a time; after an error nothing new is begun. */
const each = async <T>(
  items: Iterable<T>,
  signal: AbortSignal,
  act: (item: T) => Promise<unknown>,
): Promise<void> => {
  for (const batch of inBatches(items, batchKeys)) {
    signal.throwIfAborted()
    const results = await Promise.allSettled(batch.map(act))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}

const strings = (client: Client, { key: prefix, ttlSeconds }: Options): Shape => ({
  async read(keys, signal) {
    const found = new Map<string, string>()
    const wanted = keys === 'all' ? await keysBelow(client, prefix, signal) : keys
    await each(wanted, signal, async (key) => {
      const text = await client.get(prefix + key)
      if (text !== null) found.set(key, text)
    })
    return found
  },
  async write(changes, _, signal) {
    await each(changes.set, signal, ([key, text]) =>
      ttlSeconds === undefined
        ? client.set(prefix + key, text)
        : client.set(prefix + key, text, 'EX', ttlSeconds),
    )
    await each(changes.delete, signal, (key) => client.del(prefix + key))
  },
})

const keysBelow = async (
  client: Client,
  prefix: string,
  signal: AbortSignal,
): Promise<Set<string>> => {
  const match = `${prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`
  const found = new Set<string>()
  for (const node of 'nodes' in client ? client.nodes('master') : [client]) {
    let cursor = '0'
    do {
      signal.throwIfAborted()
      const [next, names] = await node.scan(
        cursor,
        'MATCH',
        match,
        'COUNT',
        batchKeys,
        'TYPE',
        'string',
      )
      for (const name of names) found.add(name.slice(prefix.length))
      cursor = next
    } while (cursor !== '0')
  }
  return found
}

const hash = (client: Client, { key: name, ttlSeconds }: Options): Shape => ({
  async read(keys, signal) {
    if (keys === 'all') return new Map(Object.entries(await client.hgetall(name)))
    const found = new Map<string, string>()
    for (const batch of inBatches(keys, batchKeys)) {
      signal.throwIfAborted()
      const texts = await client.hmget(name, ...batch)
      for (const [i, key] of batch.entries()) {
        const text = texts[i] ?? null
        if (text !== null) found.set(key, text)
      }
    }
    return found
  },
  async write(changes, _, signal) {
    for (const batch of inBatches(changes.set, batchKeys)) {
      signal.throwIfAborted()
      await client.hset(name, ...batch.flat())
    }
    for (const batch of inBatches(changes.delete, batchKeys)) {
      signal.throwIfAborted()
      await client.hdel(name, ...batch)
    }
    if (ttlSeconds !== undefined) await client.expire(name, ttlSeconds)
  },
})

/** Sets KEYS[1] to ARGV[2] if it still is ARGV[1], which is empty for a key that is not there. */
const compareAndSet = `
local held = redis.call('get', KEYS[1])
if (held or '') ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('set', KEYS[1], ARGV[2])
else redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3]) end
return 1`

const json = (client: Client, { key: name, ttlSeconds = 0 }: Options): Shape => {
  const load = async () => {
    const text = (await client.get(name)) ?? ''
    return { text, entries: entriesIn(name, text) }
  }
  return {
    async read(keys) {
      const { entries } = await load()
      const wanted = keys === 'all' ? [...entries.keys()] : keys.filter((key) => entries.has(key))
      return new Map(wanted.map((key) => [key, canonicalJson(entries.get(key))]))
    },
    async write(changes, _, signal) {
      for (let attempt = 1; attempt <= casTries; attempt++) {
        signal.throwIfAborted()
        const { text, entries } = await load()
        for (const key of changes.delete) entries.delete(key)
        for (const [key, stored] of changes.set) entries.set(key, JSON.parse(stored))
        const wanted = canonicalJson(Object.fromEntries(entries))
        if (wanted === text && ttlSeconds === 0) return
        if ((await client.eval(compareAndSet, 1, name, text, wanted, ttlSeconds)) === 1) return
      }
      throw new SinkError(`redis: others changed ${name} ${casTries} times in a row`, {
        retryable: true,
      })
    },
  }
}

const shapes = { string: strings, hash, json }

const entriesIn = (name: string, text: string): Map<string, unknown> => {
  if (text === '') return new Map()
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new Map(Object.entries(value))
    }
  } catch {
    // Said below.
  }
  throw new SinkError(`redis: ${name} holds something other than a JSON object; it is left alone`, {
    retryable: false,
  })
}
