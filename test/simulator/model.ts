/**
 * A second, simple account of what the log means, written without the rooms: which versions wait for a
 * run, which runs are open and in which attempt, what is active. It shares no rule with the product, so
 * that a wrong rule there is not wrong here as well.
 */
import type { PipelineDefinition, Question } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'

export class Violation extends Error {
  override readonly name = 'Violation'
  readonly invariant: string
  constructor(invariant: string, message: string) {
    super(`[${invariant}] ${message}`)
    this.invariant = invariant
  }
}

type Version = EventOf<'AssetVersioned'>
export type Waiting = { readonly seq: number; readonly at: number; readonly version: string }
export type ModelRun = {
  readonly id: string
  readonly tenant: string
  readonly pipeline: string
  readonly request: EventOf<'RunRequested'>
  version: string
  epoch: number
  attempt: number
  status: string
  questions: readonly Question[]
  cancelAsked: boolean
  givenBack: number
  /** Sequence → fence after it, for what was known then. */
  readonly story: { seq: number; epoch: number; attempt: number; isOver: boolean }[]
}
export type ModelPipeline = {
  readonly tenant: string
  readonly id: string
  definition: PipelineDefinition | null
  window: Waiting[]
  flushed: boolean
  readonly manual: Map<string, EventOf<'RunTriggered'>>
  readonly heard: Set<string>
  readonly active: { readonly seq: number; readonly at: number; readonly version: string }[]
  readonly releases: Set<string>
  throughSeq: number
  paused: boolean
  settled: { inputs: string; version: string; status: string } | null
  settleNext: boolean
  readonly redrives: Map<string, EventOf<'RedriveRequested'>>
}
export type ModelAsset = {
  readonly tenant: string
  readonly key: string
  readonly versions: { readonly seq: number; readonly at: number; readonly event: Version }[]
  readonly pushes: Map<string, string>
  defined: boolean
}

const endStatus: Readonly<Record<string, string>> = {
  RunCompleted: 'completed',
  RunFailed: 'failed',
  RunDeadLettered: 'dead_lettered',
  RunCancelled: 'cancelled',
}
const overStatuses = new Set(['completed', 'failed', 'dead_lettered', 'cancelled', 'superseded'])
/** Ended in a way that it can be done again. */
export const redrivable: ReadonlySet<string> = new Set(['failed', 'dead_lettered', 'cancelled'])
export const isOver = (run: Pick<ModelRun, 'status'>): boolean => overStatuses.has(run.status)
export const isOwn = (pipeline: string, asset: string): boolean =>
  asset.startsWith(`output/${pipeline}/`)

export class Model {
  readonly pipelines = new Map<string, ModelPipeline>()
  readonly assets = new Map<string, ModelAsset>()
  readonly runs = new Map<string, ModelRun>()
  readonly refused = new Set<string>()

  pipeline(tenant: string, id: string): ModelPipeline {
    const key = `${tenant}/${id}`
    let pipeline = this.pipelines.get(key)
    if (!pipeline) {
      pipeline = {
        tenant,
        id,
        definition: null,
        window: [],
        flushed: false,
        manual: new Map(),
        heard: new Set(),
        active: [],
        releases: new Set(),
        throughSeq: 0,
        paused: false,
        settled: null,
        settleNext: false,
        redrives: new Map(),
      }
      this.pipelines.set(key, pipeline)
    }
    return pipeline
  }

  asset(tenant: string, key: string): ModelAsset {
    const id = `${tenant}/${key}`
    let asset = this.assets.get(id)
    if (!asset) {
      asset = { tenant, key, versions: [], pushes: new Map(), defined: false }
      this.assets.set(id, asset)
    }
    return asset
  }

  openRuns({ tenant, id }: ModelPipeline): ModelRun[] {
    return [...this.runs.values()].filter(
      (run) => run.pipeline === id && run.tenant === tenant && !isOver(run),
    )
  }

  take({ tenant, seq, at }: Commit, event: Event): void {
    switch (event.type) {
      case 'AssetDefined':
        this.asset(tenant, event.asset).defined = true
        return
      case 'AssetVersioned':
        return this.#versioned(tenant, seq, at, event)
      case 'ContentPushed':
        this.asset(tenant, event.asset).pushes.set(event.push, event.digest)
        return
      case 'FetchRefused':
      case 'FetchRecovered':
        if (event.push) this.asset(tenant, event.asset).pushes.delete(event.push)
        return
      case 'CommandRefused':
        this.refused.add(`${event.queue} ${tenant} ${event.about}`)
        return
      default:
        if ('pipeline' in event) this.#takePipeline(tenant, seq, at, event)
        if ('run' in event && 'attempt' in event) this.#takeRun(seq, event)
    }
  }

  #versioned(tenant: string, seq: number, at: number, event: EventOf<'AssetVersioned'>): void {
    const asset = this.asset(tenant, event.asset)
    asset.versions.push({ seq, at, event })
    if (event.origin.by === 'push') asset.pushes.delete(event.origin.push)
    for (const pipeline of this.pipelines.values()) {
      if (pipeline.tenant !== tenant || !pipeline.definition) continue
      const listens = Object.values(pipeline.definition.slots).includes(event.asset)
      if (!listens || isOwn(pipeline.id, event.asset)) continue
      pipeline.window.push({ seq, at, version: event.version })
    }
  }

  #takePipeline(
    tenant: string,
    seq: number,
    at: number,
    event: Extract<Event, { pipeline: string }>,
  ): void {
    const pipeline = this.pipeline(tenant, event.pipeline)
    switch (event.type) {
      case 'PipelineDefined':
        pipeline.definition = event.definition
        return
      case 'PipelinePaused':
      case 'PipelineResumed':
        pipeline.paused = event.type === 'PipelinePaused'
        return
      case 'RunTriggered':
        if (pipeline.heard.has(event.request)) return
        if (event.key) pipeline.heard.add(event.request)
        pipeline.manual.set(event.request, event)
        return
      case 'WindowFlushed':
        pipeline.flushed = pipeline.window.length > 0
        return
      case 'WindowCancelled':
        pipeline.window = []
        pipeline.flushed = false
        pipeline.settleNext = true
        return
      case 'ReleaseRegistered':
        pipeline.releases.add(event.pipelineVersion)
        return
      case 'ReleaseActivated':
        pipeline.active.push({ seq, at, version: event.pipelineVersion })
        pipeline.settleNext = false
        return
      case 'CancelRequested': {
        const run = this.runs.get(event.run)
        if (run && !isOver(run)) run.cancelAsked = true
        return
      }
      case 'RedriveRequested':
        pipeline.redrives.set(event.redrive, event)
        return
      case 'RedriveEnded':
        pipeline.redrives.delete(event.redrive)
        return
      case 'RunRequested':
        return this.#requested(tenant, seq, pipeline, event)
      case 'RunSuperseded':
      case 'RunRedriven':
      case 'RunResumed':
        return this.#decided(seq, event)
      default:
    }
  }

  #requested(
    tenant: string,
    seq: number,
    pipeline: ModelPipeline,
    request: EventOf<'RunRequested'>,
  ): void {
    pipeline.manual.delete(request.run)
    this.runs.set(request.run, {
      id: request.run,
      tenant,
      pipeline: pipeline.id,
      request,
      version: request.pipelineVersion,
      epoch: 0,
      attempt: 0,
      status: 'pending',
      questions: [],
      cancelAsked: false,
      givenBack: 0,
      story: [{ seq, epoch: 0, attempt: 0, isOver: false }],
    })
    if (request.pinned || request.canary) return
    pipeline.window = pipeline.window.filter((waiting) => waiting.seq > request.throughSeq)
    pipeline.flushed = false
    pipeline.settleNext = false
    pipeline.throughSeq = request.throughSeq
  }

  #decided(seq: number, event: EventOf<'RunSuperseded' | 'RunRedriven' | 'RunResumed'>): void {
    const run = this.runs.get(event.run)
    if (!run) return
    if (event.type === 'RunSuperseded') {
      if (run.status !== 'pending' || run.attempt > 0 || run.epoch > 0) return
      run.status = 'superseded'
    } else {
      const isDue =
        event.type === 'RunResumed' ? run.status === 'waiting_external' : redrivable.has(run.status)
      if (!isDue || event.epoch !== run.epoch + 1) return
      if (event.type === 'RunRedriven') run.cancelAsked = false
      Object.assign(run, { status: 'pending', epoch: event.epoch, attempt: 0, givenBack: 0 })
      run.version = event.pipelineVersion
      run.questions = []
    }
    this.#note(seq, run)
  }

  #takeRun(seq: number, event: Extract<Event, { run: string; attempt: number }>): void {
    const run = this.runs.get(event.run)
    if (!run || isOver(run)) return
    const epoch = event.epoch ?? 0
    if (epoch < run.epoch || (epoch === run.epoch && event.attempt < run.attempt)) return
    const isSame = epoch === run.epoch && event.attempt === run.attempt
    const isEnding = event.type === 'RunDeadLettered' || event.type === 'RunCancelled'
    if (run.status === 'waiting_external' && !(isSame && isEnding)) return
    run.epoch = epoch
    run.attempt = event.attempt
    if (event.type === 'RunStarted') run.status = 'running'
    if (event.type === 'RunRetried') run.status = 'retrying'
    if (event.type === 'RunGivenBack') {
      run.status = 'pending'
      run.givenBack++
    }
    if (event.type === 'RunSuspended') {
      run.status = 'waiting_external'
      run.questions = event.questions
    }
    const ended = endStatus[event.type]
    if (ended) {
      run.status = ended
      this.#settle(run)
    }
    this.#note(seq, run)
  }

  #settle(run: ModelRun): void {
    const { request } = run
    if (request.pinned || request.canary) return
    const pipeline = this.pipeline(run.tenant, run.pipeline)
    const inputs = inputsText(request.inputs)
    // Somebody who has it done again on other code has seen to it.
    const { pipelineVersion: version } = request
    pipeline.settled = { inputs, version, status: run.status }
  }

  #note(seq: number, run: ModelRun): void {
    const { epoch, attempt } = run
    run.story.push({ seq, epoch, attempt, isOver: isOver(run) })
  }
}

export const inputsText = (inputs: Readonly<Record<string, { readonly version: string }>>) =>
  Object.entries(inputs)
    .map(([slot, { version }]) => `${slot}=${version}`)
    .sort()
    .join(' ')
