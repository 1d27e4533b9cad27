import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { Delivery } from '@headway/schemas/ports.ts'
import { openStore, type Store } from '@headway/projector/store.ts'
import type { Doors } from '@headway/streams/room.ts'
import { startWorld, type World } from './harness.ts'
import { cases, type Subject } from './simulator/conformance.ts'
import { startMemoryWorld } from './simulator/memory-world.ts'

/**
 * The simulator's servers and the real ones, by the same table: what the rooms rely on holds for both,
 * and what they must not rely on fails in both.
 */
type Due = Delivery<CommandOf<'CloseWindow'>>

const firedBy = (doors: Doors, signal: AbortSignal) => {
  const fired = new Map<string, Due[]>()
  const done = doors.control.consume<'CloseWindow'>(
    { kind: 'due' },
    { concurrency: 4, signal },
    async (delivery: Due) => {
      const { about } = delivery
      fired.set(about, [...(fired.get(about) ?? []), delivery])
      delivery.ack()
    },
  )
  return { of: (pipeline: string) => fired.get(pipeline) ?? [], done }
}

const nameOf = (index: number): string => `case${index}`

describe('the servers in memory', () => {
  test.for(cases.map((one, index) => [one.name, index] as const))('%s', async ([, index]) => {
    const world = startMemoryWorld()
    const [doors, other] = [world.open(), world.open()]
    const stop = new AbortController()
    const fired = firedBy(doors, stop.signal)
    const subject: Subject = {
      doors,
      other,
      store: () => world.store(),
      poison: world.poison,
      fired: fired.of,
      now: world.now,
    }
    const { observe, expected } = cases[index]!
    expect(await observe(subject, nameOf(index))).toEqual(expected)
    stop.abort()
    await fired.done
    world.stop()
  })
})

describe('the real servers', () => {
  let world: World
  let subject: Subject
  const stop = new AbortController()
  let fired: ReturnType<typeof firedBy>
  beforeAll(async () => {
    world = await startWorld({ postgres: true })
    const doors = await world.open('one')
    fired = firedBy(doors, stop.signal)
    let stores = 0
    const open = (): Store => openStore(world.postgres!.url, `conformance_${stores++}`)
    subject = {
      doors,
      other: await world.open('other'),
      store: open,
      poison: async ({ pipeline, version }) => {
        const nc = await connect({ servers: world.nats.url })
        const subject = `headway.default.command.run.${pipeline}.${version}`
        await nc.request(subject, new Uint8Array([0xc1, 0xff]))
        await nc.close()
      },
      fired: fired.of,
      now: () => Date.now(),
    }
  })
  afterAll(async () => {
    stop.abort()
    await fired.done
    await world.stop()
  })

  // Side by side: most of them wait for a lease.
  test.concurrent.for(cases.map((one, index) => [one.name, index] as const))(
    '%s',
    { timeout: 60_000 },
    async ([, index]) => {
      const { observe, expected } = cases[index]!
      expect(await observe(subject, nameOf(index))).toEqual(expected)
    },
  )
})
