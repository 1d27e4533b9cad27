/**
 * The way in of configuration: deliveries over HTTP onto the log. One after the other, a hundred at once,
 * and a flood of a thousand a second, of which what is shed is told so and what is accepted is on the log.
 * The ceiling of an answer is the acknowledged append that it waits for, measured in the same run.
 */
import { createHmac } from 'node:crypto'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { append, eventsOf, startWorld, type World } from '../harness.ts'
import { figure, percentile, type Figure } from './figure.ts'

const key = 'bench-webhook-key'
const keyName = 'HEADWAY_BENCH_WEBHOOK_KEY'
const rounds = 300
const atOnce = 100
const floodPerSecond = 1_000
const floodSeconds = 5
/** A hundred at once pass, a flood does not; the alternating rounds before it wait for nobody. */
const generous = { perSecond: 100_000, burst: 100_000 }
const commit = '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c'

const body = JSON.stringify({
  ref: 'refs/heads/main',
  after: commit,
  repository: { full_name: 'acme/shop' },
  pusher: { name: 'bench' },
})
const signature = `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

type Answer = { readonly status: number; readonly task: string | undefined; readonly ms: number }

const deliver = async (url: string, id: string): Promise<Answer> => {
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': id,
    'x-hub-signature-256': signature,
  }
  const startedAt = performance.now()
  const reply = await fetch(`${url}/api/v1/webhooks/bench`, { method: 'POST', headers, body })
  const { task } = (await reply.json()) as { task?: string }
  return { status: reply.status, task, ms: performance.now() - startedAt }
}

const listen = async (world: World, rates?: typeof generous) => {
  const database = openDatabase(world.postgres!.url, world.doors.logger)
  const ports = { ...world.doors, db: database.db, tenant: 'default' }
  const app = await buildApp({
    ...ports,
    ...(rates ? { rates: { address: rates, source: rates } } : {}),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const end = async () => {
    await app.close()
    await database.close()
  }
  return { url, end }
}

const appendMs = async (world: World): Promise<number> => {
  const took: number[] = []
  for (let i = 0; i < rounds; i++) {
    const startedAt = performance.now()
    await append(world.doors, { kind: 'rule', name: `r${i}` }, { ...removed, rule: `r${i}` })
    took.push(performance.now() - startedAt)
  }
  return percentile(took, 0.5)
}
const removed = { type: 'RuleRemoved' as const, v: 1 as const, at: '2026-11-21T00:00:00.000Z' }

/** Sends at a steady rate, however long answers take. */
const flood = async (url: string): Promise<readonly Answer[]> => {
  const answers: Promise<Answer>[] = []
  const startedAt = performance.now()
  const total = floodPerSecond * floodSeconds
  while (answers.length < total) {
    const due = ((performance.now() - startedAt) / 1_000) * floodPerSecond
    while (answers.length < Math.min(due, total))
      answers.push(deliver(url, `flood-${answers.length}`))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return Promise.all(answers)
}

const storedOf = async (world: World): Promise<ReadonlySet<string>> =>
  new Set(
    (await eventsOf(world.doors)).flatMap((event) =>
      event.type === 'PushReceived' ? event.task : [],
    ),
  )

export const run = async (): Promise<Figure[]> => {
  process.env[keyName] = key
  const world = await startWorld({ postgres: true })
  await append(
    world.doors,
    { kind: 'source', name: 'bench' },
    {
      type: 'SourceDefined',
      v: 1,
      at: removed.at,
      source: 'bench',
      definition: {
        platform: 'github',
        url: 'https://github.com',
        webhook: { keys: [`env:${keyName}`] },
      },
    },
  )
  const ceilingMs = await appendMs(world)
  const open = await listen(world, generous)
  const one: number[] = []
  for (let i = 0; i < rounds; i++) one.push((await deliver(open.url, `one-${i}`)).ms)
  const startedAt = performance.now()
  const together = await Promise.all(
    Array.from({ length: atOnce }, (_, i) => deliver(open.url, `together-${i}`)),
  )
  const togetherMs = performance.now() - startedAt
  await open.end()
  const guarded = await listen(world)
  const flooded = await flood(guarded.url)
  const accepted = flooded.filter(({ status }) => status === 202)
  const shed = flooded.filter(({ status }) => status === 429)
  const stored = await storedOf(world)
  await guarded.end()
  await world.stop()
  const lost = [...together, ...accepted].filter(({ task }) => !task || !stored.has(task))
  const others = flooded.length - accepted.length - shed.length
  return [
    figure('delivery accepted, p50', percentile(one, 0.5), 'ms', ceilingMs),
    figure('delivery accepted, p99', percentile(one, 0.99), 'ms'),
    figure(`${atOnce} deliveries at once, all accepted`, togetherMs, 'ms'),
    figure(`flood of ${floodPerSecond}/s, accepted`, accepted.length, 'deliveries'),
    figure(`flood of ${floodPerSecond}/s, shed with 429`, shed.length, 'deliveries'),
    figure(`flood of ${floodPerSecond}/s, answered otherwise`, others, 'deliveries'),
    figure('accepted and not on the log', lost.length, 'deliveries'),
    figure(
      'answer in a flood, p99',
      percentile(
        flooded.map(({ ms }) => ms),
        0.99,
      ),
      'ms',
    ),
  ]
}
