/**
 * What a run costs by itself: four steps that do nothing, from the trigger appended to `RunCompleted`
 * read from the log, every event on disk. One run at a time, then sixteen pipelines with one each.
 * The ceiling is the disk's share: request and run are two commits one after the other.
 */
import { fileURLToPath } from 'node:url'
import { ulidOf } from '@headway/schemas/ids.ts'
import { append, defineAsset, definePipeline, startWorld, until, type World } from '../harness.ts'
import { figure, percentile, type Figure } from './figure.ts'
import { openRooms, rawAppends } from './realtime.ts'

const root = fileURLToPath(new URL('./pipelines', import.meta.url))
const asset = 'bench/value'
const warmup = 50
const rounds = 400
const pipelines = Array.from({ length: 16 }, (_, i) => `noop-${i}`)

export const run = async (): Promise<Figure[]> => {
  const world = await startWorld()
  try {
    await prepare(world)
    const completed = watchCompleted(world)
    const trigger = async (pipeline: string, n: number) => {
      const at = new Date().toISOString()
      const request = ulidOf(Date.now(), pipeline, n)
      const startedAt = performance.now()
      await append(
        world.doors,
        { kind: 'pipeline', name: pipeline },
        { type: 'RunTriggered', v: 1, at, pipeline, request, actor: { name: 'bench' } },
      )
      const appendedAt = performance.now()
      return { fromTrigger: (await completed(request)) - appendedAt, startedAt }
    }
    const samples: number[] = []
    for (let i = 0; i < warmup + rounds; i++) {
      const { fromTrigger } = await trigger(pipelines[0]!, i)
      if (i >= warmup) samples.push(fromTrigger)
    }
    const startedAt = performance.now()
    await Promise.all(
      pipelines.map(async (pipeline) => {
        for (let i = 0; i < 50; i++) await trigger(pipeline, 10_000 + i)
      }),
    )
    const perSecond = (pipelines.length * 50 * 1_000) / (performance.now() - startedAt)
    const raw = await rawAppends(world)
    return [
      figure('trigger to completed, 4 no-op steps, p50', percentile(samples, 0.5), 'ms', 2 * raw),
      figure('trigger to completed, 4 no-op steps, p99', percentile(samples, 0.99), 'ms', 2 * raw),
      figure('runs completed, 16 pipelines one at a time each', perSecond, '1/s', 1_000 / raw),
    ]
  } finally {
    await world.stop()
  }
}

const prepare = async (world: World): Promise<void> => {
  await openRooms(world, root)
  await defineAsset(world.doors, asset, {})
  const digest = await world.doors.content.put('default', Buffer.from('value'))
  const rendition = { name: 'value', mediaType: 'text/plain', digest, sizeBytes: 5 }
  await append(
    world.doors,
    { kind: 'asset', name: asset },
    {
      type: 'AssetVersioned',
      v: 1,
      at: new Date().toISOString(),
      asset,
      version: ulidOf(1, asset),
      ordinal: 1,
      kind: 'opaque_bytes',
      rawDigest: digest,
      contentDigest: digest,
      sizeBytes: 5,
      rows: 0,
      facts: {},
      renditions: [rendition],
      origin: { by: 'fetch', url: 'bench', status: 200 },
    },
  )
  for (const pipeline of pipelines)
    await definePipeline(world.doors, pipeline, { folder: 'noop', slots: { value: asset } })
  for (const name of pipelines)
    await until(`the output of ${name}`, () =>
      world.doors.log.last('default', { kind: 'asset', name: `output/${name}/value` }),
    )
}

/** When `RunCompleted` of a run was read from the log. */
const watchCompleted = (world: World): ((run: string) => Promise<number>) => {
  const seen = new Map<string, number>()
  const waiting = new Map<string, () => void>()
  void (async () => {
    const { seq } = await world.doors.log.head()
    const options = { from: seq + 1, kinds: ['run' as const], signal: world.signal }
    for await (const commits of world.doors.log.tail(options))
      for (const event of commits.flatMap((commit) => commit.events))
        if (event.type === 'RunCompleted') {
          seen.set(event.run, performance.now())
          waiting.get(event.run)?.()
        }
  })()
  return async (run) => {
    if (!seen.has(run)) await new Promise<void>((resolve) => waiting.set(run, resolve))
    return seen.get(run)!
  }
}
