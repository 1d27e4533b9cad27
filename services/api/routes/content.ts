/**
 * The bytes of a version. Their digest is their name, so the entity tag is strong, a version's bytes
 * may be kept for good, and "the newest" is one comparison away.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { RenditionRef } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { Problem } from '../problem.ts'
import { matches, rangeOf } from '../range.ts'
import { KeyParams } from '../shapes.ts'
import { findAsset } from './assets.ts'
import { findVersion, immutable, VersionParams } from './asset-versions.ts'

const Query = Type.Object({
  rendition: Type.Optional(
    Type.String({ maxLength: 200, description: 'feed.json; the primary one when left out' }),
  ),
})
const bytes = {
  200: Type.Unsafe<unknown>({ type: 'string', format: 'binary', description: 'the bytes' }),
}

const choose = (row: Row<'asset_versions'>, name: string | undefined): RenditionRef => {
  const renditions = row.renditions as readonly RenditionRef[]
  const chosen = name === undefined ? renditions[0] : renditions.find((one) => one.name === name)
  if (chosen) return chosen
  const known = renditions.map((one) => one.name).join(', ')
  throw new Problem(
    404,
    'unknown_rendition',
    `this version has no ${JSON.stringify(name ?? '')}; it has ${known}`,
  )
}

/** `schedule-12.zip`: the last part of the key, the ordinal, and the rendition's own ending. */
const fileName = (row: Row<'asset_versions'>, { name }: RenditionRef): string => {
  const ending = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? ''
  const last = row.asset
    .split('/')
    .at(-1)!
    .replaceAll(/[^A-Za-z0-9_.-]/g, '_')
  const stem = last.endsWith(ending) ? last.slice(0, last.length - ending.length) : last
  return `${stem}-${row.ordinal}${ending}`
}

export const readContent = async (api: Api, digest: string): Promise<Uint8Array> => {
  const found = await api.content.get(api.tenant, digest).catch((error: Error) => {
    api.logger.error({ digest, error: error.message }, 'bytes could not be read')
    throw error.name === 'ContentError'
      ? new Problem(
          500,
          'content_damaged',
          'the stored bytes are not what was stored: restore them',
        )
      : new Problem(503, 'content_unavailable', 'the content store does not answer: retry', {
          headers: { 'retry-after': '1' },
        })
  })
  if (found) return found
  throw new Problem(
    410,
    'content_gone',
    'the bytes of this version are no longer kept; newer ones are',
  )
}

const answer = async (
  api: Api,
  request: FastifyRequest,
  reply: FastifyReply,
  row: Row<'asset_versions'>,
  cacheControl: string,
): Promise<FastifyReply> => {
  const rendition = choose(row, (request.query as { rendition?: string }).rendition)
  const etag = `"${rendition.digest}"`
  void reply.headers({
    etag,
    'cache-control': cacheControl,
    'accept-ranges': 'bytes',
    'last-modified': new Date(row.recorded_at).toUTCString(),
    'x-headway-version': row.version,
  })
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  void reply.headers({
    'content-type': rendition.mediaType,
    'content-disposition': `inline; filename="${fileName(row, rendition)}"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
  })
  const ifRange = request.headers['if-range']
  const asked = ifRange === undefined || ifRange === etag ? request.headers.range : undefined
  const range = rangeOf(asked, rendition.sizeBytes)
  if (range === 'unsatisfiable')
    throw new Problem(416, 'range_not_satisfiable', `there are ${rendition.sizeBytes} bytes`, {
      headers: { 'content-range': `bytes */${rendition.sizeBytes}` },
    })
  if (request.method === 'HEAD' && range === 'whole')
    return reply.header('content-length', rendition.sizeBytes).send(Readable.from([]))
  const whole = Buffer.from(await readContent(api, rendition.digest))
  if (range === 'whole') return reply.send(whole)
  void reply.header('content-range', `bytes ${range.first}-${range.last}/${whole.length}`)
  return reply.code(206).send(whole.subarray(range.first, range.last + 1))
}

export const contentRoutes: Routes = (app, api) => {
  const config = { role: 'viewer' as const, anyMedia: true }
  app.get(
    `${base}/assets/:key/content`,
    {
      config,
      schema: {
        summary: 'The newest version’s bytes',
        tags: ['assets'],
        params: KeyParams,
        querystring: Query,
        response: bytes,
      },
    },
    async (request, reply) => {
      const { key } = request.params
      const { version } = await findAsset(api, key)
      if (version === null)
        throw new Problem(404, 'no_version', `${key} has no version yet; GET the asset to see why`)
      return answer(api, request, reply, await findVersion(api, key, version), 'no-cache')
    },
  )
  app.get(
    `${base}/assets/:key/versions/:version/content`,
    {
      config,
      schema: {
        summary: 'A version’s bytes',
        tags: ['assets'],
        params: VersionParams,
        querystring: Query,
        response: bytes,
      },
    },
    async (request, reply) => {
      const { key, version } = request.params
      return answer(api, request, reply, await findVersion(api, key, version), immutable)
    },
  )
}
