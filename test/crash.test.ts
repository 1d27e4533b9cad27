import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runDebounce } from '@headway/debounce/room.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import type { Event, EventOf, EventType } from '@headway/schemas/events.ts'
import type { NewCommit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { openCode } from '@headway/worker/code.ts'
import { runWorker } from '@headway/worker/room.ts'
import { defineAsset, definePipeline, eventsOf, startWorld, until, type World } from './harness.ts'
import { mortal, type Death } from './mortal.ts'

/**
 * A feed changes once while one room dies at every effect it has, before and after it, and a fresh one
 * takes its place. Whatever the moment, there is one version, one request that lists it, one output and
 * one end, and no event ever names bytes that are not there.
 */
const root = fileURLToPath(new URL('./bench/pipelines', import.meta.url))
const asset = 'crash/value'
const pipeline = 'crash'
const atOnce = 6

const startSource = async (): Promise<{ server: Server; url: string }> => {
  const server = createServer((_, response) => {
    response.setHeader('ETag', '"one"')
    response.end('value')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/value` }
}

type Room = (doors: Doors, signal: AbortSignal, name: string) => Promise<void>
const rooms: Readonly<Record<'fetcher' | 'debounce' | 'worker', Room>> = {
  fetcher: (doors, signal) => runFetcher(doors, { outside: openOutside(), signal }),
  debounce: (doors, signal) => runDebounce(doors, { signal, tickMs: 300 }),
  worker: (doors, signal, worker) =>
    runWorker(doors, {
      worker,
      pool: 'default',
      code: openCode({ root, clock: doors.clock }),
      host: 'test',
      pid: 1,
      signal,
    }),
}

/** [I5], at the very moment: the bytes that a commit names are readable before it is appended. */
const bytesAreThere =
  (world: World) =>
  async ({ tenant, events }: NewCommit): Promise<void> => {
    for (const event of events)
      if (event.type === 'AssetVersioned')
        for (const { digest } of event.renditions)
          expect(await world.doors.content.get(tenant, digest), digest).not.toBeNull()
  }

const ofType = <T extends EventType>(events: readonly Event[], type: T): EventOf<T>[] =>
  events.filter((event): event is EventOf<T> => event.type === type)

const scenario = async (dying: keyof typeof rooms, death: Death | null): Promise<string[]> => {
  const [world, source] = await Promise.all([startWorld(), startSource()])
  try {
    const victim = mortal(await world.open('victim'), death, bytesAreThere(world))
    void rooms[dying](victim.doors, world.signal, 'victim').catch(() => {})
    // A death at the very end of the story needs no heir.
    const inherit = async () => {
      const doors = await world.open('heir')
      if (!world.signal.aborted) await rooms[dying](doors, world.signal, 'heir')
    }
    // The world waits for one that is still coming: it would come to a server that is gone.
    void victim.died.then(() => {
      if (!world.signal.aborted) world.run(inherit())
    })
    for (const other of Object.keys(rooms) as (keyof typeof rooms)[])
      if (other !== dying)
        world.run(rooms[other](await world.open(other), world.signal, `other-${other}`))
    await defineAsset(world.doors, asset, { url: source.url, cadenceMs: 1_000 })
    await definePipeline(world.doors, pipeline, {
      folder: 'noop',
      slots: { value: asset },
      debounce: { quietMs: 50, maxWaitMs: 100 },
      retry: { attempts: 5, backoffMs: 50, backoffMsMax: 100 },
    })
    const events = await until(
      `the run completes (${JSON.stringify(death)}: ${victim.effects.join(', ')})`,
      async () => {
        const all = await eventsOf(world.doors)
        return ofType(all, 'RunCompleted').length > 0 && all
      },
      40_000,
    )
    const versions = ofType(events, 'AssetVersioned')
    expect(versions.map((event) => [event.asset, event.ordinal])).toEqual([
      [asset, 1],
      [`output/${pipeline}/value`, 1],
    ])
    const requests = ofType(events, 'RunRequested')
    expect(requests.map(({ triggeredBy }) => triggeredBy.map((ref) => ref.version))).toEqual([
      [versions[0]!.version],
    ])
    expect(new Set(ofType(events, 'RunCompleted').map(({ run }) => run)).size).toBe(1)
    expect(ofType(events, 'RunDeadLettered')).toEqual([])
    return [...victim.effects]
  } finally {
    await world.stop()
    source.server.close()
  }
}

describe.each(Object.keys(rooms) as (keyof typeof rooms)[])('the %s', (room) => {
  test(
    'may die at every effect, before and after it [I4] [I5] [I6] [I8]',
    { timeout: 240_000 },
    async () => {
      const effects = await scenario(room, null)
      const deaths = effects.flatMap((_, i): Death[] => [
        { effect: i + 1, when: 'before' },
        { effect: i + 1, when: 'after' },
      ])
      expect(deaths.length).toBeGreaterThanOrEqual(4)
      const queue = [...deaths]
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let death = queue.shift(); death; death = queue.shift()) await scenario(room, death)
        }),
      )
    },
  )
})
