/** Sinks: what they are, what they hold by our doing, and where they drifted from it. */
import { sql } from 'kysely'
import { Type } from 'typebox'
import type { ErrorInfo } from '@headway/schemas/definitions.ts'
import type { SinkDefinition } from '@headway/schemas/rules/definition.ts'
import { base, type Routes } from '../api.ts'
import { likeOf, present, ValueShape } from '../held.ts'
import { cutPage, pageOf, paging } from '../list.ts'
import { unknown } from '../problem.ts'
import { Nullable, Seq, Time } from '../shapes.ts'

const Text = Type.String()
const SinkShape = Type.Object({
  id: Text,
  type: Text,
  definition: Type.Unknown({ description: 'secrets are named, never shown' }),
  environments: Type.Array(
    Type.Object({ environment: Text, keys: Type.Integer(), drifted: Type.Integer() }),
  ),
  seq: Seq,
})
const HeldValue = Type.Object({
  environment: Text,
  key: Text,
  holds: ValueShape,
  rule: Text,
  file: Text,
  repository: Text,
  commit: Text,
  run: Text,
  changedAt: Time,
  seq: Seq,
})
const DriftShape = Type.Object({
  sink: Text,
  environment: Text,
  rule: Text,
  repository: Text,
  open: Type.Boolean(),
  keys: Type.Array(Text, { description: 'the first hundred' }),
  count: Type.Integer(),
  since: Time,
  endedAt: Nullable(Time),
  times: Type.Integer({ description: 'how often it began' }),
  error: Nullable(Type.Object({ type: Text, message: Text }), {
    description: 'why nobody can look',
  }),
  heals: Type.Integer({ description: 'runs that were asked for to put it right' }),
  heal: Nullable(Text, { description: 'the newest of them' }),
})

export const sinksRoutes: Routes = (app, api) => {
  const { db, tenant } = api
  app.get(
    `${base}/sinks`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Where values go',
        tags: ['configuration'],
        response: { 200: Type.Array(SinkShape) },
      },
    },
    async () => {
      const [rows, held, drifted] = await Promise.all([
        db
          .selectFrom('sinks')
          .selectAll()
          .where('tenant', '=', tenant)
          .where('removed', '=', false)
          .orderBy('sink')
          .execute(),
        db
          .selectFrom('sink_values')
          .select(['sink', 'environment', sql<number>`count(held)`.as('keys')])
          .where('tenant', '=', tenant)
          .groupBy(['sink', 'environment'])
          .orderBy('environment')
          .execute(),
        db
          .selectFrom('drifts')
          .selectAll()
          .where('tenant', '=', tenant)
          .where('open', '=', true)
          .execute(),
      ])
      return rows.map(({ sink, definition, seq }) => ({
        id: sink,
        type: (definition as SinkDefinition).type,
        definition,
        environments: held
          .filter((one) => one.sink === sink)
          .map(({ environment, keys }) => ({
            environment,
            keys,
            drifted: drifted
              .filter((one) => one.sink === sink && one.environment === environment)
              .reduce((sum, { count }) => sum + count, 0),
          })),
        seq,
      }))
    },
  )
  app.get(
    `${base}/sinks/:sink/values`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'What a sink holds by our doing, by environment and key',
        tags: ['configuration'],
        params: Type.Object({ sink: Text }),
        querystring: Type.Object({
          environment: Type.Optional(Text),
          rule: Type.Optional(Text),
          key: Type.Optional(Type.String({ description: 'a glob: db.*' })),
          ...paging(100),
        }),
        response: { 200: Type.Array(HeldValue) },
      },
    },
    async (request, reply) => {
      const { sink } = request.params
      const { environment, rule, key } = request.query
      const page = pageOf(request, 100, ['', ''])
      const known = await db
        .selectFrom('sinks')
        .select('sink')
        .where('tenant', '=', tenant)
        .where('sink', '=', sink)
        .executeTakeFirst()
      if (!known) throw unknown('sink', sink, 'sinks')
      let query = db
        .selectFrom('sink_values')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('sink', '=', sink)
        .where('held', 'is not', null)
        .orderBy('environment')
        .orderBy('key')
        .limit(page.limit + 1)
      if (environment !== undefined) query = query.where('environment', '=', environment)
      if (rule !== undefined) query = query.where('rule', '=', rule)
      if (key !== undefined) query = query.where('key', 'like', likeOf(key))
      if (page.after)
        query = query.where(sql<boolean>`(environment, key) > (${sql.join([...page.after])})`)
      const rows = await query.execute()
      return cutPage(request, reply, page, rows, (row) => [row.environment, row.key]).map(
        ({ held, changed_at: changedAt, ...row }) => ({
          environment: row.environment,
          key: row.key,
          holds: present(held),
          rule: row.rule,
          file: row.file,
          repository: row.repository,
          commit: row.commit,
          run: row.run,
          changedAt,
          seq: row.seq,
        }),
      )
    },
  )
  app.get(
    `${base}/drift`,
    {
      config: { role: 'viewer', kept: true },
      schema: {
        summary: 'Where sinks differ, or differed last, from what was put there',
        tags: ['configuration'],
        querystring: Type.Object({ open: Type.Optional(Type.Boolean()) }),
        response: { 200: Type.Array(DriftShape) },
      },
    },
    async ({ query: { open } }) => {
      let query = db.selectFrom('drifts').selectAll().where('tenant', '=', tenant)
      if (open !== undefined) query = query.where('open', '=', open)
      const rows = await query.orderBy('last_seq', 'desc').limit(200).execute()
      return rows.map((row) => ({
        sink: row.sink,
        environment: row.environment,
        rule: row.rule,
        repository: row.repository,
        open: row.open,
        keys: row.keys as string[],
        count: row.count,
        since: row.since,
        endedAt: row.ended_at,
        times: row.times,
        error: row.error as ErrorInfo | null,
        heals: row.heals,
        heal: row.heal,
      }))
    },
  )
}
