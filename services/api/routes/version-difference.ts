/**
 * How a version differs from another one of its asset: by rows, by entities, by what its kind is made of.
 * Bytes never change, so neither does the answer; one comparison is made at a time, because two schedules
 * fill a thread's memory.
 */
import { Type } from 'typebox'
import { Difference } from '@headway/schemas/content/difference.ts'
import { bytesDiffer } from '@headway/schemas/content/difference/tally.ts'
import type { ContentKindName } from '@headway/schemas/content/kind.ts'
import type { RenditionRef } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { differenceOf } from '@headway/streams/differences.ts'
import { base, type Api, type Routes } from '../api.ts'
import { Problem } from '../problem.ts'
import { findVersion, immutable, VersionParams } from './asset-versions.ts'
import { readContent } from './content.ts'

const Query = Type.Object({
  against: Type.Optional(
    Type.String({ description: 'another version; the one before it when left out' }),
  ),
})
const Answer = Type.Object({
  asset: Type.String(),
  kind: Type.String(),
  before: Type.String({ description: 'the version that it is held against' }),
  after: Type.String(),
  difference: Difference,
})
type Version = Row<'asset_versions'>

const versionBefore = async ({ db, tenant }: Api, { asset, ordinal, version }: Version) => {
  const row = await db
    .selectFrom('asset_versions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('asset', '=', asset)
    .where('ordinal', '<', ordinal)
    .orderBy('seq', 'desc')
    .orderBy('ordinal', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row) return row
  throw new Problem(404, 'no_version', `${version} is the first one: name another, ?against=`)
}

const digestOf = ({ renditions }: Version): string =>
  (renditions as readonly RenditionRef[])[0]!.digest

const compare = async (api: Api, before: Version, after: Version): Promise<Difference> => {
  if (digestOf(before) === digestOf(after)) return { verdict: 'identical', parts: [], samples: [] }
  const [one, other] = await Promise.all([
    readContent(api, digestOf(before)),
    readContent(api, digestOf(after)),
  ])
  if (before.kind === after.kind) return differenceOf(after.kind as ContentKindName, one, other)
  const { part } = bytesDiffer('content', { before: one.length, after: other.length })
  return { verdict: 'different', parts: [part], samples: [] }
}

export const versionDifferenceRoutes: Routes = (app, api) => {
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => {})
    return mine
  }
  app.get(
    `${base}/assets/:key/versions/:version/difference`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'How a version differs from another one, by rows or entities',
        tags: ['assets'],
        params: VersionParams,
        querystring: Query,
        response: { 200: Answer },
      },
    },
    async (request, reply) => {
      const { key, version } = request.params
      const { against } = request.query
      const after = await findVersion(api, key, version)
      const before =
        against === undefined
          ? await versionBefore(api, after)
          : await findVersion(api, key, against)
      const difference = await inTurn(() => compare(api, before, after))
      void reply.header('cache-control', immutable)
      const { asset, kind } = after
      return { asset, kind, before: before.version, after: after.version, difference }
    },
  )
}
