/** The read models as people see them, and the copy that is built, compared and swapped at their wish. */
import { spawn, type ChildProcess } from 'node:child_process'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { rebuild } from '@headway/projector/rebuild.ts'
import { startProjector } from '@headway/projector/start.ts'
import type { Event } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { openDoors } from '@headway/streams/room.ts'
import { history, startWorld, until, type World } from './harness.ts'
import { programOf } from './program.ts'

const main = 'services/projector/main.ts'
const cli = 'services/cli/main.ts'
const at = '2026-11-21T00:00:00.000Z'
const batch = 200
const stormPauseMs = 100
/** Others may keep the machine busy. */
const workMs = 90_000

let world: World
let app: App
let url: string
let pool: pg.Pool
let asked = 0
const ends: (() => Promise<unknown>)[] = []

const requested = (n: number): Event => ({
  type: 'RunRequested',
  v: 1,
  at,
  pipeline: 'p',
  run: ulidOf(1_000 + n, 'run', n),
  pipelineVersion: 'abcdefabcdef',
  reason: 'manual',
  inputs: {},
  triggeredBy: [],
  throughSeq: 0,
})
const request = async (count: number, tenant = 'default'): Promise<void> => {
  for (let done = 0; done < count; done += batch)
    await Promise.all(
      Array.from({ length: Math.min(batch, count - done) }, () => {
        const n = asked++
        const topic = { kind: 'pipeline', name: 'p' } as const
        const events = [requested(n)]
        return world.doors.log.append({ tenant, topic, id: `r${n}`, events, source: 'test' })
      }),
    )
}
const send = async (action: string, payload: object = { reason: 'to be sure' }) => {
  const headers = { 'x-headway-actor': 'ada' }
  const path = `/api/v1/projections/${action}`
  const { statusCode, json } = await app.inject({
    method: 'POST',
    url: path,
    headers,
    payload,
  })
  return { status: statusCode, body: json<{ code?: string; status?: string }>() }
}
const look = async () => {
  const { statusCode, json } = await app.inject('/api/v1/projections')
  expect(statusCode).toBe(200)
  return json()
}
const finished = (action: string) =>
  until(
    `the end of ${action}`,
    async () => {
      const { work } = await look()
      return work?.action === action && work.status !== 'running' && work
    },
    workMs,
  )
const done = async (action: string) => {
  expect(await send(action)).toEqual({ status: 202, body: { status: 'accepted' } })
  return finished(action)
}
const caughtUp = () => until('the projector', async () => (await look()).lag === 0, workMs)
const runsIn = async (schema = 'headway'): Promise<number> => {
  const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${schema}.runs`)
  return rows[0]!.n
}
const verified = () =>
  rebuild(world.doors, {
    pgUrl: world.postgres!.url,
    swap: false,
    signal: world.signal,
    tell: () => {},
  })

const headway = async (...words: string[]) => {
  const env = { ...process.env, HEADWAY_API_URL: url, NO_COLOR: '1' }
  const given = [await programOf(cli), 'projections', ...words]
  const child = spawn(process.execPath, given, { env })
  const [out, err]: [string[], string[]] = [[], []]
  child.stdout.on('data', (chunk) => out.push(String(chunk)))
  child.stderr.on('data', (chunk) => err.push(String(chunk)))
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, out: out.join(''), err: err.join('') }
}

const startRoom = async () => {
  const stop = new AbortController()
  const doors = await openDoors('projector', world.nats.url)
  const ended = startProjector(doors, { pgUrl: world.postgres!.url, signal: stop.signal })
  const close = async () => {
    stop.abort()
    await ended
    await doors.close()
  }
  ends.push(close)
  return close
}
const startProcess = async (): Promise<ChildProcess> => {
  const env = { HEADWAY_NATS_URL: world.nats.url, HEADWAY_PG_URL: world.postgres!.url }
  const child = spawn(process.execPath, [await programOf(main)], {
    env: { ...process.env, ...env },
    stdio: 'ignore',
  })
  ends.push(async () => child.kill('SIGKILL'))
  return child
}

beforeAll(async () => {
  world = await startWorld({ postgres: true })
  pool = new pg.Pool({ connectionString: world.postgres!.url, max: 2 })
  const database = openDatabase(world.postgres!.url, world.doors.logger)
  const doors = await openDoors('api', world.nats.url)
  app = await buildApp({ ...doors, db: database.db, tenant: 'default' })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  ends.push(
    () => pool.end(),
    () => doors.close(),
    () => database.close(),
    () => app.close(),
  )
})
afterAll(async () => {
  for (const end of ends.toReversed()) await end()
  await world.stop()
})

describe('without a projector', () => {
  test('there is nothing to show, and nobody to ask', async () => {
    const { statusCode, json } = await app.inject('/api/v1/projections')
    expect([statusCode, json().code]).toEqual([503, 'not_projected_yet'])
    expect(await send('rebuild')).toMatchObject({
      status: 503,
      body: { code: 'projector_unavailable' },
    })
  })
})

describe('the read models', { timeout: workMs }, () => {
  beforeAll(async () => {
    await startRoom()
    await request(50)
    await request(2, 'other')
    await until('the tables', async () => (await runsIn().catch(() => 0)) === 52)
  })

  test('say where they are, by group, and only of their own tenant [I15]', async () => {
    const { seq, lag, lagMs, groups, copy } = await look()
    expect({ seq, lag, lagMs, copy }).toEqual({ seq: 52, lag: 0, lagMs: 0, copy: null })
    const runs = groups.find(({ name }: { name: string }) => name === 'runs')
    expect(runs).toMatchObject({ seq: 52, lag: 0 })
    expect(runs.tables.find(({ name }: { name: string }) => name === 'runs')).toMatchObject({
      rows: 50,
      estimated: false,
    })
  })

  test('are told from the table of a sink that lies among them', async () => {
    await pool.query(`create table headway.shop_settings (key text primary key, value text);
      insert into headway.shop_settings values ('name', 'Harbour')`)
    const { groups } = await look()
    expect(JSON.stringify(groups)).not.toContain('shop_settings')
  })

  test('say how fast they go', async () => {
    await until('a rate', async () => {
      await request(1)
      const { eventsPerSecond, groups } = await look()
      const { rowsPerSecond } = groups.find(({ name }: { name: string }) => name === 'runs')
      return eventsPerSecond > 0 && rowsPerSecond > 0
    })
  })

  test('cannot be compared or swapped with a copy that is not there', async () => {
    const refused = { status: 409, body: { code: 'no_shadow' } }
    expect(await send('compare')).toMatchObject(refused)
    expect(await send('swap')).toMatchObject(refused)
    expect((await look()).work).toBeNull()
  })

  test('are built anew, compared and swapped while events come [I11]', async () => {
    const stop = new AbortController()
    const storm = (async () => {
      while (!stop.signal.aborted) {
        await request(batch)
        await world.doors.clock.sleep(stormPauseMs)
      }
    })()
    const built = await done('rebuild')
    expect(built).toMatchObject({ status: 'done', by: { name: 'ada', reason: 'to be sure' } })
    expect((await look()).copy).toMatchObject({ usable: true })
    const { comparison } = await done('compare')
    expect(comparison).toMatchObject({ equal: true, differing: {}, differences: [] })
    expect(comparison.seq).toBeGreaterThan(52)
    const { build } = await look()
    expect(await done('swap')).toMatchObject({ status: 'done' })
    expect((await pool.query('select value from headway.shop_settings')).rows).toEqual([
      { value: 'Harbour' },
    ])
    stop.abort()
    await storm
    await caughtUp()
    expect(await look()).toMatchObject({ build: build + 1, copy: null })
    expect(await runsIn()).toBe(asked)
    expect((await verified()).comparison?.equal).toBe(true)
  })

  test('who asked for what and why is on the log, and so on the audit page', async () => {
    await caughtUp()
    const entries: object[] = (await app.inject('/api/v1/audit?kind=projection')).json()
    expect(entries).toEqual(
      ['swap', 'compare', 'rebuild', 'swap', 'compare'].map((action) =>
        expect.objectContaining({
          type: 'ProjectionRequested',
          actor: { name: 'ada', reason: 'to be sure' },
          about: { kind: 'projection', name: 'tables' },
          fields: expect.objectContaining({ action }) as object,
        }),
      ),
    )
  })

  test('that somebody tampered with are found, column by column, and put right', async () => {
    await done('rebuild')
    await pool.query(
      `update headway.runs set status = 'lost' where tenant = 'other'
         or run = (select run from headway.runs where tenant = 'default' order by seq limit 1)`,
    )
    const { comparison } = await done('compare')
    expect(comparison).toMatchObject({ equal: false, differing: { runs: 3 } })
    expect(comparison.differences).toEqual([
      {
        table: 'runs',
        key: expect.stringContaining('default'),
        in: 'both',
        columns: [{ name: 'status', live: 'lost', copy: 'pending' }],
      },
    ])
    await done('swap')
    expect((await verified()).comparison?.equal).toBe(true)
  })

  test('are worked on by one at a time, and a copy can be thrown away', async () => {
    const answers = await Promise.all([send('rebuild'), send('rebuild'), send('rebuild')])
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'projections_busy')).toHaveLength(2)
    await finished('rebuild')
    await done('drop')
    expect((await look()).copy).toBeNull()
  })

  test('are shown, built, compared and swapped from the command line as well', async () => {
    await caughtUp()
    const told = await headway()
    expect(told.out).toMatch(
      /^at [\d,]+ of [\d,]+, up to date\n\d+ events\/s\ncopy: there is none\n/,
    )
    expect(told.out).toMatch(/READ MODELS +TABLES[^]*\nruns +run_wishes runs /)
    expect(await headway('swap')).toMatchObject({
      code: 4,
      err: expect.stringContaining('rebuild first'),
    })
    expect(await headway('rebuild', '--reason', 'by hand')).toMatchObject({
      code: 0,
      out: expect.stringContaining('built'),
    })
    expect((await look()).work.by.reason).toBe('by hand')
    await pool.query(`delete from headway.runs where tenant = 'default' and seq = 1`)
    const compared = await headway('compare')
    expect([compared.code, compared.out]).toEqual([
      1,
      expect.stringMatching(/^different at [\d,]+: runs 1\n/),
    ])
    expect(compared.out).toMatch(/only in the copy/)
    expect(await headway('swap')).toMatchObject({ code: 0, out: 'the copy was swapped in\n' })
    expect(await runsIn()).toBe(asked)
  })

  test('are what they were when the projector is killed while it builds [I11]', async () => {
    await ends.pop()!()
    await request(2_000)
    // A fast one may have been done before anybody saw it run.
    const moments = {
      'when it was asked': null,
      'in the middle': ['running', 'done'],
      'when it was done': ['done'],
    }
    for (const [moment, statuses] of Object.entries(moments)) {
      const child = await startProcess()
      await caughtUp()
      const before = await look()
      await until('its ear', async () => (await send('rebuild')).status === 202)
      const hasCome = async () => {
        const { work } = await look()
        const isOther = work && work.startedAt !== before.work?.startedAt
        return isOther && statuses!.includes(work.status)
      }
      if (statuses) await until(moment, hasCome, workMs)
      child.kill('SIGKILL')
      await until('its end', () => child.signalCode)
      const after = await look()
      expect([moment, after.build]).toEqual([moment, before.build])
      expect(after.seq).toBeGreaterThanOrEqual(before.seq)
      const since = (await history(world.doors)).filter(({ seq }) => seq > before.seq)
      expect([moment, new Set(since.map(({ topic }) => topic.kind))]).toEqual([
        moment,
        new Set(['projection']),
      ])
      expect(await runsIn()).toBe(asked)
    }
    await startRoom()
    await caughtUp()
    expect((await done('compare')).comparison).toMatchObject({ equal: true })
    await done('swap')
    expect(await runsIn()).toBe(asked)
    expect((await verified()).comparison?.equal).toBe(true)
  })
})
