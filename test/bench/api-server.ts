/**
 * The API, the projector and servers in a process of their own, with a bare Fastify over the same rows
 * beside them, and a feed that changes all the time until `quiet`. `tell` puts one marked event on the
 * log; the end of the input ends everything.
 */
import { createInterface } from 'node:readline'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { runProjector } from '@headway/projector/room.ts'
import { openStore } from '@headway/projector/store.ts'
import type { Event } from '@headway/schemas/events.ts'
import { examples } from '@headway/schemas/examples.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { TopicKind } from '@headway/schemas/ports.ts'
import { definePipeline, startWorld, until } from '../harness.ts'
import { startBare } from './api-bare.ts'

const runs = 2_000
const perSecond = 20
const pipeline = 'bench'

const world = await startWorld({ postgres: true })
const pgUrl = world.postgres!.url
const store = openStore(pgUrl)
world.run(runProjector(await world.open('projector'), store, { signal: world.signal }))
const database = openDatabase(pgUrl, world.doors.logger)
const app = await buildApp({ ...world.doors, db: database.db, tenant: 'default' })
const api = await app.listen({ host: '127.0.0.1', port: 0 })

let n = 0
const append = (kind: TopicKind, name: string, events: Event[]) =>
  world.doors.log.append({
    tenant: 'default',
    topic: { kind, name },
    id: `bench-${n++}`,
    events,
    source: 'bench',
  })
let last = ''
const work = async (): Promise<void> => {
  const run = ulidOf(Date.now(), 'bench', n)
  await append('pipeline', pipeline, [{ ...examples.RunRequested, pipeline, run }])
  await append('run', pipeline, [
    { ...examples.RunStarted, pipeline, run, ownInputs: {} },
    { ...examples.StepSucceeded, run, logs: [], findings: [] },
    { ...examples.RunCompleted, pipeline, run },
  ])
  last = run
}
await definePipeline(world.doors, pipeline, {})
for (let i = 0; i < runs; i += 50) await Promise.all(Array.from({ length: 50 }, work))
const { seq } = await world.doors.log.head()
await until(
  'everything is projected',
  async () => ((await store.position())?.seq ?? 0) >= seq,
  60_000,
)
const bare = await startBare(pgUrl)

let isQuiet = false
const working = (async () => {
  while (!isQuiet) {
    await work()
    await new Promise((resolve) => setTimeout(resolve, 1_000 / perSecond))
  }
})()
process.stdout.write(`${JSON.stringify({ api, bare: bare.url, run: last })}\n`)

const filler = 'z'.repeat(3_000)
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'quiet') isQuiet = true
  const detail = `told ${Date.now()} ${filler}`
  if (line === 'tell')
    await append('asset', 'bench', [{ ...examples.FetchRefused, asset: 'bench', detail }])
}
isQuiet = true
await working
await app.close()
await bare.close()
await database.close()
await world.stop()
await store.close()
