/**
 * Back to what sinks held after a commit or a run. A rollback is a run of the rule's pipeline like any
 * other, planned and read back, which takes what shall be from the log instead of from files; the wish
 * for it is on the log with who wanted it and why. As a dry run it is only told what would change.
 */
import { Type, type Static } from 'typebox'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import { protection } from '@headway/schemas/rules/plan.ts'
import { targetOf } from '@headway/schemas/rules/target.ts'
import { base, type Api, type Routes } from '../api.ts'
import { askForRun } from '../asking.ts'
import {
  changesIn,
  differencesOf,
  findBound,
  stateAt,
  unknownMoment,
  type Bound,
  type Difference,
  type Place,
} from '../config-state.ts'
import { requirePipeline } from '../finding.ts'
import { Problem, unknown } from '../problem.ts'
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
const told = {
  rule: Text,
  environment: Text,
  repository: Text,
  to: Text,
  sinks: Type.Array(Text),
  dryRun: Type.Boolean(),
  changes: Type.Array(DifferenceShape),
  kept: Type.Array(Type.Pick(DifferenceShape, ['sink', 'key']), {
    description: 'came since, and stays: protected, or pruning is a dry run',
  }),
}
const Planned = Type.Object(told)
const Asked = Type.Object({
  ...told,
  run: Type.String({ description: 'what carries it out' }),
  pipelineId: Text,
  duplicate: Type.Boolean({ description: 'it was asked for before, with the same key' }),
  seq: Type.Integer(),
})
type Wanted = Static<typeof Body>

const findRule = async ({ db, tenant }: Api, rule: string): Promise<RuleDefinition | null> => {
  const row = await db
    .selectFrom('rules')
    .select('definition')
    .where('tenant', '=', tenant)
    .where('rule', '=', rule)
    .where('removed', '=', false)
    .executeTakeFirst()
  return (row?.definition as RuleDefinition | null | undefined) ?? null
}

/** What it held then; of keys that the rule took since, what was there before it did. */
const stateThen = async (api: Api, place: Place, to: string) => {
  const then = new Map(await stateAt(api, place, 'to', to))
  const { seq = 0 } = (await findBound(api, place, to)) ?? {}
  const touched = await changesIn(api, place)
    .where('seq', '>', seq)
    .where('op', '!=', 'release')
    .distinctOn(['sink', 'key'])
    .select(['sink', 'key', 'previous'])
    .orderBy('sink')
    .orderBy('key')
    .orderBy('seq')
    .orderBy('index')
    .orderBy('entry')
    .execute()
  for (const { sink, key, previous } of touched) {
    const id = `${sink}\0${key}`
    if (previous !== null && !then.has(id)) then.set(id, previous)
  }
  return then
}

const planOf = async (api: Api, place: Place, to: string, { sinks }: Bound) => {
  const definition = await findRule(api, place.rule!)
  const states = await Promise.all(
    sinks.map(async (sink) => {
      const here = { ...place, sink }
      return [await stateAt(api, here, 'to'), await stateThen(api, here, to)] as const
    }),
  )
  const { protect = [], dryRun = false } = definition?.prune ?? {}
  const isProtected = protection(protect)
  const isKept = ({ change, key }: Difference): boolean =>
    change === 'removed' && (dryRun || isProtected(key))
  const differences = states.flatMap(([now, then]) => [...differencesOf(now, then)])
  return {
    definition,
    changes: differences.filter((one) => !isKept(one)),
    kept: differences.filter(isKept).map(({ sink, key }) => ({ sink, key })),
  }
}

/** The sinks it is about, all of which must have held what is wanted. */
const sinksOf = (definition: RuleDefinition, { rule, sink, to }: Wanted, held: Bound['sinks']) => {
  if (sink !== undefined && !definition.sinks.includes(sink))
    throw new Problem(
      422,
      'sink_not_of_rule',
      `rule ${rule} writes to ${definition.sinks.join(', ')}`,
    )
  const sinks = sink === undefined ? definition.sinks : [sink]
  const strange = sinks.filter((name) => !held.includes(name))
  if (strange.length > 0)
    throw new Problem(
      409,
      'never_held',
      `${strange.join(', ')} never held ${to}: name another moment, or a sink that did: ${held.join(', ')}`,
    )
  return sinks
}

export const configRollbackRoutes: Routes = (app, api) => {
  app.post(
    `${base}/config/rollback`,
    {
      config: { role: 'releaser' },
      schema: {
        summary: 'Restore what sinks held after a commit or a run',
        tags: ['configuration'],
        body: Body,
        response: { 200: Planned, 202: Asked },
      },
    },
    async (request, reply) => {
      const wanted = request.body
      const { rule, environment, sink, to, dryRun = false } = wanted
      const bound = await findBound(api, { environment, rule, sink }, to)
      if (!bound) throw unknownMoment({ environment, rule, sink }, to)
      const { commit, repository } = bound
      const place = { environment, rule, sink, repository }
      // A run is exact; of a commit all digits count.
      const isRun = !/^[0-9a-f]+$/i.test(to)
      const { definition, changes, kept } = await planOf(api, place, to, bound)
      const head = { rule, environment, repository, to: isRun ? to : commit, changes, kept }
      if (dryRun) return reply.code(200).send({ ...head, sinks: [...bound.sinks], dryRun })
      if (!definition) throw unknown('rule', rule, 'rules')
      if (definition.dryRun)
        throw new Problem(409, 'dry_rule', `rule ${rule} is a dry run: it writes to no sink`)
      const sinks = sinksOf(definition, wanted, bound.sinks)
      const target = { rule, repository, environment, dryRun: false }
      const { pipeline } = await requirePipeline(api, targetOf(definition, target).pipeline)
      const asked = await askForRun(api, request, pipeline, wanted, () =>
        Promise.resolve({
          reason: 'rollback' as const,
          sync: {
            ...(sink === undefined ? {} : { sinks: [sink] }),
            restore: { commit, ...(isRun ? { run: to } : {}) },
          },
        }),
      )
      const { id: run, seq, duplicate } = asked
      void reply.header('location', `${base}/runs/${run}`)
      const followed = { run, pipelineId: pipeline, duplicate, seq }
      return reply.code(202).send({ ...head, sinks: [...sinks], dryRun, ...followed })
    },
  )
}
