/**
 * One look at a source: may it be asked now, what does it say, what came of it. Nothing is recorded
 * here. What fetchers should know of each other's looks (the last one, the source's newest wish to be
 * left alone) is a volatile fact and may be lost; what must outlive the server is on the log.
 */
import type { AssetState, Validators } from '@headway/schemas/asset.ts'
import type { Doors } from '@headway/streams/room.ts'
import { found, hiding } from './arrival.ts'
import type { Asset, Found } from './assets.ts'
import type { Outside } from './outside.ts'
import { placeFor } from './rate-limit.ts'
import { SecretsInUse } from './secrets.ts'
import { tellableUrl, type Polled } from './sources/source.ts'

export type LookDoors = Doors & { readonly outside: Outside }

export type Look =
  /** There is nothing to look at. */
  | { readonly type: 'nothing' }
  /** Not before this moment. */
  | { readonly type: 'later'; readonly at: number }
  | { readonly type: 'looked'; readonly found: Found; readonly validators: Validators }

const lookedMsMin = 60_000
const looksMissedMax = 5

type Looked = { readonly outcome: string; readonly definedSeq: number; readonly notBefore: number }

const looked = 'fetch'
const scheduled = 'scheduled'
const keyOf = (what: string, { tenant, key }: Pick<Asset, 'tenant' | 'key'>): string =>
  `${what}/${tenant}/${key}`

/** How long after its last look an asset counts as looked after. */
const lookedMs = ({ definition }: AssetState): number =>
  Math.max(lookedMsMin, looksMissedMax * (definition?.cadenceMs ?? 0))

const lastLook = async ({ live }: Doors, asset: Asset): Promise<Looked | null> => {
  const told = await live.get(keyOf(looked, asset)).catch(() => null)
  const last = told && (JSON.parse(told.value) as Looked)
  return last?.definedSeq === asset.state.definedSeq ? last : null
}

/** Tells the others how the look ended. */
export const tellLook = async (
  { live, clock }: Doors,
  asset: Asset,
  { definedSeq }: AssetState,
  { arrival }: Found,
): Promise<void> => {
  const notBefore = (arrival.type === 'Failed' && arrival.notBefore) || 0
  const told = { at: clock.now(), outcome: arrival.type, definedSeq, notBefore }
  const ttlMs = Math.max(lookedMs(asset.state), notBefore - clock.now())
  await live.put(keyOf(looked, asset), JSON.stringify(told), ttlMs)
}

/** Tells the others that the schedule of an asset was just made sure of. */
export const tellScheduled = ({ live }: Doors, asset: Asset): Promise<void> =>
  live.put(keyOf(scheduled, asset), '', lookedMs(asset.state))

/** Says which assets somebody looked at, or scheduled, lately. */
export const lookedAfter = async ({ live }: Doors): Promise<(asset: Asset) => boolean> => {
  const told = new Set((await Promise.all([live.keys(looked), live.keys(scheduled)])).flat())
  return (asset) => told.has(keyOf(looked, asset)) || told.has(keyOf(scheduled, asset))
}

const validatorsFor = ({ state, rewrapped }: Asset, full: boolean): Validators => {
  if (full) return {}
  const isRewrapped =
    rewrapped?.latest === state.latest && rewrapped?.definedSeq === state.definedSeq
  return (isRewrapped ? rewrapped?.validators : state.validators) ?? {}
}

const poll = async (
  { clock, outside }: LookDoors,
  asset: Asset,
  url: string,
  options: { full: boolean; signal: AbortSignal; secrets: SecretsInUse },
): Promise<Polled> => {
  const { signal, secrets, full } = options
  const from = outside.sourceOf(url)
  if (!from) {
    const message = 'the scheme of the URL is none that can be fetched'
    return { outcome: 'failed', error: { type: 'unknown_scheme', message } }
  }
  const validators = validatorsFor(asset, full)
  const definition = { ...asset.state.definition!, url }
  return from.poll({
    definition,
    ...(validators.etag || validators.lastModified ? { validators } : {}),
    now: clock.now(),
    signal,
    secret: secrets.resolve,
  })
}

const foundIn = async (
  outside: Outside,
  polled: Polled,
  { key: asset, state }: Asset,
  context: { now: number; url: string; signal: AbortSignal },
): Promise<Found> => {
  const base = { asset, now: context.now }
  switch (polled.outcome) {
    case 'unchanged':
      return { arrival: { type: 'Unchanged', ...base } }
    case 'failed': {
      const { outcome: _, ...failure } = polled
      return { arrival: { type: 'Failed', ...base, ...failure } }
    }
    case 'too_large': {
      const { detail, sizeBytes } = polled
      return { arrival: { type: 'Refused', ...base, code: 'too_large', detail, sizeBytes } }
    }
    case 'content': {
      const { outcome: _, bytes, status, ...validators } = polled
      const origin = { by: 'fetch' as const, url: tellableUrl(context.url), status }
      const came = { ...base, ...validators, origin }
      return found(outside, state.definition!.kind, bytes, came, context.signal)
    }
  }
}

/** Looks once at the source of an asset whose state is up to date. */
export const look = async (
  doors: LookDoors,
  asset: Asset,
  { full, signal }: { full: boolean; signal: AbortSignal },
): Promise<Look> => {
  const { clock, live } = doors
  // What is concluded belongs to the state in which the look began.
  const begun: Asset = { ...asset }
  const { definition, notBefore } = begun.state
  if (!definition?.url) return { type: 'nothing' }
  const { url, rateLimit, auth } = definition
  const wish = Math.max(notBefore, (await lastLook(doors, begun))?.notBefore ?? 0)
  if (wish > clock.now()) return { type: 'later', at: wish }
  if (rateLimit) {
    const { tenant, key } = begun
    const at = await placeFor(live, { tenant, asset: key, limit: rateLimit }, clock.now())
    if (at > clock.now()) return { type: 'later', at }
  }
  const secrets = new SecretsInUse(auth, doors.outside.secret)
  const polled = await poll(doors, begun, url, { full, signal, secrets })
  // Stopping is nobody's failure.
  if (signal.aborted) return { type: 'later', at: clock.now() }
  const { arrival, ...rest } = await foundIn(doors.outside, polled, begun, {
    now: clock.now(),
    url,
    signal,
  })
  const told = { arrival: hiding(arrival, secrets.hide), ...rest }
  const validators: Validators =
    told.arrival.type === 'Content'
      ? {
          ...(told.arrival.etag ? { etag: told.arrival.etag } : {}),
          ...(told.arrival.lastModified ? { lastModified: told.arrival.lastModified } : {}),
        }
      : {}
  return { type: 'looked', found: told, validators }
}
