/**
 * Doors that die. Every effect of a room is counted; at the chosen one the room is dead, either before
 * the effect happened or after it happened and before anybody was told, as with SIGKILL: nothing it
 * awaits ever resolves again, its connection is gone, and nothing it meant to do later is done.
 */
import type { CommandType } from '@headway/schemas/commands.ts'
import type { Appended, Control, Delivery, NewCommit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'

export type Death = { readonly effect: number; readonly when: 'before' | 'after' }

export type Mortal = {
  readonly doors: Doors
  /** What the room did, in order: `log.append AssetVersioned`, `content.put`… */
  readonly effects: readonly string[]
  readonly died: Promise<void>
}

type Consume<T extends CommandType> = Parameters<typeof consumeOf<T>>
declare const consumeOf: Control['consume']

const never = new Promise<never>(() => {})

export const mortal = (
  doors: Doors & { close(): Promise<void> },
  death: Death | null,
  onAppend: (commit: NewCommit) => Promise<void> = async () => {},
): Mortal => {
  const effects: string[] = []
  let isDead = false
  let tellDeath = () => {}
  const died = new Promise<void>((resolve) => (tellDeath = resolve))
  const die = async (): Promise<never> => {
    isDead = true
    tellDeath()
    await doors.close().catch(() => {})
    return never
  }
  const effect = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    if (isDead) return never
    const number = effects.push(name)
    if (death?.effect === number && death.when === 'before') return die()
    const result = await unlessDead(run())
    if (isDead || (death?.effect === number && death.when === 'after')) return die()
    return result
  }
  /** A dead room hears of nothing, not even that its connection is gone. */
  const unlessDead = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await promise
    } catch (error) {
      if (isDead) return never
      throw error
    }
  }
  const settle = (name: string, run: () => void): void => void effect(name, async () => run())
  const mortalDelivery = <C extends Pick<Delivery, 'ack' | 'retry' | 'refuse' | 'working'>>(
    delivery: C,
  ): C => ({
    ...delivery,
    ack: () => settle('ack', delivery.ack),
    retry: (delayMs: number) => settle('retry', () => delivery.retry(delayMs)),
    refuse: (reason: string) => settle('refuse', () => delivery.refuse(reason)),
    working: () => (isDead ? undefined : delivery.working()),
  })
  const { log, control, content, live } = doors
  return {
    effects,
    died,
    doors: {
      ...doors,
      log: {
        ...log,
        append: (commit) =>
          effect(`append ${commit.events.map(({ type }) => type).join(' ')}`, async () => {
            await onAppend(commit)
            return log.append(commit) as Promise<Appended>
          }),
        async *tail(options) {
          for await (const commits of log.tail(options)) {
            if (isDead) await never
            yield commits
          }
          if (isDead) await never
        },
      },
      control: {
        ...control,
        arm: (...args) => effect('arm', () => control.arm(...args)),
        repeat: (...args) => effect('repeat', () => control.repeat(...args)),
        send: (...args) => effect('send', () => control.send(...args)),
        ensureQueue: (queue) => effect('ensureQueue', () => control.ensureQueue(queue)),
        consume: <T extends CommandType>(...[queue, options, handle]: Consume<T>) =>
          unlessDead(
            control.consume<T>(queue, options, (delivery) =>
              isDead ? never : handle(mortalDelivery(delivery)),
            ),
          ),
      },
      content: {
        ...content,
        put: (tenant, bytes) => effect('content.put', () => content.put(tenant, bytes)),
      },
      live: { ...live, put: (...args) => (isDead ? never : live.put(...args)) },
    },
  }
}
