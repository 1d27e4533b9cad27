/**
 * What the log says of a sink: the fold of its subject, kept to go on from, and what it held at an earlier
 * confirmation, which is read from the beginning.
 */
import type { Event } from '@headway/schemas/events.ts'
import type { Topic } from '@headway/schemas/ports.ts'
import { evolveSink, initialSink, type SinkState } from '@headway/schemas/rules/ownership.ts'
import { evolveRestoring, nothingRestored, type Restoring } from '@headway/schemas/rules/restore.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Restore, SinkPlaceOf } from './ledger-calls.ts'

const sinksKeptMax = 200

type Reader = Pick<Doors, 'log'>
type Kept = { readonly seq: number; readonly state: SinkState }

const keptOf = new WeakMap<object, Map<string, Kept>>()

/** Everything about a topic from one sequence to another; returns how far it came. */
export const readTopic = async (
  { log }: Reader,
  { tenant, topic }: { readonly tenant: string; readonly topic: Topic },
  [from, through]: readonly [number, number],
  heed: (event: Event) => void,
): Promise<number> => {
  const stop = new AbortController()
  for await (const commits of log.tail({ from, tenant, topic, signal: stop.signal })) {
    for (const { events } of commits) for (const event of events) heed(event)
    const { seq } = commits.at(-1)!
    if (seq >= through) return seq
  }
  return through
}

const idOf = (tenant: string, sink: string): string => JSON.stringify([tenant, sink])

const keptIn = ({ log }: Reader): Map<string, Kept> => {
  const all = keptOf.get(log) ?? new Map<string, Kept>()
  keptOf.set(log, all)
  return all
}

/** As it was known last; null when nobody asked lately. */
export const keptSink = (doors: Reader, tenant: string, sink: string): Kept | null =>
  keptIn(doors).get(idOf(tenant, sink)) ?? null

/** Goes on from a state by what was just appended to it, so that nobody has to read it back. */
export const keepSink = (
  doors: Reader,
  tenant: string,
  sink: string,
  events: readonly Event[],
  { seq, state }: Kept,
): Kept => {
  const all = keptIn(doors)
  const id = idOf(tenant, sink)
  const kept = { seq, state: events.reduce(evolveSink, state) }
  if ((all.get(id)?.seq ?? 0) > seq) return kept
  all.delete(id)
  all.set(id, kept)
  if (all.size > sinksKeptMax) all.delete(all.keys().next().value!)
  return kept
}

/** As of now. */
export const readSink = async (doors: Reader, tenant: string, sink: string): Promise<Kept> => {
  let { seq, state } = keptSink(doors, tenant, sink) ?? { seq: 0, state: initialSink }
  const topic = { kind: 'sink' as const, name: sink }
  const newest = await doors.log.last(tenant, topic)
  if (newest && newest.seq > seq)
    seq = await readTopic(doors, { tenant, topic }, [seq + 1, newest.seq], (event) => {
      state = evolveSink(state, event)
    })
  return keepSink(doors, tenant, sink, [], { seq, state })
}

type Asked = { readonly place: SinkPlaceOf; readonly restore: Restore; readonly seq: number }

/** What the owner of a place held when it was confirmed, and what was touched from then to `seq`. */
export const readRestoring = async (
  doors: Reader,
  tenant: string,
  { place, restore, seq }: Asked,
): Promise<Restoring> => {
  let restoring = nothingRestored
  const topic = { kind: 'sink' as const, name: place.sink }
  if (seq > 0)
    await readTopic(doors, { tenant, topic }, [1, seq], (event) => {
      restoring = evolveRestoring(restoring, event, place, restore)
    })
  return restoring
}
