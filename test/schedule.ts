import type { Timer } from '@headway/schemas/ports.ts'
import { connectTo } from '@headway/streams/connect.ts'
import { timerSubject } from '@headway/streams/subjects.ts'
import type { World } from './harness.ts'

/** The schedule that the server holds for a timer; null when there is none. */
export const scheduleOf = async ({ nats }: Pick<World, 'nats'>, timer: Timer) => {
  const { jsm, close } = await connectTo(nats.url, 'asker')
  try {
    const message = await jsm.streams.getMessage('CONTROL', { last_by_subj: timerSubject(timer) })
    return message?.header.get('Nats-Schedule') || null
  } finally {
    await close()
  }
}
