/** The cases of the work queue: commands that come again, leases, and timers. */
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { Delivery, Queue } from '@headway/schemas/ports.ts'
import { leaseMs } from '@headway/streams/control.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Case, Subject } from './conformance.ts'

const at = '2026-01-01T00:00:00.000Z'
const version = 'abcdefabcdef'
const queueOf = (pipeline: string, concurrency = 1): Extract<Queue, { kind: 'run' }> => ({
  kind: 'run',
  tenant: 'default',
  pipeline,
  version,
  concurrency,
})
const runOf = (pipeline: string): CommandOf<'RunPipeline'> => ({
  type: 'RunPipeline',
  request: {
    type: 'RunRequested',
    v: 1,
    at,
    pipeline,
    run: '01KDVDNA5K161SE86KZC19QYZR',
    pipelineVersion: version,
    reason: 'manual',
    inputs: {},
    triggeredBy: [],
    throughSeq: 0,
  },
  priorAttempts: 0,
  seq: 0,
  epoch: 0,
  reuseFrom: 0,
})
const closeOf = (pipeline: string): CommandOf<'CloseWindow'> => ({ type: 'CloseWindow', pipeline })
const checkOf = (pipeline: string, pool: string): CommandOf<'CheckDrift'> => ({
  type: 'CheckDrift',
  pool,
  pipeline,
  rule: 'rule',
  repository: 'acme/shop',
  environment: 'production',
})
const dueOf = (pipeline: string) => ({ kind: 'due' as const, tenant: 'default', pipeline })

type RunDelivery = Delivery<CommandOf<'RunPipeline'>>
/** Takes commands; the test settles them. */
const take = ({ control }: Doors, queue: Queue, hands = 1) => {
  const stop = new AbortController()
  const taken: RunDelivery[] = []
  const done = control.consume<'RunPipeline'>(
    queue,
    { concurrency: hands, signal: stop.signal },
    async (delivery) => void taken.push(delivery),
  )
  const end = async () => {
    stop.abort()
    await done
  }
  return { taken, end }
}

const waitFor = async (
  { doors, now }: Subject,
  condition: () => boolean | Promise<boolean>,
  withinMs = 15_000,
) => {
  const until = now() + withinMs
  while (!(await condition()) && now() < until) await doors.clock.sleep(20)
}

const queueCases: readonly Case[] = [
  {
    name: 'each pool has its own queue of checks',
    observe: async (subject, own) => {
      const { control } = subject.doors
      const queues = ['one', 'two'].map((pool) => ({
        kind: 'drift' as const,
        pool: `${own}-${pool}`,
      }))
      for (const queue of queues) await control.ensureQueue(queue)
      await control.send('default', checkOf(own, `${own}-two`), own)
      return Promise.all(queues.map((queue) => control.depth(queue)))
    },
    expected: [0, 1],
  },
  {
    name: 'a command is queued once per id and counted until it is done',
    observe: async (subject, own) => {
      const { control } = subject.doors
      const queue = queueOf(own)
      const before = await control.depth(queue)
      await control.ensureQueue(queue)
      await control.send('default', runOf(own), own)
      await control.send('default', runOf(own), own)
      const waiting = await control.depth(queue)
      const { taken, end } = take(subject.doors, queue)
      await waitFor(subject, () => taken.length > 0)
      const inHand = await control.depth(queue)
      taken[0]!.ack()
      await waitFor(subject, async () => (await control.depth(queue)) === 0, 5_000)
      const after = await control.depth(queue)
      await end()
      return [before, waiting, inHand, after, taken.length]
    },
    expected: [null, 1, 1, 0, 1],
  },
  {
    name: 'a command that came before its queue is not lost',
    observe: async (subject, own) => {
      await subject.doors.control.send('default', runOf(own), own)
      const { taken, end } = take(subject.doors, queueOf(own))
      await waitFor(subject, () => taken.length > 0)
      taken[0]?.ack()
      await end()
      return taken.length
    },
    expected: 1,
  },
  {
    name: 'a silent taker loses its command, and its late acknowledgement is honoured all the same',
    observe: async (subject, own) => {
      const queue = queueOf(own)
      const first = take(subject.doors, queue)
      await subject.doors.control.send('default', runOf(own), own)
      await waitFor(subject, () => first.taken.length === 2)
      const deliveries = first.taken.map((delivery) => delivery.deliveries)
      first.taken[0]!.ack()
      await subject.doors.clock.sleep(5_000)
      const depth = await subject.doors.control.depth(queue)
      await first.end()
      return [deliveries, depth, first.taken.length]
    },
    expected: [[1, 2], 0, 2],
  },
  {
    name: 'a taker that renews its lease keeps its command',
    observe: async (subject, own) => {
      const { taken, end } = take(subject.doors, queueOf(own), 2)
      await subject.doors.control.send('default', runOf(own), own)
      await waitFor(subject, () => taken.length > 0)
      for (let i = 0; i < 5; i++) {
        await subject.doors.clock.sleep(1_300)
        taken[0]!.working()
      }
      const count = taken.length
      taken[0]!.ack()
      await end()
      return count
    },
    expected: 1,
  },
  {
    name: 'a command that is given back comes again after its delay, counted',
    observe: async (subject, own) => {
      const { taken, end } = take(subject.doors, queueOf(own))
      await subject.doors.control.send('default', runOf(own), own)
      await waitFor(subject, () => taken.length > 0)
      const givenBackAt = subject.now()
      taken[0]!.retry(1_000)
      await waitFor(subject, () => taken.length > 1)
      const afterMs = subject.now() - givenBackAt
      taken[1]!.ack()
      await end()
      return [taken[1]!.deliveries, afterMs >= 990 && afterMs < leaseMs - 500]
    },
    expected: [2, true],
  },
  {
    name: 'a refused command is gone',
    observe: async (subject, own) => {
      const { taken, end } = take(subject.doors, queueOf(own))
      await subject.doors.control.send('default', runOf(own), own)
      await waitFor(subject, () => taken.length > 0)
      taken[0]!.refuse('no')
      await subject.doors.clock.sleep(5_000)
      const depth = await subject.doors.control.depth(queueOf(own))
      await end()
      return [depth, taken.length]
    },
    expected: [0, 1],
  },
  {
    name: 'no more are out than the queue allows, over all takers, given back ones included',
    observe: async (subject, own) => {
      const queue = queueOf(own, 1)
      const one = take(subject.doors, queue)
      const two = take(subject.other, queue)
      await subject.doors.control.ensureQueue(queue)
      await subject.doors.control.send('default', runOf(own), `${own}-1`)
      await subject.doors.control.send('default', runOf(own), `${own}-2`)
      const all = () => [...one.taken, ...two.taken]
      await waitFor(subject, () => all().length > 0)
      await subject.doors.clock.sleep(1_000)
      const atFirst = all().length
      all()[0]!.retry(3_500)
      await subject.doors.clock.sleep(800)
      const whileGivenBack = all().length
      await waitFor(subject, () => all().length > 1)
      const deliveries = all().map((delivery) => delivery.deliveries)
      all()
        .find((delivery) => delivery.deliveries === 2)
        ?.ack()
      await waitFor(subject, () => all().length > 2)
      for (const delivery of all()) delivery.ack()
      await Promise.all([one.end(), two.end()])
      return [atFirst, whileGivenBack, deliveries.sort((a, b) => a - b), all().length]
    },
    expected: [1, 1, [1, 2], 3],
  },
  {
    name: 'what nobody can read comes with a problem and about whom it is',
    observe: async (subject, own) => {
      const { taken, end } = take(subject.doors, queueOf(own))
      await subject.poison(queueOf(own))
      await waitFor(subject, () => taken.length > 0)
      const [delivery] = taken
      delivery?.refuse('unreadable')
      await end()
      return [delivery?.command, typeof delivery?.problem, delivery?.about === own]
    },
    expected: [null, 'string', true],
  },
  {
    name: 'an unknown queue has no depth',
    observe: ({ doors }, own) => doors.control.depth(queueOf(own)),
    expected: null,
  },
]

const timerCases: readonly Case[] = [
  {
    name: 'a timer fires once, never early; a later moment replaces, an earlier one does not',
    observe: async (subject, own) => {
      const { control, clock } = subject.doors
      const dueAt = subject.now() + 4_000
      await control.arm(dueOf(own), dueAt - 500, closeOf(own))
      await control.arm(dueOf(own), dueAt, closeOf(own))
      await subject.other.control.arm(dueOf(own), dueAt - 1_000, closeOf(own))
      await waitFor(subject, () => subject.fired(own).length > 0)
      const firedAt = subject.fired(own)[0]!.at
      await clock.sleep(1_000)
      return [firedAt >= dueAt, firedAt < dueAt + 3_000, subject.fired(own).length]
    },
    expected: [true, true, 1],
  },
  {
    name: 'a timer for a moment that is over fires soon, and can be armed again',
    observe: async (subject, own) => {
      const { control } = subject.doors
      const armedAt = subject.now()
      await control.arm(dueOf(own), armedAt - 60_000, closeOf(own))
      await waitFor(subject, () => subject.fired(own).length === 1)
      const afterMs = subject.fired(own)[0]!.at - armedAt
      await control.arm(dueOf(own), subject.now() + 300, closeOf(own))
      await waitFor(subject, () => subject.fired(own).length === 2)
      return [afterMs < 5_000, subject.fired(own).length]
    },
    expected: [true, 2],
  },
  {
    name: 'a repeated timer fires until it is disarmed; saying it again changes nothing',
    observe: async (subject, own) => {
      const { control, clock } = subject.doors
      await control.repeat(dueOf(own), 1_000, closeOf(own))
      await clock.sleep(500)
      await subject.other.control.repeat(dueOf(own), 1_000, closeOf(own))
      const moments = () => subject.fired(own).map((fired) => fired.at)
      // A server that stood still fires late, and the next one is soon after it.
      const isRegular = () =>
        moments().some((at, i, all) => i > 0 && Math.abs(at - all[i - 1]! - 1_000) < 300)
      await waitFor(subject, () => moments().length >= 3 && isRegular())
      await control.disarm(dueOf(own))
      const disarmedAt = subject.now()
      await clock.sleep(2_300)
      return [moments().filter((at) => at > disarmedAt + 300).length, isRegular()]
    },
    expected: [0, true],
  },
  {
    name: 'a repeated timer that tells another command is another one',
    observe: async (subject, own) => {
      const { control } = subject.doors
      const timer = { kind: 'drift' as const, tenant: 'default', pipeline: own }
      await control.repeat(timer, 1_000, checkOf(own, `${own}-old`))
      await control.repeat(timer, 1_000, checkOf(own, `${own}-new`))
      const queue = { kind: 'drift' as const, pool: `${own}-new` }
      await control.ensureQueue({ kind: 'drift', pool: `${own}-old` })
      await control.ensureQueue(queue)
      const end = subject.now() + 5_000
      while ((await control.depth(queue)) === 0 && subject.now() < end)
        await subject.doors.clock.sleep(50)
      await control.disarm(timer)
      return [await control.depth({ ...queue, pool: `${own}-old` }), await control.depth(queue)]
    },
    expected: [0, 1],
  },
]

export const controlCases: readonly Case[] = [...queueCases, ...timerCases]
