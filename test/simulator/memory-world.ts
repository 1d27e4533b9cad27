/** The servers in memory on their own, for whoever awaits them: virtual time runs while somebody waits. */
import type { Queue } from '@headway/schemas/ports.ts'
import type { Store } from '@headway/projector/store.ts'
import type { Doors } from '@headway/streams/room.ts'
import { ControlServer, queueKey } from './control.ts'
import { controlDoor } from './control-door.ts'
import { logDoor, LogServer } from './log.ts'
import { Life, Process, type Server, type Surroundings } from './process.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import {
  contentDoor,
  ContentServer,
  liveDoor,
  LiveServer,
  storeDoor,
  StoreServer,
} from './small-doors.ts'

export type MemoryWorld = {
  readonly open: () => Doors
  readonly store: () => Store
  readonly poison: (queue: Extract<Queue, { kind: 'run' }>) => Promise<void>
  readonly now: () => number
  readonly stop: () => void
}

const stepMs = 5
const dedupeMs = 120_000

export const startMemoryWorld = (seed = 1): MemoryWorld => {
  const scheduler = new Scheduler(Date.parse('2026-01-01T00:00:00.000Z'), seed)
  const around: Surroundings = {
    scheduler,
    random: new Random(seed),
    tell: null,
    isEveryEffectTold: false,
    onFault: () => {},
  }
  const nats: Server = { name: 'nats', isDown: false }
  const log = new LogServer(nats, around, dedupeMs, () => {})
  const control = new ControlServer(nats, around, dedupeMs)
  const content = new ContentServer(nats)
  const live = new LiveServer(nats, around)
  const lifeOf = () => {
    const process = new Process(
      'somebody',
      around,
      () => Promise.resolve(),
      () => {},
    )
    return new Life(process, 1)
  }
  let isRunning = true
  const pump = () => {
    if (!isRunning) return
    scheduler.run(scheduler.now + stepMs, () => false)
    setImmediate(pump)
  }
  setImmediate(pump)
  return {
    open: () => {
      const life = lifeOf()
      return {
        log: logDoor(log, life),
        control: controlDoor(control, life, {
          onDelivery: () => {},
          onAck: () => {},
          onSettled: () => {},
        }),
        content: contentDoor(content, life),
        live: liveDoor(live, life),
        clock: life.clock,
        logger: life.logger,
      }
    },
    store: () => storeDoor(new StoreServer({ ...nats, name: 'postgres' }, () => {}), lifeOf()),
    poison: async (queue) => control.poison(queueKey(queue), queue.tenant, queue.pipeline),
    now: () => scheduler.now,
    stop: () => {
      isRunning = false
    },
  }
}
