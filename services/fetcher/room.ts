/**
 * The fetcher room: looks at sources when JetStream says so and puts what it finds on the log.
 *
 * A cadence is a schedule in the server, one for the ordinary look and one for the full look without
 * validators; each fires a command that one of any number of fetchers takes. No timer lives here. What
 * a fetcher must know of an asset (definition, newest version, present trouble) it folds from the log,
 * and what it appends carries the sequence that was folded, so two fetchers that looked at the same time
 * make one version. Bytes are stored before the event that names them.
 */
import type { AssetDefinition } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { decide, evolve, initial, type Arrival, type AssetState } from '@headway/schemas/asset.ts'
import { primaryRendition, Refusal } from '@headway/schemas/content/kind.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Commit, Delivery } from '@headway/schemas/ports.ts'
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { Doors } from '@headway/streams/room.ts'
import { allowed } from './rate-limit.ts'
import { sourceOf } from './sources/index.ts'
import { tellableUrl } from './sources/http.ts'
import type { Polled } from './sources/source.ts'
import { inspect } from './inspect.ts'
import { resolveSecret } from './secrets.ts'

type Asset = { readonly tenant: string; readonly key: string; state: AssetState }

const source = 'fetcher'
const concurrency = 16
const leaseRenewMs = 1_300
const fullFetchMsDefault = 6 * 3_600_000
/** How often an append is decided again because somebody else wrote about the asset meanwhile. */
const conflictsMax = 8

export const runFetcher = async (doors: Doors, signal: AbortSignal): Promise<void> => {
  const room = new FetcherRoom(doors, signal)
  await Promise.all([room.follow(), room.takeFetches()])
}

class FetcherRoom {
  readonly #doors: Doors
  readonly #signal: AbortSignal
  readonly #assets = new Map<string, Asset>()
  readonly #busy = new Set<Asset>()
  readonly #work = new Set<Promise<void>>()
  #caughtUp = false
  #waiting: (() => void)[] = []

  constructor(doors: Doors, signal: AbortSignal) {
    this.#doors = doors
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  async follow(): Promise<void> {
    const { log } = this.#doors
    const head = await log.head(['asset'])
    this.#caughtUp = head.seq === 0
    for await (const commits of log.tail({ from: 1, kinds: ['asset'], signal: this.#signal })) {
      for (const commit of commits) {
        const asset = this.#apply(commit)
        if (this.#caughtUp) this.#react(asset, commit.events, commit.seq)
      }
      this.#wake()
      if (!this.#caughtUp && commits.at(-1)!.seq >= head.seq) {
        this.#caughtUp = true
        for (const asset of this.#assets.values()) this.#settle(asset)
      }
    }
    await Promise.allSettled(this.#work)
  }

  async takeFetches(): Promise<void> {
    await this.#doors.control.consume<'FetchAsset'>(
      { kind: 'fetch' },
      { concurrency, signal: this.#signal },
      (delivery) => this.#fetch(delivery),
    )
  }

  #asset(tenant: string, key: string): Asset {
    const id = `${tenant}\n${key}`
    let asset = this.#assets.get(id)
    if (!asset) this.#assets.set(id, (asset = { tenant, key, state: initial }))
    return asset
  }

  #apply(commit: Commit): Asset {
    const asset = this.#asset(commit.tenant, commit.topic.name)
    commit.events.forEach((event, index) => {
      const { tenant, seq, at } = commit
      asset.state = evolve(asset.state, { tenant, seq, index, at, event })
    })
    // A commit that cannot be read still moves the subject.
    asset.state = { ...asset.state, topicSeq: commit.seq }
    return asset
  }

  /** What a new fact about an asset asks of the fetchers. All of them do it; the server keeps one. */
  #react(asset: Asset, events: readonly Event[], seq: number): void {
    for (const event of events) {
      if (event.type === 'AssetDefined') {
        this.#run(this.#schedule(asset))
        if (event.definition.url) this.#run(this.#ask(asset, `fetch-${asset.key}-${seq}`))
      } else if (event.type === 'AssetRemoved') this.#run(this.#schedule(asset))
      else if (event.type === 'FetchTriggered')
        this.#run(this.#ask(asset, `fetch-${asset.key}-${seq}`))
      else if (event.type === 'ContentPushed') this.#run(this.#takePush(asset, event))
    }
  }

  /** What is owed to an asset when this fetcher has caught up. */
  #settle(asset: Asset): void {
    this.#run(this.#schedule(asset))
    const { definition, latest, definedSeq, pushes } = asset.state
    if (definition?.url && !latest) this.#run(this.#ask(asset, `fetch-${asset.key}-${definedSeq}`))
    for (const push of pushes) this.#run(this.#takePush(asset, push))
  }

  #run(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => {
        this.#doors.logger.warn({ error: String(error) }, 'work on an asset failed')
      })
      .finally(() => this.#work.delete(settled))
    this.#work.add(settled)
  }

  #ask(asset: Asset, id: string): Promise<void> {
    const command = { type: 'FetchAsset' as const, asset: asset.key, full: false }
    return this.#doors.control.send(asset.tenant, command, id)
  }

  async #schedule({ tenant, key, state }: Asset): Promise<void> {
    const { control } = this.#doors
    const { definition } = state
    const cadence = { kind: 'fetch' as const, tenant, asset: key }
    const full = { kind: 'fetch-full' as const, tenant, asset: key }
    if (!definition?.url || !definition.cadenceMs) {
      await Promise.all([control.disarm(cadence), control.disarm(full)])
      return
    }
    const command = { type: 'FetchAsset' as const, asset: key }
    const fullMs = Math.max(definition.fullFetchMs ?? fullFetchMsDefault, definition.cadenceMs)
    await control.repeat(cadence, definition.cadenceMs, { ...command, full: false })
    await control.repeat(full, fullMs, { ...command, full: true })
  }

  async #fetch(delivery: Delivery<CommandOf<'FetchAsset'>>): Promise<void> {
    const { command, tenant } = delivery
    if (!command) return delivery.refuse(delivery.problem ?? 'unreadable')
    const asset = this.#asset(tenant, command.asset)
    // The next look is already scheduled; one that is under way is not doubled.
    if (this.#busy.has(asset)) return delivery.ack()
    this.#busy.add(asset)
    const lease = setInterval(delivery.working, leaseRenewMs)
    try {
      await this.#look(asset, command.full)
      delivery.ack()
    } catch (error) {
      this.#doors.logger.warn({ asset: asset.key, error: String(error) }, 'a look is done again')
      delivery.retry(2_000)
    } finally {
      clearInterval(lease)
      this.#busy.delete(asset)
    }
  }

  async #look(asset: Asset, full: boolean): Promise<void> {
    const { clock, live } = this.#doors
    const { definition, latest, notBefore } = asset.state
    const now = clock.now()
    if (!definition?.url || notBefore > now) return
    const { url, rateLimit } = definition
    if (rateLimit && !(await allowed(live, asset.tenant, rateLimit, now))) return
    const from = sourceOf(url)
    const { etag, lastModified } = latest ?? {}
    const validators =
      full || (!etag && !lastModified)
        ? {}
        : {
            validators: { ...(etag ? { etag } : {}), ...(lastModified ? { lastModified } : {}) },
          }
    const polled: Polled = from
      ? await from.poll({
          definition: { ...definition, url },
          ...validators,
          now,
          signal: this.#signal,
          secret: resolveSecret,
        })
      : { outcome: 'failed', error: { type: 'unknown_scheme', message: `no source for ${url}` } }
    // Stopping is nobody's failure.
    if (this.#signal.aborted && polled.outcome === 'failed') return
    const arrival = await this.#arrivalOf(asset, definition.kind, polled, url)
    await this.#record(asset, arrival)
    await live.put(
      `fetch/${asset.tenant}/${asset.key}`,
      JSON.stringify({ at: clock.now(), outcome: arrival.type }),
      Math.max(60_000, 5 * (definition.cadenceMs ?? 0)),
    )
  }

  async #arrivalOf(
    asset: Asset,
    kind: AssetDefinition['kind'],
    polled: Polled,
    url: string,
  ): Promise<Arrival> {
    const base = { asset: asset.key, now: this.#doors.clock.now() }
    switch (polled.outcome) {
      case 'unchanged':
        return { type: 'Unchanged', ...base }
      case 'failed': {
        const { outcome: _, ...failure } = polled
        return { type: 'Failed', ...base, ...failure }
      }
      case 'too_large': {
        const { detail, sizeBytes } = polled
        return { type: 'Refused', ...base, code: 'too_large', detail, sizeBytes }
      }
      case 'content': {
        const { outcome: _, bytes, status, ...validators } = polled
        const origin = { by: 'fetch' as const, url: tellableUrl(url), status }
        return this.#contentArrival(asset, kind, bytes, { ...base, ...validators, origin })
      }
    }
  }

  /** Proves the bytes, stores them, and only then says that they arrived. */
  async #contentArrival(
    asset: Asset,
    kind: AssetDefinition['kind'],
    bytes: Uint8Array,
    rest: Pick<EventOf<'AssetVersioned'>, 'origin' | 'etag' | 'lastModified'> & {
      readonly asset: string
      readonly now: number
    },
  ): Promise<Arrival> {
    const rawDigest = sha256(bytes)
    const sizeBytes = bytes.length
    const push = rest.origin.by === 'push' ? { push: rest.origin.push } : {}
    try {
      const inspection = await inspect(kind, bytes)
      if (!this.#isKnown(asset, inspection.contentDigest))
        await this.#doors.content.put(asset.tenant, bytes)
      const { name, mediaType } = primaryRendition[kind]
      const renditions = [{ name, mediaType, digest: rawDigest, sizeBytes }]
      return { type: 'Content', ...rest, rawDigest, sizeBytes, inspection, renditions }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { asset: key, now } = rest
      const { code, message: detail } = error
      return { type: 'Refused', asset: key, now, ...push, code, detail, sizeBytes, rawDigest }
    }
  }

  /** Content that makes no version needs no place in the store. */
  #isKnown({ state }: Asset, contentDigest: string): boolean {
    return (
      state.definition?.strategy === 'content_hash' && state.latest?.contentDigest === contentDigest
    )
  }

  async #takePush(asset: Asset, event: EventOf<'ContentPushed'>): Promise<void> {
    const { content, clock, logger } = this.#doors
    const { definition } = asset.state
    if (!definition) return
    const bytes = await content.get(asset.tenant, event.digest)
    if (!bytes) return logger.error({ asset: asset.key }, `pushed bytes ${event.digest} are gone`)
    const origin = { by: 'push' as const, push: event.push, actor: event.actor }
    const base = { asset: asset.key, now: clock.now(), origin }
    await this.#record(asset, await this.#contentArrival(asset, definition.kind, bytes, base))
  }

  /** Decides and appends; when somebody wrote about the asset first, decides again on that. */
  async #record(asset: Asset, arrival: Arrival): Promise<void> {
    for (let attempt = 0; attempt < conflictsMax; attempt++) {
      const { state } = asset
      const events = decide(arrival, state)
      if (events.length === 0 || isAnswered(arrival, state)) return
      const what = events[0]!.type === 'AssetVersioned' ? events[0]!.version : events[0]!.type
      const appended = await this.#doors.log.append({
        tenant: asset.tenant,
        topic: { kind: 'asset', name: asset.key },
        id: `asset-${asset.key}-${state.topicSeq}-${what}`,
        events,
        expect: state.topicSeq,
        source,
      })
      if (appended.outcome !== 'conflict') return this.#reached(asset, appended.seq)
      await this.#reached(asset, state.topicSeq + 1)
    }
    throw new Error(`others keep writing about ${asset.key}`)
  }

  /** Waits until the fold of the asset is at `seq` or beyond. */
  async #reached(asset: Asset, seq: number): Promise<void> {
    while (asset.state.topicSeq < seq && !this.#signal.aborted)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** A push that another fetcher has answered already. */
const isAnswered = (arrival: Arrival, state: AssetState): boolean => {
  const push =
    arrival.type === 'Refused'
      ? arrival.push
      : arrival.type === 'Content' && arrival.origin.by === 'push'
        ? arrival.origin.push
        : undefined
  return push !== undefined && !state.pushes.some((asked) => asked.push === push)
}
