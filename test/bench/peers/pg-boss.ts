/**
 * pg-boss: four queues, the handler of each sends to the next. Its own `flow()` is resolved by polling,
 * once a second at best, and makes eight runs per second; jobs taken one by one wait for the next poll
 * after each.
 *
 * In its favour: workers are woken by NOTIFY, take up to 256 jobs at once and send and complete them with
 * one statement each, every job with its own result; completed jobs are kept, as is its default.
 * What it does not have: runs at their own pace. Such a group goes in step; one slow job holds up all
 * others of its group and everything that waits behind it.
 */
import { connections, startDatabase } from './database.ts'
import {
  batched,
  Completions,
  inFlight,
  inGroups,
  load,
  steps,
  versionOf,
  type OpenPeer,
} from './peer.ts'

type Data = { readonly run: number }
type Job = { readonly id: string; readonly data: Data }
type Boss = {
  on(event: 'error' | 'warning', heard: (problem: unknown) => void): void
  start(): Promise<unknown>
  stop(options: object): Promise<void>
  createQueue(name: string, options: object): Promise<void>
  insert(name: string, jobs: readonly { readonly data: Data }[]): Promise<unknown>
  complete(name: string, ids: readonly string[], output: object): Promise<unknown>
  work(
    name: string,
    options: object,
    handle: (jobs: readonly Job[]) => Promise<unknown>,
  ): Promise<unknown>
}
type PgBoss = { readonly PgBoss: new (options: object) => Boss }

const queueOf = (step: number) => `step-${step}`

const workers = {
  batchSize: inFlight,
  burstWhenBatchFull: true,
  perJobResults: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
}

export const open: OpenPeer = async ({ durability, directory }) => {
  const { PgBoss } = load<PgBoss>('pg-boss')
  const database = await startDatabase(directory, durability)
  const boss = new PgBoss({
    connectionString: database.url,
    max: connections,
    useListenNotify: true,
  })
  boss.on('error', (problem) => process.stderr.write(`pg-boss: ${String(problem)}\n`))
  await boss.start()
  for (let step = 1; step <= steps; step++)
    await boss.createQueue(queueOf(step), { notify: true, partition: true })
  const completions = new Completions()
  let executed = 0
  let enqueued = 0

  const send = (step: number, runs: readonly number[]) =>
    boss.insert(
      queueOf(step),
      runs.map((run) => ({ data: { run } })),
    )
  const ask = batched((runs: readonly number[]) => send(1, runs), 2)
  const work = (step: number) => async (jobs: readonly Job[]) => {
    executed += jobs.length
    const runs = jobs.map(({ data }) => data.run)
    const results = jobs.map(({ id }) => ({ id, status: 'completed', output: { step } }))
    if (step < steps) {
      await send(step + 1, runs)
      return results
    }
    // Done here already, because nothing tells when it is done after the handler.
    await boss.complete(
      queueOf(step),
      jobs.map(({ id }) => id),
      { step },
    )
    for (const run of runs) completions.complete(run)
    return results
  }
  const start = async () => {
    for (let step = 1; step <= steps; step++) await boss.work(queueOf(step), workers, work(step))
  }
  const completed = (queues: string) =>
    database.count(`pgboss.job where state = 'completed' and name ${queues}`)
  return {
    versions: { 'pg-boss': versionOf('pg-boss'), postgres: database.version },
    start,
    submit: async (n) => {
      const done = completions.of(n)
      await ask(n)
      await done
    },
    enqueue: async (count) => {
      await inGroups(count, 500, (group) => send(1, group))
      enqueued += count
    },
    drain: async () => {
      const reached = completions.reach(enqueued)
      await start()
      await reached
    },
    executed: () => executed,
    history: async () => ({
      runs: await completed(`= '${queueOf(steps)}'`),
      steps: await completed("like 'step-%'"),
    }),
    close: async () => {
      await boss.stop({ graceful: false })
      await database.stop()
    },
  }
}
