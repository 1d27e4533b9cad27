/** The postgres sink against a real Postgres. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Child } from '@headway/deploy/child.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { never, openSink, place } from './sink-under-test.ts'

let directory: string
let server: Child
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headway-table-'))
  // Postgres runs as somebody else when we are root, and must be able to get there.
  await chmod(directory, 0o755)
  server = await startPostgres({ dataDir: join(directory, 'pg') })
}, 60_000)
afterAll(async () => {
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
})

const sql = async (text: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}

const unreachable = () => ({
  url: `postgres://headway:pw-secret@127.0.0.1:${closedPort}/headway`,
  environment: 'a',
})
const refused = () => ({
  options: {
    url: server.url.replace('headway@', 'nobody:wrong-secret@'),
    environment: 'production',
  },
  secrets: ['wrong-secret'],
})

conforms('postgres, one table for all,', {
  type: 'postgres',
  options: (environment) => ({ url: server.url, environment }),
  unreachable,
  refused,
  foreign: {
    put: async (environment) => {
      const sink = await openSink('postgres', { url: server.url, environment: 'theirs' })
      await sink.write(setting([[`key of ${environment}`, '"kept"']]), place, never)
    },
    look: async () => {
      const sink = await openSink('postgres', { url: server.url, environment: 'theirs' })
      return sink.read('all', never)
    },
  },
})

conforms('postgres, a table of its own with text and odd names,', {
  type: 'postgres',
  options: (name) => ({
    url: server.url,
    environment: `o'${name}`,
    schema: 'Own "schema"',
    table: `"; drop table x; -- ${name}`,
    columns: { environment: 'the env', key: 'select', value: 'va"lue' },
    labels: false,
    valueType: 'text',
    values: 'text',
  }),
})

describe('what only a table does', () => {
  test('a row says who wrote it, and is not touched when it is right', async () => {
    const options = { url: server.url, environment: 'production', table: 'labelled' }
    const sink = await openSink('postgres', options)
    await sink.write(setting([['a', '{"x":[1,true]}']]), place, never)
    const rows = 'select xmin::text, environment, key, value, labels from labelled'
    const before = await sql(rows)
    expect(before).toEqual([
      {
        xmin: expect.any(String) as string,
        environment: 'production',
        key: 'a',
        value: { x: [1, true] },
        labels: { ...place.labels, at: place.now },
      },
    ])
    await sink.write(setting([['a', '{"x":[1,true]}']]), place, never)
    expect(await sql(rows)).toEqual(before)
  })

  test('all or nothing: a key that the server cannot keep takes the others back', async () => {
    const sink = await openSink('postgres', { url: server.url, environment: 'whole' })
    await sink.write(setting([['old', '1']]), place, never)
    const many = Array.from({ length: 6_000 }, (_, i) => [`k${i}`, '1'] as const)
    const writing = sink.write(setting([...many, ['nul\0', '"top-secret"']]), place, never)
    await expect(writing).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/^postgres: 22021.*character/) as string,
    })
    expect(await sink.read('all', never)).toEqual(new Map([['old', '1']]))
  })

  test('a table without a unique index is refused in words', async () => {
    await sql('create table loose (environment text, key text, value text)')
    const options = { url: server.url, environment: 'a', table: 'loose', labels: false }
    const sink = await openSink('postgres', { ...options, valueType: 'text' })
    await expect(sink.write(setting([['a', '1']]), place, never)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('no unique index') as string,
    })
  })

  test('no table is made where that is forbidden', async () => {
    const options = { url: server.url, environment: 'a', table: 'forbidden', createTable: false }
    const sink = await openSink('postgres', options)
    const writing = sink.write(setting([['a', '1']]), place, never)
    await expect(writing).rejects.toMatchObject({ retryable: false })
    expect(await sql(`select to_regclass('forbidden') is null "isNone"`)).toEqual([
      { isNone: true },
    ])
  })

  test('a deletion takes the row of this environment only', async () => {
    const open = (environment: string) => openSink('postgres', { url: server.url, environment })
    const [one, other] = [await open('one'), await open('other')]
    await one.write(setting([['a', '1']]), place, never)
    await other.write(setting([['a', '2']]), place, never)
    await one.write(removing('a'), place, never)
    expect(await one.read('all', never)).toEqual(new Map())
    expect(await other.read('all', never)).toEqual(new Map([['a', '2']]))
  })
})
