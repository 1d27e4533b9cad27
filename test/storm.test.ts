import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { startConstellation, type Constellation } from './constellation.ts'
import { defineAsset, definePipeline, history, until } from './harness.ts'

/**
 * One minute in which a random process, NATS and Postgres included, is killed with SIGKILL every two
 * seconds while feeds change all the time. Then everything that was accepted must be accounted for, and
 * the tables must equal a replay. `SEED` and `STORM_S` choose another storm.
 */
const seed = Number(process.env.SEED ?? 20_261_121)
const stormMs = Number(process.env.STORM_S ?? 60) * 1_000
const killEveryMs = 2_000
const changeEveryMs = 60
const pipelines = fileURLToPath(new URL('./bench/pipelines', import.meta.url))
const assets = ['storm/a', 'storm/b', 'storm/c']
/** Pipeline → the assets it listens to. */
const slots: Readonly<Record<string, readonly string[]>> = {
  'storm-a': ['storm/a'],
  'storm-b': ['storm/b'],
  'storm-c': ['storm/c'],
}

let random = seed
const next = (n: number): number => (random = (random * 48_271) % 2_147_483_647) % n

const prepare = async ({ doors }: Constellation): Promise<void> => {
  for (const asset of assets) await defineAsset(doors, asset, {})
  for (const [pipeline, [asset]] of Object.entries(slots))
    await definePipeline(doors, pipeline, {
      folder: 'noop',
      slots: { value: asset! },
      debounce: { quietMs: 150, maxWaitMs: 600 },
      retry: { attempts: 50, backoffMs: 50, backoffMsMax: 200 },
    })
}

/** Publishes versions until the storm is over; returns what was acknowledged, per asset. */
const feed = async ({ doors }: Constellation, endsAt: number): Promise<Map<string, string[]>> => {
  const accepted = new Map(assets.map((asset) => [asset, [] as string[]]))
  const ordinals = new Map<string, number>()
  while (performance.now() < endsAt) {
    const asset = assets[next(assets.length)]!
    const ordinal = (ordinals.get(asset) ?? 0) + 1
    ordinals.set(asset, ordinal)
    const bytes = Buffer.from(`${asset} ${ordinal}`)
    const event = await versionOf(doors, asset, ordinal, bytes)
    const appended = await doors.log.append({
      tenant: 'default',
      topic: { kind: 'asset', name: asset },
      id: `storm-${asset}-${ordinal}`,
      events: [event],
      source: 'storm',
    })
    expect(appended.outcome).not.toBe('conflict')
    accepted.get(asset)!.push(event.version)
    await new Promise((resolve) => setTimeout(resolve, changeEveryMs))
  }
  return accepted
}

const versionOf = async (
  doors: Constellation['doors'],
  asset: string,
  ordinal: number,
  bytes: Uint8Array,
): Promise<EventOf<'AssetVersioned'>> => {
  const digest = await until(
    'the content is stored',
    () => doors.content.put('default', bytes),
    60_000,
  )
  return {
    type: 'AssetVersioned',
    v: 1,
    at: new Date().toISOString(),
    asset,
    version: ulidOf(Date.now(), asset, ordinal),
    ordinal,
    kind: 'opaque_bytes',
    rawDigest: digest,
    contentDigest: digest,
    sizeBytes: bytes.length,
    rows: 0,
    facts: {},
    renditions: [{ name: 'value', mediaType: 'text/plain', digest, sizeBytes: bytes.length }],
    origin: { by: 'fetch', url: 'http://storm/', status: 200 },
  }
}

const storm = async (constellation: Constellation, endsAt: number): Promise<string[]> => {
  const killed: string[] = []
  while (performance.now() < endsAt) {
    await new Promise((resolve) => setTimeout(resolve, killEveryMs))
    const name = constellation.names[next(constellation.names.length)]!
    if (constellation.kill(name)) killed.push(name)
  }
  return killed
}

const isEnd = (event: Event): event is EventOf<'RunCompleted' | 'RunFailed' | 'RunDeadLettered'> =>
  event.type === 'RunCompleted' || event.type === 'RunFailed' || event.type === 'RunDeadLettered'

/** True when every window is closed and every run has ended. */
const isSettled = (events: readonly Event[], accepted: ReadonlyMap<string, string[]>): boolean => {
  const ended = new Set(events.filter(isEnd).map(({ run }) => run))
  const requested = events.filter((event) => event.type === 'RunRequested')
  const triggered = new Set(
    requested.flatMap(({ triggeredBy }) => triggeredBy.map((ref) => ref.version)),
  )
  return (
    requested.every(({ run }) => ended.has(run)) &&
    [...accepted.values()].flat().every((version) => triggered.has(version))
  )
}

test(
  'a storm of kills loses no version and no run, and the tables equal a replay [I4] [I6] [I8] [I9] [I12]',
  async () => {
    const constellation = await startConstellation({
      pipelines,
      rooms: { worker: 2, fetcher: 1, debounce: 2, projector: 2, api: 1 },
    })
    try {
      await prepare(constellation)
      const endsAt = performance.now() + stormMs
      const [accepted, killed] = await Promise.all([
        feed(constellation, endsAt),
        storm(constellation, endsAt),
      ])
      const settled = await until(
        `everything settles (SEED=${seed}, killed ${killed.join(' ')})`,
        async () => {
          const events = (await history(constellation.doors)).flatMap((commit) => commit.events)
          return isSettled(events, accepted) && events
        },
        90_000,
      )
      for (const [pipeline, [asset]] of Object.entries(slots)) {
        const requests = settled.filter(
          (event) => event.type === 'RunRequested' && event.pipeline === pipeline,
        ) as EventOf<'RunRequested'>[]
        const triggers = requests.flatMap(({ triggeredBy }) =>
          triggeredBy.map((ref) => ref.version),
        )
        expect(triggers, pipeline).toEqual(accepted.get(asset!))
        const newest = requests.at(-1)!.inputs.value!.version
        expect(newest).toBe(accepted.get(asset!)!.at(-1))
        const ordinals = settled
          .filter(
            (event) =>
              event.type === 'AssetVersioned' && event.asset === `output/${pipeline}/value`,
          )
          .map((event) => (event as EventOf<'AssetVersioned'>).ordinal)
        expect(ordinals, pipeline).toEqual(ordinals.map((_, i) => i + 1))
      }
      expect(settled.filter((event) => event.type === 'RunDeadLettered')).toEqual([])
      const verified = await until(
        'the tables equal a replay',
        async () => {
          const result = await constellation.command('verify')
          if (result.code !== 0) throw new Error(`SEED=${seed} ${result.output}`)
          return result
        },
        60_000,
      )
      expect(verified.output).toContain('equal')
      process.stderr.write(
        `storm: seed ${seed}, ${killed.length} kills, ${[...accepted.values()].flat().length} versions, ` +
          `${settled.length} events; ${verified.output.split('\n').at(-1)}\n`,
      )
      expect(killed.length).toBeGreaterThan(stormMs / killEveryMs / 3)
    } finally {
      await constellation.stop()
    }
  },
  stormMs + 240_000,
)
