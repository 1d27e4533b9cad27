/** The line of versions of an asset. A version never changes, so its answer may be kept for good. */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import { Origin } from '@headway/schemas/definitions.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { aboutTrace } from '../trace/tracing.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging, type Page } from '../list.ts'
import { timeOf } from '../moments.ts'
import { unknown } from '../problem.ts'
import { Facts, KeyParams, Nullable, Seq, Time } from '../shapes.ts'
import { findAsset } from './assets.ts'
import { presentRenditions, RenditionShape } from './run-detail.ts'

export const immutable = 'public, max-age=31536000, immutable'

export const VersionShape = Type.Object({
  version: Type.String(),
  ordinal: Type.Integer(),
  asset: Type.String(),
  kind: Type.String(),
  rawDigest: Type.String(),
  contentDigest: Type.String(),
  sizeBytes: Type.Integer(),
  rows: Type.Integer(),
  facts: Facts,
  renditions: Type.Array(RenditionShape),
  sameAs: Nullable(Type.String({ description: 'an earlier version with the same content' })),
  sourceAt: Nullable(Time),
  etag: Nullable(Type.String()),
  lastModified: Nullable(Type.String()),
  origin: Origin,
  runId: Nullable(Type.String()),
  recordedAt: Time,
  seq: Seq,
})

export const VersionParams = Type.Object({ ...KeyParams.properties, version: Type.String() })
const Query = Type.Object(paging(50))

export const findVersion = async (
  { db, tenant }: Api,
  key: string,
  version: string,
): Promise<Row<'asset_versions'>> => {
  const row = await db
    .selectFrom('asset_versions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('version', '=', version)
    .where('asset', '=', key)
    .executeTakeFirst()
  if (!row) throw unknown('version', version, `assets/${key}/versions`)
  return row
}

/** Runs of a group commit share a sequence: the ordinal tells their versions apart. */
const query = (
  { db, tenant }: Api,
  key: string,
  { limit, after }: Page<readonly [number, number]>,
) => {
  let select = db
    .selectFrom('asset_versions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('asset', '=', key)
    .orderBy('seq', 'desc')
    .orderBy('ordinal', 'desc')
    .limit(limit + 1)
  if (after)
    select = select.where(
      sql<boolean>`(asset_versions.seq, asset_versions.ordinal) < (${after[0]}, ${after[1]})`,
    )
  return select.execute()
}

export const presentVersion = (row: Row<'asset_versions'>): Static<typeof VersionShape> => ({
  version: row.version,
  ordinal: row.ordinal,
  asset: row.asset,
  kind: row.kind,
  rawDigest: row.raw_digest,
  contentDigest: row.content_digest,
  sizeBytes: row.size_bytes,
  rows: row.rows,
  facts: row.facts as Record<string, string | number>,
  renditions: presentRenditions(row.asset, row.version, row.renditions),
  sameAs: row.same_as,
  sourceAt: row.source_at,
  etag: row.etag,
  lastModified: row.last_modified,
  origin: row.origin as Static<typeof Origin>,
  runId: row.run,
  recordedAt: row.recorded_at,
  seq: row.seq,
})

/** The row that the projector will make of this event. */
export const rowOf = (
  tenant: string,
  event: EventOf<'AssetVersioned'>,
  { seq, at }: { readonly seq: number; readonly at: number },
): Row<'asset_versions'> => ({
  tenant,
  asset: event.asset,
  version: event.version,
  ordinal: event.ordinal,
  kind: event.kind,
  raw_digest: event.rawDigest,
  content_digest: event.contentDigest,
  size_bytes: event.sizeBytes,
  rows: event.rows,
  facts: event.facts,
  renditions: event.renditions,
  same_as: event.sameAs ?? null,
  source_at: event.sourceAt ?? null,
  etag: event.etag ?? null,
  last_modified: event.lastModified ?? null,
  origin: event.origin,
  run: event.origin.by === 'run' ? event.origin.run : null,
  recorded_at: timeOf(at),
  seq,
})

export const assetVersionsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/assets/:key/versions`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Versions, newest first',
        tags: ['assets'],
        params: KeyParams,
        querystring: Query,
        response: { 200: Type.Array(VersionShape) },
      },
    },
    async (request, reply) => {
      const { key } = request.params
      const page = pageOf(request, 50, [0, 0])
      const rows = await query(api, key, page)
      if (rows.length === 0) await findAsset(api, key)
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.ordinal]).map(
        presentVersion,
      )
    },
  )
  app.get(
    `${base}/assets/:key/versions/:version`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'One version',
        tags: ['assets'],
        params: VersionParams,
        response: { 200: VersionShape },
      },
    },
    async (request, reply) => {
      const { key, version } = request.params
      const row = await findVersion(api, key, version)
      if (row.run === null) aboutTrace(request, row.version)
      void reply.header('cache-control', immutable)
      return presentVersion(row)
    },
  )
}
