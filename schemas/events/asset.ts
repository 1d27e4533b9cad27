/** What happens to assets: what they are, what came, what was wrong with it. */
import { refusalCodes } from '../content/kind.ts'
import { Type } from 'typebox'
import {
  Actor,
  AssetDefinition,
  AssetKey,
  Count,
  Digest,
  ErrorInfo,
  Facts,
  Kind,
  Origin,
  Rendition,
  Text,
  Time,
  Ulid,
} from '../definitions.ts'
import { event } from './event.ts'

export const assetEvents = {
  AssetDefined: event('AssetDefined', { asset: AssetKey, definition: AssetDefinition }),
  AssetRemoved: event('AssetRemoved', { asset: AssetKey, reason: Type.Optional(Text) }),
  AssetVersioned: event('AssetVersioned', {
    asset: AssetKey,
    version: Ulid,
    /** 1, 2, 3… without gaps, per asset. */
    ordinal: Type.Integer({ minimum: 1 }),
    kind: Kind,
    rawDigest: Digest,
    contentDigest: Digest,
    sizeBytes: Count,
    rows: Count,
    facts: Facts,
    /** Primary first. Several byte forms of one version are published together or not at all. */
    renditions: Type.Array(Rendition, { minItems: 1 }),
    /** An earlier version with the same content digest: A → B → A points back at A. */
    sameAs: Type.Optional(Ulid),
    sourceAt: Type.Optional(Time),
    etag: Type.Optional(Type.String()),
    lastModified: Type.Optional(Type.String()),
    origin: Origin,
  }),
  /** Bytes came with a good status and are not what they should be. The last good version stays. */
  FetchRefused: event('FetchRefused', {
    asset: AssetKey,
    /** The push that is answered; left out for fetched bytes. */
    push: Type.Optional(Ulid),
    code: Type.Enum([...refusalCodes]),
    detail: Text,
    sizeBytes: Count,
    rawDigest: Type.Optional(Digest),
  }),
  /** No bytes came. `notBefore` is the server's own wish (`Retry-After`). */
  FetchFailed: event('FetchFailed', {
    asset: AssetKey,
    error: ErrorInfo,
    status: Type.Optional(Type.Integer()),
    notBefore: Type.Optional(Time),
  }),
  /** The source answers well again, with content that is already known. */
  FetchRecovered: event('FetchRecovered', { asset: AssetKey, push: Type.Optional(Ulid) }),
  /** Somebody delivered bytes for an asset; whether they become a version is decided next. */
  ContentPushed: event('ContentPushed', {
    asset: AssetKey,
    push: Ulid,
    digest: Digest,
    sizeBytes: Count,
    actor: Actor,
  }),
  FetchTriggered: event('FetchTriggered', { asset: AssetKey, actor: Actor }),
} as const
