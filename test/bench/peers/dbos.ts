/**
 * DBOS: one workflow with four steps, a row in Postgres per step and one for the workflow.
 *
 * In its favour: a single run is started where it is asked for and never goes through a queue; the
 * backlog does, with a queue that is polled every 20 ms instead of every second.
 */
import { connections, startDatabase } from './database.ts'
import { inFlight, inGroups, load, steps, versionOf, type OpenPeer } from './peer.ts'

type Client = {
  registerQueue(name: string, options: object): Promise<unknown>
  enqueue(options: object, n: number): Promise<unknown>
  destroy(): Promise<void>
}
type Dbos = {
  readonly DBOS: {
    migrate(url: string): Promise<void>
    setConfig(config: object): void
    launch(): Promise<void>
    shutdown(): Promise<void>
    registerWorkflow(
      run: (n: number) => Promise<number>,
      options: object,
    ): (n: number) => Promise<number>
    runStep<T>(step: () => Promise<T>, options: object): Promise<T>
  }
  readonly DBOSClient: { create(options: object): Promise<Client> }
}

const queue = 'runs'
const stepNames = Array.from({ length: steps }, (_, i) => `step-${i + 1}`)
const pollMs = 20

export const open: OpenPeer = async ({ durability, directory }) => {
  const { DBOS, DBOSClient } = load<Dbos>('@dbos-inc/dbos-sdk')
  const database = await startDatabase(directory, durability)
  let isClosing = false
  const logger = loggerUnless(() => isClosing)
  await DBOS.migrate(database.url)
  const client = await DBOSClient.create({
    systemDatabaseUrl: database.url,
    systemDatabasePoolSize: connections,
    logger,
    applicationName: 'bench',
  })
  await client.registerQueue(queue, { workerConcurrency: inFlight, minPollingIntervalMs: pollMs })
  let executed = 0
  let ended = 0
  let enqueued = 0
  let isLaunched = false

  const workflow = DBOS.registerWorkflow(
    async (n) => {
      for (const name of stepNames)
        await DBOS.runStep(
          async () => {
            executed++
            return name
          },
          { name },
        )
      ended++
      return n
    },
    { name: 'run' },
  )
  const start = async () => {
    DBOS.setConfig({
      name: 'bench',
      applicationVersion: '1',
      systemDatabaseUrl: database.url,
      systemDatabasePoolSize: connections,
      logger,
    })
    await DBOS.launch()
    isLaunched = true
  }
  const completed = () => database.count("dbos.workflow_status where status = 'SUCCESS'")
  return {
    versions: { dbos: versionOf('@dbos-inc/dbos-sdk'), postgres: database.version },
    start,
    submit: async (n) => void (await workflow(n)),
    enqueue: async (count) => {
      const options = { queueName: queue, workflowName: 'run', appVersion: '1' }
      await inGroups(count, inFlight, (group) =>
        Promise.all(group.map((n) => client.enqueue(options, n))),
      )
      enqueued += count
    },
    drain: async () => {
      await start()
      while (ended < enqueued) await pause()
      while ((await completed()) < enqueued) await pause()
    },
    executed: () => executed,
    history: async () => ({
      runs: await completed(),
      steps: await database.count('dbos.operation_outputs'),
    }),
    close: async () => {
      isClosing = true
      if (isLaunched) await DBOS.shutdown()
      await client.destroy()
      await database.stop()
    },
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 5))

/** Connections that it leaves open complain when the server goes. */
const loggerUnless = (isQuiet: () => boolean) => {
  const nothing = () => {}
  const tell = (...words: unknown[]) => {
    if (!isQuiet()) process.stderr.write(`dbos: ${words.map(String).join(' ')}\n`)
  }
  return { debug: nothing, info: nothing, warn: tell, error: tell }
}
