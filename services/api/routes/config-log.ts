/** Who changed which key when, from which commit. */
import { sql } from 'kysely'
import { Type } from 'typebox'
import { base, type Routes } from '../api.ts'
import { likeOf, present, ValueShape } from '../held.ts'
import { cutPage, olderThan, pageOf, paging } from '../list.ts'
import { momentOf, timeOf } from '../moments.ts'
import { Nullable, Seq, Time } from '../shapes.ts'

const Text = Type.String()
const Change = Type.Object({
  at: Time,
  sink: Text,
  environment: Text,
  rule: Text,
  key: Text,
  op: Text,
  previous: ValueShape,
  value: ValueShape,
  file: Text,
  repository: Text,
  commit: Text,
  actor: Nullable(Text),
  run: Text,
  seq: Seq,
})

const Query = Type.Object({
  rule: Type.Optional(Text),
  sink: Type.Optional(Text),
  environment: Type.Optional(Text),
  key: Type.Optional(Type.String({ description: 'a glob: db.*' })),
  repository: Type.Optional(Text),
  commit: Type.Optional(Type.String({ description: 'or how it begins', minLength: 4 })),
  actor: Type.Optional(Type.String({ description: 'who pushed' })),
  since: Type.Optional(Text),
  until: Type.Optional(Text),
  ...paging(50),
})

/** Who pushed this commit first, as far as a push told of it. */
const actor = sql<string | null>`(
  select t.actor from headway.tasks t
  where t.tenant = value_changes.tenant and t.repository = value_changes.repository
    and t.commit = value_changes.commit
  order by t.seq limit 1)`

export const configLogRoutes: Routes = (app, api) => {
  app.get(
    `${base}/config/log`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Who changed which key when, from which commit; newest first',
        tags: ['configuration'],
        querystring: Query,
        response: { 200: Type.Array(Change) },
      },
    },
    async (request, reply) => {
      const { key, commit, since, until, actor: who, ...equal } = request.query
      const page = pageOf(request, 50, [0, 0, 0])
      const now = api.clock.now()
      let query = api.db
        .selectFrom('value_changes')
        .selectAll()
        .select(actor.as('actor'))
        .where('tenant', '=', api.tenant)
        .orderBy('seq', 'desc')
        .orderBy('index', 'desc')
        .orderBy('entry', 'desc')
        .limit(page.limit + 1)
      for (const name of ['rule', 'sink', 'environment', 'repository'] as const)
        if (equal[name] !== undefined) query = query.where(name, '=', equal[name])
      if (key !== undefined) query = query.where('key', 'like', likeOf(key))
      if (commit !== undefined)
        query = query.where('commit', 'like', `${likeOf(commit.toLowerCase())}%`)
      if (who !== undefined) query = query.where(actor, '=', who)
      if (since !== undefined)
        query = query.where('recorded_at', '>=', timeOf(momentOf('since', since, now)))
      if (until !== undefined)
        query = query.where('recorded_at', '<', timeOf(momentOf('until', until, now)))
      if (page.after) query = query.where(olderThan(['seq', 'index', 'entry'], page.after))
      const rows = await query.execute()
      const shown = cutPage(request, reply, page, rows, (row) => [row.seq, row.index, row.entry])
      return shown.map((row) => ({
        at: row.recorded_at,
        sink: row.sink,
        environment: row.environment,
        rule: row.rule,
        key: row.key,
        op: row.op,
        previous: present(row.previous),
        value: present(row.value),
        file: row.file,
        repository: row.repository,
        commit: row.commit,
        actor: row.actor,
        run: row.run,
        seq: row.seq,
      }))
    },
  )
}
