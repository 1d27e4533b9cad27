import bindings from 'gtfs-realtime-bindings'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expand, readZip } from '../../schemas/content/zip.ts'
import { demoTokens, startAgency, tickMs } from './agency.ts'
import type { Agency } from './agency.ts'
import { makeScheduleZip } from './schedule.ts'

const { FeedMessage } = bindings.transit_realtime
const noon = Date.parse('2026-11-21T20:00:00Z')

let agency: Agency
let nowMs = noon
beforeEach(async () => {
  nowMs = noon
  agency = await startAgency({ port: 0, now: () => nowMs, env: {}, hiccups: false })
})
afterEach(() => agency.close())

function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const token = path.startsWith('/qa') ? demoTokens.qa : demoTokens.prod
  return fetch(agency.url + path, {
    method,
    headers: { 'X-Api-Key': token, 'Accept-Encoding': 'identity', ...headers },
  })
}

async function feed(path: string) {
  return FeedMessage.decode(Buffer.from(await (await get(path)).arrayBuffer()))
}

/** The rows of a table of the schedule as records; no cell of these tables has a comma but names. */
function column(zip: Buffer, file: string, name: string): string[] {
  const entry = readZip(zip).entries.find((candidate) => candidate.name === file)
  if (entry === undefined) throw new Error(`no ${file}`)
  const [header = '', ...lines] = expand(entry).toString('utf8').trim().split(/\r?\n/)
  const index = header.split(',').indexOf(name)
  return lines.map((line) => line.split(',')[index] ?? '')
}

describe('the door', () => {
  test('each environment opens to its own token only', async () => {
    const refused = await get('/qa/alerts.pb', { 'X-Api-Key': demoTokens.prod })
    expect(refused.status).toBe(401)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toMatchObject({ status: 401, detail: expect.stringMatching(/qa/) })
    expect((await get('/qa/alerts.pb')).status).toBe(200)
  })

  test('tokens come from the environment', async () => {
    const own = await startAgency({ port: 0, env: { PIMS_PROD_TOKEN: 'secret' } })
    const ask = (token: string) =>
      fetch(`${own.url}/prod/alerts.pb`, { headers: { 'X-Api-Key': token } })
    expect((await ask(demoTokens.prod)).status).toBe(401)
    expect((await ask('secret')).status).not.toBe(401)
    await own.close()
  })

  test('what does not exist is not found, and nothing can be written', async () => {
    expect((await get('/prod/nothing.pb')).status).toBe(404)
    expect((await get('/staging/alerts.pb')).status).toBe(404)
    const written = await get('/prod/alerts.pb', {}, 'POST')
    expect([written.status, written.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})

describe('conditional requests', () => {
  test.each(['/prod/schedule.zip', '/prod/vehicle_positions.pb'])(
    '%s is not sent again to who has its tag or its date',
    async (path) => {
      const first = await get(path)
      const tag = first.headers.get('etag') ?? ''
      const date = first.headers.get('last-modified') ?? ''
      const byTag = await get(path, { 'If-None-Match': `"other", W/${tag}` })
      expect([byTag.status, await byTag.text(), byTag.headers.get('etag')]).toEqual([304, '', tag])
      expect((await get(path, { 'If-Modified-Since': date })).status).toBe(304)
    },
  )

  test('the tag decides alone when both are given', async () => {
    const date = (await get('/prod/schedule.zip')).headers.get('last-modified') ?? ''
    const headers = { 'If-None-Match': '"other"', 'If-Modified-Since': date }
    expect((await get('/prod/schedule.zip', headers)).status).toBe(200)
  })

  test('a realtime feed has another tag after the tick and the same one before', async () => {
    const path = '/prod/vehicle_positions.pb'
    const tag = (await get(path)).headers.get('etag') ?? ''
    nowMs = noon + tickMs - 1
    expect((await get(path, { 'If-None-Match': tag })).status).toBe(304)
    nowMs = noon + tickMs
    expect((await get(path, { 'If-None-Match': tag })).status).toBe(200)
  })

  test('gzip is sent when asked for, under a tag of its own, and holds the same bytes', async () => {
    const plain = await get('/prod/trip_updates.pb')
    const zipped = await get('/prod/trip_updates.pb', { 'Accept-Encoding': 'gzip' })
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect(zipped.headers.get('vary')).toBe('Accept-Encoding')
    expect(zipped.headers.get('etag')).not.toBe(plain.headers.get('etag'))
    // fetch has expanded it
    expect(await zipped.arrayBuffer()).toEqual(await plain.arrayBuffer())
    const refused = await get('/prod/trip_updates.pb', { 'Accept-Encoding': 'gzip;q=0, br' })
    expect(refused.headers.get('content-encoding')).toBeNull()
  })

  test('HEAD tells the length and sends nothing', async () => {
    const head = await get('/prod/schedule.zip', {}, 'HEAD')
    expect(Number(head.headers.get('content-length'))).toBe(makeScheduleZip('prod').length)
    expect(await head.text()).toBe('')
  })
})

describe('the schedule', () => {
  const zip = makeScheduleZip('prod')

  test('is the same at every making and differs a little in qa', () => {
    expect(makeScheduleZip('prod').equals(zip)).toBe(true)
    const trips = column(zip, 'trips.txt', 'trip_id')
    const trials = column(makeScheduleZip('qa'), 'trips.txt', 'trip_id')
    expect(trips).toHaveLength(300)
    expect(trials.filter((id) => !trips.includes(id))).toEqual(['240_0_QA1', '240_1_QA1'])
  })

  test('refers only to what it has', () => {
    const has = (file: string, name: string) => new Set(column(zip, file, name))
    const isSubset = (file: string, name: string, whole: Set<string>) =>
      column(zip, file, name).every((id) => whole.has(id))
    expect(isSubset('trips.txt', 'route_id', has('routes.txt', 'route_id'))).toBe(true)
    expect(isSubset('trips.txt', 'service_id', has('calendar.txt', 'service_id'))).toBe(true)
    expect(isSubset('trips.txt', 'shape_id', has('shapes.txt', 'shape_id'))).toBe(true)
    expect(isSubset('stop_times.txt', 'trip_id', has('trips.txt', 'trip_id'))).toBe(true)
    expect(isSubset('stop_times.txt', 'stop_id', has('stops.txt', 'stop_id'))).toBe(true)
    expect(has('stops.txt', 'stop_id').size).toBe(40)
  })

  test('has a file and a column that no standard knows, quotes, and times after midnight', () => {
    const names = readZip(zip).entries.map((entry) => entry.name)
    expect(names).toContain('pims_signs.txt')
    expect(column(zip, 'stops.txt', 'pims_stop_ref')).toContain('PIMS-S1')
    const text = (file: string) =>
      expand(readZip(zip).entries.find((entry) => entry.name === file) as never).toString('utf8')
    expect(text('stops.txt')).toContain('"Central Station, Main Street ""North"" Entrance"')
    expect(text('stop_times.txt')).toMatch(/,24:\d\d:\d\d,/)
  })
})

describe('the realtime feeds', () => {
  test('name trips and stops of the schedule, at every hour of a day', async () => {
    const zip = makeScheduleZip('prod')
    const trips = new Set(column(zip, 'trips.txt', 'trip_id'))
    const stops = new Set(column(zip, 'stops.txt', 'stop_id'))
    for (let hour = 0; hour < 24; hour++) {
      nowMs = noon + hour * 3_600_000
      const { entity: vehicles } = await feed('/prod/vehicle_positions.pb')
      const { entity: updates } = await feed('/prod/trip_updates.pb')
      expect(vehicles.length).toBeGreaterThan(0)
      expect(updates.length).toBe(vehicles.length)
      for (const { vehicle } of vehicles) {
        expect(trips).toContain(vehicle?.trip?.tripId)
        expect(stops).toContain(vehicle?.stopId)
      }
      for (const { tripUpdate } of updates) {
        expect(trips).toContain(tripUpdate?.trip.tripId)
        const times = tripUpdate?.stopTimeUpdate?.map(({ departure }) => Number(departure?.time))
        expect(times?.length).toBeGreaterThan(0)
        expect(times).toEqual(times?.toSorted((a, b) => a - b))
        for (const { stopId } of tripUpdate?.stopTimeUpdate ?? []) expect(stops).toContain(stopId)
      }
    }
  })

  test('vehicles move, at the speed of a vehicle', async () => {
    const places = async () => {
      const { entity } = await feed('/prod/vehicle_positions.pb')
      return new Map(entity.map(({ id, vehicle }) => [id, vehicle?.position]))
    }
    const before = await places()
    nowMs = noon + tickMs
    const after = await places()
    const moved_m = [...after].flatMap(([id, to]) => {
      const from = before.get(id)
      if (!from || !to) return []
      const north = to.latitude - from.latitude
      return [Math.hypot(north, (to.longitude - from.longitude) * 0.674) * 111_195]
    })
    expect(moved_m.filter((metres) => metres > 5).length).toBeGreaterThan(1)
    expect(Math.max(...moved_m)).toBeLessThan(150)
  })

  test('qa is prod and three test vehicles on no trip', async () => {
    const [prod, qa] = [
      await feed('/prod/vehicle_positions.pb'),
      await feed('/qa/vehicle_positions.pb'),
    ]
    expect(qa.entity.slice(0, prod.entity.length)).toEqual(prod.entity)
    const added = qa.entity.slice(prod.entity.length)
    expect(added.map(({ id }) => id)).toEqual([
      'vehicle_TEST-1',
      'vehicle_TEST-2',
      'vehicle_TEST-3',
    ])
    expect(added.every(({ vehicle }) => vehicle?.trip === null)).toBe(true)
  })

  test('the header tells the tick', async () => {
    nowMs = noon + tickMs + 2_000
    expect(Number((await feed('/prod/alerts.pb')).header.timestamp)).toBe((noon + tickMs) / 1_000)
  })
})

describe('hiccups', () => {
  async function fates(seed: number): Promise<string[]> {
    const shaky = await startAgency({ port: 0, seed, now: () => noon, env: {} })
    const seen: string[] = []
    for (let count = 0; count < 400; count++) {
      const headers = { 'X-Api-Key': demoTokens.prod, 'Accept-Encoding': 'identity' }
      const response = await fetch(`${shaky.url}/prod/trip_updates.pb`, { headers })
      const body = Buffer.from(await response.arrayBuffer())
      if (response.status === 503) seen.push(`503 after ${response.headers.get('retry-after')}`)
      else if (body.subarray(0, 9).toString() === '<!doctype') seen.push('page')
      else if (response.headers.get('etag') === null) seen.push(`cut at ${body.length}`)
      else seen.push('')
    }
    await shaky.close()
    return seen
  }

  test('come about every 40th time, in three kinds, the same for the same seed', async () => {
    const [first, again, other] = [await fates(1), await fates(1), await fates(2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    const hiccups = [...first, ...other].filter((fate) => fate !== '')
    expect(hiccups.length).toBeGreaterThan(8)
    expect(hiccups.length).toBeLessThan(40)
    expect(new Set(hiccups.map((fate) => fate.split(' ')[0]))).toEqual(
      new Set(['503', 'page', 'cut']),
    )
  })
})
