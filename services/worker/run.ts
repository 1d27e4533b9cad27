/**
 * One attempt of one run, from the command to the settled message.
 *
 * Order is everything here: bytes are stored, then the versions that name them are put on their assets'
 * subjects, then the run's events are committed, then the command is acknowledged. A crash between any
 * two leads to another attempt, which finds the version its predecessor registered (same run, same
 * content) and uses it instead of making a second one.
 */
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { PipelineDefinition, VersionRef } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Delivery } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { completed, failed, gaveUp, initial, type Attempt } from './decider.ts'
import { errorOf, type Execution, type Progress, type StepError } from './executor.ts'
import { Journal } from './journal.ts'
import { FencedError, latestOwn, Publisher } from './publish.ts'
import { readRun } from './read-run.ts'
import type { Threads } from './threads.ts'

const leaseRenewMs = 1_300
const brokenOffPauseMs = 1_000

export type RunContext = {
  readonly doors: Doors
  readonly worker: string
  readonly tenant: string
  readonly definition: PipelineDefinition
  readonly threads: Pick<Threads, 'run'>
  /** Fires when what is held must be given back. */
  readonly signal: AbortSignal
}
export type RunDelivery = Delivery<CommandOf<'RunPipeline'>>

export const handleRun = async (context: RunContext, delivery: RunDelivery): Promise<void> => {
  const { command } = delivery
  const { logger } = context.doors
  if (!command) {
    logger.error({ problem: delivery.problem }, 'a command cannot be read and is dropped')
    return delivery.refuse(delivery.problem ?? 'unreadable')
  }
  const lease = setInterval(() => delivery.working(), leaseRenewMs)
  const attempt = new RunAttempt(context, command, delivery)
  try {
    await attempt.execute()
  } catch (error) {
    // The newer attempt settles the command: an acknowledgement from here would take it away from it.
    if (error instanceof FencedError) return
    logger.warn({ run: command.request.run, error: String(error) }, 'an attempt was broken off')
    delivery.retry(context.signal.aborted ? 0 : brokenOffPauseMs)
  } finally {
    attempt.close()
    clearInterval(lease)
  }
}

class RunAttempt {
  readonly #context: RunContext
  readonly #request: EventOf<'RunRequested'>
  readonly #delivery: RunDelivery
  readonly #attempt: Attempt
  readonly #journal: Journal

  constructor(context: RunContext, command: CommandOf<'RunPipeline'>, delivery: RunDelivery) {
    const { doors, definition, tenant, worker } = context
    const { request, priorAttempts } = command
    const now = doors.clock.now()
    this.#context = context
    this.#request = request
    this.#delivery = delivery
    this.#attempt = {
      pipeline: request.pipeline,
      run: request.run,
      attempt: priorAttempts + delivery.deliveries,
      startedAt: now,
      now,
      policy: definition.retry,
    }
    this.#journal = new Journal(doors.log, `run-${request.run}-${this.#attempt.attempt}`, {
      tenant,
      topic: { kind: 'run', name: request.pipeline },
      source: `worker/${worker}`,
      run: request.run,
      correlationId: request.run,
    })
  }

  async execute(): Promise<void> {
    const { attempt, policy } = this.#attempt
    const { doors, tenant } = this.#context
    const before = attempt > 1 ? await readRun(doors.log, tenant, this.#request) : initial
    // An earlier attempt brought the run to its end; only its acknowledgement was lost.
    if (before.isEnded) return this.#delivery.ack()
    if (attempt > policy.attempts) {
      this.#journal.note(gaveUp(this.#attempt))
      await this.#journal.flush()
      return this.#delivery.ack()
    }
    let ownInputs: Readonly<Record<string, VersionRef>>
    let inputs: Execution['inputs']
    try {
      ownInputs = before.ownInputs ?? (await this.#newestOwnOutputs())
      inputs = await this.#read({ ...this.#request.inputs, ...ownInputs })
    } catch (error) {
      return this.#end('inputs', errorOf(error))
    }
    this.#journal.note({
      type: 'RunStarted',
      ...this.#head(),
      pipeline: this.#request.pipeline,
      pipelineVersion: this.#request.pipelineVersion,
      worker: this.#context.worker,
      ownInputs,
    })
    await this.#runAndPublish(inputs)
  }

  close(): void {
    this.#journal.close()
  }

  async #runAndPublish(inputs: Execution['inputs']): Promise<void> {
    const { definition, threads, signal } = this.#context
    const { stepTimeoutMs, runTimeoutMs } = definition
    const execution = {
      inputs,
      disabled: this.#request.disabledSteps ?? [],
      now: this.#request.at,
    }
    const outcome = await threads
      .run(this.#request.run, execution, { stepTimeoutMs, runTimeoutMs, signal }, (progress) =>
        this.#noteProgress(progress),
      )
      .catch((error: unknown) => ({
        outcome: 'failed' as const,
        step: 'pipeline',
        error: errorOf(error),
      }))
    if (signal.aborted && outcome.outcome === 'failed') throw new Error('the worker is stopping')
    if (outcome.outcome === 'failed') return this.#end(outcome.step, outcome.error)
    // What this attempt read of its own output must be known before the output moves on.
    if (this.#ownSlots().length > 0) await this.#journal.flush()
    const publisher = new Publisher(this.#context, this.#request, this.#attempt)
    for (const output of outcome.outputs) this.#journal.note(await publisher.publish(output))
    this.#journal.note(completed({ ...this.#attempt, now: this.#now() }))
    await this.#journal.flush()
    this.#delivery.ack()
  }

  async #end(step: string, error: StepError): Promise<void> {
    const { event, retryMs } = failed({ ...this.#attempt, now: this.#now() }, step, error)
    this.#journal.note(event)
    await this.#journal.flush()
    if (retryMs === null) this.#delivery.ack()
    else this.#delivery.retry(retryMs)
  }

  #ownSlots(): readonly (readonly [slot: string, asset: string])[] {
    const own = `output/${this.#request.pipeline}/`
    return Object.entries(this.#context.definition.slots).filter(([, asset]) =>
      asset.startsWith(own),
    )
  }

  /** The newest version of each own output that a slot is bound to; none before the first run. */
  async #newestOwnOutputs(): Promise<Record<string, VersionRef>> {
    const { doors, tenant } = this.#context
    const newest = await Promise.all(
      this.#ownSlots().map(
        async ([slot, asset]) => [slot, await latestOwn(doors.log, tenant, asset)] as const,
      ),
    )
    return Object.fromEntries(newest.flatMap(([slot, ref]) => (ref ? [[slot, ref]] : [])))
  }

  async #read(refs: Readonly<Record<string, VersionRef>>): Promise<Execution['inputs']> {
    const { doors, tenant } = this.#context
    const read = await Promise.all(
      Object.entries(refs).map(async ([slot, { digest, kind }]) => {
        const bytes = await doors.content.get(tenant, digest)
        if (!bytes) throw new Error(`the bytes ${digest} of slot ${slot} are not there`)
        return [slot, { kind, bytes }] as const
      }),
    )
    return Object.fromEntries(read)
  }

  #noteProgress(progress: Progress): void {
    switch (progress.type) {
      case 'skipped':
        return this.#journal.note({ ...progress, ...this.#head(), type: 'StepSkipped' })
      case 'succeeded':
        return this.#journal.note({
          ...timed(progress.report),
          ...this.#head(),
          type: 'StepSucceeded',
        })
      case 'failed': {
        const { rowsOut: _, ...report } = timed(progress.report)
        const { type, message } = progress.error
        const error = { type, message }
        return this.#journal.note({ ...report, ...this.#head(), type: 'StepFailed', error })
      }
      default:
    }
  }

  #head() {
    const { run, attempt } = this.#attempt
    return { v: 1 as const, at: toTimestamp(this.#now()), run, attempt }
  }

  #now(): number {
    return this.#context.doors.clock.now()
  }
}

const timed = <Report extends { readonly startedAt: number; readonly endedAt: number }>(
  report: Report,
) => ({
  ...report,
  startedAt: toTimestamp(report.startedAt),
  endedAt: toTimestamp(report.endedAt),
})
