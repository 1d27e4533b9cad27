/**
 * Back to what sinks held after a commit or a run: what would be written and deleted is told, and nobody
 * carries it out.
 */
import { Type } from 'typebox'
import { base, type Api, type Routes } from '../api.ts'
import { differencesOf, findBound, stateAt, unknownMoment, type Place } from '../config-state.ts'
import { Problem } from '../problem.ts'
import { DifferenceShape } from './config-diff.ts'

const Text = Type.String()
const Body = Type.Object(
  {
    rule: Text,
    environment: Text,
    sink: Type.Optional(Type.String({ description: 'every sink of the rule' })),
    to: Type.String({ description: 'a commit, or how it begins, or a run' }),
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
    dryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const Rollback = Type.Object({
  rule: Text,
  environment: Text,
  to: Text,
  sinks: Type.Array(Text),
  dryRun: Type.Boolean(),
  changes: Type.Array(DifferenceShape),
})

/** Sinks that ever got something of the rule in this environment. */
const sinksOf = async ({ db, tenant }: Api, { environment, rule = '', sink }: Place) => {
  let query = db
    .selectFrom('value_changes')
    .select('sink')
    .distinct()
    .where('tenant', '=', tenant)
    .where('environment', '=', environment)
    .where('rule', '=', rule)
  if (sink !== undefined) query = query.where('sink', '=', sink)
  return (await query.orderBy('sink').execute()).map((row) => row.sink)
}

export const configRollbackRoutes: Routes = (app, api) => {
  app.post(
    `${base}/config/rollback`,
    {
      config: { role: 'releaser' },
      schema: {
        summary: 'What it takes to restore what sinks held after a commit or a run',
        tags: ['configuration'],
        body: Body,
        response: { 200: Rollback },
      },
    },
    async (request, reply) => {
      const { rule, environment, sink, to, dryRun = false } = request.body
      const place = { environment, rule, sink }
      const bound = await findBound(api, place, to)
      if (!bound) throw unknownMoment(place, to)
      const [now, then] = await Promise.all([
        stateAt(api, place, 'to'),
        stateAt(api, place, 'to', to),
      ])
      const changes = [...differencesOf(now, then)]
      const sinks = await sinksOf(api, place)
      // A run is exact; of a commit all digits count.
      const target = /^[0-9a-f]+$/.test(to) ? (bound.commit ?? to) : to
      const told = { rule, environment, to: target, sinks, changes }
      if (dryRun) return reply.code(200).send({ ...told, dryRun })
      const detail =
        'with dryRun: true it is told what a rollback changes; push that to Git instead'
      throw new Problem(501, 'rollback_not_carried_out', detail)
    },
  )
}
