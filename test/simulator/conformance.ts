/**
 * What rooms rely on and what they must not: one table of cases for the doors in memory and for the real
 * servers, so that the simulator cannot drift to be kinder than the world is.
 */
import type { Event } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Commit, Delivery, NewCommit, Queue, Topic } from '@headway/schemas/ports.ts'
import { idOf } from '@headway/projector/columns.ts'
import { Projection, addWrite, type Changes } from '@headway/projector/projection.ts'
import type { Position, Store } from '@headway/projector/store.ts'
import type { Doors } from '@headway/streams/room.ts'
import { controlCases } from './conformance-control.ts'

export type Subject = {
  readonly doors: Doors
  /** Somebody else's doors to the same servers. */
  readonly other: Doors
  /** A store of its own, empty. */
  readonly store: () => Store
  /** Queues what nobody can read. */
  readonly poison: (queue: Extract<Queue, { kind: 'run' }>) => Promise<void>
  /** Pipeline → what its timers fired, acknowledged at once. */
  readonly fired: (pipeline: string) => readonly Pick<Delivery, 'at' | 'deliveries'>[]
  readonly now: () => number
}
export type Case = {
  readonly name: string
  /** What happens; `own` is a name that no other case has. */
  readonly observe: (subject: Subject, own: string) => Promise<unknown>
  readonly expected: unknown
}

const at = '2026-01-01T00:00:00.000Z'
const topicOf = (name: string): Topic => ({ kind: 'asset', name })
const recovered = (asset: string): Event => ({ type: 'FetchRecovered', v: 1, at, asset })
const commit = (name: string, id: string, rest: Partial<NewCommit> = {}): NewCommit => ({
  tenant: 'default',
  topic: topicOf(name),
  id,
  events: [recovered(name)],
  source: 'test',
  ...rest,
})

const read = async (
  doors: Doors,
  options: Partial<Parameters<Doors['log']['tail']>[0]>,
  count: number,
) => {
  const stop = new AbortController()
  const commits: Commit[] = []
  for await (const batch of doors.log.tail({ from: 1, ...options, signal: stop.signal })) {
    commits.push(...batch)
    if (commits.length >= count) break
  }
  return commits
}

const position: Position = { incarnation: at, seq: 0, commit: '', models: 'm', build: 0 }
const rowsOf = (asset: string, seq: number): Changes => {
  const changes: Changes = new Map()
  const event: Event = {
    type: 'AssetDefined',
    v: 1,
    at,
    asset,
    definition: { kind: 'opaque_bytes', strategy: 'content_hash' },
  }
  const told = { ...commit(asset, `made-${seq}`), seq, at: Date.parse(at), events: [event] }
  for (const write of new Projection().project(told)) addWrite(changes, write)
  return changes
}
const wantedOf = (asset: string) =>
  new Map([['assets' as const, new Map([[idOf(['default', asset]), ['default', asset]]])]])

const logCases: readonly Case[] = [
  {
    name: 'an id is stored once, on whatever topic',
    observe: async ({ doors: { log } }, own) => {
      const first = await log.append(commit(own, own))
      const again = await log.append(commit(own, own))
      const elsewhere = await log.append(commit(`${own}-2`, own))
      return [
        first.outcome,
        again.outcome,
        elsewhere.outcome,
        'seq' in again && 'seq' in first && again.seq === first.seq,
      ]
    },
    expected: ['stored', 'duplicate', 'duplicate', true],
  },
  {
    name: 'a decision on a state that is no more is a conflict',
    observe: async ({ doors, other }, own) => {
      const first = await doors.log.append(commit(own, `${own}-1`, { expect: 0 }))
      const second = await other.log.append(commit(own, `${own}-2`, { expect: 0 }))
      const seq = 'seq' in first ? first.seq : -1
      const third = await other.log.append(commit(own, `${own}-3`, { expect: seq }))
      return [first.outcome, second.outcome, third.outcome]
    },
    expected: ['stored', 'conflict', 'stored'],
  },
  {
    name: 'a guarded append that is said again was stored; after others wrote nobody knows that',
    observe: async ({ doors: { log } }, own) => {
      const mine = commit(own, `${own}-1`, { expect: 0 })
      await log.append(mine)
      const again = await log.append(mine)
      await log.append(commit(own, `${own}-2`))
      return [again.outcome, (await log.append(mine)).outcome]
    },
    expected: ['duplicate', 'conflict'],
  },
  {
    name: 'one of many writers wins',
    observe: async ({ doors, other }, own) => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          (i % 2 ? doors : other).log.append(commit(own, `${own}-${i}`, { expect: 0 })),
        ),
      )
      return outcomes.map(({ outcome }) => outcome).sort()
    },
    expected: [...Array.from({ length: 7 }, () => 'conflict'), 'stored'],
  },
  {
    name: 'what is not there is null',
    observe: async ({ doors: { log } }, own) => [
      await log.last('default', topicOf(own)),
      await log.at(9_000_000),
    ],
    expected: [null, null],
  },
  {
    name: 'the newest commit of a topic, and any by its sequence',
    observe: async ({ doors: { log } }, own) => {
      await log.append(commit(own, `${own}-1`))
      const second = await log.append(commit(own, `${own}-2`))
      const last = await log.last('default', topicOf(own))
      const there = await log.at('seq' in second ? second.seq : 0)
      return [last?.id === `${own}-2`, there?.id === `${own}-2`, there?.events.length]
    },
    expected: [true, true, 1],
  },
  {
    name: 'tenants have the same names apart',
    observe: async ({ doors: { log } }, own) => {
      await log.append(commit(own, `${own}-1`, { expect: 0 }))
      const outcome = await log.append(commit(own, `${own}-2`, { expect: 0, tenant: 'other' }))
      return [outcome.outcome, (await log.last('other', topicOf(own)))?.id === `${own}-2`]
    },
    expected: ['stored', true],
  },
  {
    name: 'a reader gets every commit once, in order, whoever wrote it and when',
    observe: async ({ doors, other }, own) => {
      const topic = topicOf(own)
      for (let i = 0; i < 3; i++) await doors.log.append(commit(own, `${own}-${i}`))
      const reading = read(other, { tenant: 'default', topic }, 8)
      for (let i = 3; i < 8; i++) await doors.log.append(commit(own, `${own}-${i}`))
      const commits = await reading
      const isOrdered = commits.every(({ seq }, i) => i === 0 || seq > commits[i - 1]!.seq)
      return [commits.map(({ id }) => id.at(-1)).join(''), isOrdered]
    },
    expected: ['01234567', true],
  },
  {
    name: 'a reader may begin anywhere and want some kinds only',
    observe: async ({ doors, other }, own) => {
      await doors.log.append(commit(own, `${own}-1`))
      const second = await doors.log.append(commit(own, `${own}-2`))
      const from = 'seq' in second ? second.seq : 0
      const pipeline: Topic = { kind: 'pipeline', name: own }
      const paused: Event = {
        type: 'PipelinePaused',
        v: 1,
        at,
        pipeline: own,
        actor: { name: 'x' },
      }
      await doors.log.append(commit(own, `${own}-3`, { topic: pipeline, events: [paused] }))
      const all = await read(other, { from, topic: topicOf(own), tenant: 'default' }, 1)
      const some = await read(other, { from, kinds: ['pipeline'], tenant: 'default' }, 1)
      return [all[0]?.id === `${own}-2`, some.every(({ topic }) => topic.kind === 'pipeline')]
    },
    expected: [true, true],
  },
  {
    name: 'a reader ends with its signal',
    observe: async ({ doors }) => {
      const stop = new AbortController()
      const reading = (async () => {
        for await (const _ of doors.log.tail({ from: 9_000_000, signal: stop.signal }))
          return 'read'
        return 'ended'
      })()
      await doors.clock.sleep(100)
      stop.abort()
      return reading
    },
    expected: 'ended',
  },
]

const otherCases: readonly Case[] = [
  {
    name: 'bytes come back by their digest, to their tenant only; missing ones are null',
    observe: async ({ doors, other }, own) => {
      const bytes = new TextEncoder().encode(own)
      const digest = await doors.content.put('default', bytes)
      const back = await other.content.get('default', digest)
      return [
        digest === sha256(bytes),
        back !== null && Buffer.compare(back, bytes) === 0,
        await other.content.get('other', digest),
        await other.content.get('default', sha256(`${own} no`)),
      ]
    },
    expected: [true, true, null, null],
  },
  {
    name: 'a volatile fact is swapped by one of many who saw the same, and seen by all',
    observe: async ({ doors, other }, own) => {
      const swaps = await Promise.all(
        [doors, other, doors].map(({ live }) => live.swap(`${own}/a`, 'x', 0, 5_000)),
      )
      const fact = await other.live.get(`${own}/a`)
      const moved = await doors.live.swap(`${own}/a`, 'y', fact!.revision, 5_000)
      const late = await other.live.swap(`${own}/a`, 'z', fact!.revision, 5_000)
      return [
        swaps.filter(Boolean).length,
        fact!.value,
        moved,
        late,
        await doors.live.get(`${own}/b`),
      ]
    },
    expected: [1, 'x', true, false, null],
  },
  {
    name: 'a volatile fact goes with its time, and may then be made anew',
    observe: async ({ doors, other }, own) => {
      await doors.live.put(`${own}/a`, 'x', 4_000)
      await doors.live.put(`${own}/b`, 'x', 60_000)
      const before = await other.live.keys(own)
      await doors.clock.sleep(6_500)
      const after = await other.live.keys(own)
      return [before.length, after.length, await doors.live.swap(`${own}/a`, 'y', 0, 1_000)]
    },
    expected: [2, 1, true],
  },
  {
    name: 'tables are made once, and who is not at their position writes nothing',
    observe: async ({ store: open }, own) => {
      const store = open()
      const before = await store.position()
      await store.create(position)
      await store.create({ ...position, seq: 7 })
      const to = { ...position, seq: 3, commit: 'three' }
      const first = await store.commit(rowsOf(own, 3), position, to)
      const second = await store.commit(rowsOf(`${own}-2`, 4), position, { ...to, seq: 4 })
      const other = await store.commit(
        rowsOf(`${own}-3`, 5),
        { ...to, build: 1 },
        { ...to, seq: 5 },
      )
      const found = async (name: string) => (await store.load(wantedOf(name))).get('assets')?.length
      const at = await store.position()
      const rows = [await found(own), await found(`${own}-2`), await found(`${own}-3`)]
      await store.close()
      return [before, first, second, other, at?.seq, at?.commit, rows]
    },
    expected: [null, 'stored', 'overtaken', 'overtaken', 3, 'three', [1, 0, 0]],
  },
]

export const cases: readonly Case[] = [...logCases, ...controlCases, ...otherCases]
