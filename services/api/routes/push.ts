/**
 * Bytes for an asset that nobody fetches. They are stored first, then the log says that they came, then
 * a fetcher proves them like any others; the request stays for its word, so that a broken feed is
 * refused to the face of who sent it.
 *
 *   AssetVersioned   201, the new version
 *   FetchRecovered   200, the newest version has this content already
 *   FetchRefused     422, with the refusal's code
 *   nothing in time  202, with the push's id: the bytes are kept and will be looked at
 */
import { Type } from 'typebox'
import type { AssetDefinition } from '@headway/schemas/definitions.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { timeOf } from '../moments.ts'
import { projectedWaitMs } from '../position.ts'
import { Problem } from '../problem.ts'
import { AcceptedShape, KeyParams } from '../shapes.ts'
import { actorOf, append, keyOf, keyReused, patience, written } from '../write.ts'
import { findVersion, presentVersion, rowOf, VersionShape } from './asset-versions.ts'
import { findAsset } from './assets.ts'

const waitSDefault = 10

const Query = Type.Object({
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 60, description: 'seconds to wait for the answer; 10' }),
  ),
})

const definitionOf = (row: Row<'assets'>): Pick<AssetDefinition, 'sizeBytesMax'> => {
  const definition = row.definition as AssetDefinition | null
  if (row.removed) throw new Problem(409, 'asset_is_removed', 'define it again to push to it')
  if (definition?.url)
    throw new Problem(
      409,
      'asset_is_fetched',
      'it has a url, so its bytes come from there: POST to its /fetch to look now',
    )
  if (row.producer !== null)
    throw new Problem(409, 'asset_is_produced', `only runs of ${row.producer} make versions of it`)
  return definition ?? {}
}

const bytesOf = (
  api: Api,
  body: unknown,
  definition: Pick<AssetDefinition, 'sizeBytesMax'>,
): Buffer => {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  const bytesMax = Math.min(definition.sizeBytesMax ?? Infinity, api.pushBytesMax)
  if (bytes.length <= bytesMax) return bytes
  throw new Problem(413, 'body_too_large', `${bytes.length} bytes; ${bytesMax} are accepted here`)
}

type Push = { readonly id: string; readonly seq: number }

/** Says on the log that bytes came; the same key with the same bytes is the same push. */
const record = async (
  api: Api,
  asset: string,
  key: string | null,
  event: { digest: string; sizeBytes: number; actor: { name: string } },
): Promise<Push> => {
  const now = api.clock.now()
  const push = ulidOf(now, api.tenant, asset, key ?? event.digest)
  const id = `push-${asset}-${key ?? push}`
  const { seq, repeated } = await append(api, { kind: 'asset', name: asset }, id, {
    type: 'ContentPushed',
    v: 1,
    at: timeOf(now),
    asset,
    push,
    ...event,
  })
  if (!repeated) return { id: push, seq }
  const first = (await written(api, api.log.at(seq)))?.events[0]
  if (first?.type !== 'ContentPushed' || first.digest !== event.digest) throw keyReused()
  return { id: first.push, seq }
}

const isAnswer = (event: Event, push: string): boolean =>
  event.type === 'AssetVersioned'
    ? event.origin.by === 'push' && event.origin.push === push
    : (event.type === 'FetchRecovered' || event.type === 'FetchRefused') && event.push === push

type Answer = { readonly event: Event; readonly seq: number; readonly at: number }

/** The fetcher's word, or null when patience ends first; then it does not matter how the tail ends. */
const answerTo = async (
  { log, logger, tenant }: Api,
  asset: string,
  push: Push,
  signal: AbortSignal,
): Promise<Answer | null> => {
  const topic = { kind: 'asset' as const, name: asset }
  const search = async (): Promise<Answer | null> => {
    for await (const commits of log.tail({ from: push.seq + 1, tenant, topic, signal }))
      for (const { events, seq, at } of commits)
        for (const event of events) if (isAnswer(event, push.id)) return { event, seq, at }
    return null
  }
  const ended = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => resolve(null), { once: true })
  })
  // The push is on the log: what goes wrong while waiting only means that nobody answered us.
  const found = search().catch((error: unknown) => {
    logger.warn({ asset, push: push.id, error: String(error) }, 'a push is not waited for')
    return null
  })
  return Promise.race([found, ended])
}

/** The version that holds the pushed content: the new one, or the newest that had it already. */
const versionOf = async (api: Api, { event, seq, at }: Answer, asset: string) => {
  // What `Location` names should be there when it is followed.
  await api.position.reached(seq, projectedWaitMs, api.signal)
  if (event.type === 'AssetVersioned') return rowOf(api.tenant, event, { seq, at })
  if (event.type === 'FetchRefused') throw new Problem(422, event.code, event.detail)
  const { version } = await findAsset(api, asset)
  if (version === null) throw new Error(`${asset} recovered without a version`)
  return findVersion(api, asset, version)
}

export const pushRoutes: Routes = (app, api) =>
  void app.register(async (scope: typeof app) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: api.pushBytesMax },
      (request, body, done) => {
        const encoding = request.headers['content-encoding'] ?? 'identity'
        if (encoding === 'identity') return done(null, body)
        done(new Problem(415, 'unsupported_encoding', 'send the bytes without Content-Encoding'))
      },
    )
    scope.put(
      `${base}/assets/:key/content`,
      {
        config: { role: 'operator', anyMedia: true },
        bodyLimit: api.pushBytesMax,
        schema: {
          summary: 'Push bytes for an asset without a url',
          tags: ['assets'],
          params: KeyParams,
          querystring: Query,
          response: { 200: VersionShape, 201: VersionShape, 202: AcceptedShape },
        },
      },
      async (request, reply) => {
        const { key } = request.params
        const bytes = bytesOf(api, request.body, definitionOf(await findAsset(api, key)))
        const digest = sha256(bytes)
        const actor = actorOf(request, null)
        await written(api, api.content.put(api.tenant, bytes))
        const sizeBytes = bytes.length
        const push = await record(api, key, keyOf(request), { digest, sizeBytes, actor })
        const { wait = waitSDefault } = request.query
        const signal = patience(api, reply, wait * 1_000)
        const answer = wait > 0 ? await answerTo(api, key, push, signal) : null
        if (!answer) return reply.code(202).send({ id: push.id, seq: push.seq, status: 'pending' })
        const row = await versionOf(api, answer, key)
        return reply
          .code(answer.event.type === 'AssetVersioned' ? 201 : 200)
          .header('location', `${base}/assets/${key}/versions/${row.version}`)
          .send(presentVersion(row))
      },
    )
  })
