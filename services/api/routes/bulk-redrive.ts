/**
 * Redriving many runs at once: chosen by a filter, oldest death first, at a rate, up to a number, and
 * stopped when they fail again. A dry run says what it would do; the real one records one wish per
 * pipeline, which the dispatcher carries out.
 *
 * Repeated with the same key it adds nothing, however many runs died meanwhile: what was recorded for
 * this key stands, and only what the first try did not come to is recorded after it.
 */
import { Type, type Static } from 'typebox'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { base, type Api, type Routes } from '../api.ts'
import { requireUsable } from '../finding.ts'
import { Problem } from '../problem.ts'
import { Time } from '../shapes.ts'
import { actorOf, append, keyOf, newId } from '../write.ts'
import { candidates, candidatesMax, filterFields, type Candidate } from './dead-letter-rows.ts'
import { refuseOther, VersionText } from './redrives.ts'

/** One wish of the log holds so many runs. */
const capMax = 10_000
const capDefault = 1_000
const sampleMax = 10

const Body = Type.Object(
  {
    filter: Type.Optional(Type.Object(filterFields, { additionalProperties: false })),
    dryRun: Type.Optional(Type.Boolean()),
    cap: Type.Optional(
      Type.Integer({ minimum: 1, maximum: capMax, description: `${capDefault} when left out` }),
    ),
    perMinute: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
    failuresMax: Type.Optional(
      Type.Integer({ minimum: 1, description: 'stop after so many ended badly again' }),
    ),
    version: Type.Optional(VersionText),
    startOver: Type.Optional(Type.Boolean()),
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
  },
  { additionalProperties: false },
)
type Body = Static<typeof Body>

const Group = Type.Object({
  pipelineId: Type.String(),
  fingerprint: Type.String(),
  type: Type.String(),
  message: Type.String({ description: 'of the newest' }),
  count: Type.Integer(),
  oldestAt: Time,
  newestAt: Time,
})
const Plan = Type.Object({
  dryRun: Type.Boolean(),
  matching: Type.Integer({ description: 'runs that the filter finds' }),
  unusable: Type.Integer({
    description: 'of these, left out: their version is retired or unknown',
  }),
  count: Type.Integer({ description: 'runs that are redriven' }),
  capped: Type.Boolean({ description: 'there are more than `cap`' }),
  groups: Type.Array(Group),
  sample: Type.Array(Type.String({ description: 'the first runs' })),
})
const Accepted = Type.Object({
  ...Plan.properties,
  duplicate: Type.Boolean({ description: 'this key was used for it before' }),
  redrives: Type.Array(
    Type.Object({
      id: Type.String(),
      pipelineId: Type.String(),
      count: Type.Integer(),
      seq: Type.Integer(),
      href: Type.String(),
    }),
  ),
})
type Redrives = Static<typeof Accepted>['redrives']

const groupsOf = (rows: readonly Candidate[]): Static<typeof Group>[] => {
  const groups = new Map<string, Static<typeof Group>>()
  for (const { pipeline, fingerprint, type, message, at } of rows) {
    const key = `${pipeline}\n${fingerprint}`
    const group = groups.get(key)
    groups.set(key, {
      pipelineId: pipeline ?? '',
      fingerprint: fingerprint ?? '',
      type,
      message,
      count: (group?.count ?? 0) + 1,
      oldestAt: group?.oldestAt ?? at,
      newestAt: at,
    })
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count)
}

/** What a first try with the same key recorded: the rest is of the runs that were dead before it. */
type Done = {
  readonly beforeSeq: number | null
  readonly pipelines: ReadonlySet<string | null>
}
const nothingDone: Done = { beforeSeq: null, pipelines: new Set() }

type Chosen = { readonly plan: Static<typeof Plan>; readonly runs: readonly Candidate[] }

const choose = async (
  api: Api,
  body: Body,
  cap: number,
  done: Done = nothingDone,
): Promise<Chosen> => {
  const { filter = {}, version, dryRun = false } = body
  const all = await candidates(api, filter, version, done.beforeSeq)
  const found = all.filter(({ pipeline }) => !done.pipelines.has(pipeline))
  if (all.length === candidatesMax)
    throw new Problem(422, 'too_many_runs', `${candidatesMax} runs or more: narrow the filter`)
  const usable = found.filter((row) => row.usable)
  const runs = usable.slice(0, cap)
  return {
    runs,
    plan: {
      dryRun,
      matching: found.length,
      unusable: found.length - usable.length,
      count: runs.length,
      capped: usable.length > cap,
      groups: groupsOf(runs),
      sample: runs.slice(0, sampleMax).map(({ id }) => id),
    },
  }
}

/** What was recorded for this key before, in whichever pipelines. */
const earlier = async (api: Api, body: Body, idOf: (pipeline: string) => string) => {
  const { db, tenant } = api
  const pipelines = await db
    .selectFrom('pipelines')
    .select('pipeline')
    .where('tenant', '=', tenant)
    .execute()
  const ids = pipelines.map(({ pipeline }) => idOf(pipeline))
  if (ids.length === 0) return []
  const rows = await db
    .selectFrom('redrives')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('redrive', 'in', ids)
    .orderBy('seq')
    .execute()
  for (const row of rows) refuseOther(row, body)
  return rows
}

const requireVersion = async (api: Api, { filter, version }: Body): Promise<void> => {
  if (version === undefined) return
  const pipeline = filter?.pipeline
  if (pipeline === undefined)
    throw new Problem(
      422,
      'pipeline_missing',
      'a version belongs to one pipeline: name it, {"filter": {"pipeline": "…"}}',
    )
  await requireUsable(api, pipeline, version, 'name another one')
}

export const bulkRedriveRoutes: Routes = (app, api) => {
  const record = async (
    key: string | null,
    redrive: string,
    event: Pick<Redriving, 'pipeline' | 'runs' | 'actor'>,
    { version, startOver = false, perMinute, failuresMax }: Body,
  ): Promise<Redrives[number]> => {
    const { seq } = await append(
      api,
      { kind: 'pipeline', name: event.pipeline },
      `bulk-${event.pipeline}-${key ?? redrive}`,
      {
        type: 'RedriveRequested',
        v: 1,
        at: toTimestamp(api.clock.now()),
        redrive,
        ...event,
        startOver,
        ...(version === undefined ? {} : { pipelineVersion: version }),
        ...(perMinute === undefined ? {} : { perMinute }),
        ...(failuresMax === undefined ? {} : { failuresMax }),
      },
    )
    return redriveOf(redrive, event.pipeline, event.runs.length, seq)
  }
  app.post(
    `${base}/dead-letters/redrive`,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Redrive the runs that a filter finds; with dryRun only say which',
        tags: ['dead letters'],
        body: Body,
        response: { 200: Plan, 202: Accepted },
      },
    },
    async (request, reply) => {
      const { body } = request
      const cap = body.cap ?? capDefault
      await requireVersion(api, body)
      if (body.dryRun) return (await choose(api, body, cap)).plan
      const key = keyOf(request)
      const idOf = (pipeline: string) => newId(api, request, 'bulk', pipeline)
      const before = key ? await earlier(api, body, idOf) : []
      const recorded = before.reduce((sum, row) => sum + row.requested, 0)
      const done = {
        beforeSeq: before[0]?.seq ?? null,
        pipelines: new Set(before.map(({ pipeline }) => pipeline)),
      }
      const { plan, runs } = await choose(api, body, cap - recorded, done)
      const redrives = before.map((row) =>
        redriveOf(row.redrive, row.pipeline, row.requested, row.seq),
      )
      const rest = new Set(runs.flatMap(({ pipeline }) => pipeline ?? []))
      const actor = actorOf(request, body)
      for (const pipeline of rest) {
        const mine = runs.filter((row) => row.pipeline === pipeline).map(({ id }) => id)
        redrives.push(await record(key, idOf(pipeline), { pipeline, runs: mine, actor }, body))
      }
      const count = redrives.reduce((sum, one) => sum + one.count, 0)
      const duplicate = before.length > 0
      return reply.code(202).send({ ...plan, count, duplicate, redrives })
    },
  )
}

type Redriving = {
  readonly pipeline: string
  readonly runs: string[]
  readonly actor: { name: string; reason?: string }
}

const redriveOf = (id: string, pipelineId: string, count: number, seq: number) => ({
  id,
  pipelineId,
  count,
  seq,
  href: `${base}/redrives/${id}`,
})
