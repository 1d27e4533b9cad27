/**
 * The floor under ourselves: the events of a run as our rooms would tell them, in as few commits, told by
 * one client that decides and executes nothing, and projected. What is left when debounce and worker
 * cost nothing.
 */
import { append, defineAsset } from '../../harness.ts'
import { startNats } from '@headway/deploy/nats-server.ts'
import type { Event } from '@headway/schemas/events.ts'
import { openDoors } from '@headway/streams/room.ts'
import { startDatabase } from './database.ts'
import {
  asked,
  confOf,
  pipeline,
  projected,
  Projected,
  recordedSteps,
  requestOf,
  startRooms,
} from './headway.ts'
import { batched, inGroups, steps, type OpenPeer } from './peer.ts'

const pipelineVersion = 'aaaaaaaaaaaa'
const actor = { name: 'bench' }
const groupMax = 64

/** Three commits: what was asked for, what was decided, what was done. */
const story = (run: string): readonly (readonly Event[])[] => {
  const at = new Date().toISOString()
  const head = { v: 1 as const, at, pipeline }
  const said = { v: 1 as const, at, run, attempt: 1 }
  return [
    [{ ...head, type: 'RunTriggered', request: run, actor }],
    [
      {
        ...head,
        type: 'RunRequested',
        run,
        pipelineVersion,
        reason: 'manual',
        actor,
        inputs: {},
        triggeredBy: [],
        throughSeq: 1,
      },
    ],
    [
      { ...said, type: 'RunStarted', pipeline, pipelineVersion, worker: 'w', ownInputs: {} },
      ...Array.from({ length: steps }, (_, index): Event => ({
        ...said,
        type: 'StepSucceeded',
        step: `step-${index}`,
        index,
        startedAt: at,
        endedAt: at,
        durationMs: 0.1,
        logs: [],
        findings: [],
        rowsIn: 0,
        rowsOut: 0,
        output: { kind: 'opaque_bytes', sizeBytes: 5, inline: 'dmFsdWU=' },
      })),
      { ...said, type: 'RunCompleted', pipeline, durationMs: 1 },
    ],
  ]
}

export const open: OpenPeer = async ({ durability, directory }) => {
  const [nats, database] = await Promise.all([
    startNats({
      dataDir: `${directory}/nats`,
      port: -1,
      config: confOf(directory, durability),
    }),
    startDatabase(directory, durability),
  ])
  const env = { ...process.env, HEADWAY_NATS_URL: nats.url, HEADWAY_PG_URL: database.url }
  const doors = await openDoors('bench', nats.url)
  const projector = await startRooms(['projector'], env)
  // The tables come with the first event.
  await defineAsset(doors, 'bench/value', {})
  await projected(doors, database)
  const tables = new Projected(database)
  let count = 0
  const tell = (kind: 'pipeline' | 'run') => async (commits: readonly (readonly Event[])[]) => {
    const topic = { kind, name: pipeline }
    const appended = await append(doors, topic, ...commits.flat())
    return 'seq' in appended ? appended.seq : 0
  }
  const wish = batched(tell('pipeline'), 2)
  const decide = batched(tell('pipeline'), 2)
  const seqs = new Map<readonly Event[], number>()
  const end = batched(async (commits: readonly (readonly Event[])[]) => {
    for (let from = 0; from < commits.length; from += groupMax) {
      const group = commits.slice(from, from + groupMax)
      const seq = await tell('run')(group)
      for (const commit of group) seqs.set(commit, seq)
    }
  })
  const toLog = async (n: number): Promise<number> => {
    count++
    const [asks, decides, does] = story(requestOf(n)) as [Event[], Event[], Event[]]
    await wish(asks)
    await decide(decides)
    await end(does)
    const seq = seqs.get(does)!
    seqs.delete(does)
    return seq
  }
  let waiting: readonly (readonly Event[])[] = []
  return {
    versions: { 'nats-server': nats.version, postgres: database.version },
    start: async () => {},
    submit: async (n) => tables.reached(await toLog(n)),
    submitToLog: async (n) => void (await toLog(n)),
    enqueue: async (runs) => {
      const stories = Array.from({ length: runs }, (_, n) => story(requestOf(n)))
      count += runs
      waiting = stories.map((commits) => commits[2]!)
      await inGroups(runs, 500, async (group) => {
        await tell('pipeline')(group.map((n) => stories[n]![0]!))
        await tell('pipeline')(group.map((n) => stories[n]![1]!))
      })
      await projected(doors, database)
    },
    drain: async () => {
      await Promise.all(waiting.map(end))
      await projected(doors, database)
    },
    executed: async () => {
      await projected(doors, database)
      return count * steps
    },
    history: async () => ({
      runs: await database.count(`${asked} and status = 'completed'`),
      steps: await recordedSteps(database),
    }),
    close: async () => {
      tables.stop()
      await projector.stop()
      await doors.close()
      await Promise.all([nats.stop(), database.stop()])
    },
  }
}
