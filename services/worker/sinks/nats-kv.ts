/**
 * A bucket of NATS KV: one entry per key, by default on Headway's own server.
 *
 * KV keys take letters, digits and `-/_=.`; every other byte is written `=XX`, and so are dots where a
 * subject cannot have them. Every entry is written over the revision that was read just before, so that
 * what is right already gets no new revision and nobody's change is undone unseen. In buckets that are
 * made here, up to a thousand entries change at once or not at all. Values are JSON, or plain text with
 * `values: text`. KV entries take no labels.
 */
import type { KvBucket, KvChange, KvHeld } from '@headway/streams/kv.ts'
import { Type } from '../options.ts'
import { rendering, valuesOption } from './rendering.ts'
import { sideBySide } from './side-by-side.ts'
import { SinkError, type Sink, type SinkType } from './sink.ts'

const options = Type.Object({
  bucket: Type.String({ pattern: '^[-_a-zA-Z0-9]+$' }),
  /** One server or several with commas between; Headway's own when left out. */
  url: Type.Optional(Type.String({ secret: true })),
  user: Type.Optional(Type.String()),
  password: Type.Optional(Type.String({ secret: true })),
  token: Type.Optional(Type.String({ secret: true })),
  credentials: Type.Optional(Type.String({ secret: true })),
  nkeySeed: Type.Optional(Type.String({ secret: true })),
  history: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
  replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
  /** Of a bucket made here: answers before it is on disk. A power cut is then a drift to heal. */
  relaxed: Type.Optional(Type.Boolean()),
  values: valuesOption,
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
})

const width = 128
/** Above this, one look at everything costs less than one at each. */
const singleReadsMax = 200
const casTries = 20
const kvChangesMax = 1_000
const batchCharsMax = 8_000_000

export const natsKv: SinkType<typeof options> = {
  type: 'nats_kv',
  options,
  open: async (given) => {
    const { isKvRefusal, openKv } = await import('@headway/streams/kv.ts')
    const { natsUrl } = await import('@headway/streams/room.ts')
    const { history = 10, replicas = 1, relaxed = false, timeoutMs = 5_000 } = given
    const url = given.url ?? natsUrl()
    let opened: Promise<KvBucket> | null = null
    const bucket = (): Promise<KvBucket> => {
      opened ??= openKv({ ...given, url, history, replicas, relaxed, timeoutMs })
      opened.catch(() => (opened = null))
      return opened
    }
    const guarded = async <T>(signal: AbortSignal, act: (bucket: KvBucket) => Promise<T>) => {
      signal.throwIfAborted()
      try {
        return await act(await bucket())
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof SinkError) throw error
        const why = error instanceof Error ? error.name : 'error'
        const message = `nats_kv: bucket ${given.bucket}: ${why}`
        throw new SinkError(message, { retryable: !isKvRefusal(error) })
      }
    }
    return {
      render: rendering(given.values),
      read: (keys, signal) => guarded(signal, (kv) => read(kv, keys, signal)),
      write: (changes, _, signal) =>
        guarded(signal, async (kv) => {
          const wanted = new Map<string, string | null>(changes.set)
          for (const key of changes.delete) wanted.set(key, null)
          await write(kv, wanted, signal)
        }),
      close: async () => {
        await (await opened?.catch(() => null))?.close()
      },
    }
  },
}

const read = async (
  kv: KvBucket,
  keys: readonly string[] | 'all',
  signal: AbortSignal,
): ReturnType<Sink['read']> => {
  const found = new Map<string, string>()
  if (keys === 'all' || keys.length > singleReadsMax) {
    const wanted = keys === 'all' ? null : new Set(keys)
    for (const [name, { text }] of await kv.all(signal)) {
      const key = keyIn(name)
      if (key !== null && text !== null && (wanted?.has(key) ?? true)) found.set(key, text)
    }
    return found
  }
  await sideBySide(keys, width, async (key) => {
    const text = (await kv.get(nameIn(key)))?.text ?? null
    if (text !== null) found.set(key, text)
  })
  return found
}

const heldOf = async (
  kv: KvBucket,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KvHeld>> => {
  if (names.length > singleReadsMax) return kv.all(signal)
  const held = new Map<string, KvHeld>()
  await sideBySide(names, width, async (name) => {
    const found = await kv.get(name)
    if (found) held.set(name, found)
  })
  return held
}

/** In batches; one by one where somebody else was at it meanwhile, or where the bucket takes none. */
const write = async (
  kv: KvBucket,
  wanted: ReadonlyMap<string, string | null>,
  signal: AbortSignal,
): Promise<void> => {
  const named = [...wanted].map(([key, text]) => ({ key: nameIn(key), text }))
  const held = await heldOf(
    kv,
    named.map(({ key }) => key),
    signal,
  )
  const changes = named.flatMap(({ key, text }) => {
    const { text: before = null, revision = 0 } = held.get(key) ?? {}
    return before === text ? [] : [{ key, text, revision }]
  })
  for (const batch of batchesOf(changes)) {
    signal.throwIfAborted()
    if (batch.length > 1 && (await kv.changeAll(batch))) continue
    await sideBySide(batch, width, async ({ key, text }) => {
      signal.throwIfAborted()
      await put(kv, key, text, held.get(key) ?? null)
    })
  }
}

/** As many as a batch takes, and not all of a big file in the server's memory. */
const batchesOf = (changes: readonly KvChange[]): readonly (readonly KvChange[])[] => {
  const batches: KvChange[][] = []
  let chars = Infinity
  for (const change of changes) {
    chars += change.text?.length ?? 0
    const last = batches.at(-1)
    if (last && last.length < kvChangesMax && chars <= batchCharsMax) last.push(change)
    else {
      batches.push([change])
      chars = change.text?.length ?? 0
    }
  }
  return batches
}

const put = async (
  kv: KvBucket,
  name: string,
  text: string | null,
  seen: KvHeld | null,
): Promise<void> => {
  let held = seen
  for (let attempt = 1; attempt <= casTries; attempt++) {
    if ((held?.text ?? null) === text) return
    if (await kv.change(name, text, held?.revision ?? 0)) return
    held = await kv.get(name)
  }
  throw new SinkError(`nats_kv: others changed ${name} ${casTries} times in a row`, {
    retryable: true,
  })
}

const forbidden = /^\.|\.$|(?<=\.)\.|[^-/_.a-zA-Z0-9]/gu

const nameIn = (key: string): string =>
  key === ''
    ? '='
    : key.replace(forbidden, (char) =>
        [...Buffer.from(char)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
      )

/** Null when the name was never made from a key: then it is somebody else's. */
const keyIn = (name: string): string | null => {
  const url = name === '=' ? '' : name.replaceAll('%', '%25').replaceAll('=', '%')
  try {
    const key = decodeURIComponent(url)
    return nameIn(key) === name ? key : null
  } catch {
    return null
  }
}
