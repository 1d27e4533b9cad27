/**
 * The ledger: the room's end. It folds a sink's subject, keeps the fold to go on from, and appends what a
 * run says about the sink by compare-and-set, so that nothing is decided on a state that is no more. A
 * run that another one took over from is told so and writes nothing.
 *
 * A plan is bytes in the content store and an event that names them, in that order, before the first
 * write to the sink. Confirming writes down every key with what it held and holds.
 */
import type { AppliedEntry } from '@headway/schemas/rules/definition.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { sha256, toTimestamp } from '@headway/schemas/ids.ts'
import type { Topic } from '@headway/schemas/ports.ts'
import {
  evolveSink,
  initialSink,
  keysOfOthers,
  ownerOf,
  type OpenPlan,
  type SinkState,
} from '@headway/schemas/rules/ownership.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { LedgerCall, PlanRecord, SinkPlaceOf, Standing } from './ledger-calls.ts'

/** A message of the log holds a million bytes. */
const entriesBytesMax = 600_000
const conflictsMax = 50
const sinksKeptMax = 200

export type LedgerRun = Pick<EventOf<'RunRequested'>, 'run' | 'pipeline'> & {
  readonly epoch: number
  readonly attempt: number
}

type Kept = { readonly seq: number; readonly state: SinkState }
type LedgerContext = {
  readonly doors: LedgerDoors
  readonly tenant: string
  readonly worker: string
}
type LedgerDoors = Pick<Doors, 'log' | 'content' | 'clock'>

const keptOf = new WeakMap<object, Map<string, Kept>>()

const topicOf = (sink: string): Topic => ({ kind: 'sink', name: sink })

/** A sink as its log tells, as of now. */
export const readSink = async (
  { log }: Pick<Doors, 'log'>,
  tenant: string,
  sink: string,
): Promise<Kept> => {
  const all = keptOf.get(log) ?? new Map<string, Kept>()
  keptOf.set(log, all)
  const id = JSON.stringify([tenant, sink])
  let { seq, state } = all.get(id) ?? { seq: 0, state: initialSink }
  const topic = topicOf(sink)
  const newest = await log.last(tenant, topic)
  if (newest && newest.seq > seq) {
    const stop = new AbortController()
    for await (const commits of log.tail({ from: seq + 1, tenant, topic, signal: stop.signal })) {
      for (const { events } of commits) for (const event of events) state = evolveSink(state, event)
      seq = commits.at(-1)!.seq
      if (seq >= newest.seq) break
    }
  }
  all.delete(id)
  all.set(id, { seq, state })
  if (all.size > sinksKeptMax) all.delete(all.keys().next().value!)
  return { seq, state }
}

const isBefore = (run: LedgerRun, open: OpenPlan): boolean =>
  open.run === run.run &&
  (open.epoch > run.epoch || (open.epoch === run.epoch && open.attempt > run.attempt))

const entriesOf = ({ previous, values, ...plan }: PlanRecord): readonly AppliedEntry[] => {
  const before = (key: string) => {
    const held = Object.hasOwn(previous, key) ? previous[key] : null
    return held ? { previous: held } : {}
  }
  return [
    ...[...plan.set, ...plan.adopt].map(({ key, file }): AppliedEntry => ({
      key,
      file,
      op: 'set',
      ...before(key),
      value: values[key]!,
    })),
    ...plan.delete.map(({ key, file }): AppliedEntry => ({
      key,
      file,
      op: 'delete',
      ...before(key),
    })),
    ...plan.release.map(({ key, file }): AppliedEntry => ({ key, file, op: 'release' })),
  ]
}

/** Entries in portions that a message can hold. */
const portionsOf = (entries: readonly AppliedEntry[]): readonly (readonly AppliedEntry[])[] => {
  const portions: AppliedEntry[][] = []
  let bytes = Infinity
  for (const entry of entries) {
    const size = JSON.stringify(entry).length
    if (bytes + size > entriesBytesMax) {
      portions.push([])
      bytes = 0
    }
    portions.at(-1)!.push(entry)
    bytes += size
  }
  return portions
}

class LedgerRoom {
  readonly #doors: LedgerDoors
  readonly #tenant: string
  readonly #run: LedgerRun
  readonly #source: string

  constructor(doors: LedgerDoors, tenant: string, run: LedgerRun, source: string) {
    this.#doors = doors
    this.#tenant = tenant
    this.#run = run
    this.#source = source
  }

  async answer(call: LedgerCall): Promise<Standing | null> {
    if (call.type === 'read') return this.#read(call)
    if (call.type === 'plan') await this.#plan(call.place, call.record)
    else if (call.type === 'confirm') await this.#confirm(call.place)
    else await this.#fail(call)
    return null
  }

  async #read({ place, definition }: Extract<LedgerCall, { type: 'read' }>): Promise<Standing> {
    const { state } = await readSink(this.#doors, this.#tenant, place.sink)
    const { keys, open, confirmed } = ownerOf(state, place)
    return {
      tenant: this.#tenant,
      owned: [...keys].map(([key, { file, held }]) => ({ key, file, held })),
      others: [...keysOfOthers(state, place, definition)],
      open: open && { isOurs: open.run === this.#run.run, record: await this.#record(open) },
      isConfirmed: !open && confirmed === this.#run.run,
    }
  }

  async #record({ plan }: OpenPlan): Promise<PlanRecord> {
    const bytes = await this.#doors.content.get(this.#tenant, plan)
    if (!bytes) throw new Error(`the plan ${plan} is not in the content store`)
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as PlanRecord
  }

  async #plan(place: SinkPlaceOf, record: PlanRecord): Promise<void> {
    const { content } = this.#doors
    const plan = await content.put(this.#tenant, Buffer.from(JSON.stringify(record)))
    const { run, pipeline, epoch, attempt } = this.#run
    await this.#append(place, `plan-${run}-${epoch}-${attempt}-${plan.slice(0, 16)}`, () => [
      {
        type: 'SyncPlanned',
        ...this.#frame(place),
        pipeline,
        epoch,
        attempt,
        repository: place.repository,
        commit: place.commit,
        mode: record.mode,
        plan,
        writes: record.set.length,
        deletes: record.delete.length,
        protected: record.protected,
      },
    ])
  }

  async #confirm(place: SinkPlaceOf): Promise<void> {
    const { state } = await readSink(this.#doors, this.#tenant, place.sink)
    const { open } = ownerOf(state, place)
    // Another attempt of this run said it already.
    if (!open) return
    const record = await this.#record(open)
    const { repository, commit } = place
    const portions = portionsOf(entriesOf(record))
    const id = `confirm-${open.run}-${open.plan.slice(0, 16)}`
    const confirmed: Event = {
      type: 'SyncConfirmed',
      ...this.#frame(place),
      commit,
      written: record.set.length,
      deleted: record.delete.length,
      unchanged: record.unchanged,
    }
    const applied = portions.map((entries): Event => {
      return {
        type: 'ValuesApplied',
        ...this.#frame(place),
        repository,
        commit,
        entries: [...entries],
      }
    })
    const last = applied.pop()
    for (const [part, event] of applied.entries())
      await this.#append(place, `${id}-${part}`, (now) =>
        this.#isOpen(now, open) ? [event] : null,
      )
    const rest = last ? [last, confirmed] : [confirmed]
    await this.#append(place, id, (now) => (this.#isOpen(now, open) ? rest : null))
  }

  #isOpen(now: OpenPlan | null, open: OpenPlan): boolean {
    if (!now) return false
    if (now.plan === open.plan && now.run === this.#run.run) return true
    throw new Error(`run ${now.run} took over from run ${this.#run.run}`)
  }

  async #fail({ place, error }: Extract<LedgerCall, { type: 'fail' }>): Promise<void> {
    const { run, epoch, attempt } = this.#run
    await this.#append(place, `failed-${run}-${epoch}-${attempt}`, () => [
      { type: 'SyncFailed', ...this.#frame(place), error },
    ])
  }

  #frame({ sink, environment, rule }: SinkPlaceOf) {
    const at = toTimestamp(this.#doors.clock.now())
    return { v: 1 as const, at, sink, environment, rule, run: this.#run.run }
  }

  /** Decides again on what is there now until nobody came in between; null is nothing to say. */
  async #append(
    place: SinkPlaceOf,
    name: string,
    decide: (open: OpenPlan | null) => readonly Event[] | null,
  ): Promise<void> {
    const owner = sha256(JSON.stringify([place.environment, place.rule, place.repository]))
    for (let i = 0; i < conflictsMax; i++) {
      const { seq, state } = await readSink(this.#doors, this.#tenant, place.sink)
      const { open } = ownerOf(state, place)
      if (open && isBefore(this.#run, open))
        throw new Error(`a newer attempt of run ${this.#run.run} is at work`)
      const events = decide(open)
      if (!events) return
      const { outcome } = await this.#doors.log.append({
        tenant: this.#tenant,
        topic: topicOf(place.sink),
        id: `${name}-${owner.slice(0, 16)}-${place.sink}`,
        events,
        expect: seq,
        run: this.#run.run,
        source: this.#source,
      })
      if (outcome !== 'conflict') return
    }
    throw new Error(`others write about sink ${place.sink} all the time`)
  }
}

/** Answers what a step of a run asks. */
export const answerCall = (
  { doors, tenant, worker }: LedgerContext,
  run: LedgerRun,
  call: LedgerCall,
): Promise<Standing | null> => new LedgerRoom(doors, tenant, run, `worker/${worker}`).answer(call)
