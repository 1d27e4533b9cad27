/**
 * graphile-worker: each task asks for the next one, the fourth ends the run. Two recipes: `single`, as
 * its manual has it, every task adding its own next job; and `grouped`, where code of ours collects the
 * next jobs of all tasks that end together into one `addJobs`, which no manual tells.
 *
 * In its favour: jobs are fetched and completed in batches; a run counts as completed when its last task
 * has ended, a moment before its row is deleted.
 * What it does not have: a history. A finished job is a deleted row; no result of any step is kept.
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

type Payload = { readonly run: number }
type Spec = { readonly identifier: string; readonly payload: Payload }
type AddJob = (identifier: string, payload: Payload) => Promise<unknown>
type Utils = {
  addJobs(specs: readonly Spec[]): Promise<unknown>
  migrate(): Promise<void>
  release(): Promise<void>
}
type Runner = { stop(): Promise<void> }
type Events = {
  on(event: 'job:complete', heard: (told: { job: Job; error: unknown }) => void): void
}
type Job = { readonly task_identifier: string; readonly payload: Payload }
type Graphile = {
  makeWorkerUtils(options: object): Promise<Utils>
  run(options: object): Promise<Runner & { readonly events: Events }>
  readonly Logger: new (factory: () => (level: string, message: string) => void) => object
}

const taskOf = (step: number) => `step-${step}`
const last = taskOf(steps)

type Recipe = 'single' | 'grouped'

const openWith =
  (recipe: Recipe): OpenPeer =>
  async ({ durability, directory }) => {
    const graphile = load<Graphile>('graphile-worker')
    const database = await startDatabase(directory, durability)
    const logger = new graphile.Logger(() => (level, message) => {
      if (level === 'error') process.stderr.write(`graphile: ${message}\n`)
    })
    const utils = await graphile.makeWorkerUtils({
      connectionString: database.url,
      maxPoolSize: 4,
      logger,
    })
    await utils.migrate()
    const completions = new Completions()
    let executed = 0
    let enqueued = 0
    let runner: Runner | null = null

    const specOf = (step: number, runOf: number): Spec => ({
      identifier: taskOf(step),
      payload: { run: runOf },
    })
    const add = (specs: readonly Spec[]) => utils.addJobs(specs)
    const addSoon = batched(add, 2)
    const work =
      (step: number) =>
      async ({ run: n }: Payload, { addJob }: { addJob: AddJob }) => {
        executed++
        if (step === steps) return
        if (recipe === 'grouped') await addSoon(specOf(step + 1, n))
        else await addJob(taskOf(step + 1), { run: n })
      }
    const start = async () => {
      const taskList = Object.fromEntries(
        Array.from({ length: steps }, (_, i) => [taskOf(i + 1), work(i + 1)]),
      )
      const started = await graphile.run({
        taskList,
        noHandleSignals: true,
        preset: {
          worker: {
            connectionString: database.url,
            maxPoolSize: connections,
            concurrentJobs: inFlight,
            localQueue: { size: inFlight },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
            pollInterval: 100,
            logger,
          },
        },
      })
      started.events.on('job:complete', ({ job, error }) => {
        if (!error && job.task_identifier === last) completions.complete(job.payload.run)
      })
      runner = started
    }
    return {
      versions: { 'graphile-worker': versionOf('graphile-worker'), postgres: database.version },
      start,
      submit: async (n) => {
        const completed = completions.of(n)
        await addSoon(specOf(1, n))
        await completed
      },
      enqueue: async (count) => {
        await inGroups(count, 500, (group) => add(group.map((n) => specOf(1, n))))
        enqueued += count
      },
      drain: async () => {
        const reached = completions.reach(enqueued)
        await start()
        await reached
      },
      executed: () => executed,
      history: async () => null,
      close: async () => {
        await runner?.stop()
        await utils.release()
        await database.stop()
      },
    }
  }

export const openSingle = openWith('single')
export const openGrouped = openWith('grouped')
