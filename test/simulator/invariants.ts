/**
 * The invariants of the design, each checked at the moment at which it could be broken: when a commit is
 * about to be stored, an acknowledgement sent, rows written, a run executed. What only the end can tell
 * is in `convergence.ts`.
 */
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import { secret } from './outside.ts'
import { isOver, isOwn, Model, redrivable, Violation, type ModelPipeline } from './model.ts'

export type World = {
  readonly commits: readonly Commit[]
  readonly hasBytes: (tenant: string, digest: string) => boolean
  /** Nothing goes wrong in this history: everything is in time. */
  readonly isCalm: boolean
}

/** How late a window may close when nothing goes wrong. */
const lateMsMax = 1_500

const endings = new Set([
  'RunCompleted',
  'RunFailed',
  'RunDeadLettered',
  'RunCancelled',
  'RunSuspended',
])

const must = (holds: boolean, invariant: string, message: () => string): void => {
  if (!holds) throw new Violation(invariant, message())
}

export class Invariants {
  readonly model = new Model()
  readonly #world: World
  readonly #started = new Map<string, Set<number>>()
  readonly #outputs = new Set<string>()
  /** Attempts whose own end is on the log. */
  readonly #ends = new Set<string>()
  /** Names of bytes that are known to be there. */
  readonly #seen = new Set<string>()

  constructor(world: World) {
    this.#world = world
  }

  /** A commit is about to be stored. */
  onAppend(commit: Commit): void {
    const isTold = () => JSON.stringify(commit.events).includes(secret)
    must(!isTold(), 'I14', () => `a secret is in ${commit.id}`)
    for (const event of commit.events) {
      this.#bytesBeforeNames(commit.tenant, event)
      if (event.type === 'AssetVersioned') this.#versionLine(commit, event)
      if (event.type === 'RunStarted') this.#pinned(commit, event)
      if (event.type === 'ArtifactPublished') this.#published(commit.tenant, event)
      if ('push' in event && event.type !== 'ContentPushed' && event.push !== undefined)
        this.#answered(commit.tenant, event.asset, event.push)
      if (event.type === 'RunRequested') this.#requests(commit, event)
      if (event.type === 'RunRedriven' || event.type === 'RunResumed') this.#goesOn(commit, event)
      if ('attempt' in event && endings.has(event.type))
        this.#ends.add(`${event.run} ${event.epoch ?? 0} ${event.attempt}`)
      this.model.take(commit, event)
    }
  }

  #bytesBeforeNames(tenant: string, event: Event): void {
    const digests =
      'renditions' in event
        ? event.renditions.map(({ digest }) => digest)
        : event.type === 'ContentPushed'
          ? [event.digest]
          : event.type === 'StepOutputRecorded' && event.output.digest
            ? [event.output.digest]
            : []
    for (const digest of digests) {
      const name = `${tenant}/${digest}`
      if (this.#seen.has(name)) continue
      must(
        this.#world.hasBytes(tenant, digest),
        'I5',
        () => `${event.type} names ${digest.slice(0, 8)}… whose bytes are not stored`,
      )
      this.#seen.add(name)
    }
  }

  #versionLine(commit: Commit, event: EventOf<'AssetVersioned'>): void {
    const asset = this.model.asset(commit.tenant, event.asset)
    const latest = asset.versions.at(-1)
    const what = `${event.asset} ${event.ordinal}`
    must(event.ordinal === (latest?.event.ordinal ?? 0) + 1, 'I2', () => `${what} does not follow`)
    must(
      latest?.event.contentDigest !== event.contentDigest,
      'I1',
      () => `${what} is the version before it once more`,
    )
    const { origin } = event
    if (origin.by === 'push') this.#answered(commit.tenant, event.asset, origin.push)
    if (origin.by !== 'run') return
    const run = this.model.runs.get(origin.run)
    must(run !== undefined, 'I8', () => `${what} is of a run that nobody asked for`)
    must(run!.tenant === commit.tenant, 'I15', () => `${what} is of another tenant's run`)
    const once = `${origin.run} ${origin.epoch ?? 0} ${origin.output} ${event.contentDigest}`
    must(!this.#outputs.has(once), 'I8', () => `${what} is published twice by run ${origin.run}`)
    this.#outputs.add(once)
    if (!latest || latest.event.origin.by !== 'run') return
    const before = latest.event.origin
    const epoch = origin.epoch ?? 0
    const epochBefore = before.epoch ?? 0
    if (before.run === origin.run)
      must(
        epoch > epochBefore || (epoch === epochBefore && origin.attempt >= before.attempt),
        'I8',
        () => `${what} is of attempt ${origin.attempt}, after one of attempt ${before.attempt}`,
      )
    else if (before.run > origin.run) {
      const then = run!.story.findLast(({ seq }) => seq <= latest.seq)
      must(
        !then ||
          then.epoch < epoch ||
          (!then.isOver && then.epoch === epoch && then.attempt <= origin.attempt),
        'I8',
        () => `${what} by run ${origin.run}, which was over, hides a newer run's`,
      )
    }
  }

  #answered(tenant: string, asset: string, push: string): void {
    const { pushes } = this.model.asset(tenant, asset)
    must(pushes.has(push), 'I1', () => `push ${push} is answered twice`)
  }

  #published(tenant: string, { asset, version }: EventOf<'ArtifactPublished'>): void {
    const { versions } = this.model.asset(tenant, asset)
    must(
      versions.some(({ event }) => event.version === version),
      'I8',
      () => `version ${version} of ${asset} is said to be published and is not on the log`,
    )
  }

  #pinned(commit: Commit, event: EventOf<'RunStarted'>): void {
    const run = this.model.runs.get(event.run)
    must(run !== undefined, 'I10', () => `run ${event.run} starts and nobody asked for it`)
    const epoch = event.epoch ?? 0
    if (!run || epoch !== run.epoch) return
    must(
      event.pipelineVersion === run.version,
      'I10',
      () => `run ${event.run} starts on ${event.pipelineVersion}, pinned to ${run.version}`,
    )
    const key = `${event.run} ${epoch}`
    let attempts = this.#started.get(key)
    if (!attempts) this.#started.set(key, (attempts = new Set()))
    attempts.add(event.attempt)
    const { definition } = this.model.pipeline(commit.tenant, run.pipeline)
    const budget = (definition?.retry.attempts ?? 1) + run.givenBack
    must(
      attempts.size <= budget,
      'I9',
      () => `run ${event.run} is tried ${attempts.size} times and has ${budget} attempts`,
    )
  }

  /** What ended badly is done again in a new epoch, and only then; so does what was answered. */
  #goesOn(commit: Commit, event: EventOf<'RunRedriven' | 'RunResumed'>): void {
    const run = this.model.runs.get(event.run)
    const what = `${event.type} of ${event.run}`
    must(run !== undefined, 'I8', () => `${what}: nobody asked for it`)
    // Two wishes for the same run are granted by one decision.
    if (run!.story.at(-1)?.seq === commit.seq) return
    // Somebody else may end a run that waits at the same moment.
    if (event.type === 'RunResumed' && run!.status !== 'waiting_external') return
    must(event.epoch === run!.epoch + 1, 'I8', () => `${what} into epoch ${event.epoch}`)
    if (event.type === 'RunRedriven')
      must(redrivable.has(run!.status), 'I8', () => `${what}, which is ${run!.status}`)
  }

  #requests(commit: Commit, event: EventOf<'RunRequested'>): void {
    const pipeline = this.model.pipeline(commit.tenant, event.pipeline)
    const { run } = event
    must(!this.model.runs.has(run), 'I2', () => `run ${run} is asked for twice`)
    if (event.reason === 'manual')
      must(pipeline.manual.has(run), 'I6', () => `run ${run} is nobody's wish`)
    must(event.throughSeq < commit.seq, 'I6', () => `run ${run} reaches beyond its own request`)
    this.#isPinnedAt(pipeline, event)
    if (event.pinned || event.canary) return
    const covered = pipeline.window.filter(({ seq }) => seq <= event.throughSeq)
    const told = event.triggeredBy.map(({ version }) => version)
    must(
      covered.map(({ version }) => version).join() === told.join(),
      'I6',
      () =>
        `run ${run} is triggered by [${told.join(' ')}]; ` +
        `waiting: [${covered.map(({ version }) => version).join(' ')}]`,
    )
    must(event.throughSeq >= pipeline.throughSeq, 'I6', () => `run ${run} reaches back`)
    this.#carriedOver(commit, event)
    if (event.reason === 'flushed')
      must(pipeline.flushed, 'I7', () => `run ${run}: nobody flushed the window`)
    const [first] = covered
    if (event.reason !== 'triggered' || !first) {
      const isEmpty = covered.length === 0 || ['manual', 'flushed'].includes(event.reason)
      must(isEmpty, 'I7', () => `run ${run} takes an open window because: ${event.reason}`)
      return
    }
    const { quietMs, maxWaitMs } = pipeline.definition!.debounce
    const closeAt = Math.min(covered.at(-1)!.at + quietMs, first.at + maxWaitMs)
    must(
      Date.parse(event.at) >= closeAt && commit.at >= closeAt,
      'I7',
      () =>
        `run ${run} closes its window at ${event.at}, ${closeAt - Date.parse(event.at)} ms early`,
    )
    const possibleAt = Math.max(closeAt, this.#possibleAt(pipeline))
    if (this.#world.isCalm)
      must(commit.at <= possibleAt + lateMsMax, 'I7', () => `run ${run} closes its window late`)
  }

  /** Since when everything is there that a run needs. */
  #possibleAt({ tenant, id, definition, active }: ModelPipeline): number {
    const firsts = Object.values(definition!.slots)
      .filter((key) => !isOwn(id, key))
      .map((key) => this.model.asset(tenant, key).versions[0]?.at ?? 0)
    return Math.max(active[0]?.at ?? 0, ...firsts)
  }

  /** Inputs and code are what the log said at the position that the request names. */
  #isPinnedAt(pipeline: ModelPipeline, event: EventOf<'RunRequested'>): void {
    const { tenant, definition } = pipeline
    if (event.canary || !definition) return
    const active = pipeline.active.findLast(({ seq }) => seq <= event.throughSeq)
    must(
      event.pipelineVersion === active?.version,
      'I10',
      () => `run ${event.run} is pinned to ${event.pipelineVersion}, active: ${active?.version}`,
    )
    if (event.pinned) return
    for (const [slot, key] of Object.entries(definition.slots)) {
      if (isOwn(pipeline.id, key)) continue
      const { versions } = this.model.asset(tenant, key)
      const latest = versions.findLast(({ seq }) => seq <= event.throughSeq)?.event.version
      must(
        event.inputs[slot]?.version === latest,
        'I10',
        () => `run ${event.run} reads ${event.inputs[slot]?.version} of ${key}, newest: ${latest}`,
      )
    }
  }

  #carriedOver(commit: Commit, event: EventOf<'RunRequested'>): void {
    const superseded = commit.events.flatMap((one) =>
      one.type === 'RunSuperseded' && one.by === event.run ? [one.run] : [],
    )
    const expected = superseded.flatMap((id) => {
      const request = this.model.runs.get(id)?.request
      return [...(request?.carriedOver ?? []), ...(request?.triggeredBy ?? [])]
    })
    const versions = (refs: readonly VersionRef[]) => refs.map(({ version }) => version).join()
    must(
      versions(event.carriedOver ?? []) === versions(expected),
      'I6',
      () => `run ${event.run} does not carry over what it supersedes`,
    )
  }

  /** A run command is about to be acknowledged: its effect must be on the log. */
  onRunAck(run: string, epoch: number, attempt: number): void {
    const known = this.model.runs.get(run)
    const isDone =
      known !== undefined &&
      (known.epoch > epoch ||
        isOver(known) ||
        known.status === 'waiting_external' ||
        this.#ends.has(`${run} ${epoch} ${attempt}`))
    must(isDone, 'I4', () => `the command of run ${run} is acknowledged and it is ${known?.status}`)
  }

  /** A look is about to be acknowledged: what the source said must be on the log. */
  onLookAck(tenant: string, asset: string, digest: string): void {
    const { versions } = this.model.asset(tenant, asset)
    must(
      versions.some(({ event }) => event.rawDigest === digest),
      'I4',
      () => `a look at ${asset} is acknowledged and what it found is not on the log`,
    )
  }

  /** A worker executes a run on a version with inputs. */
  onExecute(
    run: string,
    version: string,
    inputs: Readonly<Record<string, string>>,
    isOwnWork: boolean,
  ): void {
    must(isOwnWork, 'I10', () => `run ${run} goes on with what another version or input made`)
    const known = this.model.runs.get(run)
    must(known !== undefined, 'I10', () => `run ${run} is executed and nobody asked for it`)
    if (known!.epoch === 0)
      must(
        known!.request.pipelineVersion === version,
        'I10',
        () => `run ${run} is executed on ${version}`,
      )
    for (const [slot, { digest }] of Object.entries(known!.request.inputs))
      must(inputs[slot] === digest, 'I10', () => `run ${run} is executed with another ${slot}`)
  }

  /** Rows and a position are about to be written together. */
  onRows(from: { readonly seq: number }, to: { readonly seq: number; readonly commit: string }) {
    const { commits } = this.#world
    must(
      to.seq > from.seq && to.seq <= commits.length,
      'I12',
      () => `the position moves to ${to.seq}`,
    )
    must(
      commits[to.seq - 1]!.id.slice(0, 200) === to.commit,
      'I12',
      () => `commit ${to.seq} is not ${to.commit}`,
    )
  }
}
