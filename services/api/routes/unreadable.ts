/** Messages of the log that nobody could read. They changed nothing; somebody should look. */
import { Type } from 'typebox'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, pageOf, paging } from '../list.ts'
import { Seq, Time } from '../shapes.ts'

const Unreadable = Type.Object({
  seq: Seq,
  subject: Type.String(),
  problem: Type.String(),
  recordedAt: Time,
})

const query = ({ db, tenant }: Api, limit: number, after: number | null) => {
  let select = db
    .selectFrom('unreadable')
    .selectAll()
    .where('tenant', '=', tenant)
    .orderBy('seq', 'desc')
    .limit(limit + 1)
  if (after !== null) select = select.where('seq', '<', after)
  return select.execute()
}

export const unreadableRoutes: Routes = (app, api) => {
  app.get(
    `${base}/unreadable`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Poisoned messages',
        tags: ['status'],
        querystring: Type.Object(paging(50)),
        response: { 200: Type.Array(Unreadable) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0])
      const rows = await query(api, page.limit, page.after?.[0] ?? null)
      return cutPage(request, reply, page, rows, ({ seq }) => [seq]).map(
        ({ seq, subject, problem, recorded_at: recordedAt }) => ({
          seq,
          subject,
          problem,
          recordedAt,
        }),
      )
    },
  )
}
