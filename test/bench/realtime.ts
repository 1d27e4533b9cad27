/**
 * The realtime path: an asset version is appended, its pipeline runs, its artifact is registered.
 * Debounce at zero, one change at a time, everything on disk before it is told. The ceiling is what the
 * disk alone needs: the path has four commits one after the other (content, artifact, request, version),
 * measured as acknowledged appends in the same run.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runDebounce } from '@headway/debounce/room.ts'
import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import { openCode } from '@headway/worker/code.ts'
import { systemClock } from '@headway/streams/room.ts'
import { runWorker } from '@headway/worker/room.ts'
import { defineAsset, definePipeline, startWorld, until, type World } from '../harness.ts'
import { figure, percentile, type Figure } from './figure.ts'

const root = fileURLToPath(new URL('../../deploy/pipelines', import.meta.url))
const feed = new URL(
  '../../../shared/data/realtime/caltrain-2023-vehicle-positions.pb',
  import.meta.url,
)
const warmup = 50
const rounds = 400
const asset = 'bench/vehicle_positions'
const pipeline = 'passthrough'

/** The feed at another moment: position fields differ, so every version is new content. */
const changed = (bytes: Uint8Array, round: number): Uint8Array => {
  const message = gtfsRealtime.parse(bytes)
  const [first] = message.entity
  const position = { ...first!.vehicle!.position!, bearing: round }
  const vehicle = { ...first!.vehicle!, position }
  const entity = [{ ...first!, vehicle }, ...message.entity.slice(1)]
  return gtfsRealtime.encode({ ...message, entity } as typeof message)[0]!.bytes
}

const versionEvent = (ordinal: number, bytes: Uint8Array): EventOf<'AssetVersioned'> => {
  const digest = sha256(bytes)
  const now = Date.now()
  return {
    type: 'AssetVersioned',
    v: 1,
    at: new Date(now).toISOString(),
    asset,
    version: ulidOf(now, asset, ordinal),
    ordinal,
    kind: 'gtfs_rt_protobuf',
    rawDigest: digest,
    contentDigest: digest,
    sizeBytes: bytes.length,
    rows: 1,
    facts: {},
    renditions: [
      { name: 'feed.pb', mediaType: 'application/x-protobuf', digest, sizeBytes: bytes.length },
    ],
    origin: { by: 'fetch', url: 'bench', status: 200 },
  }
}

export const run = async (): Promise<Figure[]> => {
  const world = await startWorld()
  try {
    const bytes = await readFile(feed)
    await prepare(world)
    const registered = watchOutputs(world)
    const samples: number[] = []
    for (let round = 1; round <= warmup + rounds; round++) {
      const body = changed(bytes, round)
      await world.doors.content.put('default', body)
      const startedAt = performance.now()
      await world.doors.log.append({
        tenant: 'default',
        topic: { kind: 'asset', name: asset },
        id: `bench-${round}`,
        events: [versionEvent(round, body)],
        source: 'bench',
      })
      const appendedAt = performance.now()
      const at = await registered(round)
      if (round > warmup) samples.push(at - appendedAt)
      void startedAt
    }
    const raw = await rawAppends(world)
    return [
      figure(
        'version appended to artifact registered, p50',
        percentile(samples, 0.5),
        'ms',
        4 * raw,
      ),
      figure(
        'version appended to artifact registered, p99',
        percentile(samples, 0.99),
        'ms',
        4 * raw,
      ),
    ]
  } finally {
    await world.stop()
  }
}

/** The two rooms between a version and its artifact, in this process. */
export const openRooms = async (world: World, root: string): Promise<void> => {
  world.run(runDebounce(await world.open('debounce'), { signal: world.signal }))
  world.run(
    runWorker(await world.open('worker'), {
      worker: 'bench',
      pool: 'default',
      code: openCode({ root, clock: systemClock }),
      host: 'bench',
      pid: process.pid,
      signal: world.signal,
    }),
  )
}

const prepare = async (world: World): Promise<void> => {
  await openRooms(world, root)
  await defineAsset(world.doors, asset, { kind: 'gtfs_rt_protobuf' })
  await definePipeline(world.doors, pipeline, {
    folder: 'passthrough-realtime',
    slots: { feed: asset },
  })
  const topic = { kind: 'release' as const, name: pipeline }
  await until('the release', () => world.doors.log.last('default', topic))
}

/** When the output's version `ordinal` was read from the log. */
const watchOutputs = (world: World): ((ordinal: number) => Promise<number>) => {
  const seen = new Map<number, number>()
  let wake = () => {}
  void (async () => {
    for await (const commits of world.doors.log.tail({
      from: 1,
      kinds: ['asset'],
      signal: world.signal,
    }))
      for (const { topic, events } of commits)
        if (topic.name.startsWith('output/'))
          for (const event of events)
            if (event.type === 'AssetVersioned') {
              seen.set(event.ordinal, performance.now())
              wake()
            }
  })()
  return async (ordinal) => {
    while (!seen.has(ordinal)) await new Promise<void>((resolve) => (wake = resolve))
    return seen.get(ordinal)!
  }
}

let rawAppended = 0
/** Milliseconds of one acknowledged append, p50. */
export const rawAppends = async (world: World, count = 300): Promise<number> => {
  const samples: number[] = []
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    await world.doors.log.append({
      tenant: 'raw',
      topic: { kind: 'asset', name: 'raw' },
      id: `raw-${rawAppended++}`,
      events: [{ type: 'FetchRecovered', v: 1, at: new Date().toISOString(), asset: 'raw' }],
      source: 'bench',
    })
    samples.push(performance.now() - startedAt)
  }
  return percentile(samples, 0.5)
}
