/**
 * One attempt of one run, from the command to the settled message.
 *
 * Order is everything here: bytes are stored, then the versions that name them are put on their assets'
 * subjects, then the run's events are committed, then the command is acknowledged. A crash between any
 * two leads to another attempt, which finds the version its predecessor registered (same run, same
 * content) and uses it instead of making a second one.
 */
import { initial, nextVersion } from '@headway/schemas/asset.ts'
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { PipelineDefinition, VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Commit, Delivery } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'
import { completed, failed, gaveUp, type Attempt } from './decider.ts'
import { errorOf, type Output, type Progress, type StepError } from './executor.ts'
import { Journal } from './journal.ts'
import type { Threads } from './threads.ts'

const source = 'worker'
const leaseRenewMs = 1_300
const conflictsMax = 5

export type RunContext = {
  readonly doors: Doors
  readonly worker: string
  readonly tenant: string
  readonly definition: PipelineDefinition
  readonly threads: Threads
  /** Fires when what is held must be given back. */
  readonly signal: AbortSignal
}

/** Somebody else is further with this run: what this attempt made must not be published. */
class FencedError extends Error {
  override readonly name = 'FencedError'
}

export const handleRun = async (
  context: RunContext,
  delivery: Delivery<CommandOf<'RunPipeline'>>,
): Promise<void> => {
  const { command } = delivery
  if (!command) return delivery.refuse(delivery.problem ?? 'unreadable')
  const lease = setInterval(delivery.working, leaseRenewMs)
  try {
    await new RunAttempt(context, command, delivery).execute()
  } catch (error) {
    const { logger } = context.doors
    if (error instanceof FencedError) return delivery.ack()
    logger.warn({ run: command.request.run, error: String(error) }, 'an attempt was broken off')
    delivery.retry(context.signal.aborted ? 0 : 1_000)
  } finally {
    clearInterval(lease)
  }
}

class RunAttempt {
  readonly #context: RunContext
  readonly #request: EventOf<'RunRequested'>
  readonly #delivery: Delivery<CommandOf<'RunPipeline'>>
  readonly #attempt: Attempt
  readonly #journal: Journal

  constructor(
    context: RunContext,
    command: CommandOf<'RunPipeline'>,
    delivery: Delivery<CommandOf<'RunPipeline'>>,
  ) {
    const { doors, definition, tenant } = context
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
      source: `${source}/${context.worker}`,
      run: request.run,
      correlationId: request.run,
    })
  }

  async execute(): Promise<void> {
    const { attempt, policy } = this.#attempt
    if (attempt > 1 && (await this.#isEnded())) return this.#delivery.ack()
    if (attempt > policy.attempts) {
      this.#journal.note(gaveUp(this.#attempt))
      await this.#journal.flush()
      return this.#delivery.ack()
    }
    const read = await this.#inputs().catch((error: unknown) => errorOf(error))
    if ('terminal' in read) return this.#end('inputs', read)
    const { ownInputs, inputs } = read
    this.#journal.note({
      type: 'RunStarted',
      ...this.#head(),
      pipeline: this.#request.pipeline,
      pipelineVersion: this.#request.pipelineVersion,
      worker: this.#context.worker,
      ownInputs,
    })
    const { definition, threads, signal } = this.#context
    const limits = {
      stepTimeoutMs: definition.stepTimeoutMs,
      runTimeoutMs: definition.runTimeoutMs,
      signal,
    }
    const result = await threads
      .run(
        this.#request.run,
        { inputs, disabled: this.#request.disabledSteps ?? [], now: this.#request.at },
        limits,
        (progress) => this.#noteProgress(progress),
      )
      .catch((error: unknown) => ({
        outcome: 'failed' as const,
        step: 'pipeline',
        error: errorOf(error),
      }))
    if (signal.aborted && result.outcome === 'failed') {
      this.#journal.drop()
      throw new Error('the worker is stopping')
    }
    if (result.outcome === 'failed') return this.#end(result.step, result.error)
    for (const output of result.outputs) this.#journal.note(await this.#publish(output))
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

  /** The bytes of every slot: pinned by the request, or the newest own output now. */
  async #inputs() {
    const { definition, doors, tenant } = this.#context
    const ownInputs: Record<string, VersionRef> = {}
    const inputs: Record<string, Uint8Array> = {}
    for (const [slot, asset] of Object.entries(definition.slots)) {
      if (!asset.startsWith(`output/${this.#request.pipeline}/`)) continue
      const latest = versionIn(await doors.log.last(tenant, { kind: 'asset', name: asset }))
      if (latest) ownInputs[slot] = refOf(latest)
    }
    const refs = Object.entries({ ...this.#request.inputs, ...ownInputs })
    await Promise.all(
      refs.map(async ([slot, { digest }]) => {
        const bytes = await doors.content.get(tenant, digest)
        if (!bytes) throw new Error(`the bytes ${digest} of slot ${slot} are not there`)
        inputs[slot] = bytes
      }),
    )
    return { ownInputs, inputs }
  }

  async #publish(output: Output): Promise<Event> {
    const { doors, tenant } = this.#context
    const asset = `output/${this.#request.pipeline}/${output.output}`
    const renditions = await Promise.all(
      output.renditions.map(async ({ name, mediaType, bytes }) => ({
        name,
        mediaType,
        sizeBytes: bytes.length,
        digest: await doors.content.put(tenant, bytes),
      })),
    )
    const { version, changed } = await this.#register(asset, output, renditions)
    return {
      type: 'ArtifactPublished',
      ...this.#head(),
      output: output.output,
      asset,
      version: version.version,
      ordinal: version.ordinal,
      changed,
      sizeBytes: version.sizeBytes,
      renditions: version.renditions,
    }
  }

  /** Puts the output on its asset's line of versions, unless its content is there already. */
  async #register(
    asset: string,
    output: Output,
    renditions: EventOf<'AssetVersioned'>['renditions'],
  ): Promise<{ version: EventOf<'AssetVersioned'>; changed: boolean }> {
    const { doors, tenant } = this.#context
    const { run, attempt } = this.#attempt
    for (let tries = 0; tries < conflictsMax; tries++) {
      const newest = await doors.log.last(tenant, { kind: 'asset', name: asset })
      const latest = versionIn(newest)
      if (latest?.origin.by === 'run' && latest.origin.run === run) {
        if (latest.origin.attempt > attempt) throw new FencedError(`run ${run} moved on`)
        if (latest.contentDigest === output.inspection.contentDigest)
          return { version: latest, changed: true }
      }
      const version = nextVersion(
        { ...initial, latest },
        { kind: output.kind, strategy: 'content_hash' },
        {
          type: 'Content',
          asset,
          now: this.#now(),
          rawDigest: renditions[0]!.digest,
          sizeBytes: renditions[0]!.sizeBytes,
          inspection: output.inspection,
          renditions,
          origin: {
            by: 'run',
            run,
            attempt,
            pipeline: this.#request.pipeline,
            pipelineVersion: this.#request.pipelineVersion,
            output: output.output,
          },
        },
      )
      if (!version) return { version: latest!, changed: false }
      const appended = await doors.log.append({
        tenant,
        topic: { kind: 'asset', name: asset },
        id: `output-${run}-${output.output}-${version.contentDigest.slice(0, 16)}`,
        events: [version],
        expect: newest?.seq ?? 0,
        source: `${source}/${this.#context.worker}`,
        run,
        causationId: run,
        correlationId: run,
      })
      if (appended.outcome === 'stored') return { version, changed: true }
    }
    throw new Error(`others keep writing about ${asset}`)
  }

  /** Whether an earlier attempt brought the run to its end before its acknowledgement was lost. */
  async #isEnded(): Promise<boolean> {
    const { log } = this.#context.doors
    const { tenant } = this.#context
    const topic = { kind: 'run' as const, name: this.#request.pipeline }
    const newest = await log.last(tenant, topic)
    if (!newest || newest.seq <= this.#request.throughSeq) return false
    const stop = new AbortController()
    const from = this.#request.throughSeq + 1
    for await (const commits of log.tail({ from, tenant, topic, signal: stop.signal })) {
      const events = commits.flatMap((commit) => commit.events)
      if (events.some((event) => endsRun(event, this.#request.run))) return true
      if (commits.at(-1)!.seq >= newest.seq) break
    }
    return false
  }

  #noteProgress(progress: Progress): void {
    if (progress.type === 'started') return
    if (progress.type === 'skipped') {
      const { step, index, reason } = progress
      return this.#journal.note({ type: 'StepSkipped', ...this.#head(), step, index, reason })
    }
    const { startedAt, endedAt, rowsOut, ...report } = progress.report
    const told = {
      ...this.#head(),
      ...report,
      startedAt: toTimestamp(startedAt),
      endedAt: toTimestamp(endedAt),
    }
    if (progress.type === 'succeeded')
      this.#journal.note({ type: 'StepSucceeded', ...told, rowsOut })
    else {
      const { type, message } = progress.error
      this.#journal.note({ type: 'StepFailed', ...told, error: { type, message } })
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

const versionIn = (commit: Commit | null): EventOf<'AssetVersioned'> | null =>
  commit?.events.find((event) => event.type === 'AssetVersioned') ?? null

const refOf = (event: EventOf<'AssetVersioned'>): VersionRef => ({
  asset: event.asset,
  version: event.version,
  ordinal: event.ordinal,
  digest: event.renditions[0]!.digest,
  sizeBytes: event.sizeBytes,
  kind: event.kind,
})

const endsRun = (event: Event, run: string): boolean =>
  (event.type === 'RunCompleted' ||
    event.type === 'RunFailed' ||
    event.type === 'RunDeadLettered') &&
  event.run === run
