/** Finding runs by words, doing something to chosen ones, and what differs between two versions. */
import { searchedMax } from '@headway/api/routes/run-search.ts'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiWorld, codeA, codeB } from './api-world.ts'

let api: ApiWorld
const runs: Record<'orders' | 'sales' | 'dead' | 'asking', string> = {
  orders: '',
  sales: '',
  dead: '',
  asking: '',
}

beforeAll(async () => {
  api = await ApiWorld.open()
  await api.pipeline('orders')
  await api.pipeline('sales')
  const one = await api.version('in/orders', 1)
  runs.orders = await api.run('orders', { triggeredBy: [one], inputs: { feed: one } })
  runs.sales = await api.run('sales')
  await api.started('sales', runs.sales)
  await api.ended('RunCompleted', 'sales', runs.sales)
  runs.dead = await api.dead('sales', { type: 'Refused', message: 'row 7 has 100% no_price' })
  runs.asking = (await api.asking('sales')).run
})
afterAll(() => api.close())

const found = async (q: string): Promise<string[]> =>
  (await api.get(`/runs?q=${encodeURIComponent(q)}`)).map(({ id }: { id: string }) => id)

describe('runs by words', () => {
  test('by the whole id, how it begins, and part of it', async () => {
    expect(await found(runs.dead)).toEqual([runs.dead])
    expect(await found(runs.dead.slice(0, 20).toLowerCase())).toContain(runs.dead)
    expect(await found(runs.dead.slice(-8))).toEqual([runs.dead])
  })

  test.each([
    ['a pipeline', 'order', () => [runs.orders]],
    ['an asset that went in', 'in/orders', () => [runs.orders]],
    ['the kind of an error', 'refuse', () => [runs.dead]],
    ['what an error says, signs as they are', '100% no_price', () => [runs.dead]],
    ['nothing that is there', '100_ no%price', () => []],
  ])('by %s', async (_, q, expected) => {
    expect(await found(q)).toEqual(expected())
  })

  test('together with the other filters', async () => {
    const both = await api.get('/runs?q=sales&status=completed')
    expect(both.map(({ id }: { id: string }) => id)).toEqual([runs.sales])
  })

  test('one request looks at so many and says where the next one goes on', async () => {
    const client = new Client({ connectionString: api.world.postgres!.url })
    await client.connect()
    const copies = searchedMax + 5
    await client.query(
      `insert into headway.runs
       select copy.* from headway.runs r, generate_series(1, ${copies}) i,
         jsonb_populate_record(r, jsonb_build_object(
           'run', 'C' || lpad(i::text, 25, '0'), 'seq', 1000000 + i, 'pipeline', 'copies')) copy
       where r.run = $1`,
      [runs.sales],
    )
    const first = await api.send('GET', '/runs?q=boom&limit=2')
    const refused = await api.send('GET', '/runs?q=refused&limit=2')
    const next = /<([^>]+)>/.exec(String(refused.headers.link))![1]!
    const second = await api.send('GET', next)
    await client.query("delete from headway.runs where pipeline = 'copies'")
    await client.end()
    expect([first.body, refused.body]).toEqual([[], []])
    expect(second.body).toMatchObject([{ id: runs.dead }])
    expect(second.headers.link).toBeUndefined()
  })
})

describe('chosen runs', () => {
  const all = () => Object.values(runs)

  test('a dry run tells of each what would become of it, and records nothing', async () => {
    const { status, body } = await api.post('/runs/redrive', {
      runs: [...all(), 'nobody'],
      dryRun: true,
    })
    expect([status, body.count, body.unknown]).toEqual([200, 1, ['nobody']])
    const whys = Object.fromEntries(
      body.runs.map(({ id, why }: { id: string; why: string }) => [id, why]),
    )
    expect(whys).toEqual({
      [runs.orders]: 'it has not ended',
      [runs.sales]: 'it completed',
      [runs.dead]: '',
      [runs.asking]: 'it has not ended',
    })
    expect(await api.told('RedriveRequested')).toEqual([])
  })

  test('cancelling ends those that are open and leaves the rest', async () => {
    const { status, body } = await api.post('/runs/cancel', { runs: all(), reason: 'too many' })
    expect([status, body.count]).toEqual([202, 2])
    const asked = await api.told('CancelRequested')
    expect(asked.map(({ run }) => run).toSorted()).toEqual([runs.orders, runs.asking].toSorted())
    expect(asked[0]!.actor).toEqual({ name: 'ada', reason: 'too many' })
    const again = await api.post('/runs/cancel', { runs: all() })
    expect(again.body.count).toBe(0)
  })

  test('redriving is one wish for each pipeline, once per key', async () => {
    const body = { runs: all(), startOver: true }
    const first = await api.post('/runs/redrive', body, 'once')
    expect([first.status, first.body.count]).toEqual([202, 1])
    await api.post('/runs/redrive', body, 'once')
    const asked = await api.told('RedriveRequested')
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({ pipeline: 'sales', runs: [runs.dead], startOver: true })
  })
})

describe('versions', () => {
  let ids: readonly string[] = []
  beforeAll(async () => {
    const made = [
      await api.version('in/prices', 1, 'item,price\na,1\nb,2\n'),
      await api.version('in/prices', 2, 'item,price\na,1\nb,3\n'),
      await api.version('in/prices', 3, 'item,price\nb,3\nc,9\n'),
    ]
    ids = made.map(({ version }) => version)
  })
  const difference = (id: string, query = '') =>
    api.call('GET', `/assets/in/prices/versions/${id}/difference${query}`)

  test('differ from the one before by rows', async () => {
    const { status, headers, body } = await difference(ids[1]!)
    expect(status).toBe(200)
    expect(headers['cache-control']).toContain('immutable')
    expect(body).toMatchObject({ before: ids[0], after: ids[1], kind: 'csv_table' })
    expect(body.difference.parts).toMatchObject([{ unit: 'rows', added: 1, removed: 1 }])
    expect(body.difference.samples).toMatchObject([
      { change: 'removed', fields: { item: ['b', null], price: ['2', null] } },
      { change: 'added', fields: { item: [null, 'b'], price: [null, '3'] } },
    ])
  })

  test('differ from any other one of the asset', async () => {
    const { body } = await difference(ids[2]!, `?against=${ids[0]}`)
    expect(body.difference.parts).toMatchObject([{ added: 2, removed: 2 }])
    expect((await difference(ids[0]!)).body.code).toBe('no_version')
    expect((await difference(ids[0]!, '?against=nobody')).status).toBe(404)
    expect((await difference(ids[0]!, `?against=${ids[0]}`)).body.difference.verdict).toBe(
      'identical',
    )
  })
})

test('the graph of a version that is not the active one', async () => {
  await api.release('orders', codeB)
  expect((await api.get('/pipelines/orders/dag')).pipelineVersion).toBe(codeA)
  const other = await api.get(`/pipelines/orders/dag?version=${codeB}`)
  expect(other).toMatchObject({ pipelineVersion: codeB, nodes: expect.any(Array) })
  const none = await api.call('GET', '/pipelines/orders/dag?version=cccccccccccc')
  expect([none.status, none.body.code]).toEqual([404, 'unknown_release'])
})
