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
  reason: Nullable(Type.String({ description: 'rollback or drift; null for a push' })),
  run: Text,
  seq: Seq,
})

const Query = Type.Object({
  rule: Type.Optional(Text),
  sink: Type.Optional(Text),
  environment: Type.Optional(Text),
  key: Type.Optional(Type.String({ description: 'a glob: db.*' })),
  repository: Type.Optional(Text),
  run: Type.Optional(Text),
  commit: Type.Optional(Type.String({ description: 'or how it begins', minLength: 4 })),
  actor: Type.Optional(Type.String({ description: 'who pushed, or wanted the rollback' })),
  unchanged: Type.Optional(
    Type.Boolean({ description: 'keys as well that were written as they were' }),
  ),
  since: Type.Optional(Text),
  until: Type.Optional(Text),
  ...paging(50),
})

/** Why its run was, when that was no push. */
const reason = sql<string | null>`(
  select r.reason from runs r
  where r.tenant = value_changes.tenant and r.run = value_changes.run
    and r.reason in ('rollback', 'drift'))`

/** Who wanted the run, when it was no push; else who pushed this commit first, as far as a push told. */
const actor = sql<string | null>`coalesce((
  select r.actor->>'name' from runs r
  where r.tenant = value_changes.tenant and r.run = value_changes.run
    and r.reason in ('rollback', 'drift')), (
  select t.actor from tasks t
  where t.tenant = value_changes.tenant and t.repository = value_changes.repository
    and t.commit = value_changes.commit
  order by t.seq limit 1))`

/** Let go, deleted, or another value than before. */
const isChange = sql<boolean>`(op <> 'set' or previous is distinct from value)`

export const configLogRoutes: Routes = (app, api) => {
  app.get(
    `${base}/config/log`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Who changed which key when, from which commit; newest first',
        tags: ['configuration'],
        querystring: Query,
        response: { 200: Type.Array(Change) },
      },
    },
    async (request, reply) => {
      const { key, commit, since, until, actor: who, unchanged, ...equal } = request.query
      const page = pageOf(request, 50, [0, 0, 0])
      const now = api.clock.now()
      let query = api.db
        .selectFrom('value_changes')
        .selectAll()
        .select([actor.as('actor'), reason.as('reason')])
        .where('tenant', '=', api.tenant)
        .orderBy('seq', 'desc')
        .orderBy('index', 'desc')
        .orderBy('entry', 'desc')
        .limit(page.limit + 1)
      if (!unchanged) query = query.where(isChange)
      for (const name of ['rule', 'sink', 'environment', 'repository', 'run'] as const)
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
        reason: row.reason,
        run: row.run,
        seq: row.seq,
      }))
    },
  )
}
