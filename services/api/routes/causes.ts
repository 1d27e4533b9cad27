/** From a commit back to where its story began: the run that wrote it, the version that led to the run… */
import { sql } from 'kysely'
import { Type, type Static } from 'typebox'
import { causeOf, type Cause } from '@headway/schemas/cause.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import { base, type Api, type Routes } from '../api.ts'
import { timeOf } from '../moments.ts'
import { unknown } from '../problem.ts'
import { Seq, Time } from '../shapes.ts'
import { viewed } from '../view.ts'

/** Outputs may trigger pipelines whose outputs trigger others; nobody reads further. */
const depthMax = 50

const CauseShape = Type.Object({
  seq: Seq,
  at: Time,
  kind: Type.String({ description: 'what the commit is about: asset, pipeline, …' }),
  name: Type.String(),
  types: Type.Array(Type.String()),
  by: Type.Enum(['version', 'run', 'push', 'wish'], {
    description: 'how it led to the one before: its version was new, its run did it…',
  }),
  id: Type.String({ description: 'of that version, run, push or wish' }),
})

const places = {
  run: { table: 'runs', is: (id: string) => sql`run = ${id}` },
  version: { table: 'asset_versions', is: (id: string) => sql`version = ${id}` },
  push: { table: 'tasks', is: (id: string) => sql`task = ${id}` },
  wish: {
    table: 'audit',
    is: (id: string) => sql`${id} in (fields->>'request', fields->>'redrive', fields->>'push')`,
  },
} as const satisfies Record<Cause['kind'], object>

/** Where in the log a cause is; null when it is not projected, or nobody knows it. */
const seqOf = async ({ db, tenant }: Api, { kind, id }: Cause): Promise<number | null> => {
  const { table, is } = places[kind]
  const { rows } = await sql<{ seq: number }>`
    select seq from ${sql.id(table)}
    where tenant = ${tenant} and ${is(id)} order by seq limit 1`.execute(db)
  return rows[0]?.seq ?? null
}

const causesOf = async (api: Api, commit: Commit): Promise<Static<typeof CauseShape>[]> => {
  const found: Static<typeof CauseShape>[] = []
  for (let at = commit; found.length < depthMax;) {
    const cause = causeOf(at.events)
    const seq = cause && (await seqOf(api, cause))
    // Nothing is caused by what came later.
    const before = seq !== null && seq < at.seq ? await api.log.at(seq) : null
    if (!cause || before?.tenant !== api.tenant) break
    const { topic, events } = before
    const types = events.map(({ type }) => type)
    const place = { seq: before.seq, at: timeOf(before.at), kind: topic.kind, name: topic.name }
    found.push({ ...place, types, by: cause.kind, id: cause.id })
    at = before
  }
  return found
}

export const causesRoutes: Routes = (app, api) => {
  app.get(
    `${base}/log/:seq/causes`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What led to a commit, nearest first, back to a fetch, a push or a wish',
        tags: ['log'],
        params: Type.Object({ seq: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) }),
        response: { 200: Type.Array(CauseShape) },
      },
    },
    async ({ params: { seq } }) => {
      const commit = await api.log.at(Number(seq))
      const isThere = Number(seq) <= (viewed()?.seq ?? Infinity)
      if (!isThere || commit?.tenant !== api.tenant) throw unknown('commit', seq, 'log')
      return causesOf(api, commit)
    },
  )
}
