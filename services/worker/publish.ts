/**
 * Puts the outputs of an attempt on their assets' lines of versions.
 *
 * Content that is the newest version's already makes no version and triggers nobody. A version that an
 * earlier attempt of this run registered is used. And an attempt that was overtaken (it stood still,
 * its lease ran out, another worker took over) must not put its output over a newer one: the append
 * holds only if the asset is where the decision saw it, and before a decision that could be late the
 * log is asked whether this attempt is still the newest of a run that still goes on.
 */
import { initial as noVersions, nextVersion } from '@headway/schemas/asset.ts'
import type { PipelineDefinition, VersionRef } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import type { Commit, Log } from '@headway/schemas/ports.ts'
import { traceSeedOf } from '@headway/schemas/trace.ts'
import type { Doors } from '@headway/streams/room.ts'
import { fenceOf, type Attempt } from './decider.ts'
import type { Output } from './executor.ts'
import { readRun } from './read-run.ts'

/** A conflict means that another run got on; only something strange goes on for so long. */
const conflictsMax = 100
/** An attempt that takes longer than a lease may have lost it. */
export const leaseMs = 4_000

/** Somebody else is further with this run: what this attempt made must not be published. */
export class FencedError extends Error {
  override readonly name = 'FencedError'
}

type Version = EventOf<'AssetVersioned'>
type Registered = { readonly version: Version; readonly changed: boolean }
type Context = {
  readonly doors: Doors
  readonly tenant: string
  readonly worker: string
  /** The pipeline version that made the output. */
  readonly version: string
}

const versionIn = (commit: Commit | null): Version | null =>
  commit?.events.findLast((event) => event.type === 'AssetVersioned') ?? null

/** The versions of an asset that were recorded after a position. */
const versionsOf = async (
  log: Log,
  tenant: string,
  asset: string,
  afterSeq: number,
): Promise<readonly Version[]> => {
  const topic = { kind: 'asset' as const, name: asset }
  const last = await log.last(tenant, topic)
  const versions: Version[] = []
  if (!last || last.seq <= afterSeq) return versions
  const stop = new AbortController()
  const from = afterSeq + 1
  for await (const commits of log.tail({ from, tenant, topic, signal: stop.signal })) {
    for (const { events } of commits)
      versions.push(...events.filter((event) => event.type === 'AssetVersioned'))
    if (commits.at(-1)!.seq >= last.seq) break
  }
  return versions
}

type Newest = { readonly seq: number; readonly version: Version | null }

/** An asset's newest commit and version, which may be further back: others may write about it too. */
const newestOf = async (log: Log, tenant: string, asset: string): Promise<Newest> => {
  const last = await log.last(tenant, { kind: 'asset', name: asset })
  if (!last) return { seq: 0, version: null }
  const version = versionIn(last) ?? (await versionsOf(log, tenant, asset, 0)).at(-1) ?? null
  return { seq: last.seq, version }
}

/** Slots that are bound to the pipeline's own outputs, with the asset of each. */
export type OwnSlots = readonly (readonly [slot: string, asset: string])[]
export const ownSlots = ({ slots }: PipelineDefinition, pipeline: string): OwnSlots =>
  Object.entries(slots).filter(([, asset]) => asset.startsWith(`output/${pipeline}/`))

/** The newest version in each of them; none before the first run. */
export const newestOwn = async (
  log: Log,
  tenant: string,
  slots: OwnSlots,
): Promise<Record<string, VersionRef>> => {
  const read = slots.map(async ([slot, asset]) => {
    const { version } = await newestOf(log, tenant, asset)
    return version ? [[slot, versionRef(version)] as const] : []
  })
  return Object.fromEntries((await Promise.all(read)).flat())
}

const versionRef = ({ asset, version, ordinal, renditions, sizeBytes, kind }: Version) => ({
  asset,
  version,
  ordinal,
  digest: renditions[0]!.digest,
  sizeBytes,
  kind,
})

export class Publisher {
  readonly #context: Context
  readonly #request: EventOf<'RunRequested'>
  readonly #attempt: Attempt

  constructor(context: Context, request: EventOf<'RunRequested'>, attempt: Attempt) {
    this.#context = context
    this.#request = request
    this.#attempt = attempt
  }

  async publish(output: Output): Promise<EventOf<'ArtifactPublished'>> {
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
      ...fenceOf({ ...this.#attempt, now: doors.clock.now() }),
      output: output.output,
      asset,
      version: version.version,
      ordinal: version.ordinal,
      changed,
      sizeBytes: version.sizeBytes,
      renditions: version.renditions,
    }
  }

  async #register(
    asset: string,
    output: Output,
    renditions: Version['renditions'],
  ): Promise<Registered> {
    const { log } = this.#context.doors
    for (let tries = 0; tries < conflictsMax; tries++) {
      const { seq, version: latest } = await newestOf(log, this.#context.tenant, asset)
      if (await this.#isOvertaken(latest)) throw new FencedError(`${this.#attempt.run} moved on`)
      const isOurs = latest?.origin.by === 'run' && latest.origin.run === this.#attempt.run
      if (isOurs && latest.contentDigest === output.inspection.contentDigest)
        return { version: latest, changed: true }
      const before = isOurs ? null : await this.#before(asset, output, tries > 0)
      if (before) return { version: before, changed: true }
      const version = this.#next(asset, latest, output, renditions)
      if (!version) return { version: latest!, changed: false }
      const appended = await this.#append(asset, output, version, seq)
      if (appended.outcome === 'stored') return { version, changed: true }
      if (appended.outcome === 'conflict') continue
      // An earlier try, of this attempt or of one before, is on the line already.
      const earlier = versionIn(await log.at(appended.seq))
      if (earlier) return { version: earlier, changed: true }
    }
    throw new Error(`others keep writing about ${asset}`)
  }

  /**
   * The version that an earlier attempt of this run registered, though others came after it; or this one,
   * when a try whose answer was lost is repeated after a power cut and meets those others (`isAgain`).
   */
  async #before(asset: string, output: Output, isAgain: boolean): Promise<Version | null> {
    const { epoch, attempt, run } = this.#attempt
    if (epoch === 0 && attempt === 1 && !isAgain) return null
    const { log } = this.#context.doors
    const versions = await versionsOf(log, this.#context.tenant, asset, this.#request.throughSeq)
    const isOurs = ({ origin, contentDigest }: Version) =>
      origin.by === 'run' && origin.run === run && contentDigest === output.inspection.contentDigest
    return versions.findLast(isOurs) ?? null
  }

  async #isOvertaken(latest: Version | null): Promise<boolean> {
    const { doors, tenant } = this.#context
    const { run, epoch, attempt, startedAt } = this.#attempt
    const origin = latest?.origin
    if (origin?.by !== 'run') return false
    if (origin.run === run)
      return (origin.epoch ?? 0) === epoch ? origin.attempt > attempt : (origin.epoch ?? 0) > epoch
    // Runs sort by the moment they were asked for.
    const isLate = origin.run > run || doors.clock.now() - startedAt > leaseMs
    if (!isLate) return false
    const state = await readRun(doors.log, tenant, this.#request)
    if (state.epoch !== epoch) return state.epoch > epoch
    return state.isOver || state.attempt > attempt
  }

  #next(
    asset: string,
    latest: Version | null,
    output: Output,
    renditions: Version['renditions'],
  ): Version | null {
    const { run, epoch, attempt, pipeline } = this.#attempt
    const pipelineVersion = this.#context.version
    return nextVersion(
      { ...noVersions, latest },
      { kind: output.kind, strategy: 'content_hash' },
      {
        type: 'Content',
        asset,
        now: this.#context.doors.clock.now(),
        rawDigest: renditions[0]!.digest,
        sizeBytes: renditions[0]!.sizeBytes,
        inspection: output.inspection,
        renditions,
        origin: {
          by: 'run',
          run,
          ...(epoch > 0 ? { epoch } : {}),
          attempt,
          pipeline,
          pipelineVersion,
          output: output.output,
        },
      },
    )
  }

  #append(asset: string, output: Output, version: Version, expect: number) {
    const { doors, tenant, worker } = this.#context
    const { run } = this.#attempt
    return doors.log.append({
      tenant,
      topic: { kind: 'asset', name: asset },
      id: `output-${run}-${output.output}-${version.contentDigest.slice(0, 16)}`,
      events: [version],
      expect,
      source: `worker/${worker}`,
      run,
      causationId: run,
      correlationId: run,
      trace: traceSeedOf(this.#request),
    })
  }
}
