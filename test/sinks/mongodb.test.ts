/** The mongodb sink, with MongoDB's own driver, against FerretDB. */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, setting } from './conformance.ts'
import { startFerretDb } from './ferretdb-server.ts'
import { closedPort } from './free-port.ts'
import { installed } from './installed.ts'
import { never, openSink, place } from './sink-under-test.ts'

const program = installed('ferretdb')

/** FerretDB has no lists in lists and no dots in names; MongoDB has both since version 5. */
const without = (value: Plain) => Array.isArray(value) && /\[.*\[|\./.test(JSON.stringify(value))

describe.runIf(program)('MongoDB', () => {
  let server: Awaited<ReturnType<typeof startFerretDb>>
  beforeAll(async () => {
    server = await startFerretDb(program!)
  })
  afterAll(() => server?.stop())

  const collectionOf = (where: string) =>
    server.client.db('headway').collection<{ _id: string; [field: string]: unknown }>(where)
  const unreachable = () => ({
    url: `mongodb://127.0.0.1:${closedPort}/`,
    database: 'headway',
    collection: 'a',
    timeoutMs: 300,
  })
  const refused = () => ({
    options: {
      url: `mongodb://${server.address}/headway`,
      username: 'ann',
      password: 'wrong-password',
      database: 'headway',
      collection: 'a',
    },
    secrets: ['wrong-password'],
  })
  const optionsFor = (where: string) => ({
    url: server.url,
    database: 'headway',
    collection: where,
  })

  conforms('mongodb, a document per key,', {
    type: 'mongodb',
    without,
    keysKilled: 40,
    calmMs: 1_000,
    options: optionsFor,
    unreachable,
    refused,
    foreign: {
      put: async (where) =>
        void (await collectionOf(where).insertMany([
          { _id: 'theirs', text: 'kept' },
          { _id: 'a.key0', note: 'a field of somebody else' },
        ])),
      look: (where) => collectionOf(where).find({ _id: 'theirs' }).toArray(),
    },
  })

  conforms('mongodb, one document,', {
    type: 'mongodb',
    without,
    keysKilled: 40,
    calmMs: 1_000,
    isLoose: true,
    keysLarge: 2_000,
    options: (where) => ({ ...optionsFor(where), layout: 'document', document: 'shop' }),
    unreachable,
    refused,
    foreign: {
      put: async (where) =>
        void (await collectionOf(where).insertMany([
          { _id: 'theirs', entries: [{ key: 'a', value: 1 }] },
          { _id: 'shop', note: 'kept', entries: [{ key: 'their.key', value: 'kept' }] },
        ])),
      look: (where) =>
        collectionOf(where).find({}).project({ labels: 0 }).sort({ _id: 1 }).toArray(),
    },
  })

  test('types and labels arrive', async () => {
    const sink = await openSink('mongodb', optionsFor('typed'))
    await sink.write(setting([['port', sink.render(8080)]]), place, never)
    await sink.close()
    expect(await collectionOf('typed').find({}).toArray()).toEqual([
      { _id: 'port', value: 8080, labels: { ...place.labels, at: place.now } },
    ])
  })

  test('an address that cannot be understood is not quoted: it may hold the password', async () => {
    const options = { ...optionsFor('a'), url: 'mongodb://ann:pass/word@127.0.0.1' }
    const opening = openSink('mongodb', options)
    await expect(opening).rejects.toMatchObject({
      message: 'mongodb: `url` cannot be understood',
      retryable: false,
    })
  })
})
