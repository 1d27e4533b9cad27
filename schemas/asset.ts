/**
 * The line of versions of one asset, and when something new belongs on it.
 *
 * With `content_hash` bytes are a new version when their content digest is not the newest one's; with
 * `timestamp` every full answer is, unless it is the newest version sent again under the same
 * validators. A → B → A makes a third version that names the first in `sameAs` and shares its bytes.
 *
 * Trouble is what is wrong with the source: the refusal's code, or the failure's type. It is recorded
 * when it starts or changes and when it ends, never while it lasts, whatever bytes an error page is made
 * of, so a source that is broken all night writes two events. A push is answered by its own id and says
 * nothing about the source.
 */
import type { AssetDefinition, RenditionRef } from './definitions.ts'
import type { Event, EventOf, Recorded } from './events.ts'
import type { Inspection, RefusalCode } from './content/kind.ts'
import { toTimestamp, ulidOf } from './ids.ts'

export type Validators = { readonly etag?: string; readonly lastModified?: string }

/** Content digests remembered per asset to recognise a return to an earlier version. */
const rememberedMax = 64
const textMax = 4_000

type Version = Pick<
  EventOf<'AssetVersioned'>,
  'version' | 'ordinal' | 'rawDigest' | 'contentDigest' | 'etag' | 'lastModified' | 'facts'
>

export type AssetState = {
  readonly definition: AssetDefinition | null
  /** Sequence of the newest commit on the asset's subject: what a decision is taken on. */
  readonly topicSeq: number
  /** Sequence of the newest definition. */
  readonly definedSeq: number
  /** Sequence of the newest event that asks for a look: a definition, or somebody's wish. */
  readonly askedSeq: number
  readonly latest: Version | null
  /** What to ask the source for changes with; null when the newest version is not of this source. */
  readonly validators: Validators | null
  /** [content digest, version] of earlier versions, oldest first. */
  readonly remembered: readonly (readonly [string, string])[]
  /** What is wrong with the source now, as one comparable word. */
  readonly trouble: string | null
  /** The source asked not to be asked before then, milliseconds since 1970 UTC. */
  readonly notBefore: number
  /** Pushes that nobody has answered yet, oldest first. */
  readonly pushes: readonly EventOf<'ContentPushed'>[]
}

export const initial: AssetState = {
  definition: null,
  topicSeq: 0,
  definedSeq: 0,
  askedSeq: 0,
  latest: null,
  validators: null,
  remembered: [],
  trouble: null,
  notBefore: 0,
  pushes: [],
}

const answered = (state: AssetState, push: string | undefined): AssetState['pushes'] =>
  push === undefined ? state.pushes : state.pushes.filter((asked) => asked.push !== push)

const validatorsOf = ({ etag, lastModified }: Validators): Validators => ({
  ...(etag ? { etag } : {}),
  ...(lastModified ? { lastModified } : {}),
})

/** Validators belong to one address, asked in one way, for one kind of content. */
const sourceIn = (definition: AssetDefinition | null): string =>
  JSON.stringify([definition?.url, definition?.kind, definition?.auth, definition?.headers])

const defined = (state: AssetState, definition: AssetDefinition, seq: number): AssetState => {
  const isSameSource = sourceIn(state.definition) === sourceIn(definition)
  return {
    ...state,
    definition,
    definedSeq: seq,
    askedSeq: seq,
    ...(isSameSource ? {} : { validators: null, notBefore: 0 }),
  }
}

const versioned = (state: AssetState, event: EventOf<'AssetVersioned'>): AssetState => {
  const others = state.remembered.filter(([digest]) => digest !== event.contentDigest)
  const { origin } = event
  return {
    ...state,
    latest: event,
    remembered: [...others, [event.contentDigest, event.version] as const].slice(-rememberedMax),
    ...(origin.by === 'fetch'
      ? { validators: validatorsOf(event), trouble: null, notBefore: 0 }
      : { validators: null }),
    pushes: answered(state, origin.by === 'push' ? origin.push : undefined),
  }
}

/** The state of an asset after one more event of its subject. */
export const evolve = (before: AssetState, { event, seq }: Recorded): AssetState => {
  const state = { ...before, topicSeq: seq }
  switch (event.type) {
    case 'AssetDefined':
      return defined(state, event.definition, seq)
    case 'AssetRemoved':
      return { ...state, definition: null, validators: null, trouble: null, notBefore: 0 }
    case 'AssetVersioned':
      return versioned(state, event)
    case 'ContentPushed':
      return { ...state, pushes: [...state.pushes, event] }
    case 'FetchTriggered':
      return { ...state, askedSeq: seq }
    case 'FetchRefused':
      if (event.push !== undefined) return { ...state, pushes: answered(state, event.push) }
      return { ...state, trouble: event.code, notBefore: 0 }
    case 'FetchFailed':
      return {
        ...state,
        trouble: failureOf(event.error.type, event.status),
        notBefore: event.notBefore ? Date.parse(event.notBefore) : 0,
      }
    case 'FetchRecovered':
      if (event.push !== undefined) return { ...state, pushes: answered(state, event.push) }
      return { ...state, trouble: null, notBefore: 0 }
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

/** The push that an arrival answers. */
export const pushOf = (arrival: Arrival): string | undefined => {
  if (arrival.type === 'Refused') return arrival.push
  return arrival.type === 'Content' && arrival.origin.by === 'push'
    ? arrival.origin.push
    : undefined
}

/** The newest version once more. Under `timestamp` only the source's own word makes it so. */
const isKnown = (
  latest: Version | null,
  strategy: AssetDefinition['strategy'],
  { inspection, etag, lastModified }: Extract<Arrival, { type: 'Content' }>,
): boolean => {
  if (latest?.contentDigest !== inspection.contentDigest) return false
  if (strategy === 'content_hash') return true
  return (
    Boolean(etag || lastModified) && latest.etag === etag && latest.lastModified === lastModified
  )
}

/** The next version of an asset; null when the content is the newest one's already. */
export const nextVersion = (
  state: Pick<AssetState, 'latest' | 'remembered'>,
  definition: Pick<AssetDefinition, 'kind' | 'strategy'>,
  arrival: Extract<Arrival, { type: 'Content' }>,
): EventOf<'AssetVersioned'> | null => {
  const { inspection, asset, now } = arrival
  const { latest } = state
  if (isKnown(latest, definition.strategy, arrival)) return null
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

/** What an arrival means for the asset; nothing when it is known already, or nobody's any more. */
export const decide = (arrival: Arrival, state: AssetState): readonly Event[] => {
  if (!state.definition) return []
  const push = pushOf(arrival)
  if (push !== undefined && !state.pushes.some((asked) => asked.push === push)) return []
  const base = { v: 1 as const, at: toTimestamp(arrival.now), asset: arrival.asset }
  const answer = push === undefined ? {} : { push }
  switch (arrival.type) {
    case 'Content': {
      const version = nextVersion(state, state.definition, arrival)
      if (version) return [version]
      const isNews = push !== undefined || state.trouble !== null
      return isNews ? [{ type: 'FetchRecovered', ...base, ...answer }] : []
    }
    case 'Unchanged':
      return state.trouble === null ? [] : [{ type: 'FetchRecovered', ...base }]
    case 'Refused': {
      const { code, detail, sizeBytes, rawDigest } = arrival
      if (push === undefined && state.trouble === code) return []
      return [
        {
          type: 'FetchRefused',
          ...base,
          ...answer,
          code,
          detail: detail.slice(0, textMax),
          sizeBytes,
          ...(rawDigest ? { rawDigest } : {}),
        },
      ]
    }
    case 'Failed': {
      const { error, status, notBefore } = arrival
      if (state.trouble === failureOf(error.type, status)) return []
      return [
        {
          type: 'FetchFailed',
          ...base,
          error: { type: error.type, message: error.message.slice(0, textMax) },
          ...(status === undefined ? {} : { status }),
          ...(notBefore ? { notBefore: toTimestamp(notBefore) } : {}),
        },
      ]
    }
  }
}
