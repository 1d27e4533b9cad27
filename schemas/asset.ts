/**
 * The line of versions of one asset, and when something new belongs on it.
 *
 * With `content_hash` bytes are a new version when their content digest is not the newest one's; with
 * `timestamp` every full answer is. A → B → A makes a third version that names the first in `sameAs`
 * and shares its bytes. Trouble is recorded when it starts or changes and when it ends, never while it
 * lasts, so a source that is broken all night writes two events.
 */
import type { AssetDefinition, RenditionRef } from './definitions.ts'
import type { Event, EventOf, Recorded } from './events.ts'
import type { Inspection, RefusalCode } from './content/kind.ts'
import { toTimestamp, ulidOf } from './ids.ts'

/** Content digests remembered per asset to recognise a return to an earlier version. */
const rememberedMax = 64

type Version = Pick<
  EventOf<'AssetVersioned'>,
  'version' | 'ordinal' | 'rawDigest' | 'contentDigest' | 'etag' | 'lastModified'
>

export type AssetState = {
  readonly definition: AssetDefinition | null
  /** Sequence of the newest commit on the asset's subject: what a decision is taken on. */
  readonly topicSeq: number
  /** Sequence of the newest definition. */
  readonly definedSeq: number
  readonly latest: Version | null
  /** [content digest, version] of earlier versions, oldest first. */
  readonly remembered: readonly (readonly [string, string])[]
  /** What is wrong with the source now, as one comparable text. */
  readonly trouble: string | null
  /** The source asked not to be asked before then, milliseconds since 1970 UTC. */
  readonly notBefore: number
  readonly pushes: readonly EventOf<'ContentPushed'>[]
}

export const initial: AssetState = {
  definition: null,
  topicSeq: 0,
  definedSeq: 0,
  latest: null,
  remembered: [],
  trouble: null,
  notBefore: 0,
  pushes: [],
}

const answered = (state: AssetState, push: string | undefined): AssetState['pushes'] =>
  push === undefined ? state.pushes : state.pushes.filter((asked) => asked.push !== push)

const versioned = (state: AssetState, event: EventOf<'AssetVersioned'>): AssetState => {
  const others = state.remembered.filter(([digest]) => digest !== event.contentDigest)
  return {
    ...state,
    latest: event,
    remembered: [...others, [event.contentDigest, event.version] as const].slice(-rememberedMax),
    trouble: null,
    notBefore: 0,
    pushes: answered(state, event.origin.by === 'push' ? event.origin.push : undefined),
  }
}

/** The state of an asset after one more event of its subject. */
export const evolve = (before: AssetState, { event, seq }: Recorded): AssetState => {
  const state = { ...before, topicSeq: seq }
  switch (event.type) {
    case 'AssetDefined':
      return { ...state, definition: event.definition, definedSeq: seq }
    case 'AssetRemoved':
      return { ...state, definition: null, trouble: null, notBefore: 0 }
    case 'AssetVersioned':
      return versioned(state, event)
    case 'ContentPushed':
      return { ...state, pushes: [...state.pushes, event] }
    case 'FetchRefused': {
      const pushes = answered(state, event.push)
      return { ...state, pushes, trouble: `${event.code} ${event.rawDigest ?? ''}` }
    }
    case 'FetchFailed':
      return {
        ...state,
        trouble: failureOf(event.error.type, event.status),
        notBefore: event.notBefore ? Date.parse(event.notBefore) : 0,
      }
    case 'FetchRecovered':
      return { ...state, trouble: null, notBefore: 0, pushes: answered(state, event.push) }
    default:
      return state
  }
}

const failureOf = (type: string, status: number | undefined): string => `${type} ${status ?? ''}`

/** Something came from outside, or did not. Bytes are already stored when it says so. */
export type Arrival = { readonly asset: string; readonly now: number } & (
  | {
      readonly type: 'Content'
      readonly rawDigest: string
      readonly sizeBytes: number
      readonly inspection: Inspection
      readonly renditions: readonly RenditionRef[]
      readonly etag?: string
      readonly lastModified?: string
      readonly origin: EventOf<'AssetVersioned'>['origin']
    }
  | { readonly type: 'Unchanged' }
  | {
      readonly type: 'Refused'
      readonly code: RefusalCode
      readonly detail: string
      readonly sizeBytes: number
      readonly rawDigest?: string
      readonly push?: string
    }
  | {
      readonly type: 'Failed'
      readonly error: { readonly type: string; readonly message: string }
      readonly status?: number
      readonly notBefore?: number
    }
)

/** The next version of an asset; null when the content is the newest one's already. */
export const nextVersion = (
  state: Pick<AssetState, 'latest' | 'remembered'>,
  definition: Pick<AssetDefinition, 'kind' | 'strategy'>,
  arrival: Extract<Arrival, { type: 'Content' }>,
): EventOf<'AssetVersioned'> | null => {
  const { inspection, asset, now } = arrival
  const { latest } = state
  if (definition.strategy === 'content_hash' && latest?.contentDigest === inspection.contentDigest)
    return null
  const ordinal = (latest?.ordinal ?? 0) + 1
  const sameAs = state.remembered.find(([digest]) => digest === inspection.contentDigest)?.[1]
  return {
    type: 'AssetVersioned',
    v: 1,
    at: toTimestamp(now),
    asset,
    version: ulidOf(now, asset, ordinal, inspection.contentDigest),
    ordinal,
    kind: definition.kind,
    rawDigest: arrival.rawDigest,
    contentDigest: inspection.contentDigest,
    sizeBytes: arrival.sizeBytes,
    rows: inspection.rows,
    facts: { ...inspection.facts },
    renditions: [...arrival.renditions],
    ...(sameAs ? { sameAs } : {}),
    ...(inspection.sourceAt ? { sourceAt: inspection.sourceAt } : {}),
    ...(arrival.etag ? { etag: arrival.etag } : {}),
    ...(arrival.lastModified ? { lastModified: arrival.lastModified } : {}),
    origin: arrival.origin,
  }
}

/** What an arrival means for the asset; nothing when it is known already. */
export const decide = (arrival: Arrival, state: AssetState): readonly Event[] => {
  const base = { v: 1 as const, at: toTimestamp(arrival.now), asset: arrival.asset }
  const recovered = (push?: string): Event => ({
    type: 'FetchRecovered',
    ...base,
    ...(push ? { push } : {}),
  })
  switch (arrival.type) {
    case 'Content': {
      if (!state.definition) return []
      const version = nextVersion(state, state.definition, arrival)
      if (version) return [version]
      if (arrival.origin.by === 'push') return [recovered(arrival.origin.push)]
      return state.trouble ? [recovered()] : []
    }
    case 'Unchanged':
      return state.trouble ? [recovered()] : []
    case 'Refused': {
      const { code, detail, sizeBytes, rawDigest, push } = arrival
      if (!push && state.trouble === `${code} ${rawDigest ?? ''}`) return []
      return [
        {
          type: 'FetchRefused',
          ...base,
          ...(push ? { push } : {}),
          code,
          detail: detail.slice(0, 4_000),
          sizeBytes,
          ...(rawDigest ? { rawDigest } : {}),
        },
      ]
    }
    case 'Failed': {
      const { error, status, notBefore } = arrival
      const known = state.trouble === failureOf(error.type, status)
      if (known && (notBefore ?? 0) <= state.notBefore) return []
      return [
        {
          type: 'FetchFailed',
          ...base,
          error: { type: error.type, message: error.message.slice(0, 4_000) },
          ...(status === undefined ? {} : { status }),
          ...(notBefore ? { notBefore: toTimestamp(notBefore) } : {}),
        },
      ]
    }
  }
}
