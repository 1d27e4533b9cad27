/**
 * MongoDB, in one of two shapes: `layout: documents` keeps one document per key, `{ _id: key, value,
 * labels }`; `layout: document` keeps all keys in one document, as a list of `{ key, value }`, because
 * field names with dots are not welcome everywhere. Values keep their types.
 *
 * The single document is changed by compare-and-set on the list that was read. Other fields of our
 * documents, and other documents, are nobody's business here. Writes wait for the majority.
 */
import type { Collection, Document, Filter } from 'mongodb'
import { Type } from '../options.ts'
import { SinkError, type Sink, type SinkPlace, type SinkType } from './sink.ts'

const options = Type.Object({
  /** `mongodb://…`; it may hold a password. */
  url: Type.String({ secret: true }),
  username: Type.Optional(Type.String()),
  password: Type.Optional(Type.String({ secret: true })),
  database: Type.String(),
  collection: Type.String(),
  layout: Type.Optional(Type.Enum(['documents', 'document'])),
  /** The id of the one document. */
  document: Type.Optional(Type.String()),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
})

type Row = { _id: string; value?: unknown; labels?: Document; entries?: Entry[] }
type Entry = { key: string; value: unknown }
type Stored = readonly [key: string, stored: string]
type Rows = Collection<Row>

const batchKeys = 1_000
const casTries = 20

export const mongodb: SinkType<typeof options> = {
  type: 'mongodb',
  options,
  open: async (given) => {
    const { MongoClient } = await import('mongodb')
    const { url, username, password, timeoutMs = 10_000 } = given
    const client = orRefuse(
      () =>
        new MongoClient(url, {
          appName: 'headway',
          maxPoolSize: 4,
          serverSelectionTimeoutMS: timeoutMs,
          connectTimeoutMS: timeoutMs,
          socketTimeoutMS: 60_000,
          ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
          writeConcern: { w: 'majority' },
        }),
    )
    const rows: Rows = client.db(given.database).collection<Row>(given.collection)
    const sink =
      given.layout === 'document' ? oneDocument(rows, given.document ?? 'config') : documents(rows)
    return {
      render: (value) => JSON.stringify(value),
      read: (keys, signal) => orSinkError(signal, () => sink.read(keys, signal)),
      write: (changes, place, signal) =>
        orSinkError(signal, () => sink.write(changes, place, signal)),
      close: () => client.close(),
    }
  },
}

const documents = (rows: Rows): Pick<Sink, 'read' | 'write'> => {
  const valuesOf = async (filter: Filter<Row>, signal: AbortSignal) => {
    const found = new Map<string, string>()
    for await (const { _id, value } of rows.find(filter, { signal })) {
      if (typeof _id === 'string' && value !== undefined) found.set(_id, JSON.stringify(value))
    }
    return found
  }
  /** New documents in one message, then those that differ, or that somebody made meanwhile. */
  const set = async (entries: readonly Stored[], place: SinkPlace, signal: AbortSignal) => {
    const present = await valuesOf({ _id: { $in: entries.map(([key]) => key) } }, signal)
    const fieldsOf = (stored: string) => ({
      value: JSON.parse(stored) as unknown,
      labels: labelsOf(place),
    })
    const absent = entries.filter(([key]) => !present.has(key))
    const taken = new Set<string>()
    if (absent.length > 0) {
      const made = absent.map(([key, stored]) => ({ _id: key, ...fieldsOf(stored) }))
      await rows.insertMany(made, { ordered: false }).catch((error: unknown) => {
        for (const index of duplicatesIn(error)) taken.add(absent[index]![0])
      })
    }
    const changed = entries.filter(
      ([key, stored]) => taken.has(key) || (present.has(key) && present.get(key) !== stored),
    )
    if (changed.length === 0) return
    const operations = changed.map(([key, stored]) => ({
      updateOne: { filter: { _id: key }, update: { $set: fieldsOf(stored) }, upsert: true },
    }))
    await rows.bulkWrite(operations, { ordered: false })
  }
  return {
    async read(keys, signal) {
      if (keys === 'all') return valuesOf({ value: { $exists: true } }, signal)
      const found = new Map<string, string>()
      for (const batch of inBatches(keys)) {
        for (const one of await valuesOf({ _id: { $in: batch } }, signal)) found.set(...one)
      }
      return found
    },
    async write(changes, place, signal) {
      for (const batch of inBatches([...changes.set])) {
        signal.throwIfAborted()
        await set(batch, place, signal)
      }
      for (const batch of inBatches(changes.delete)) {
        signal.throwIfAborted()
        await rows.deleteMany({ _id: { $in: batch } })
      }
    },
  }
}

const oneDocument = (rows: Rows, id: string): Pick<Sink, 'read' | 'write'> => ({
  async read(keys, signal) {
    const { entries = [] } = (await rows.findOne({ _id: id }, { signal })) ?? {}
    const wanted = keys === 'all' ? null : new Set(keys)
    return new Map(
      entries
        .filter(({ key }) => wanted?.has(key) ?? true)
        .map(({ key, value }) => [key, JSON.stringify(value)]),
    )
  },
  async write(changes, place, signal) {
    for (let attempt = 1; attempt <= casTries; attempt++) {
      signal.throwIfAborted()
      const { entries: before } = (await rows.findOne({ _id: id })) ?? {}
      const values = new Map((before ?? []).map(({ key, value }) => [key, value]))
      for (const key of changes.delete) values.delete(key)
      for (const [key, stored] of changes.set) values.set(key, JSON.parse(stored))
      const entries = [...values]
        .map(([key, value]) => ({ key, value }))
        .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      if (before && JSON.stringify(entries) === JSON.stringify(before)) return
      const { modifiedCount, upsertedCount } = await rows
        .updateOne(
          { _id: id, entries: before ?? { $exists: false } },
          { $set: { entries, labels: labelsOf(place) } },
          { upsert: before === undefined },
        )
        .catch(unlessDuplicate)
      if (modifiedCount + upsertedCount > 0) return
    }
    throw new SinkError(`mongodb: others changed ${id} ${casTries} times in a row`, {
      retryable: true,
    })
  },
})

const labelsOf = (place: SinkPlace): Document => ({ ...place.labels, at: place.now })

const inBatches = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / batchKeys) }, (_, i) =>
    items.slice(i * batchKeys, (i + 1) * batchKeys),
  )

/** Which of the documents to insert were there already; any other failure is thrown. */
const duplicatesIn = (error: unknown): number[] => {
  const { writeErrors = [] } = error as { writeErrors?: readonly { code: number; index: number }[] }
  const errors = [writeErrors].flat()
  if (errors.length === 0 || errors.some(({ code }) => code !== 11_000)) throw error
  return errors.map(({ index }) => index)
}

/** Somebody made the document at the same moment: not done, look again. */
const unlessDuplicate = (error: unknown) => {
  if ((error as { code?: unknown }).code === 11_000) return { modifiedCount: 0, upsertedCount: 0 }
  throw error
}

/** An address that cannot be understood is quoted by the driver, password and all. */
const orRefuse = <T>(make: () => T): T => {
  try {
    return make()
  } catch {
    throw new SinkError('mongodb: `url` cannot be understood', { retryable: false })
  }
}

const orSinkError = async <T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> => {
  signal.throwIfAborted()
  try {
    return await act()
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof SinkError ? error : sinkErrorOf(error)
  }
}

/** The driver's message may quote documents, so only the names of what went wrong are kept. */
const sinkErrorOf = (error: unknown): SinkError => {
  const { name, code, codeName, errorLabelSet, message } = error as {
    name?: string
    code?: number | string
    codeName?: string
    errorLabelSet?: ReadonlySet<string>
    message?: string
  }
  const isNetwork = /Network|ServerSelection|Pool|Timeout|NotPrimary|Topology/.test(String(name))
  const isCurable =
    isNetwork ||
    errorLabelSet?.has('RetryableWriteError') === true ||
    curable.has(Number(code)) ||
    /ECONNREFUSED|ECONNRESET|ETIMEDOUT/.test(String(message))
  const what = [name, codeName ?? String(code ?? '')]
  return new SinkError(`mongodb: ${what.filter(Boolean).join(' ')}`, {
    retryable: isCurable && !refusals.has(Number(code)),
  })
}

/** HostUnreachable, NotWritablePrimary, InterruptedAtShutdown, PrimarySteppedDown and the like. */
const curable = new Set([6, 7, 50, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436])
/** Unauthorized, AuthenticationFailed. */
const refusals = new Set([13, 18])
