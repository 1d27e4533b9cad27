/** Assets, inputs and outputs alike; and the wish to look at a source now. */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import type { AssetDefinition } from '@headway/schemas/definitions.ts'
import { contentKinds } from '@headway/schemas/content/kind.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, limitMax, pageOf, paging, type Page } from '../list.ts'
import { LiveChecks } from '../live-checks.ts'
import { timeOf } from '../moments.ts'
import { Problem, unknown } from '../problem.ts'
import { AcceptedShape, KeyParams } from '../shapes.ts'
import { actorOf, append, keyOf, ReasonBody } from '../write.ts'
import { AssetShape, presentAsset, type Asset } from './asset-shape.ts'

const Query = Type.Object({
  kind: Type.Optional(Type.Enum([...contentKinds])),
  producer: Type.Optional(Type.String({ maxLength: 64 })),
  stale: Type.Optional(Type.Boolean()),
  q: Type.Optional(Type.String({ maxLength: 200, description: 'part of the key' })),
  ...paging(limitMax),
})

export const findAsset = async ({ db, tenant }: Api, key: string): Promise<Row<'assets'>> => {
  const row = await db
    .selectFrom('assets')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('asset', '=', key)
    .executeTakeFirst()
  if (!row) throw unknown('asset', key, 'assets')
  return row
}

type Key = readonly [number, string]

const query = (
  { db, tenant }: Api,
  { kind, producer, q }: Static<typeof Query>,
  { limit, after }: Page<Key>,
) => {
  let select = db
    .selectFrom('assets')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('removed', '=', false)
    .orderBy('first_seq', 'desc')
    .orderBy('asset', 'desc')
    .limit(limit)
  if (kind) select = select.where('kind', '=', kind)
  if (producer) select = select.where('producer', '=', producer)
  if (q) select = select.where(sql<boolean>`position(lower(${q}) in lower(assets.asset)) > 0`)
  if (after) {
    const [seq, asset] = after
    select = select.where(sql<boolean>`(assets.first_seq, assets.asset) < (${seq}, ${asset})`)
  }
  return select.execute()
}

/** `stale` depends on the time and the live store, so it is decided here, batch by batch. */
const list = async (
  api: Api,
  checks: LiveChecks,
  filter: Static<typeof Query>,
  page: Page<Key>,
): Promise<readonly { readonly key: Key; readonly asset: Asset }[]> => {
  const found: { key: Key; asset: Asset }[] = []
  const batch = filter.stale === undefined ? page.limit + 1 : limitMax
  let { after } = page
  for (;;) {
    const rows = await query(api, filter, { limit: batch, after })
    const live = await checks.of(rows.map(({ asset }) => asset))
    const now = api.clock.now()
    for (const row of rows) {
      const asset = presentAsset(row, live.get(row.asset) ?? null, now)
      if (filter.stale === undefined || asset.stale === filter.stale)
        found.push({ key: [row.first_seq, row.asset], asset })
    }
    if (rows.length < batch || found.length > page.limit) return found
    const last = rows.at(-1)!
    after = [last.first_seq, last.asset]
  }
}

const refuseUnfetchable = (row: Row<'assets'>): void => {
  const definition = row.definition as AssetDefinition | null
  if (row.removed) throw new Problem(409, 'asset_is_removed', 'define the asset again to fetch it')
  if (definition?.url) return
  throw new Problem(
    409,
    'asset_has_no_source',
    row.producer
      ? `runs of ${row.producer} make it: POST /api/v1/pipelines/${row.producer}/runs`
      : 'it has no url; its bytes are pushed: PUT them to its content',
  )
}

export const assetsRoutes: Routes = (app, api) => {
  const checks = new LiveChecks(api)
  app.get(
    `${base}/assets`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Assets with their newest version and the state of their source',
        tags: ['assets'],
        querystring: Query,
        response: { 200: Type.Array(AssetShape) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, limitMax, [0, ''])
      const rows = await list(api, checks, request.query, page)
      return cutPage(request, reply, page, rows, ({ key }) => key).map(({ asset }) => asset)
    },
  )
  app.get(
    `${base}/assets/:key`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One asset',
        tags: ['assets'],
        params: KeyParams,
        response: { 200: AssetShape },
      },
    },
    async ({ params: { key } }) => {
      const row = await findAsset(api, key)
      const live = await checks.of([key])
      return presentAsset(row, live.get(key) ?? null, api.clock.now())
    },
  )
  app.post(
    `${base}/assets/:key/fetch`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Look at the source now',
        tags: ['assets'],
        params: KeyParams,
        body: ReasonBody,
        response: { 202: AcceptedShape },
      },
    },
    async (request, reply) => {
      const { key } = request.params
      refuseUnfetchable(await findAsset(api, key))
      const { seq } = await append(
        api,
        { kind: 'asset', name: key },
        `fetch-${key}-${keyOf(request) ?? request.id}`,
        {
          type: 'FetchTriggered',
          v: 1,
          at: timeOf(api.clock.now()),
          asset: key,
          actor: actorOf(request, request.body),
        },
      )
      return reply.code(202).send({ seq, status: 'accepted' })
    },
  )
}
