/**
 * Feeds that change all the time: every asset gets its next version as soon as the last one is
 * acknowledged, while the log has fewer events than it should have by now. So what servers that are down
 * cost is made good afterwards, and the goal holds on average over the whole storm.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Told } from './check.ts'

/** How often an asset changes at most. */
const changeMsMin = 40
const retryMs = 200
/** After the end, a version that is under way is given up as unknown after this. */
const givenUpMs = 150_000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export class Load {
  readonly told: Told & { readonly unknown: Map<string, string> }
  accepted = 0
  /** Appends that were refused or got no answer. */
  refused = 0
  readonly #doors: Doors
  readonly #accepted: Map<string, string[]>
  /** Asset → sequence of its newest commit: an append that was stored cannot be stored again. */
  readonly #seqs = new Map<string, number>()

  constructor(doors: Doors, assets: readonly string[]) {
    this.#doors = doors
    this.#accepted = new Map(assets.map((asset) => [asset, []]))
    this.told = { accepted: this.#accepted, unknown: new Map() }
  }

  /** Resolves when the signal fired and nothing is under way. */
  async run(isBehind: () => boolean, signal: AbortSignal): Promise<void> {
    const feed = async (asset: string) => {
      while (!signal.aborted) {
        const startedAt = performance.now()
        if (isBehind()) await this.#change(asset, signal)
        await sleep(Math.max(5, changeMsMin - (performance.now() - startedAt)))
      }
    }
    await Promise.all([...this.#accepted.keys()].map(feed))
  }

  /** One more version of every asset. */
  async oneMore(): Promise<void> {
    const assets = [...this.#accepted.keys()].filter((asset) => !this.told.unknown.has(asset))
    await Promise.all(assets.map((asset) => this.#change(asset, AbortSignal.abort())))
  }

  /** Tries until the next version is acknowledged, or until long after the end. */
  async #change(asset: string, signal: AbortSignal): Promise<void> {
    const accepted = this.#accepted.get(asset)!
    const ordinal = accepted.length + 1
    const version = ulidOf(Date.now(), asset, ordinal)
    this.told.unknown.set(asset, version)
    for (let giveUpAt = Number.POSITIVE_INFINITY; performance.now() < giveUpAt;) {
      try {
        await this.#append(asset, version, ordinal)
        this.told.unknown.delete(asset)
        accepted.push(version)
        this.accepted++
        return
      } catch {
        this.refused++
        if (signal.aborted) giveUpAt = Math.min(giveUpAt, performance.now() + givenUpMs)
        await sleep(retryMs)
      }
    }
  }

  async #append(asset: string, version: string, ordinal: number): Promise<void> {
    const { log, content } = this.#doors
    const topic = { kind: 'asset' as const, name: asset }
    const expect = this.#seqs.get(asset) ?? (await log.last('default', topic))?.seq ?? 0
    this.#seqs.set(asset, expect)
    const bytes = Buffer.from(`${asset} ${ordinal}`)
    const digest = await content.put('default', bytes)
    const appended = await log.append({
      tenant: 'default',
      topic,
      id: `storm-${asset}-${ordinal}`,
      events: [versioned(asset, version, ordinal, { digest, sizeBytes: bytes.length })],
      source: 'storm',
      expect,
    })
    if (appended.outcome === 'conflict') throw new Error(`somebody else wrote about ${asset}`)
    this.#seqs.set(asset, appended.seq)
  }
}

const versioned = (
  asset: string,
  version: string,
  ordinal: number,
  { digest, sizeBytes }: { readonly digest: string; readonly sizeBytes: number },
): EventOf<'AssetVersioned'> => ({
  type: 'AssetVersioned',
  v: 1,
  at: new Date().toISOString(),
  asset,
  version,
  ordinal,
  kind: 'opaque_bytes',
  rawDigest: digest,
  contentDigest: digest,
  sizeBytes,
  rows: 0,
  facts: {},
  renditions: [{ name: 'value', mediaType: 'text/plain', digest, sizeBytes }],
  origin: { by: 'fetch', url: 'http://storm/', status: 200 },
})
