/** Who asked for what and why, newest first: every event of the log that names an actor. */
import { Type, type Static } from 'typebox'
import type { Row } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, olderThan, pageOf, paging } from '../list.ts'
import { momentOf, timeOf } from '../moments.ts'
import { ActorShape, Seq, Time } from '../shapes.ts'

const Entry = Type.Object({
  seq: Seq,
  index: Type.Integer(),
  at: Time,
  type: Type.String(),
  actor: ActorShape,
  about: Type.Object({ kind: Type.String(), name: Type.String() }),
  fields: Type.Record(Type.String(), Type.Unknown()),
})
const Query = Type.Object({
  ...paging(100),
  actor: Type.Optional(Type.String({ maxLength: 200 })),
  type: Type.Optional(Type.Array(Type.String({ maxLength: 100 }))),
  kind: Type.Optional(Type.String({ maxLength: 30, description: 'pipeline, asset, token, …' })),
  about: Type.Optional(Type.String({ maxLength: 200, description: 'the name of that thing' })),
  since: Type.Optional(Type.String({ maxLength: 40 })),
  until: Type.Optional(Type.String({ maxLength: 40 })),
})

const present = (row: Row<'audit'>): Static<typeof Entry> => ({
  seq: row.seq,
  index: row.index,
  at: row.recorded_at,
  type: row.type,
  actor: row.reason === null ? { name: row.actor } : { name: row.actor, reason: row.reason },
  about: { kind: row.kind, name: row.about },
  fields: row.fields as Record<string, unknown>,
})

const filtered = ({ db, tenant, clock }: Api, query: Static<typeof Query>) => {
  let rows = db.selectFrom('audit').selectAll().where('tenant', '=', tenant)
  const now = clock.now()
  if (query.actor !== undefined) rows = rows.where('actor', '=', query.actor)
  if (query.type !== undefined) rows = rows.where('type', 'in', query.type)
  if (query.kind !== undefined) rows = rows.where('kind', '=', query.kind)
  if (query.about !== undefined) rows = rows.where('about', '=', query.about)
  if (query.since !== undefined)
    rows = rows.where('recorded_at', '>=', timeOf(momentOf('since', query.since, now)))
  if (query.until !== undefined)
    rows = rows.where('recorded_at', '<', timeOf(momentOf('until', query.until, now)))
  return rows
}

export const auditRoutes: Routes = (app, api) => {
  app.get(
    `${base}/audit`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Who asked for what and why, newest first',
        tags: ['access'],
        querystring: Query,
        response: { 200: Type.Array(Entry) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 100, [0, 0])
      let rows = filtered(api, request.query)
        .orderBy('seq', 'desc')
        .orderBy('index', 'desc')
        .limit(page.limit + 1)
      if (page.after) rows = rows.where(olderThan(['seq', 'index'], page.after))
      return cutPage(request, reply, page, await rows.execute(), (row) => [row.seq, row.index]).map(
        present,
      )
    },
  )
}
