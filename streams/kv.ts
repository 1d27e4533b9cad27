/**
 * A key-value bucket, ours or somebody else's: what is in it, by key and revision, and changes that only
 * take where the revision is still the one that was seen. The bucket is made by the first change. Many
 * changes go as one batch where the bucket allows it: nobody sees half of them, and a server from 2.15 on
 * brings them to the disk together.
 *
 * The connection is the bucket's own and gives up soon: whoever asks decides about another attempt.
 */
import {
  connect,
  credsAuthenticator,
  errors,
  headers,
  nkeyAuthenticator,
  nuid,
  type MsgHdrs,
} from '@nats-io/transport-node'
import {
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  PersistMode,
} from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'

export type KvPlace = {
  readonly url: string
  readonly bucket: string
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
  /** The text of a `.creds` file. */
  readonly credentials?: string | undefined
  readonly nkeySeed?: string | undefined
  readonly history: number
  readonly replicas: number
  /** Answer before it is on disk: many times as fast, and a power cut costs the last writes. */
  readonly relaxed: boolean
  readonly timeoutMs: number
}

/** Null where a key was deleted: the place of the deletion counts as a revision. */
export type KvHeld = { readonly text: string | null; readonly revision: number }

export type KvChange = KvHeld & { readonly key: string }

export type KvBucket = {
  all(signal: AbortSignal): Promise<Map<string, KvHeld>>
  get(key: string): Promise<KvHeld | null>
  /** Sets, or deletes with null; false when the revision is no longer that. Zero: never there. */
  change(key: string, text: string | null, revision: number): Promise<boolean>
  /** All of them at once or, with false, none: a revision is no longer that, or the bucket can't. */
  changeAll(changes: readonly KvChange[]): Promise<boolean>
  close(): Promise<void>
}

const wrongRevision = 10_071
const noStream = 10_059
/** A revision that is not that one, on one server and on several; no batches here; one that broke off. */
const batchRefusals = new Set([wrongRevision, 10_164, 10_174, 10_176])

export const openKv = async (place: KvPlace): Promise<KvBucket> => {
  const nc = await connect({
    servers: place.url.split(','),
    name: 'headway-kv',
    maxReconnectAttempts: 3,
    reconnectTimeWait: 100,
    timeout: place.timeoutMs,
    noAsyncTraces: true,
    ...(place.user === undefined ? {} : { user: place.user, pass: place.password ?? '' }),
    ...(place.token === undefined ? {} : { token: place.token }),
    ...authenticatorOf(place),
  })
  const options = { timeout: place.timeoutMs }
  const js = jetstream(nc, options)
  const jsm = await jetstreamManager(nc, { ...options, checkAPI: false })
  let bound: Promise<KV> | null = null
  let takesBatches = false
  const exists = async (): Promise<boolean> => {
    try {
      const { config } = await jsm.streams.info(`KV_${place.bucket}`)
      takesBatches = config.allow_atomic === true
      return true
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === noStream) return false
      throw error
    }
  }
  /** Somebody else's bucket is taken as it is. */
  const open = async (): Promise<KV | null> => {
    if (bound) return bound
    if (!(await exists())) return null
    return (bound = new Kvm(js).open(place.bucket))
  }
  const make = async (): Promise<KV> => {
    const found = await open()
    if (found) return found
    return (bound ??= jsm.streams
      .add(configOf(place))
      .then(({ config }) => void (takesBatches = config.allow_atomic === true))
      .then(() => new Kvm(js).open(place.bucket, { allow_direct: true })))
  }
  return {
    async all(signal) {
      const kv = await open()
      return kv ? everything(kv, signal) : new Map<string, KvHeld>()
    },
    async get(key) {
      const entry = await (await open())?.get(key)
      return entry ? heldIn(entry) : null
    },
    async change(key, text, revision) {
      try {
        const kv = await make()
        await (text === null
          ? kv.delete(key, { previousSeq: revision })
          : kv.put(key, text, { previousSeq: revision }))
        return true
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === wrongRevision) return false
        throw error
      }
    },
    async changeAll(changes) {
      await make()
      if (!takesBatches) return false
      const id = nuid.next()
      const subjectOf = (key: string) => `$KV.${place.bucket}.${key}`
      const last = changes.length - 1
      for (const [index, change] of changes.slice(0, last).entries())
        nc.publish(subjectOf(change.key), change.text ?? '', {
          headers: batchHeaders(id, index, change),
        })
      const { key, text } = changes[last]!
      const committed = batchHeaders(id, last, changes[last]!)
      committed.set('Nats-Batch-Commit', '1')
      const request = { headers: committed, ...options }
      const answer = (await nc.request(subjectOf(key), text ?? '', request)).json<BatchAnswer>()
      if (!answer.error) return true
      if (batchRefusals.has(answer.error.err_code)) return false
      throw new JetStreamApiError(answer.error)
    },
    close: () => nc.close(),
  }
}

type BatchAnswer = { readonly error?: ConstructorParameters<typeof JetStreamApiError>[0] }

const batchHeaders = (id: string, index: number, { text, revision }: KvChange): MsgHdrs => {
  const all = headers()
  all.set('Nats-Batch-Id', id)
  all.set('Nats-Batch-Sequence', String(index + 1))
  all.set('Nats-Expected-Last-Subject-Sequence', String(revision))
  if (text === null) all.set('KV-Operation', 'DEL')
  return all
}

/** As every KV client makes it; theirs cannot be told how to keep it. */
const configOf = ({ bucket, history, replicas, relaxed }: KvPlace) => ({
  name: `KV_${bucket}`,
  description: 'Configuration, written by Headway',
  subjects: [`$KV.${bucket}.>`],
  max_msgs_per_subject: history,
  num_replicas: replicas,
  allow_direct: true,
  allow_rollup_hdrs: true,
  deny_delete: true,
  discard: DiscardPolicy.New,
  ...(relaxed ? { persist_mode: PersistMode.Async } : { allow_atomic: true }),
})

/** What another attempt would not cure: a refusal, a message that is too big, a bucket that is full. */
export const isKvRefusal = (error: unknown): boolean =>
  error instanceof errors.AuthorizationError ||
  error instanceof errors.UserAuthenticationExpiredError ||
  error instanceof errors.PermissionViolationError ||
  error instanceof errors.InvalidArgumentError ||
  (error instanceof JetStreamApiError && error.status < 500) ||
  (error instanceof Error && error.cause !== undefined && isKvRefusal(error.cause))

const authenticatorOf = ({ credentials, nkeySeed }: KvPlace) => {
  const bytes = (text: string) => new TextEncoder().encode(text)
  if (credentials !== undefined) return { authenticator: credsAuthenticator(bytes(credentials)) }
  if (nkeySeed !== undefined) return { authenticator: nkeyAuthenticator(bytes(nkeySeed)) }
  return {}
}

const everything = async (kv: KV, signal: AbortSignal): Promise<Map<string, KvHeld>> => {
  const found = new Map<string, KvHeld>()
  if ((await kv.status()).values === 0) return found
  const watch = await kv.watch()
  const stop = () => watch.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const entry of watch) {
      found.set(entry.key, heldIn(entry))
      // The last of what was there when we began to look.
      if (entry.isUpdate) break
    }
  } finally {
    signal.removeEventListener('abort', stop)
    watch.stop()
  }
  signal.throwIfAborted()
  return found
}

const heldIn = (entry: { operation: string; revision: number; string(): string }): KvHeld => ({
  text: entry.operation === 'PUT' ? entry.string() : null,
  revision: entry.revision,
})
