/** What led to a commit is told by the log itself: in its headers, and over the API back to the start. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { VersionRef } from '@headway/schemas/definitions.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { Appended } from '@headway/schemas/ports.ts'
import { connectTo } from '@headway/streams/connect.ts'
import { ApiWorld, codeA } from './api-world.ts'
import { until } from './harness.ts'

let api: ApiWorld
let fetched: VersionRef
let run: string
let published: number
beforeAll(async () => {
  api = await ApiWorld.open()
  await api.pipeline('orders')
  fetched = await api.version('in/orders', 1)
  run = await api.run('orders', { triggeredBy: [fetched], inputs: { feed: fetched } })
  await api.started('orders', run)
  const [like] = await api.told('AssetVersioned')
  const asset = 'output/orders/out'
  const made = { pipeline: 'orders', pipelineVersion: codeA, attempt: 1, output: 'out' }
  const origin = { by: 'run', run, ...made } as const
  const output = { ...like!, asset, version: ulidOf(7, asset), origin }
  published = seqOf(await api.tell('asset', asset, output))
  await api.ended('RunCompleted', 'orders', run)
})
afterAll(() => api.close())

const seqOf = (appended: Appended): number => {
  if (appended.outcome === 'conflict') throw new Error('a conflict')
  return appended.seq
}
const causesOf = async (seq: number) =>
  (await api.get(`/log/${seq}/causes`)).map(
    ({ types, by, id }: { types: string[]; by: string; id: string }) => [types[0], by, id],
  )

test('an artifact leads back to the fetch, through its run', async () => {
  const chain = [
    ['RunRequested', 'run', run],
    ['AssetVersioned', 'version', fetched.version],
  ]
  expect(await causesOf(published)).toEqual(chain)
  expect(await causesOf(published + 1)).toEqual(chain)
})

test('an earlier state knows what was known by then', async () => {
  await api.settled()
  const asOf = (seq: number) =>
    until('that state', async () => {
      const { status, body } = await api.call('GET', `/log/${published}/causes?asOf=${seq}`)
      return body.code !== 'as_of_not_ready' && { status, body }
    })
  expect((await asOf(published - 1)).status).toBe(404)
  expect(await asOf(published)).toMatchObject({ status: 200, body: [{ id: run }, {}] })
})

test('what begins a story has no cause', async () => {
  const [, first] = await api.get(`/log/${published}/causes`)
  expect(await causesOf(first.seq)).toEqual([])
})

test('a run that somebody wished leads back to the wish', async () => {
  const { body } = await api.post('/pipelines/orders/runs', { reason: 'to see' })
  const requested = await api.run('orders', { run: body.id, reason: 'manual' })
  expect(requested).toBe(body.id)
  const { seq } = await api.world.doors.log.head()
  expect(await causesOf(seq)).toEqual([['RunTriggered', 'wish', body.id]])
})

test('the headers of each message say it as CloudEvents do', async () => {
  const { jsm, close } = await connectTo(api.world.nats.url, 'somebody')
  const { header } = (await jsm.streams.getMessage('EVENTS', { seq: published }))!
  expect([header.get('ce-causationid'), header.get('ce-correlationid')]).toEqual([run, run])
  await close()
})
