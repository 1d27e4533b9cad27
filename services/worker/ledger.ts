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
import {
  isTold,
  keysOfOthers,
  ownerOf,
  type OpenPlan,
  type OwnerState,
} from '@headway/schemas/rules/ownership.ts'
import { endedByConfirm } from '@headway/schemas/rules/drift.ts'
import { restoredKeys } from '@headway/schemas/rules/restore.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { LedgerCall, PlanRecord, SinkPlaceOf, Standing } from './ledger-calls.ts'
import { keptSink, keepSink, readRestoring, readSink } from './read-sink.ts'

/** A message of the log holds a million bytes. */
const entriesBytesMax = 600_000
const conflictsMax = 50

export type LedgerRun = Pick<EventOf<'RunRequested'>, 'run' | 'pipeline'> & {
  readonly epoch: number
  readonly attempt: number
}

type LedgerContext = {
  readonly doors: LedgerDoors
  readonly tenant: string
  readonly worker: string
}
type LedgerDoors = Pick<Doors, 'log' | 'content' | 'clock'>

const isBefore = (run: LedgerRun, open: OpenPlan): boolean =>
  open.run === run.run &&
  (open.epoch > run.epoch || (open.epoch === run.epoch && open.attempt > run.attempt))

const entriesOf = ({ previous, values, ...plan }: PlanRecord): readonly AppliedEntry[] => {
  const before = (key: string) => {
    const held = Object.hasOwn(previous, key) ? previous[key] : null
    return held ? { previous: held } : {}
  }
  const released = new Set(plan.release.map(({ key }) => key))
  const kept = [...plan.set, ...plan.adopt].filter(({ key }) => !released.has(key))
  return [
    ...kept.map(({ key, file }): AppliedEntry => ({
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
    ...plan.release.map(({ key, file }): AppliedEntry => {
      const value = Object.hasOwn(values, key) ? { ...before(key), value: values[key]! } : {}
      return { key, file, op: 'release', ...value }
    }),
  ]
}

/** What a plan that was not confirmed may have changed. */
const touchedBy = (plan: PlanRecord | null) =>
  [...(plan?.set ?? []), ...(plan?.delete ?? [])].map(
    ({ key, file }) => [key, { file, previous: plan?.previous[key] ?? null }] as const,
  )

/** Entries in portions that a message can hold; one empty one when there are none. */
const portionsOf = (entries: readonly AppliedEntry[]): readonly (readonly AppliedEntry[])[] => {
  const portions: AppliedEntry[][] = [[]]
  let bytes = 0
  for (const entry of entries) {
    const size = JSON.stringify(entry).length
    if (bytes > 0 && bytes + size > entriesBytesMax) {
      portions.push([])
      bytes = 0
    }
    portions.at(-1)!.push(entry)
    bytes += size
  }
  return portions
}

/** What is not on the log yet. A key is told when its last entry is. */
const untold = (owner: OwnerState, entries: readonly AppliedEntry[]): readonly AppliedEntry[] => {
  const last = new Map(entries.map((entry) => [entry.key, entry]))
  return entries.filter(({ key }) => !isTold(owner, last.get(key)!))
}

type Said = { readonly id: string; readonly events: readonly Event[] }

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

  async #read(call: Extract<LedgerCall, { type: 'read' }>): Promise<Standing> {
    const { place, definition, restore } = call
    const { seq, state } = await readSink(this.#doors, this.#tenant, place.sink)
    const { keys, open, confirmed } = ownerOf(state, place)
    const others = keysOfOthers(state, place, definition)
    const record = open && (await this.#record(open))
    return {
      tenant: this.#tenant,
      owned: [...keys].map(([key, { file, held }]) => ({ key, file, held })),
      others: [...others],
      open: open && record && { isOurs: open.run === this.#run.run, record, told: [...open.told] },
      isConfirmed: !open && confirmed?.run === this.#run.run,
      restored: restore
        ? restoredKeys(
            await readRestoring(this.#doors, this.#tenant, { place, restore, seq }),
            touchedBy(record),
            others,
          )
        : null,
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
    const planned: Event = {
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
    }
    const id = `plan-${run}-${epoch}-${attempt}-${plan.slice(0, 16)}`
    await this.#append(place, () => ({ id, events: [planned] }))
  }

  /**
   * Tells what was applied, in as many commits as it takes; the last one confirms. An attempt that died
   * between two of them is gone on from: nothing is told twice.
   */
  async #confirm(place: SinkPlaceOf): Promise<void> {
    const { state } = await readSink(this.#doors, this.#tenant, place.sink)
    const owner = ownerOf(state, place)
    const { open } = owner
    // Another attempt of this run said it already.
    if (!open) return
    const record = await this.#record(open)
    const { repository, commit } = place
    const frame = this.#frame(place)
    const name = `confirm-${open.run}-${open.epoch}-${open.attempt}-${open.plan.slice(0, 16)}`
    const portions = portionsOf(untold(owner, entriesOf(record)))
    const confirmed: Event = {
      type: 'SyncConfirmed',
      ...frame,
      commit,
      written: record.set.length,
      deleted: record.delete.length,
      unchanged: record.unchanged,
    }
    const { at, sink, environment, rule } = frame
    const ended: Event = { type: 'DriftEnded', v: 1, at, sink, environment, rule, repository }
    for (const [index, portion] of portions.entries()) {
      const entries = [...portion]
      const applied: Event = { type: 'ValuesApplied', ...frame, repository, commit, entries }
      const isLast = index === portions.length - 1
      await this.#append(place, (now, seq) => {
        if (!this.#isOpen(now.open, open)) return null
        const end = endedByConfirm(now.drift) ? [confirmed, ended] : [confirmed]
        const events = [...(entries.length > 0 ? [applied] : []), ...(isLast ? end : [])]
        return { id: `${name}-${seq}`, events }
      })
    }
  }

  #isOpen(now: OpenPlan | null, open: OpenPlan): boolean {
    if (!now) return false
    if (now.plan === open.plan && now.run === this.#run.run) return true
    throw new Error(`run ${now.run} took over from run ${this.#run.run}`)
  }

  async #fail({ place, error }: Extract<LedgerCall, { type: 'fail' }>): Promise<void> {
    const { run, epoch, attempt } = this.#run
    const failed: Event = { type: 'SyncFailed', ...this.#frame(place), error }
    await this.#append(place, () => ({ id: `failed-${run}-${epoch}-${attempt}`, events: [failed] }))
  }

  #frame({ sink, environment, rule }: SinkPlaceOf) {
    const at = toTimestamp(this.#doors.clock.now())
    return { v: 1 as const, at, sink, environment, rule, run: this.#run.run }
  }

  /**
   * Decides on what was known last, then again on what is there, until nobody came in between; null is
   * nothing to say.
   */
  async #append(
    place: SinkPlaceOf,
    decide: (owner: OwnerState, seq: number) => Said | null,
  ): Promise<void> {
    const { log } = this.#doors
    const { sink, environment, rule, repository } = place
    const owner = sha256(JSON.stringify([environment, rule, repository])).slice(0, 16)
    let known = keptSink(this.#doors, this.#tenant, sink)
    for (let i = 0; i < conflictsMax; i++) {
      const { seq, state } = (known ??= await readSink(this.#doors, this.#tenant, sink))
      const standing = ownerOf(state, place)
      if (standing.open && isBefore(this.#run, standing.open))
        throw new Error(`a newer attempt of run ${this.#run.run} is at work`)
      const said = decide(standing, seq)
      if (!said) return
      const appended = await log.append({
        tenant: this.#tenant,
        topic: { kind: 'sink', name: sink },
        id: `${said.id}-${owner}-${sink}`,
        events: said.events,
        expect: seq,
        run: this.#run.run,
        source: this.#source,
      })
      if (appended.outcome === 'stored') {
        keepSink(this.#doors, this.#tenant, sink, said.events, { seq: appended.seq, state })
        return
      }
      known = await readSink(this.#doors, this.#tenant, sink)
      if (appended.outcome === 'duplicate') return
    }
    throw new Error(`others write about sink ${sink} all the time`)
  }
}

/** Answers what a step of a run asks. */
export const answerCall = (
  { doors, tenant, worker }: LedgerContext,
  run: LedgerRun,
  call: LedgerCall,
): Promise<Standing | null> => new LedgerRoom(doors, tenant, run, `worker/${worker}`).answer(call)
