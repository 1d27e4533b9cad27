/**
 * One attempt of one run, from the command to the settled message.
 *
 * Order is everything here: bytes are stored, then the versions that name them are put on their assets'
 * subjects, then the run's events are committed, then the command is acknowledged. A crash between any
 * two leads to another attempt, which goes on after the steps whose outputs were recorded and finds the
 * version its predecessor registered (same run, same content) instead of making a second one.
 */
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import type { Delivery } from '@headway/schemas/ports.ts'
import { compareWith } from './compare.ts'
import type { RunContext } from './context.ts'
import {
  cancelled,
  completed,
  failed,
  fenceOf,
  gaveUp,
  gaveWay,
  givenBack,
  initial,
  isOneTooMany,
  next,
  suspended,
  type Attempt,
  type RunState,
} from './decider.ts'
import {
  errorOf,
  type Executed,
  type Execution,
  type Output,
  type Progress,
  type StepError,
} from './executor.ts'
import { Journal } from './journal.ts'
import type { LedgerCall } from './ledger-calls.ts'
import { answerCall } from './ledger.ts'
import { FencedError, leaseMs, newestOwn, ownSlots, Publisher, type OwnSlots } from './publish.ts'
import { readRun } from './read-run.ts'
import { keepRecorded, prepare } from './recorded.ts'
import type { Recorded } from './recorder.ts'
import { toldOf } from './told.ts'

const brokenOffPauseMs = 1_000
const over = 'a reason spares making an error'

export const handleRun = async (
  context: RunContext,
  command: CommandOf<'RunPipeline'>,
  delivery: Delivery,
): Promise<void> => {
  const attempt = new RunAttempt(context, command, delivery)
  try {
    await attempt.execute()
  } catch (error) {
    // The newer attempt settles the command: an acknowledgement from here would take it away from it.
    if (error instanceof FencedError) return
    context.doors.logger.warn(
      { run: command.request.run, error: String(error) },
      'an attempt was broken off',
    )
    delivery.retry(context.signal.aborted ? 0 : brokenOffPauseMs)
  } finally {
    attempt.close()
  }
}

class RunAttempt {
  readonly #context: RunContext
  readonly #command: CommandOf<'RunPipeline'>
  readonly #request: EventOf<'RunRequested'>
  readonly #delivery: Delivery
  readonly #journal: Journal
  /** Fires when somebody wants the run to end. */
  readonly #cancel = new AbortController()
  #attempt: Attempt

  constructor(context: RunContext, command: CommandOf<'RunPipeline'>, delivery: Delivery) {
    const { doors, definition, commits, worker } = context
    const { request, priorAttempts, epoch } = command
    const now = doors.clock.now()
    this.#context = context
    this.#command = command
    this.#request = request
    this.#delivery = delivery
    this.#attempt = {
      pipeline: request.pipeline,
      run: request.run,
      epoch,
      attempt: priorAttempts + delivery.deliveries,
      givenBack: 0,
      startedAt: now,
      now,
      policy: definition.retry,
    }
    const id = `run-${request.run}-${epoch}-${this.#attempt.attempt}-${worker}-${commits.count()}`
    this.#journal = new Journal(commits, doors.clock, id, request)
  }

  async execute(): Promise<void> {
    const { doors, tenant, known, stopping } = this.#context
    const { seq } = this.#command
    await known.until(() => known.seq >= seq && !known.isPaused, stopping)
    if (stopping.aborted) return this.#giveBack()
    const before = await this.#before()
    if (this.#isDone(before)) return this.#delivery.ack()
    this.#attempt = next(this.#attempt, before)
    if (known.wishFor(this.#request.run).cancelledBy) return this.#cancelled()
    if (isOneTooMany(this.#attempt)) {
      this.#journal.note(gaveUp(this.#attempt))
      return this.#finish()
    }
    let ownInputs: Readonly<Record<string, VersionRef>>
    let execution: Execution
    try {
      ownInputs = before.ownInputs ?? (await this.#readOwn())
      execution = await prepare(doors.content, tenant, this.#command, before, ownInputs)
    } catch (error) {
      return this.#end('inputs', errorOf(error))
    }
    this.#journal.note({
      type: 'RunStarted',
      ...this.#fence(),
      pipeline: this.#request.pipeline,
      pipelineVersion: this.#context.version,
      worker: this.#context.worker,
      ownInputs,
    })
    await this.#runAndTell(execution)
  }

  /** A command that nobody can have had before is about a run that the log has not heard of. */
  async #before(): Promise<RunState> {
    const { doors, tenant, earlier } = this.#context
    const { epoch, attempt } = this.#attempt
    const { sinceReturn } = this.#delivery
    if (epoch > 0 || attempt > 1) return readRun(doors.log, tenant, this.#request)
    if (sinceReturn !== undefined) return earlier.read(this.#request, sinceReturn)
    earlier.forget()
    return initial
  }

  close(): void {
    this.#journal.close()
    this.#cancel.abort(over)
  }

  /** Somebody brought the run, or this epoch of it, to its end; only an acknowledgement was lost. */
  #isDone(before: RunState): boolean {
    const { epoch } = this.#command
    const wish = this.#context.known.wishFor(this.#request.run)
    if (wish.epoch > epoch || before.epoch > epoch) return true
    if (before.epoch === epoch && before.isOver) return true
    return epoch === 0 && gaveWay(wish.supersededSeq, before)
  }

  async #runAndTell(execution: Execution): Promise<void> {
    const { definition, runner, signal, known } = this.#context
    const { stepTimeoutMs, runTimeoutMs, priority = 0 } = definition
    const { run } = this.#request
    const isCancelled = () => known.wishFor(run).cancelledBy !== null
    void known.until(isCancelled, this.#cancel.signal).then(() => this.#cancel.abort())
    const ledger = (call: LedgerCall) => answerCall(this.#context, this.#attempt, call)
    const cancel = this.#cancel.signal
    const limits = { stepTimeoutMs, runTimeoutMs, priority, signal, cancel, ledger }
    const outcome = await runner
      .run(run, execution, limits, (progress) => this.#noteProgress(progress))
      .catch((error: unknown): Executed => {
        return { outcome: 'failed', step: 'pipeline', error: errorOf(error), recorded: [] }
      })
    if (isCancelled()) return this.#cancelled()
    if (signal.aborted && outcome.outcome === 'failed') return this.#giveBack()
    if (outcome.outcome === 'completed') return this.#publish(outcome.outputs)
    await this.#keep(outcome.recorded)
    if (outcome.outcome === 'failed') return this.#end(outcome.step, outcome.error)
    this.#journal.note(
      suspended({ ...this.#attempt, now: this.#now() }, this.#request.at, outcome.questions),
    )
    await this.#finish()
  }

  async #publish(outputs: readonly Output[]): Promise<void> {
    const { newestWins = false } = this.#context.definition
    // What this attempt read of its own output must be known before the output moves on, and that it
    // has begun before it can be too late to give way.
    if (newestWins || this.#ownSlots().length > 0) await this.#journal.flush()
    if (newestWins && (await this.#hasGivenWay())) return this.#delivery.ack()
    const attempt = { ...this.#attempt, now: this.#now() }
    if (this.#request.canary) {
      const compared = await compareWith(this.#context, this.#request, attempt, outputs)
      for (const event of compared) this.#journal.note(event)
    } else {
      const publisher = new Publisher(this.#context, this.#request, attempt)
      for (const output of outputs) this.#journal.note(await publisher.publish(output))
    }
    this.#journal.note(completed({ ...this.#attempt, now: this.#now() }))
    await this.#finish()
  }

  async #keep(recorded: readonly Recorded[]): Promise<void> {
    const { doors, tenant } = this.#context
    for (const one of recorded)
      this.#journal.note({
        type: 'StepOutputRecorded',
        ...this.#fence(),
        step: one.step,
        output: await keepRecorded(doors.content, tenant, one),
      })
  }

  async #end(step: string, error: StepError): Promise<void> {
    const { event, retryMs } = failed({ ...this.#attempt, now: this.#now() }, step, error)
    this.#journal.note(event)
    if (retryMs === null) return this.#finish()
    await this.#journal.flush()
    this.#delivery.retry(retryMs)
  }

  /** One that took longer than a lease may have been overtaken unawares: the command is not its own then. */
  async #finish(): Promise<void> {
    await this.#journal.flush()
    const { doors, tenant } = this.#context
    const { run, epoch, attempt, startedAt } = this.#attempt
    if (this.#now() - startedAt > leaseMs) {
      const newest = await readRun(doors.log, tenant, this.#request)
      const isOlder = newest.epoch === epoch ? newest.attempt > attempt : newest.epoch > epoch
      if (isOlder) throw new FencedError(`${run} moved on`)
    }
    this.#delivery.ack()
  }

  async #cancelled(): Promise<void> {
    const actor = this.#context.known.wishFor(this.#request.run).cancelledBy!
    this.#journal.note(cancelled({ ...this.#attempt, now: this.#now() }, actor))
    await this.#finish()
  }

  async #giveBack(): Promise<void> {
    this.#journal.note(givenBack({ ...this.#attempt, now: this.#now() }, this.#context.worker))
    await this.#journal.flush()
    this.#delivery.retry(0)
  }

  /** A newer run took its place before the log heard of this one. */
  async #hasGivenWay(): Promise<boolean> {
    const { doors, tenant, known, signal } = this.#context
    const { run, pipeline } = this.#request
    const newest = await doors.log.last(tenant, { kind: 'pipeline', name: pipeline })
    await known.until(() => known.seq >= (newest?.seq ?? 0), signal)
    if (signal.aborted) throw new Error('the worker is stopping')
    const wish = known.wishFor(run)
    if (wish.supersededSeq === 0) return false
    return gaveWay(wish.supersededSeq, await readRun(doors.log, tenant, this.#request))
  }

  #ownSlots(): OwnSlots {
    return ownSlots(this.#context.definition, this.#request.pipeline)
  }

  /** A canary reads what the run it repeats has read: that is among its inputs. */
  async #readOwn(): Promise<Record<string, VersionRef>> {
    if (this.#request.canary) return {}
    const { doors, tenant } = this.#context
    return newestOwn(doors.log, tenant, this.#ownSlots())
  }

  #noteProgress(progress: Progress): void {
    const event = toldOf(progress, this.#fence())
    if (event) this.#journal.note(event)
    else if (progress.type === 'recorded') void this.#keep([progress.recorded]).catch(() => {})
  }

  #fence() {
    return fenceOf({ ...this.#attempt, now: this.#now() })
  }

  #now(): number {
    return this.#context.doors.clock.now()
  }
}
