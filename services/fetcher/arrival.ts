/** Bytes came: proves that they are what they should be, and says so in the words of the decider. */
import type { Arrival } from '@headway/schemas/asset.ts'
import { primaryRendition, Refusal, type ContentKindName } from '@headway/schemas/content/kind.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Found } from './assets.ts'
import type { Outside } from './outside.ts'

export type Came = Pick<EventOf<'AssetVersioned'>, 'origin' | 'etag' | 'lastModified'> & {
  readonly asset: string
  readonly now: number
}

export const found = async (
  { inspect }: Pick<Outside, 'inspect'>,
  kind: ContentKindName,
  bytes: Uint8Array,
  came: Came,
  signal: AbortSignal,
): Promise<Found> => {
  const { asset, now, origin } = came
  const rawDigest = sha256(bytes)
  const sizeBytes = bytes.length
  try {
    const inspection = await inspect(kind, bytes, signal)
    const renditions = [{ ...primaryRendition[kind], digest: rawDigest, sizeBytes }]
    return {
      arrival: { type: 'Content', ...came, rawDigest, sizeBytes, inspection, renditions },
      bytes,
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { code, message: detail } = error
    const push = origin.by === 'push' ? { push: origin.push } : {}
    return { arrival: { type: 'Refused', asset, now, ...push, code, detail, sizeBytes, rawDigest } }
  }
}

/** Takes out of an arrival's words what must not be told. */
export const hiding = (arrival: Arrival, hide: (text: string) => string): Arrival => {
  switch (arrival.type) {
    case 'Unchanged':
      return arrival
    case 'Refused':
      return { ...arrival, detail: hide(arrival.detail) }
    case 'Failed':
      return { ...arrival, error: { ...arrival.error, message: hide(arrival.error.message) } }
    case 'Content': {
      const { etag, lastModified, inspection } = arrival
      const facts = Object.entries(inspection.facts).map(([name, fact]) => [
        name,
        typeof fact === 'string' ? hide(fact) : fact,
      ])
      return {
        ...arrival,
        ...(etag ? { etag: hide(etag) } : {}),
        ...(lastModified ? { lastModified: hide(lastModified) } : {}),
        inspection: { ...inspection, facts: Object.fromEntries(facts) },
      }
    }
  }
}
