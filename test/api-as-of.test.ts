/**
 * Time travel: what the API says with `?asOf=` is what it said then. A history is recorded together with
 * the answers that were given while it ran; afterwards all of them are asked for again, in any order.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { parseResumeKeys } from '@headway/api/resume-token.ts'
import { startChild } from '@headway/deploy/child.ts'
import { compare } from '@headway/projector/compare.ts'
import { keepPast, type PastOptions } from '@headway/projector/past.ts'
import { makePast, pastSchema } from '@headway/projector/past-tables.ts'
import { runProjector } from '@headway/projector/room.ts'
import type { startProjector } from '@headway/projector/start.ts'
import { openStore } from '@headway/projector/store.ts'
import { asOfService, isAsOfAnswer } from '@headway/schemas/as-of.ts'
import { examples } from '@headway/schemas/examples.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { openDoors, systemClock, type Doors, type SideDoors } from '@headway/streams/room.ts'
import { ApiWorld, codeA, codeB, keys, type Reply } from './api-world.ts'
import { append, until } from './harness.ts'
import { programOf } from './program.ts'

const execute = promisify(execFile)
const schemasText = "select nspname from pg_namespace where nspname like 'headway\\_at\\_%'"

let api: ApiWorld
let doors: Doors & SideDoors
let pgUrl = ''
let client: pg.Client
/** Stands at the newest commit, so that an answer does not depend on when it was recorded. */
let now = 0
let app: App
let closeDatabase: () => Promise<void>
const rooms: { stop: AbortController; ended: Promise<void> }[] = []

/** Without earlier states: the tests say who keeps them. */
const onlyLive: typeof startProjector = async (opened, { pgUrl: url, signal }) => {
  const store = openStore(url)
  await runProjector(opened, store, { signal })
  await store.close()
}

const keeping = async (options: Partial<PastOptions> = {}): Promise<void> => {
  const stop = new AbortController()
  rooms.push({ stop, ended: keepPast(doors, pgUrl, stop.signal, options) })
  await until('somebody keeps earlier states', async () => {
    const refused = await doors.services.ask('default', asOfService, {}, 500).catch(statusOf)
    return refused === 400
  })
}
const statusOf = (error: unknown): number => (error as { status: number }).status
const forgetting = async (): Promise<void> => {
  for (const { stop } of rooms) stop.abort()
  await Promise.all(rooms.splice(0).map(({ ended }) => ended))
}

/** The answer to a question, without what is another one for each asking. */
const ask = async (path: string): Promise<Reply> => {
  const { statusCode, headers, body } = await app.inject({ url: `/api/v1${path}` })
  return { status: statusCode, headers, body: body === '' ? null : JSON.parse(body) }
}
const steady = ({ status, body }: Reply): object => {
  const { instance: _, traceId: __, uptimeMs: ___, ...rest } = body
  return { status, body: Array.isArray(body) ? body : rest }
}
const asOf = (path: string, seq: number | string): string =>
  `${path}${path.includes('?') ? '&' : '?'}asOf=${seq}`

/** Retries while it is made. */
const askAsOf = (path: string, seq: number | string): Promise<Reply> =>
  until(`${path} as of ${seq}`, async () => {
    const reply = await ask(asOf(path, seq))
    return reply.status === 503 ? null : reply
  })

const head = async (): Promise<number> => (await doors.log.head()).seq
const kept = async (): Promise<string[]> =>
  (await client.query<{ nspname: string }>(schemasText)).rows.map(({ nspname }) => nspname).sort()

type Recorded = { readonly seq: number; readonly answers: ReadonlyMap<string, object> }
const recorded: Recorded[] = []
const details = new Set<string>()
let lists: string[] = []

const record = async (): Promise<void> => {
  await api.settled()
  const seq = await head()
  now = (await doors.log.at(seq))!.at
  const paths = [...lists, ...details]
  const answers = await Promise.all(
    paths.map(async (path) => [path, steady(await ask(path))] as const),
  )
  recorded.push({ seq, answers: new Map(answers) })
}

/** A history in which every table gets rows, and rows that change later. */
const live = async (): Promise<void> => {
  const step = async (act: Promise<unknown>) => {
    await act
    await record()
  }
  for (const path of ['', '/why', '/dag', '/window', '/activations'])
    details.add(`/pipelines/p${path}`)
  for (const query of ['status=completed', 'q=broke', 'since=1h']) details.add(`/runs?${query}`)
  for (const path of ['', '/why', '/versions']) details.add(`/assets/in/p${path}`)
  await step(api.pipeline('p'))
  await step(api.worker('w1', { p: codeA }))
  await step(api.version('in/p', 1))
  const run = await api.run('p')
  for (const path of ['', '/why']) details.add(`/runs/${run}${path}`)
  await record()
  await step(api.started('p', run))
  await step(api.ended('RunFailed', 'p', run))
  await step(api.started('p', run, 2))
  await step(api.ended('RunCompleted', 'p', run, { attempt: 2 }))
  const dead = await api.dead('p')
  details.add(`/runs/${dead}`).add(`/dead-letters/${dead}`)
  await record()
  const { interaction } = await api.asking('p')
  details.add(`/interactions/${interaction}`)
  await record()
  await step(api.release('p', codeB))
  await step(api.activate('p', codeB))
  await step(api.version('in/p', 2))
  let n = 0
  for (const event of Object.values(examples)) {
    await append(doors, { kind: 'run', name: 'p' }, event)
    if (++n % 12 === 0) await record()
  }
  await record()
}

beforeAll(async () => {
  api = await ApiWorld.open({ projector: onlyLive })
  doors = await openDoors('test', api.world.nats.url)
  pgUrl = api.world.postgres!.url
  client = new pg.Client(pgUrl)
  await client.connect()
  const database = openDatabase(pgUrl, doors.logger)
  closeDatabase = () => database.close()
  const clock = { ...systemClock, now: () => now }
  const resumeKeys = parseResumeKeys(keys)
  app = await buildApp({ ...doors, clock, db: database.db, tenant: 'default', resumeKeys })
  lists = (await described()).filter(
    (path) => !path.includes('{') && hasAsOf(path) && !path.includes('/config/diff'),
  )
  lists = lists.map((path) => path.replace('/api/v1', ''))
  await live()
}, 120_000)
afterAll(async () => {
  await forgetting()
  await app.close()
  await closeDatabase()
  await client.end()
  await doors.close()
  await api.close()
})

// oxlint-disable-next-line typescript/no-explicit-any -- a description is looked at
let description: any = null
const described = async (): Promise<string[]> => {
  description ??= (await app.inject({ url: '/openapi.json' })).json()
  return Object.keys(description.paths).filter(
    (path) => path.startsWith('/api/v1') && description.paths[path].get,
  )
}
const hasAsOf = (path: string): boolean =>
  (description.paths[path].get.parameters ?? []).some(
    ({ name }: { name: string }) => name === 'asOf',
  )

describe('every answer from the read models', () => {
  beforeAll(() => keeping({ keptMax: 3, readMs: 0 }))
  afterAll(forgetting)

  test('can be had as of a commit, and no other can', async () => {
    const without = (await described()).filter((path) => !hasAsOf(path))
    expect(without.map((path) => path.replace('/api/v1', ''))).toMatchInlineSnapshot(`
      [
        "/assets/{key}/content",
        "/assets/{key}/versions/{version}/content",
        "/log",
        "/log/{seq}",
        "/stream",
        "/streams",
        "/projections",
        "/tokens",
        "/session",
      ]
    `)
  })

  test('is what was answered then, of every state and in any order [I11]', async () => {
    expect(recorded.length).toBeGreaterThan(15)
    // There and back: most states are made from an earlier one, some from the first event.
    const there = recorded.filter((_, i) => i % 2 === 0)
    const back = recorded.filter((_, i) => i % 2 === 1).toReversed()
    let compared = 0
    for (const { seq, answers } of [...there, ...back])
      for (const [path, answer] of answers) {
        const reply = await askAsOf(path, seq)
        expect(steady(reply), `${path} as of ${seq}`).toEqual(answer)
        compared++
      }
    expect(compared).toBeGreaterThan(500)
    const differing = lists.filter((path) => {
      const [first, last] = [recorded[0]!, recorded.at(-1)!]
      return JSON.stringify(first.answers.get(path)) !== JSON.stringify(last.answers.get(path))
    })
    expect(differing.length).toBeGreaterThan(10)
  }, 120_000)
})

describe('a state', () => {
  beforeAll(() => keeping({ keptMax: 2, readMs: 0 }))
  afterAll(forgetting)

  test('made from an earlier one equals the one made from the first event, row for row', async () => {
    const signal = AbortSignal.timeout(60_000)
    const onBatch = () => {}
    const last = recorded.at(-1)!.seq
    const names = ['headway_at_9000001', 'headway_at_9000002', 'headway_at_9000003'] as const
    const make = (schema: string, seq: number, from: string | null) =>
      makePast(doors, pgUrl, { schema, seq, from, signal, onBatch })
    await make(names[0], last - 20, null)
    await make(names[1], last, names[0])
    await make(names[2], last, null)
    expect(await compare(client, client, names[1], names[2], onBatch)).toMatchObject({
      equal: true,
    })
    expect(await compare(client, client, names[0], names[2], onBatch)).toMatchObject({
      equal: false,
    })
    for (const name of names) await client.query(`drop schema ${name} cascade`)
  })

  test('knows nothing of what is on no record', async () => {
    const { seq, answers } = recorded.at(-1)!
    const check = JSON.stringify({ at: Date.now(), outcome: 'unchanged' })
    await doors.live.put('fetch/default/in/p', check, 60_000)
    await until('the check is shown', async () => {
      const reply = steady(await ask('/assets/in/p'))
      return JSON.stringify(reply) !== JSON.stringify(answers.get('/assets/in/p'))
    })
    expect(steady(await askAsOf('/assets/in/p', seq))).toEqual(answers.get('/assets/in/p'))
    const url = '/api/v1/pipelines/p/runs'
    const { id } = (await app.inject({ method: 'POST', url, payload: {} })).json<{ id: string }>()
    expect((await ask(`/runs/${id}`)).status).toBe(200)
    expect((await askAsOf(`/runs/${id}`, seq)).status).toBe(404)
  })

  test('says which it is', async () => {
    const { seq } = recorded[3]!
    const { headers } = await askAsOf('/runs', seq)
    expect(headers['x-projected-seq']).toBe(String(seq))
    const commit = await doors.log.at(seq)
    expect(Date.parse(String(headers['x-projected-at']))).toBe(commit!.at)
    expect(headers.etag).toMatch(/^W\//)
  })

  test('can be named by its time, or by how long ago', async () => {
    const { seq } = recorded[5]!
    const commit = (await doors.log.at(seq))!
    const next = (await doors.log.at(seq + 1))!
    const time = new Date(commit.at).toISOString()
    const { headers } = await askAsOf('/runs', time)
    const found = Number(headers['x-projected-seq'])
    expect(found).toBeGreaterThanOrEqual(seq)
    expect((await doors.log.at(found))!.at).toBe(commit.at)
    expect((await doors.log.at(found + 1))!.at).toBeGreaterThanOrEqual(next.at)
    const newest = await askAsOf('/runs', '0s')
    expect((await doors.log.at(Number(newest.headers['x-projected-seq'])))!.at).toBeLessThanOrEqual(
      now,
    )
  })

  test('before the first event is the oldest there is', async () => {
    for (const early of ['0', '1', '2001-01-01T00:00:00Z', '9000h'])
      expect((await askAsOf('/pipelines', early)).headers['x-projected-seq'], early).toBe('1')
  })

  test('goes on from page to page, however it was named', async () => {
    const { seq, answers } = recorded.at(-1)!
    const { body: all } = answers.get('/runs') as { body: { id: string }[] }
    const time = new Date((await doors.log.at(seq))!.at + 1).toISOString()
    const pages: string[] = []
    for (let path: string | null = asOf('/runs?limit=1', time); path;) {
      const reply: Reply = await until('a page', async () => {
        const got = await ask(path!)
        return got.status === 200 && got
      })
      pages.push(...reply.body.map(({ id }: { id: string }) => id))
      const { link = '', 'x-projected-seq': shown } = reply.headers as Record<string, string>
      if (link) expect(link).toContain(`asOf=${shown}`)
      path = /<\/api\/v1(.*)>/.exec(link)?.[1] ?? null
    }
    expect(pages).toEqual(all.map(({ id }) => id))
    expect(pages.length).toBeGreaterThan(2)
  })

  test('that the log has not reached is refused, with where the log is', async () => {
    const newest = await head()
    const { status, body } = await ask(asOf('/runs', newest + 1))
    expect([status, body.code, body.head]).toEqual([422, 'as_of_beyond_head', newest])
  })

  test.each(['', 'yesterday', '-1', '1.5', 'null', '1&asOf=2'])(
    'cannot be named %j',
    async (text) => {
      expect((await ask(asOf('/runs', text))).status).toBe(400)
    },
  )

  test('is for reading: what writes, streams or has no states refuses the parameter', async () => {
    const written = await app.inject({
      method: 'POST',
      url: '/api/v1/pipelines/p/runs?asOf=1',
      payload: {},
    })
    expect([written.statusCode, written.json().code]).toEqual([400, 'unknown_parameter'])
    for (const path of ['/stream', '/log', '/log/1', '/session'])
      expect((await ask(`${path}?asOf=1`)).body.code, path).toBe('unknown_parameter')
  })

  test('is shown on the command line, which waits for it and changes nothing there', async () => {
    const { seq, answers } = recorded[6]!
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const env = { ...process.env, HEADWAY_API_URL: url, NO_COLOR: '1' }
    const cli = await programOf('services/cli/main.ts')
    const headway = (...words: string[]) =>
      execute(process.execPath, [cli, ...words, '--as-of', `${seq}`], { env })
    const { stdout } = await headway('runs', '--json')
    expect(JSON.parse(stdout)).toEqual((answers.get('/runs') as { body: object }).body)
    await expect(headway('window', 'p', '--flush')).rejects.toMatchObject({ code: 2 })
    await expect(headway('runs', '--status', 'nope')).rejects.toMatchObject({ code: 1 })
  }, 30_000)

  test('of another tenant stays its own [I15]', async () => {
    const { seq } = recorded.at(-1)!
    const other = openDatabase(pgUrl, doors.logger)
    const theirs = await buildApp({ ...doors, db: other.db, tenant: 'other', resumeKeys: [] })
    const url = `/api/v1${asOf('/pipelines', seq)}`
    const reply = await until('an answer', async () => {
      const got = await theirs.inject({ url })
      return got.statusCode === 200 && got
    })
    expect(reply.json()).toEqual([])
    await theirs.close()
    await other.close()
  })

  test('that nobody asks for makes room for others, and is made anew when it is wanted', async () => {
    const [a, b, c] = recorded.slice(-3).map(({ seq }) => seq) as [number, number, number]
    const answers: string[] = []
    for (const seq of [a, b, c, a]) {
      answers.push(JSON.stringify((await askAsOf('/runs', seq)).body))
      expect(await kept()).toContain(pastSchema(seq))
      expect((await kept()).length).toBeLessThanOrEqual(2)
    }
    expect(answers[3]).toBe(answers[0])
    expect(await kept()).toEqual([pastSchema(a), pastSchema(c)].sort())
  })
})

describe('while it cannot be had', () => {
  afterEach(forgetting)

  test('says so, and when to come again', async () => {
    const { status, headers, body } = await ask(asOf('/runs', 1))
    expect([status, body.code, body.retryable]).toEqual([503, 'as_of_not_ready', true])
    expect(headers['retry-after']).toBe('1')
  })

  test('those that are looked at stay, and others wait for them', async () => {
    await keeping({ keptMax: 1, readMs: 60_000 })
    await askAsOf('/runs', 1)
    const { status, body } = await ask(asOf('/runs', 5))
    expect([status, body.code]).toEqual([503, 'as_of_not_ready'])
    expect(body.detail).toContain('looked at right now')
    expect((await ask(asOf('/runs', 1))).status).toBe(200)
  })

  test('goes after a while when nobody asks', async () => {
    await keeping({ idleMs: 0, readMs: 0 })
    await askAsOf('/runs', 7)
    await until('nothing is kept', async () => (await kept()).length === 0)
  })
})

const fill = async (runs: number): Promise<void> => {
  let n = 0
  const write = async () => {
    for (let i = n++; i < runs; i = n++) {
      const run = ulidOf(i, 'run', i)
      await append(
        doors,
        { kind: 'run', name: 'p' },
        { ...examples.RunRequested, pipeline: 'p', run },
      )
    }
  }
  await Promise.all(Array.from({ length: 64 }, write))
}

describe('a projector that dies in the middle of making one', () => {
  const env = () => ({
    ...process.env,
    HEADWAY_NATS_URL: api.world.nats.url,
    HEADWAY_PG_URL: pgUrl,
  })
  const start = async () =>
    startChild({
      name: 'projector',
      command: process.execPath,
      args: [await programOf('services/projector/main.ts')],
      env: env(),
    })

  test('leaves nothing that anybody sees, and the next one makes it', async () => {
    await fill(4_000)
    const seq = await head()
    const wish = async () => {
      const told = await doors.services
        .ask('default', asOfService, { seq, withinMs: 0 }, 1_000)
        .catch(() => null)
      return isAsOfAnswer(told) ? told : null
    }
    const isMaking = async () => {
      const { rows } = await client.query(
        "select from pg_stat_activity where application_name = 'headway-past' and xact_start < now()",
      )
      return rows.length > 0
    }
    const diesInTheMiddle = async () => {
      const first = await start()
      const told = await until('it is being made', async () => {
        const answer = await wish()
        return answer && (answer.schema || (await isMaking())) ? answer : null
      })
      process.kill(first.pid, 'SIGKILL')
      await first.exited
      return told.schema === null
    }
    // One that was killed too late is followed by another one, which begins with none.
    let hasDied = false
    for (let tries = 0; !hasDied && tries < 5; tries++) hasDied = await diesInTheMiddle()
    expect(hasDied).toBe(true)
    await client.query('create schema headway_at_424242')
    expect((await ask(asOf('/status', seq))).body.code).toBe('as_of_not_ready')

    const second = await start()
    const { body } = await askAsOf('/status', seq)
    expect(body.projectedSeq).toBe(seq)
    expect(body.runs.pending).toBeGreaterThanOrEqual(4_000)
    expect(await kept()).toEqual([pastSchema(seq)])
    await second.stop()
    expect(await kept()).toEqual([])
  }, 90_000)
})
