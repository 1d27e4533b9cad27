/** Answers are kept while the read models stand still: what is in the tables then is not looked at. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiWorld, type Reply } from './api-world.ts'
import { until } from './harness.ts'

let api: ApiWorld
let sql: pg.Client
const path = '/pipelines/kept'
const fresh = { headers: { 'cache-control': 'no-cache' } }
const ask = (call = {}): Promise<Reply> => api.send('GET', path, call)
/** Behind the projector's back: the position stays where it is. */
const setRuns = (runs: number) => sql.query('update headway.pipelines set runs = $1', [runs])
const waitingQueries = async (): Promise<readonly number[]> => {
  const { rows } = await sql.query<{ pid: number }>(
    `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%pipelines%'`,
  )
  return rows.map(({ pid }) => pid)
}
/** Another position, and everybody who asks from now on knows of it. */
const move = async () => {
  await api.release('kept', 'cccccccccccc')
  await api.settled()
}

beforeAll(async () => {
  api = await ApiWorld.open()
  sql = new pg.Client({ connectionString: api.world.postgres!.url })
  await sql.connect()
  await api.pipeline('kept')
  await api.pipeline('other')
  await api.settled()
})
afterAll(async () => {
  await sql?.end()
  await api?.close()
})

describe('an answer of the read models', () => {
  test('is kept until their position moves, and made anew for who insists', async () => {
    const first = await ask()
    await setRuns(77)
    expect((await ask()).body).toEqual(first.body)
    expect((await ask(fresh)).body.runs).toBe(77)
    expect((await ask()).body).toEqual(first.body)
    await move()
    expect((await ask()).body.runs).toBe(77)
  })

  test('is kept with its tag, its links and its trace', async () => {
    const [first, again] = [
      await api.send('GET', '/pipelines?limit=1'),
      await api.send('GET', '/pipelines?limit=1'),
    ]
    for (const name of ['etag', 'link', 'content-type', 'cache-control', 'x-projected-seq'])
      expect([name, again.headers[name]]).toEqual([name, first.headers[name]])
    expect(first.headers.link).toContain('rel="next"')
    const headers = { 'if-none-match': first.headers.etag as string }
    const reply = await api.app.inject({ url: '/api/v1/pipelines?limit=1', headers })
    expect([reply.statusCode, reply.body]).toEqual([304, ''])

    const run = await api.run('kept')
    await api.settled()
    const traces = [
      await api.send('GET', `/runs/${run}`),
      await api.send('GET', `/runs/${run}`),
    ].map((one) => String(one.headers.traceparent).split('-')[1])
    expect(traces[1]).toBe(traces[0])
  })

  test('is not kept when its question means another time each time', async () => {
    const question = '/runs?since=1h'
    const before = await api.send('GET', question)
    await sql.query(`update headway.runs set reason = 'flushed'`)
    const after = await api.send('GET', question)
    expect([before.body.length, after.body.length]).toEqual([1, 1])
    expect(after.body[0].reason).toBe('flushed')
  })

  test('is not kept when there is none', async () => {
    const missing = () => api.send('GET', '/pipelines/later')
    expect((await missing()).status).toBe(404)
    await sql.query(`update headway.pipelines set pipeline = 'later' where pipeline = 'other'`)
    expect((await missing()).status).toBe(200)
  })

  test('is made once for all who ask meanwhile, and a failure is nobody else’s', async () => {
    await move()
    await sql.query('begin; lock table headway.pipelines in access exclusive mode')
    const asked = Array.from({ length: 20 }, () => ask())
    try {
      const [one] = await until('somebody waits', async () => {
        const found = await waitingQueries()
        return found.length > 0 && found
      })
      await sql.query('select pg_cancel_backend($1)', [one])
      // One of them got the failure; the others ask for themselves, as many as there are connections.
      await until('the others ask', async () => (await waitingQueries()).some((pid) => pid !== one))
    } finally {
      await sql.query('commit')
    }
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 503)).toHaveLength(1)
    expect(statuses.filter((status) => status === 200)).toHaveLength(19)
  })
})
