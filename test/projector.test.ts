/** The projector against a real log and a real Postgres, which die and come back meanwhile. */
import { connect } from '@nats-io/transport-node'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Child } from '@headway/deploy/child.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { HistoryError } from '@headway/projector/history.ts'
import { rebuild } from '@headway/projector/rebuild.ts'
import { runProjector } from '@headway/projector/room.ts'
import { openStore, type Store } from '@headway/projector/store.ts'
import type { Event } from '@headway/schemas/events.ts'
import { examples } from '@headway/schemas/examples.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { tables } from '@headway/schemas/tables.ts'
import { openDoors } from '@headway/streams/room.ts'
import * as tell from './fixtures/run-events.ts'
import { append, startWorld, until, type World } from './harness.ts'
import { programOf } from './program.ts'

const at = '2026-01-01T00:00:00.000Z'
const main = 'services/projector/main.ts'
const portOf = (url: string): number => Number(new URL(url).port)

let world: World
let postgres: Child
let nats: Child
let pool: pg.Pool
const rooms: { stop: AbortController; ended: Promise<void>; store: Store }[] = []
let requests = 0

const startRoom = () => {
  const stop = new AbortController()
  const store = openStore(postgres.url)
  const options = { signal: stop.signal, rebuild: () => makeAnew(true).then(() => {}) }
  const ended = runProjector(world.doors, store, options)
  ended.catch(() => {})
  const room = { stop, ended, store }
  rooms.push(room)
  return room
}
const runName = (n: number) => ulidOf(n, 'one', n)
const makeAnew = (swap: boolean, signal = new AbortController().signal) =>
  rebuild(world.doors, { pgUrl: postgres.url, swap, signal, tell: () => {} })

/** One request per commit; each counts once in `pipelines` and is a row of `runs`. */
const request = (pipeline = 'counted') => {
  const n = requests++
  const event: Event = {
    type: 'RunRequested',
    v: 1,
    at,
    pipeline,
    run: ulidOf(1_000 + n, 'run', n),
    pipelineVersion: 'abcdefabcdef',
    reason: 'manual',
    inputs: {},
    triggeredBy: [],
    throughSeq: n,
  }
  return append(world.doors, { kind: 'pipeline', name: pipeline }, event)
}
const requestMany = async (n: number) => {
  for (let i = 0; i < n; i += 20)
    await Promise.all(Array.from({ length: Math.min(20, n - i) }, () => request()))
}
type Counted = { runs: number; counted: number; seq: number; newest: number }
const counted = async (): Promise<Counted> => {
  const { rows } = await pool.query<Counted>(
    `select (select count(*)::int from headway.runs) as runs,
            (select coalesce(sum(runs), 0)::int from headway.pipelines) as counted,
            (select max(seq)::int from headway.runs) as newest,
            (select seq::int from headway.position) as seq`,
  )
  return rows[0]!
}
const caughtUp = () =>
  until('the projector', async () => (await counted()).seq === (await world.doors.log.head()).seq)

beforeAll(async () => {
  world = await startWorld({ postgres: true })
  postgres = world.postgres!
  nats = world.nats
  pool = new pg.Pool({ connectionString: postgres.url, max: 4 })
  pool.on('error', () => {})
})
afterAll(async () => {
  for (const { stop, ended, store } of rooms) {
    stop.abort()
    await ended.catch(() => {})
    await store.close()
  }
  await pool.end()
  await Promise.all([postgres.stop(), nats.stop()])
  await world.stop()
})

describe('the room', () => {
  test('moves rows and position together, to whoever looks and whenever [I11] [I12]', async () => {
    startRoom()
    await request()
    await until('the first row', () => counted().then(({ runs }) => runs === 1))
    const filling = requestMany(300)
    for (let looks = 0, last = 0; last < 301; looks++) {
      const { runs, counted: sum, seq, newest } = await counted()
      expect([runs, newest]).toEqual([sum, seq])
      last = runs
      if (looks > 50_000) throw new Error('never done')
    }
    await filling
  })

  test('counts nothing twice when there are two of it [I11] [E33]', async () => {
    const second = startRoom()
    let isFilled = false
    const filling = requestMany(300).then(() => (isFilled = true))
    for (let last = 0; !isFilled;) {
      const { runs, counted: sum, seq, newest } = await counted()
      expect([runs, newest]).toEqual([sum, seq])
      expect(seq).toBeGreaterThanOrEqual(last)
      last = seq
    }
    await filling
    await caughtUp()
    const { runs, counted: sum } = await counted()
    expect([runs, sum]).toEqual([requests, requests])
    second.stop.abort()
    await second.ended
  })

  test('passes a message that cannot be read, and shows it [I17]', async () => {
    const nc = await connect({ servers: nats.url })
    await nc.request('headway.default.worker.poison', new Uint8Array([0xc1, 1, 2]))
    await nc.close()
    await append(
      world.doors,
      { kind: 'worker', name: 'p' },
      {
        type: 'WorkerJoined',
        v: 1,
        at,
        worker: 'w',
        pool: 'p',
        version: 'abcdefabcdef',
        pipelines: {},
        capabilities: ['nul \0 in jsonb'],
        host: 'h',
        pid: 2 ** 40,
      },
    )
    await request()
    await caughtUp()
    const { rows } = await pool.query(
      'select subject, problem from headway.unreadable order by seq',
    )
    expect(rows).toMatchObject([
      { subject: 'worker/poison' },
      { problem: expect.stringMatching(/does not fit/) },
    ])
  })

  test('loses nothing and doubles nothing when Postgres is killed [I11]', async () => {
    const filling = requestMany(400)
    await until('some rows', async () => (await counted()).runs > requests - 380)
    const port = portOf(postgres.url)
    process.kill(postgres.pid, 'SIGKILL')
    await postgres.exited
    await filling
    postgres = await startPostgres({ dataDir: join(world.directory, 'pg'), port })
    await caughtUp()
    expect(await counted()).toMatchObject({ runs: requests, counted: requests })
  })

  test('goes on when NATS is killed and comes back [I12]', async () => {
    const port = portOf(nats.url)
    process.kill(nats.pid, 'SIGKILL')
    await nats.exited
    nats = await startNats({ dataDir: join(world.directory, 'nats'), port })
    await requestMany(40)
    await caughtUp()
    expect(await counted()).toMatchObject({ runs: requests, counted: requests })
  })
})

describe('rebuild and verify', () => {
  const command = async (...words: string[]) => {
    const child = spawn(process.execPath, [await programOf(main), ...words], {
      env: { ...process.env, HEADWAY_NATS_URL: nats.url, HEADWAY_PG_URL: postgres.url },
    })
    const out: string[] = []
    const err: string[] = []
    child.stdout.on('data', (chunk) => out.push(String(chunk)))
    child.stderr.on('data', (chunk) => err.push(String(chunk)))
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, out: out.join(''), err: err.join('') }
  }

  test('find the live tables equal to a replay, row for row [I11]', async () => {
    const { code, out, err } = await command('verify', '--json')
    expect([code, err.split('\n').filter((line) => line.startsWith('{')).length > 2]).toEqual([
      0,
      true,
    ])
    const result = JSON.parse(out) as {
      comparison: { equal: boolean; tables: number; rows: number }
    }
    expect(result.comparison).toMatchObject({ equal: true, tables: Object.keys(tables).length })
    expect(result.comparison.rows).toBeGreaterThan(requests)
  })

  test('find the whole life of runs equal, redrives and canaries as well [I11] [E29]', async () => {
    const pipeline = { kind: 'pipeline', name: 'p' } as const
    const redrives = [tell.redriveRequested(), tell.redriven(1), tell.redriveEnded()]
    const story: readonly Event[] = [
      ...Object.values(examples),
      { ...examples.InteractionCompleted, pipeline: 'p', response: { ok: true, by: 'ann' } },
      tell.requested(),
      tell.started(1),
      tell.retried(1),
      tell.ended('RunDeadLettered', 2),
      ...redrives,
      tell.started('1.1'),
      tell.stepped('1.1'),
      tell.compared('1.1'),
      tell.suspended('1.1', [tell.question(), tell.question({ interaction: runName(1) })]),
      tell.answered({ response: { nul: 'a\0b', lone: '\ud800' } }),
      tell.answered(),
      tell.cancelled('1.1'),
      tell.redriven(2, { redrive: runName(2) }),
      tell.answered({ correlation: 'held for ever' }),
    ]
    for (const event of story) await append(world.doors, pipeline, event)
    requests += 2
    await caughtUp()
    const { comparison } = await makeAnew(false)
    expect(comparison).toMatchObject({ equal: true, differences: [] })
    const filled = await Promise.all(
      Object.keys(tables).map(async (table) => {
        const { rows } = await pool.query(`select from headway.${table} limit 1`)
        return rows.length > 0 ? [] : [table]
      }),
    )
    expect(filled.flat()).toEqual([])
  })

  test('swap while a reader reads on, and the room follows [I11]', async () => {
    const stop = new AbortController()
    let reads = 0
    const reading = (async () => {
      while (!stop.signal.aborted) {
        const { runs, counted: sum } = await counted()
        expect(runs).toBe(sum)
        reads++
      }
    })()
    const requesting = requestMany(200)
    for (let i = 0; i < 3; i++) expect((await makeAnew(true)).comparison?.equal).toBe(true)
    await requesting
    await caughtUp()
    stop.abort()
    await reading
    expect(reads).toBeGreaterThan(10)
    const { rows } = await pool.query<{ build: string }>('select build from headway.position')
    expect(rows[0]!.build).toBe('3')
    expect(await counted()).toMatchObject({ runs: requests, counted: requests })
  })

  test('leave the live tables alone when they are interrupted, and can be run again', async () => {
    const stop = new AbortController()
    stop.abort()
    await expect(makeAnew(true, stop.signal)).rejects.toThrow(/interrupted/)
    const { rows } = await pool.query<{ one: string | null }>(
      `select to_regclass('headway_shadow.runs')::text as one, build from headway.position`,
    )
    expect(rows[0]).toEqual({ one: null, build: '3' })
    expect((await makeAnew(false)).comparison?.equal).toBe(true)
  })

  test('name the rows that somebody tampered with, and put them right [I11]', async () => {
    await pool.query(`update headway.runs set status = 'lost' where seq = 1`)
    await pool.query(`delete from headway.runs where seq = 2`)
    const { code, out } = await command('verify')
    expect(code).toBe(1)
    expect(out).toMatch(/^different at seq \d+: runs 2\n/)
    expect(out).toMatch(/live .*"status":"lost".*\n.*replayed .*"status":"pending"/)
    expect(out).toMatch(/live {6}null\n/)
    expect((await makeAnew(true)).comparison?.differing).toEqual({ runs: 2 })
    expect((await makeAnew(false)).comparison?.equal).toBe(true)
  })

  test('make the tables anew when they are of other read models', async () => {
    await pool.query(`update headway.position set models = 'others'`)
    startRoom()
    await until('the rebuild', async () => {
      const { rows } = await pool.query<{ models: string }>('select models from headway.position')
      return rows[0]?.models !== 'others'
    })
    await request()
    await caughtUp()
    expect(await counted()).toMatchObject({ runs: requests, counted: requests })
  })
})

test('another log stops the room, which says what to do [I11]', async () => {
  const nc = await connect({ servers: nats.url })
  const before = await counted()
  await nc.request('$JS.API.STREAM.DELETE.EVENTS')
  await nc.close()
  await (await openDoors('again', nats.url)).close()
  const { ended } = startRoom()
  await expect(ended).rejects.toThrow(HistoryError)
  await expect(ended).rejects.toThrow(/the log was created at .* headway -- rebuild/)
  expect(await counted()).toEqual(before)
  // The rooms that were following find out by themselves.
  const outcomes = await Promise.allSettled(rooms.map((room) => room.ended))
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(2)
  await makeAnew(true)
  expect((await counted()).seq).toBe(0)
})
