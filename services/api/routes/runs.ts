/** Runs, newest first, by what they are and where they are. */
import { Type, type Static } from 'typebox'
import { base, type Api, type Routes } from '../api.ts'
import { cutPage, linkNext, olderThan, pageOf, paging } from '../list.ts'
import { momentOf, timeOf, timelessCeiling, ulidCeiling, ulidFloor } from '../moments.ts'
import { floorOf, isIdStart, searchedMax, withIdStart, withWords } from './run-search.ts'
import {
  presentSummary,
  RunSummary,
  selectRuns,
  served,
  statuses,
  type RunQuery,
  type Status,
} from './run-summary.ts'

const Query = Type.Object({
  pipeline: Type.Optional(Type.String({ maxLength: 64 })),
  version: Type.Optional(Type.String({ maxLength: 12, description: 'of the pipeline' })),
  status: Type.Optional(Type.Array(Type.Enum([...statuses]))),
  canary: Type.Optional(Type.Boolean({ description: 'only runs that compare, or none of them' })),
  since: Type.Optional(Type.String({ description: 'requested then or later; RFC 3339 or 15m' })),
  until: Type.Optional(Type.String({ description: 'requested before; RFC 3339 or 15m' })),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'how an id begins, or part of an id, a pipeline, an asset or an error. A request looks at ' +
        `${searchedMax} runs; the Link header goes on from there`,
    }),
  ),
  ...paging(50),
})

const withStatus = (query: RunQuery, wanted: readonly Status[]): RunQuery => {
  const pending = wanted.includes('pending')
  const waiting = wanted.includes('waiting_for_worker')
  return query.where((eb) => {
    const plain = eb('runs.status', 'in', [...wanted])
    if (pending === waiting) return plain
    if (pending) return eb.and([plain, eb.or([eb('runs.status', '<>', 'pending'), served])])
    return eb.or([plain, eb.and([eb('runs.status', '=', 'pending'), eb.not(served)])])
  })
}

const filtered = (api: Api, filter: Static<typeof Query>): RunQuery => {
  const { pipeline, version, status, canary, since, until } = filter
  const now = api.clock.now()
  let query = selectRuns(api)
  if (pipeline !== undefined) query = query.where('runs.pipeline', '=', pipeline)
  if (version !== undefined) query = query.where('runs.pipeline_version', '=', version)
  if (status !== undefined && status.length > 0) query = withStatus(query, status)
  if (canary !== undefined) query = query.where('runs.canary', canary ? 'is not' : 'is', null)
  if (since !== undefined) {
    const at = momentOf('since', since, now)
    query = query
      .where('runs.requested_at', '>=', timeOf(at))
      .where((eb) =>
        eb.or([eb('runs.run', '>=', ulidFloor(at)), eb('runs.run', '<', timelessCeiling)]),
      )
  }
  if (until !== undefined) {
    const at = momentOf('until', until, now)
    query = query
      .where('runs.requested_at', '<', timeOf(at))
      .where('runs.run', '<=', ulidCeiling(at))
  }
  return query
}

export const runsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/runs`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Runs, newest first',
        tags: ['runs'],
        querystring: Query,
        response: { 200: Type.Array(RunSummary) },
      },
    },
    async (request, reply) => {
      const page = pageOf(request, 50, [0, ''])
      const { q } = request.query
      let query = filtered(api, request.query)
      if (page.after) query = query.where(olderThan(['runs.seq', 'runs.run'], page.after))
      const floor = q === undefined || isIdStart(q) ? null : await floorOf(query)
      if (q !== undefined) query = isIdStart(q) ? withIdStart(query, q) : withWords(query, q, floor)
      const rows = await query
        .orderBy('runs.seq', 'desc')
        .orderBy('runs.run', 'desc')
        .limit(page.limit + 1)
        .execute()
      if (floor && rows.length <= page.limit) linkNext(request, reply, floor)
      return cutPage(request, reply, page, rows, (row) => [row.seq, row.run]).map(presentSummary)
    },
  )
}
