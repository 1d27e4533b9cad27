/** The server as people see it: streams, their readers, and what is not as the code says. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectTo, type Connection } from '@headway/streams/connect.ts'
import { ApiWorld } from './api-world.ts'

const daysNanos = 86_400e9
const version = 'aaaaaaaaaaaa'

let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
})
afterAll(() => api.close())

type Shown = { readonly name: string; readonly drift: unknown; readonly consumers: Shown[] }
const stream = async (name: string) => {
  const { body } = await api.send('GET', '/streams')
  return { status: body.status, ...body.streams.find((one: Shown) => one.name === name) }
}
const manage = async (change: (jsm: Connection['jsm']) => Promise<unknown>) => {
  const connection = await connectTo(api.world.nats.url, 'somebody')
  await change(connection.jsm)
  await connection.close()
}

test('streams tell what they hold, since when, and how much they may', async () => {
  const { seq } = (await api.tell('pipeline', 'p', {
    type: 'PipelineRemoved',
    v: 1,
    at: '2026-11-21T00:00:00.000Z',
    pipeline: 'p',
  })) as { seq: number }
  const events = await stream('EVENTS')
  expect(events).toMatchObject({ messages: seq, lastSeq: seq, drift: [], status: 'ok' })
  expect(Date.parse(events.lastAt)).toBeGreaterThan(Date.parse(events.firstAt) - 1)
  expect(events.consumers.some(({ durable }: { durable: boolean }) => !durable)).toBe(true)
  const faults = await stream('FAULTS')
  expect(faults).toMatchObject({
    messages: 0,
    firstAt: null,
    lastAt: null,
    limits: { bytes: 64 * 1024 * 1024, ageMs: 30 * 86_400_000, messages: null },
  })
})

test('queues tell what waits, and those of another tenant are not shown [I15]', async () => {
  const { control } = api.world.doors
  for (const tenant of ['default', 'other'])
    await control.ensureQueue({ kind: 'run', tenant, pipeline: 'p', version, concurrency: 2 })
  await control.ensureQueue({ kind: 'due' })
  const { consumers } = await stream('CONTROL')
  expect(consumers.map(({ name }: Shown) => name).toSorted()).toEqual(['due', `p__${version}`])
  const queue = consumers.find(({ name }: Shown) => name.startsWith('p__'))
  expect(queue).toMatchObject({ durable: true, pending: 0, ackPendingMax: 2, drift: [] })
})

test('what somebody changed on the server is named, with what the code says', async () => {
  await manage(async (jsm) => {
    await jsm.streams.update('FAULTS', { max_age: 7 * daysNanos })
    await jsm.consumers.update('CONTROL', 'due', { ack_wait: 1e9 })
  })
  const { status, drift } = await stream('FAULTS')
  expect([status, drift]).toEqual([
    'degraded',
    [{ option: 'max_age', wanted: 30 * daysNanos, actual: 7 * daysNanos }],
  ])
  const { consumers } = await stream('CONTROL')
  const due = consumers.find(({ name }: Shown) => name === 'due')
  expect(due.drift).toMatchObject([{ option: 'ack_wait', actual: 1e9 }])
  await manage((jsm) => jsm.streams.delete('FAULTS'))
  expect(await stream('FAULTS')).toMatchObject({ status: 'degraded', drift: null, messages: 0 })
})
