import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { examples } from '@headway/schemas/examples.ts'
import { spanIdOf, traceIdOf } from '@headway/schemas/trace.ts'
import { connectTo } from '@headway/streams/connect.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiWorld } from './api-world.ts'
import { until } from './harness.ts'

/** One trace follows a datum: fetched, run on, published, asked for. */
type Sent = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
}
const spans: Sent[] = []
let collector: Server
let world: ApiWorld

beforeAll(async () => {
  collector = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as {
        resourceSpans: { scopeSpans: { spans: Sent[] }[] }[]
      }
      for (const { scopeSpans } of body.resourceSpans)
        for (const scope of scopeSpans) spans.push(...scope.spans)
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const { port } = collector.address() as AddressInfo
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
  world = await ApiWorld.open()
})
afterAll(async () => {
  delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
  await world.close()
  collector.close()
})

const traceOf = (reply: { headers: Record<string, unknown> }): string =>
  String(reply.headers.traceparent).split('-')[1]!

test('from the fetch to the answer, in one trace', async () => {
  await world.pipeline('p')
  const ref = await world.version('in/p', 1)
  const run = await world.run('p', { inputs: { feed: ref }, triggeredBy: [ref] })
  const trace = traceIdOf(ref.version)
  await world.started('p', run)
  const step = { ...examples.StepSucceeded, run, step: 'first' }
  await world.tell('run', 'p', step)
  await world.tell('asset', 'output/p/out', {
    ...examples.AssetVersioned,
    asset: 'output/p/out',
    origin: {
      by: 'run',
      run,
      attempt: 1,
      pipeline: 'p',
      pipelineVersion: 'aaaaaaaaaaaa',
      output: 'out',
    },
  })
  await world.ended('RunCompleted', 'p', run)
  const asked = await world.call('GET', `/runs/${run}`)
  expect(traceOf(asked)).toBe(trace)
  expect(traceOf(await world.call('GET', `/assets/in/p/versions/${ref.version}`))).toBe(trace)
  const wanted = [
    'fetch in/p',
    'run p',
    'attempt 1',
    'step first',
    'publish output/p/out',
    'GET /api/v1/runs/:id',
  ]
  const sent = await until('all spans are with the collector', () => {
    const ours = spans.filter(({ traceId }) => traceId === trace)
    return wanted.every((name) => ours.some((span) => span.name === name)) && ours
  })
  const span = (name: string) => sent.find((one) => one.name === name)!
  expect(span('run p').parentSpanId).toBe(span('fetch in/p').spanId)
  expect(span('attempt 1').parentSpanId).toBe(span('run p').spanId)
  expect(span('step first').parentSpanId).toBe(span('attempt 1').spanId)
  expect(span('publish output/p/out').parentSpanId).toBe(span('attempt 1').spanId)
  for (const one of sent)
    expect(BigInt(one.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(one.startTimeUnixNano))
})

test('messages carry it, so that readers outside can go on with it', async () => {
  const ref = await world.version('in/p', 2)
  const run = await world.run('p', { triggeredBy: [ref] })
  const { nc, jsm, close } = await connectTo(world.world.nats.url, 'trace-test')
  expect(nc.info).toBeDefined()
  const found = await jsm.streams.getMessage('EVENTS', {
    last_by_subj: 'headway.default.pipeline.p',
  })
  await close()
  const [, traceId, spanId] = found!.header.get('traceparent').split('-')
  expect(traceId).toBe(traceIdOf(ref.version))
  expect(spanId).toBe(spanIdOf(found!.header.get('ce-id')))
  expect(run).toBeTruthy()
})

test("who asks within a trace of their own is answered in it, and an answer's problem names it", async () => {
  const theirs = 'a'.repeat(32)
  const headers = { traceparent: `00-${theirs}-${'b'.repeat(16)}-01` }
  const reply = await world.send('GET', '/runs/none', { headers })
  expect(traceOf(reply)).toBe(theirs)
  expect(reply.body).toMatchObject({ traceId: theirs })
  const parent = await until('it is with the collector', () =>
    spans.find(({ traceId }) => traceId === theirs),
  )
  expect(parent.parentSpanId).toBe('b'.repeat(16))
  const odd = await world.send('GET', '/status', { headers: { traceparent: 'nonsense' } })
  expect(traceOf(odd)).toMatch(/^[0-9a-f]{32}$/)
})
