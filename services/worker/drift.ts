/**
 * Drift, looked for where sinks can be reached: workers of a rule's pool take the command, open each of
 * its sinks to read, hold what is there against what the log says, and tell what changed by
 * compare-and-set on the sink's subject. Whatever was written about the place meanwhile makes the look
 * void: a sync says so before its first write, and so is never mistaken for drift.
 *
 * A heal is told on the sink first, then asked for on the pipeline; a check that finds one of which the
 * pipeline never heard asks for it again.
 */
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { sha256, toTimestamp, ulidOf } from '@headway/schemas/ids.ts'
import type { Delivery } from '@headway/schemas/ports.ts'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import {
  healAt,
  healEveryMsDefault,
  newsOf,
  type Heal,
  type Looked,
} from '@headway/schemas/rules/drift.ts'
import { isSameStanding, standingOf, type Standing } from '@headway/schemas/rules/expected.ts'
import { ownerOf, type OwnerState, type SinkState } from '@headway/schemas/rules/ownership.ts'
import { asConfirmed } from '@headway/schemas/rules/restore.ts'
import type { Doors } from '@headway/streams/room.ts'
import { takeCommands } from '@headway/streams/take.ts'
import { keepSink, readSink, readTopic } from './read-sink.ts'

const concurrency = 4
/** A sink that has not answered by then cannot be read. */
const lookMsMax = 30_000
const againMs = 2_000
const deliveriesMax = 5
const conflictsMax = 20
const keysNamed = 5

type DriftContext = {
  readonly doors: Doors
  readonly worker: string
  readonly pool: string
  readonly signal: AbortSignal
}
type Check = CommandOf<'CheckDrift'>

/** Takes checks from when the pool first serves a rule. */
export class DriftChecks {
  readonly #context: DriftContext
  #needed: () => void = () => {}
  readonly #isNeeded = new Promise<void>((resolve) => (this.#needed = resolve))

  constructor(context: DriftContext) {
    this.#context = context
    context.signal.addEventListener('abort', () => this.#needed(), { once: true })
  }

  need(): void {
    this.#needed()
  }

  async take(): Promise<void> {
    await this.#isNeeded
    const { doors, worker, pool, signal } = this.#context
    if (signal.aborted) return
    await takeCommands<'CheckDrift'>(
      doors,
      { kind: 'drift', pool },
      { concurrency, signal, source: `worker/${worker}`, renewsLease: true },
      (command, delivery) => handleCheck(this.#context, command, delivery),
    )
  }
}

const handleCheck = async (
  context: DriftContext,
  command: Check,
  delivery: Delivery,
): Promise<void> => {
  const { doors, signal } = context
  const { tenant, deliveries } = delivery
  try {
    await new DriftCheck(context, tenant, command).execute()
    delivery.ack()
  } catch (error) {
    if (signal.aborted) return delivery.retry(0)
    const { rule, environment } = command
    doors.logger.warn({ rule, environment, error: String(error) }, 'a check was broken off')
    // The next one comes by itself.
    if (deliveries < deliveriesMax) delivery.retry(againMs)
    else delivery.ack()
  }
}

class DriftCheck {
  readonly #context: DriftContext
  readonly #doors: Doors
  readonly #tenant: string
  readonly #command: Check

  constructor(context: DriftContext, tenant: string, command: Check) {
    this.#context = context
    this.#doors = context.doors
    this.#tenant = tenant
    this.#command = command
  }

  async execute(): Promise<void> {
    const rule = await this.#rule()
    if (!rule?.drift || rule.dryRun) {
      const { pipeline } = this.#command
      return this.#doors.control.disarm({ kind: 'drift', tenant: this.#tenant, pipeline })
    }
    const checked = rule.sinks.map((sink) => this.#checkSink(sink, rule))
    for (const one of await Promise.allSettled(checked))
      if (one.status === 'rejected') throw one.reason
  }

  async #rule(): Promise<RuleDefinition | null> {
    const topic = { kind: 'rule' as const, name: this.#command.rule }
    const newest = await this.#doors.log.last(this.#tenant, topic)
    const told = newest?.events.at(-1)
    return told?.type === 'RuleDefined' ? told.definition : null
  }

  async #checkSink(sink: string, rule: RuleDefinition): Promise<void> {
    const { state } = await readSink(this.#doors, this.#tenant, sink)
    const standing = this.#standing(state, rule)
    if (!standing) return
    const looked = await this.#look(sink, rule, standing)
    const known = await this.#tell(sink, rule, standing, looked)
    const owner = known && ownerOf(known, this.#command)
    const heal = owner?.drift.heals.at(-1)
    if (!heal || heal.isPlanned || !('keys' in looked) || looked.keys.length === 0) return
    await this.#ask(sink, owner!, heal, looked.keys)
  }

  #standing(state: SinkState, { drift }: RuleDefinition): Standing | null {
    const healEveryMs = drift?.healEveryMs ?? healEveryMsDefault
    return standingOf(state, this.#command, { now: this.#doors.clock.now(), healEveryMs })
  }

  async #look(sink: string, rule: RuleDefinition, standing: Standing): Promise<Looked> {
    const { clock } = this.#doors
    const { signal } = this.#context
    const stop = new AbortController()
    const ended = new AbortController()
    void clock.sleep(lookMsMax, ended.signal).then(() => stop.abort(new Error('no answer in time')))
    // Clients of sinks are loaded when somebody looks.
    const { look } = await import('./look.ts')
    try {
      return await look(this.#doors, this.#tenant, {
        sink,
        place: this.#command,
        protect: rule.prune?.protect ?? [],
        standing,
        signal: AbortSignal.any([signal, stop.signal]),
      })
    } catch (error) {
      if (signal.aborted) throw error
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      return { error: { type: name, message: message.slice(0, 4_000) } }
    } finally {
      ended.abort()
    }
  }

  /** What is known of the sink when everything is told; null when the look is void. */
  async #tell(
    sink: string,
    rule: RuleDefinition,
    standing: Standing,
    looked: Looked,
  ): Promise<SinkState | null> {
    const { log } = this.#doors
    const tenant = this.#tenant
    const topic = { kind: 'sink' as const, name: sink }
    for (let attempt = 0; attempt < conflictsMax; attempt++) {
      const { seq, state } = await readSink(this.#doors, tenant, sink)
      if (!isSameStanding(standing, this.#standing(state, rule))) return null
      const events = await this.#decide(sink, rule, standing, looked)
      if (events.length === 0) return state
      const said = events.map((event) => ({ ...event, at: '', run: '' }))
      const id = `drift-${sink}-${seq}-${sha256(JSON.stringify(said)).slice(0, 16)}`
      const source = `worker/${this.#context.worker}`
      const appended = await log.append({ tenant, topic, id, events, expect: seq, source })
      if (appended.outcome === 'stored')
        return keepSink(this.#doors, tenant, sink, events, { seq: appended.seq, state }).state
      if (appended.outcome === 'duplicate') return null
    }
    return null
  }

  async #decide(
    sink: string,
    rule: RuleDefinition,
    { owner }: Standing,
    looked: Looked,
  ): Promise<readonly Event[]> {
    const { pipeline, rule: name, repository, environment } = this.#command
    const now = this.#doors.clock.now()
    const place = { sink, environment, rule: name, repository }
    const frame = { v: 1 as const, at: toTimestamp(now), ...place }
    const { drift, open } = owner
    const news = newsOf(drift.told, looked, frame)
    const { heal = true, healEveryMs = healEveryMsDefault } = rule.drift!
    const isWrong = 'keys' in looked && looked.keys.length > 0
    if (!isWrong || !heal || now < healAt(drift, healEveryMs, open !== null)) return news
    const topic = { kind: 'pipeline' as const, name: pipeline }
    const afterSeq = (await this.#doors.log.last(this.#tenant, topic))?.seq ?? 0
    const run = ulidOf(now, this.#tenant, sink, environment, name, repository)
    return [...news, { type: 'HealRequested', ...frame, pipeline, run, afterSeq }]
  }

  /** Makes sure that the pipeline heard of a heal. */
  async #ask(
    sink: string,
    owner: OwnerState,
    { run, pipeline, afterSeq }: Heal,
    keys: readonly string[],
  ): Promise<void> {
    const { log, clock } = this.#doors
    const tenant = this.#tenant
    const topic = { kind: 'pipeline' as const, name: pipeline }
    const newest = (await log.last(tenant, topic))?.seq ?? 0
    let isAsked = false
    if (newest > afterSeq)
      await readTopic(this.#doors, { tenant, topic }, [afterSeq + 1, newest], (event) => {
        isAsked ||= event.type === 'RunTriggered' && event.request === run
      })
    if (isAsked) return
    const more = keys.length > keysNamed ? `, … ${keys.length} in all` : ''
    const reason = `${sink} holds something else: ${keys.slice(0, keysNamed).join(', ')}${more}`
    const asked: EventOf<'RunTriggered'> = {
      type: 'RunTriggered',
      v: 1,
      at: toTimestamp(clock.now()),
      pipeline,
      request: run,
      key: sha256(`heal ${run}`),
      actor: { name: 'drift check', reason: reason.slice(0, 4_000) },
      reason: 'drift',
      sync: { sinks: [sink], ...asConfirmed(owner) },
    }
    const source = `worker/${this.#context.worker}`
    await log.append({ tenant, topic, id: `heal-${run}`, events: [asked], source })
  }
}
