/**
 * The rebuild: the whole log folded anew into tables beside the live ones, with keys, indexes and swap.
 * The log holds runs of four steps that had nothing to say, as they are written: one commit for the
 * request, one for the output's version, one for the run. The ceiling is the log read and decoded by
 * itself, in the same run.
 */
import { rebuild } from '@headway/projector/rebuild.ts'
import type { Event } from '@headway/schemas/events.ts'
import { examples } from '@headway/schemas/examples.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { startWorld, type World } from '../harness.ts'
import { figure, type Figure } from './figure.ts'

const runs = 36_000
const writers = 128
const pipeline = 'bench'
const output = `output/${pipeline}/feed.pb`
const steps = ['one', 'two', 'three', 'four']

const requested = (run: string): Event => ({ ...examples.RunRequested, pipeline, run })
const versioned = (run: string, ordinal: number): Event => ({
  ...examples.AssetVersioned,
  asset: output,
  version: ulidOf(ordinal, 'version', ordinal),
  ordinal,
  origin: {
    by: 'run',
    run,
    attempt: 1,
    pipeline,
    pipelineVersion: examples.RunRequested.pipelineVersion,
    output: 'feed.pb',
  },
})
const ran = (run: string, ordinal: number): Event[] => [
  { ...examples.RunStarted, pipeline, run, ownInputs: {} },
  ...steps.map((step, index): Event => ({
    ...examples.StepSucceeded,
    run,
    step,
    index,
    logs: [],
    findings: [],
  })),
  {
    ...examples.ArtifactPublished,
    run,
    asset: output,
    version: ulidOf(ordinal, 'version', ordinal),
    ordinal,
  },
  { ...examples.RunCompleted, pipeline, run },
]

const fill = async ({ doors }: World): Promise<number> => {
  let n = 0
  let events = 0
  const append = async (
    kind: 'asset' | 'pipeline' | 'run',
    name: string,
    id: string,
    all: Event[],
  ) => {
    await doors.log.append({
      tenant: 'default',
      topic: { kind, name },
      id,
      events: all,
      source: 'bench',
    })
    events += all.length
  }
  const write = async () => {
    for (let i = n++; i < runs; i = n++) {
      const run = ulidOf(i, 'run', i)
      await append('pipeline', pipeline, `q${i}`, [requested(run)])
      await append('asset', output, `v${i}`, [versioned(run, i + 1)])
      await append('run', pipeline, `r${i}`, ran(run, i + 1))
    }
  }
  await Promise.all(Array.from({ length: writers }, write))
  return events
}

const readAll = async ({ doors }: World): Promise<number> => {
  const { seq } = await doors.log.head()
  const stop = new AbortController()
  const startedAt = performance.now()
  let events = 0
  for await (const commits of doors.log.tail({ from: 1, signal: stop.signal })) {
    for (const commit of commits) events += commit.events.length
    if (commits.at(-1)!.seq >= seq) break
  }
  return (events * 1_000) / (performance.now() - startedAt)
}

export const run = async (): Promise<Figure[]> => {
  const world = await startWorld({ postgres: true })
  try {
    const events = await fill(world)
    const raw = Math.max(await readAll(world), await readAll(world))
    const startedAt = performance.now()
    await rebuild(world.doors, {
      pgUrl: world.postgres!.url,
      swap: true,
      signal: world.signal,
      tell: () => {},
    })
    const rate = (events * 1_000) / (performance.now() - startedAt)
    return [figure(`rebuild of ${events} events`, rate, 'events/s', raw)]
  } finally {
    await world.stop()
  }
}
