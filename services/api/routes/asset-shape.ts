/**
 * An asset as the API shows it. A failing source never looks like success: beside the newest version
 * stand the trouble of its source, when it was last looked at, and whether what is here is stale.
 */
import { Type, type Static } from 'typebox'
import type { AssetDefinition } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import type { Check } from '../live-checks.ts'
import { timeOf } from '../moments.ts'
import { Nullable, Seq, Time } from '../shapes.ts'

const Millis = Type.Integer()

export const AssetShape = Type.Object({
  key: Type.String(),
  kind: Type.String(),
  versionStrategy: Type.String(),
  cached: Type.Boolean({ description: 'the newest version’s bytes are here' }),
  latestVersion: Nullable(Type.String()),
  latestOrdinal: Nullable(Type.Integer()),
  latestSizeBytes: Nullable(Type.Integer()),
  latestAt: Nullable(Time),
  stale: Type.Boolean({ description: 'nothing good was seen for longer than freshness allows' }),
  trouble: Nullable(
    Type.Object({ code: Type.String(), detail: Nullable(Type.String()), since: Nullable(Time) }),
  ),
  lastCheckedAt: Nullable(Time),
  freshness: Type.Object({
    limitMs: Nullable(Millis),
    goodAt: Nullable(Time),
    ageMs: Nullable(Millis),
  }),
  notBefore: Nullable(Time),
  producer: Nullable(Type.String({ description: 'the pipeline that makes it' })),
  source: Nullable(
    Type.Object({
      url: Type.String({ description: 'without credentials and query values' }),
      cadenceMs: Nullable(Millis),
      auth: Nullable(Type.String()),
    }),
  ),
  removed: Type.Boolean(),
  seq: Seq,
})
export type Asset = Static<typeof AssetShape>

/** A URL without what may be a secret: user, password and the values of its query. */
const tellable = (url: string): string => {
  try {
    const told = new URL(url)
    told.username = ''
    told.password = ''
    for (const name of new Set(told.searchParams.keys())) told.searchParams.set(name, '…')
    return decodeURI(told.href)
  } catch {
    return url.split(/[?#]/, 1)[0]!.replace(/\/\/[^/]*@/, '//')
  }
}

const wellOutcomes = new Set(['Content', 'Unchanged'])

/** The newest moment at which the source was known to be well, milliseconds since 1970 UTC. */
const goodAt = (row: Row<'assets'>, check: Check | null): number | null => {
  const known = [row.good_at, row.versioned_at].flatMap((time) => (time ? [Date.parse(time)] : []))
  if (check && wellOutcomes.has(check.outcome)) known.push(check.at)
  return known.length > 0 ? Math.max(...known) : null
}

export const presentAsset = (row: Row<'assets'>, check: Check | null, now: number): Asset => {
  const definition = row.definition as AssetDefinition | null
  const limitMs = definition?.freshnessMs ?? null
  const good = goodAt(row, check)
  const ageMs = good === null ? null : Math.max(0, now - good)
  const cached = row.version !== null
  return {
    key: row.asset,
    kind: row.kind,
    versionStrategy: row.strategy,
    cached,
    latestVersion: row.version,
    latestOrdinal: cached ? row.ordinal : null,
    latestSizeBytes: row.size_bytes,
    latestAt: row.versioned_at,
    stale: limitMs !== null && (ageMs === null || ageMs > limitMs),
    trouble:
      row.trouble === null
        ? null
        : { code: row.trouble, detail: row.trouble_detail, since: row.trouble_since },
    lastCheckedAt: check ? timeOf(check.at) : null,
    freshness: { limitMs, goodAt: good === null ? null : timeOf(good), ageMs },
    notBefore: row.not_before,
    producer: row.producer,
    source: definition?.url
      ? {
          url: tellable(definition.url),
          cadenceMs: definition.cadenceMs ?? null,
          auth: definition.auth?.type ?? null,
        }
      : null,
    removed: row.removed,
    seq: row.seq,
  }
}
