/**
 * The read models as tables: how far they are in the log, how fast they go, how big they are; and the copy
 * that is built beside them, compared with them and swapped in when somebody wishes it. The projector does
 * that work and is asked over NATS. That somebody asked is a fact of the log; the work is none, for the
 * tables only mirror it.
 */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import {
  projectionActions,
  projectionService,
  pulseKey,
  workKey,
  type ProjectionAction,
  type ProjectionWork,
  type Pulse,
} from '@headway/schemas/projections.ts'
import { liveSchema, shadowSchema, tableGroups, tables } from '@headway/schemas/tables.ts'
import { base, type Api, type Routes } from '../api.ts'
import { timeOf } from '../moments.ts'
import { Problem } from '../problem.ts'
import { AcceptedShape, ActorShape, Nullable, Seq, Time } from '../shapes.ts'
import { actorOf, ReasonBody } from '../write.ts'

const askMsMax = 5_000
/** Above this a table's rows are estimated: counting them would cost more than the answer is worth. */
const countedBytesMax = 4 * 1024 * 1024

const Count = Type.Integer()
const Place = {
  seq: Type.Integer({ description: 'what is projected' }),
  lag: Type.Integer({ description: 'commits of the log that are not in the tables' }),
}
const Table = Type.Object({
  name: Type.String(),
  rows: Type.Integer({ description: 'your own; when estimated, those of all tenants' }),
  estimated: Type.Boolean(),
  bytes: Count,
})
const Group = Type.Object({
  name: Type.String(),
  ...Place,
  lagMs: Count,
  rows: Count,
  bytes: Count,
  rowsPerSecond: Count,
  tables: Type.Array(Table),
})
const Difference = Type.Object({
  table: Type.String(),
  key: Type.String(),
  in: Type.Enum(['both', 'live', 'copy']),
  columns: Type.Array(
    Type.Object({ name: Type.String(), live: Type.String(), copy: Type.String() }),
  ),
})
const Work = Type.Object({
  action: Type.Enum([...projectionActions]),
  by: ActorShape,
  status: Type.Enum(['running', 'done', 'failed']),
  startedAt: Time,
  toldAt: Time,
  phase: Type.String({ description: 'replay, index, catch up, compare, swap, done' }),
  done: Type.Integer({ description: 'commits so far, or tables while they are compared' }),
  total: Count,
  eventsPerSecond: Count,
  etaMs: Nullable(Count),
  problem: Type.Optional(Type.String()),
  comparison: Type.Optional(
    Type.Object({
      equal: Type.Boolean(),
      seq: Type.Integer({ description: 'where in the log both were' }),
      tables: Count,
      rows: Count,
      differing: Type.Record(Type.String(), Nullable(Count), {
        description: 'rows that differ, by table; null: its columns are others',
      }),
      differences: Type.Array(Difference, { description: 'the first of your own' }),
    }),
  ),
})
const Projections = Type.Object({
  ...Place,
  headSeq: Seq,
  lagMs: Type.Integer({ description: 'how long the oldest of these has waited' }),
  eventsPerSecond: Count,
  build: Type.Integer({ description: 'how often the tables were made anew' }),
  groups: Type.Array(Group),
  copy: Nullable(
    Type.Object({
      ...Place,
      bytes: Count,
      usable: Type.Boolean({ description: 'false: of other read models; rebuild' }),
    }),
  ),
  work: Nullable(Work, { description: 'what is done with the copy, or was done last' }),
})

type Made = { readonly seq: number; readonly models: string; readonly build: number }
type Size = { readonly schema: string; readonly name: string; bytes: number; tuples: number }

const madeOf = async ({ db }: Api, schema: string): Promise<Made | null> => {
  const { rows } = await sql<Made>`
    select seq, models, build from ${sql.ref(`${schema}.position`)}`.execute(db)
  return rows[0] ?? null
}

const sizesOf = async ({ db }: Api): Promise<readonly Size[]> => {
  const { rows } = await sql<Size>`
    select n.nspname as schema, c.relname as name, c.reltuples::float8 as tuples,
           pg_total_relation_size(c.oid)::float8 as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in (${liveSchema}, ${shadowSchema}) and c.relkind = 'r'`.execute(db)
  return rows
}

const countsOf = async (
  { db, tenant }: Api,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  if (names.length === 0) return new Map()
  const counts = names.map(
    (name) => sql`select ${name} as name, count(*)::float8 as rows
      from ${sql.ref(`${liveSchema}.${name}`)} where tenant = ${tenant}`,
  )
  const { rows } = await sql<{ name: string; rows: number }>`
    ${sql.join(counts, sql` union all `)}`.execute(db)
  return new Map(rows.map(({ name, rows: count }) => [name, count]))
}

/** A volatile fact; null when it is not known. */
const told = async <T>({ live }: Api, key: string): Promise<T | null> => {
  const found = await live.get(key).catch(() => null)
  return found && (JSON.parse(found.value) as T)
}

/** How long the oldest commit that is not projected has waited, by the log's own clock and ours. */
const waitedMs = async ({ log, clock }: Api, seq: number, headSeq: number): Promise<number> => {
  if (seq >= headSeq) return 0
  const next = await log.at(seq + 1)
  return next ? Math.max(0, clock.now() - next.at) : 0
}

const presentWork = (work: ProjectionWork, tenant: string): Static<typeof Work> => {
  const { actor, at, startedAt, comparison, ...rest } = work
  const own = comparison?.differences.filter((one) => one.tenant === tenant) ?? []
  const differences = own.map(({ table, key, in: where, columns }) => {
    return { table, key, in: where, columns: [...columns] }
  })
  return {
    ...rest,
    by: actor,
    startedAt: timeOf(startedAt),
    toldAt: timeOf(at),
    ...(comparison ? { comparison: { ...comparison, differences } } : {}),
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0)

const groupsOf = async (api: Api, sizes: readonly Size[]) => {
  const own = sizes.filter(({ schema }) => schema === liveSchema)
  // A sink's tables may lie in the same schema.
  const small = own.filter(({ name, bytes }) => bytes <= countedBytesMax && name in tables)
  const counts = await countsOf(
    api,
    small.map(({ name }) => name),
  )
  const sizeOf = new Map(own.map((size) => [size.name, size]))
  return Object.entries(tableGroups).map(([name, names]) => {
    const sized = names.map((table) => {
      const { bytes = 0, tuples = 0 } = sizeOf.get(table) ?? {}
      const counted = counts.get(table)
      const estimated = counted === undefined && bytes > 0
      return { name: table, rows: counted ?? Math.max(0, tuples), estimated, bytes }
    })
    return {
      name,
      rows: sum(sized.map(({ rows }) => rows)),
      bytes: sum(sized.map(({ bytes }) => bytes)),
      tables: sized,
    }
  })
}

const look = async (api: Api): Promise<Static<typeof Projections>> => {
  const [{ seq: headSeq }, made, sizes, pulse, work] = await Promise.all([
    api.log.head(),
    madeOf(api, liveSchema),
    sizesOf(api),
    told<Pulse>(api, pulseKey),
    told<ProjectionWork>(api, workKey),
  ])
  const { seq, build } = made ?? { seq: 0, build: 0 }
  const hasCopy = sizes.some(({ schema, name }) => schema === shadowSchema && name === 'position')
  // It may be dropped or swapped in the meantime.
  const copy = hasCopy ? await madeOf(api, shadowSchema).catch(() => null) : null
  const lag = Math.max(0, headSeq - seq)
  const lagMs = await waitedMs(api, seq, headSeq)
  const groups = await groupsOf(api, sizes)
  const copied = sizes.filter(({ schema }) => schema === shadowSchema)
  return {
    seq,
    headSeq,
    lag,
    lagMs,
    build,
    eventsPerSecond: pulse?.eventsPerSecond ?? 0,
    groups: groups.map((group) => {
      const rowsPerSecond = pulse?.rowsPerSecond[group.name] ?? 0
      return { ...group, seq, lag, lagMs, rowsPerSecond }
    }),
    copy: copy && {
      seq: copy.seq,
      lag: Math.max(0, headSeq - copy.seq),
      bytes: sum(copied.map(({ bytes }) => bytes)),
      usable: copy.models === made?.models,
    },
    work: work && presentWork(work, api.tenant),
  }
}

const summaries: Readonly<Record<ProjectionAction, string>> = {
  rebuild: 'Build a copy of the tables from the first event of the log, beside the live ones',
  compare: 'Bring the copy to where the live tables are and compare them, row for row',
  swap: 'Put the copy in the place of the live tables',
  drop: 'Throw the copy away',
}

export const projectionsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/projections`,
    {
      config: { role: 'viewer', current: true },
      schema: {
        summary: 'The read models: position, lag, rate and size, and the copy that is built anew',
        tags: ['health'],
        response: { 200: Projections },
      },
    },
    async (_, reply) => {
      void reply.header('cache-control', 'no-store')
      return look(api)
    },
  )
  for (const action of projectionActions)
    app.post(
      `${base}/projections/${action}`,
      {
        config: { role: 'admin' },
        schema: {
          summary: summaries[action],
          tags: ['health'],
          body: ReasonBody,
          response: { 202: AcceptedShape },
        },
      },
      async (request, reply) => {
        await ask(api, { action, actor: actorOf(request, request.body) })
        return reply.code(202).send({ status: 'accepted' })
      },
    )
}

/** What the projector refuses is refused here. */
const ask = async (api: Api, wish: object): Promise<void> => {
  try {
    await api.services?.ask(api.tenant, projectionService, wish, askMsMax)
  } catch (error) {
    const { status = 503, code, message } = error as Partial<Problem> & Error
    if (status === 409) throw new Problem(409, code!, message)
    throw new Problem(503, 'projector_unavailable', 'no projector answers: start one, or try again')
  }
}
