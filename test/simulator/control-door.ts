/** The door of one life to the work queue: as many takers as it has hands, each command settled by one. */
import type { Command, CommandType } from '@headway/schemas/commands.ts'
import type { Control, Delivery, Queue, Timer } from '@headway/schemas/ports.ts'
import { queueKey, type ControlServer, type Message, type Schedule, type Taker } from './control.ts'
import type { Life } from './process.ts'

const pullMsMax = 5_000
const fellMs = 250
const text = new TextEncoder()

export type ControlWatch = {
  readonly onDelivery: (message: Message) => void
  /** A command is about to be acknowledged. */
  readonly onAck: (message: Message, deliveries: number) => void
  /** It was given back, refused or acknowledged. */
  readonly onSettled: (message: Message) => void
}

export const controlDoor = (
  control: ControlServer,
  life: Life,
  watch: ControlWatch,
): Control & { readonly onBrokerUp: () => void } => {
  const { server } = control
  const askers: (() => void)[] = []
  /** What was queued before this life began, or before the server came back, may have been handed out. */
  let returned = { times: 1, seq: control.seq }

  const arm = async (
    timer: Timer,
    what: { specification: string; everyMs: number | null; at: number; command: Command },
    stands: (current: Pick<Schedule, 'specification' | 'at' | 'command'>) => boolean,
  ): Promise<void> => {
    for (;;) {
      const current = await life.call(server, 'armed', () => control.armed(timer))
      if (current && stands(current)) return
      const seq = current?.seq ?? 0
      if (await life.call(server, `arm ${timer.kind}`, () => control.arm(timer, what, seq))) return
    }
  }

  const ensureQueue = (queue: Queue): Promise<void> =>
    life.call(server, 'ensureQueue', () => control.ensure(queue))

  const deliveryOf = (message: Message, deliveries: number): Delivery => {
    const settle = (name: string, serve: () => void) => {
      if (life.isDead) return
      if (name === 'ack') watch.onAck(message, deliveries)
      if (name !== 'working') watch.onSettled(message)
      life.post(server, name, serve)
    }
    return {
      tenant: message.tenant,
      command: message.command,
      ...(message.command
        ? {}
        : { problem: 'nobody can read this', sample: text.encode('garbage') }),
      about: message.about,
      deliveries,
      ...(message.seq <= returned.seq ? { sinceReturn: returned.times } : {}),
      at: message.at,
      ack: () => settle('ack', () => control.ack(message)),
      retry: (delayMs) => settle('retry', () => control.retry(message, delayMs)),
      refuse: () => settle('refuse', () => control.ack(message)),
      working: () => settle('working', () => control.working(message)),
    }
  }

  return {
    arm: (timer, at, command) => {
      const specification = `@at ${at}`
      return arm(timer, { specification, everyMs: null, at, command }, (now) => now.at >= at)
    },
    repeat: (timer, everyMs, command) => {
      const seconds = Math.max(1, Math.round(everyMs / 1_000))
      const specification = `@every ${seconds}s`
      const at = life.process.around.scheduler.now + seconds * 1_000
      const what = { specification, everyMs: seconds * 1_000, at, command }
      const told = JSON.stringify(command)
      return arm(
        timer,
        what,
        (now) => now.specification === specification && JSON.stringify(now.command) === told,
      )
    },
    disarm: (timer) => life.call(server, 'disarm', () => control.disarm(timer)),
    send: (tenant, command, id) =>
      life.call(server, `send ${command.type}`, () => control.send(tenant, command, id)),
    ensureQueue,
    depth: (queue) => life.call(server, 'depth', () => control.depth(queue)),
    onBrokerUp: () => {
      returned = { times: returned.times + 1, seq: control.seq }
      for (const ask of askers) ask()
    },
    consume: async <T extends CommandType>(
      queue: Queue,
      { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal },
      handle: (delivery: Delivery<Extract<Command, { type: T }>>) => Promise<void>,
    ): Promise<void> => {
      const { scheduler, random } = life.process.around
      const key = queueKey(queue)
      await ensureQueue(queue).catch(() => {})
      let busy = 0
      let isOver = () => {}
      const over = new Promise<void>((resolve) => (isOver = resolve))
      const free = () => {
        busy--
        taker.free++
        if (signal.aborted) return busy === 0 ? isOver() : undefined
        askSoon(1)
      }
      const taker: Taker = {
        free: concurrency,
        isGone: false,
        hand: (message, deliveries) => {
          busy++
          scheduler.after(1 + random.next() * 2, () =>
            life.deliver(() => {
              watch.onDelivery(message)
              const delivery = deliveryOf(message, deliveries)
              handle(delivery as Delivery<Extract<Command, { type: T }>>).then(free, () => {
                void life.clock.sleep(fellMs).then(free)
              })
            }),
          )
        },
      }
      const ask = (): void => {
        if (signal.aborted || life.isDead || server.isDown) return
        try {
          control.ask(key, taker)
        } catch {
          void ensureQueue(queue).then(
            () => askSoon(1),
            () => askSoon(fellMs),
          )
        }
      }
      const askSoon = (ms: number) => void scheduler.after(ms, () => life.deliver(ask))
      // A restarted server does not know who was asking; everybody finds that out in time.
      askers.push(() => askSoon(1 + random.next() * pullMsMax))
      life.onEnd.push(() => control.leave(key, taker))
      signal.addEventListener('abort', () => {
        control.leave(key, taker)
        if (busy === 0) isOver()
      })
      if (signal.aborted) return
      ask()
      await over
    },
  }
}
