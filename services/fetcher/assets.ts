/**
 * What the log says about every asset, and the only way in which a fetcher adds to it.
 *
 * A decision carries the sequence it was taken on. When somebody wrote about the asset first, it is
 * taken again on what they wrote, unless they wrote something that makes what we found out of date.
 * Bytes are stored before the event that names them, and only when there is such an event.
 */
import { decide, evolve, initial, type Arrival, type AssetState } from '@headway/schemas/asset.ts'
import type { Validators } from '@headway/schemas/asset.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Doors } from '@headway/streams/room.ts'

export type Asset = {
  readonly tenant: string
  readonly key: string
  state: AssetState
  /** Validators of an answer that brought the newest version's content once more. */
  rewrapped: (Pick<AssetState, 'latest' | 'definedSeq'> & { validators: Validators }) | null
}

/** What came, and the bytes that must be stored before they are named. */
export type Found = { readonly arrival: Arrival; readonly bytes?: Uint8Array }

const source = 'fetcher'
/** How often an append is decided again because somebody else wrote about the asset meanwhile. */
const conflictsMax = 16

/** Equal decisions on equal states have equal ids, whenever they are taken. */
const commitId = ({ key, state }: Asset, [first]: readonly Event[]): string => {
  const { at: _, ...fact } = first!
  return `asset-${key}-${state.topicSeq}-${sha256(JSON.stringify(fact)).slice(0, 16)}`
}

export class Assets {
  readonly #doors: Pick<Doors, 'log' | 'content'>
  readonly #signal: AbortSignal
  readonly #assets = new Map<string, Asset>()
  #waiting: (() => void)[] = []

  constructor(doors: Pick<Doors, 'log' | 'content'>, signal: AbortSignal) {
    this.#doors = doors
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  all(): Iterable<Asset> {
    return this.#assets.values()
  }

  of(tenant: string, key: string): Asset {
    const id = `${tenant}\n${key}`
    let asset = this.#assets.get(id)
    if (!asset) this.#assets.set(id, (asset = { tenant, key, state: initial, rewrapped: null }))
    return asset
  }

  apply(commits: readonly Commit[]): void {
    for (const { tenant, topic, seq, at, events } of commits) {
      const asset = this.of(tenant, topic.name)
      events.forEach((event, index) => {
        asset.state = evolve(asset.state, { tenant, seq, index, at, event })
      })
      // A commit that cannot be read still moves the subject.
      asset.state = { ...asset.state, topicSeq: seq }
    }
    this.#wake()
  }

  /** Waits until what the log says about the asset at this moment is known here. */
  async catchUp({ tenant, key }: Asset): Promise<void> {
    const newest = await this.#doors.log.last(tenant, { kind: 'asset', name: key })
    if (newest) await this.#reached(this.of(tenant, key), newest.seq)
  }

  /** False when what was found belongs to a state that is no more, and must be found again. */
  async record(
    asset: Asset,
    { arrival, bytes }: Found,
    isOutOfDate: (state: AssetState) => boolean,
  ): Promise<boolean> {
    for (let attempt = 0; attempt < conflictsMax; attempt++) {
      const { state, tenant, key } = asset
      const events = decide(arrival, state)
      if (events.length === 0) return true
      if (this.#signal.aborted || isOutOfDate(state)) return false
      const isNamed = events.some(({ type }) => type === 'AssetVersioned')
      if (isNamed && bytes) await this.#doors.content.put(tenant, bytes)
      const appended = await this.#doors.log.append({
        tenant,
        topic: { kind: 'asset', name: key },
        id: commitId({ ...asset, state }, events),
        events,
        expect: state.topicSeq,
        source,
      })
      if (appended.outcome !== 'conflict') {
        await this.#reached(asset, appended.seq)
        return true
      }
      await this.catchUp(asset)
    }
    throw new Error(`others keep writing about ${asset.key}`)
  }

  async #reached(asset: Asset, seq: number): Promise<void> {
    while (asset.state.topicSeq < seq && !this.#signal.aborted)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
