/** The state of the house in one small answer. */
import { Type, type Static } from 'typebox'
import { base, version, type Api, type Routes } from '../api.ts'
import { Seq } from '../shapes.ts'

const Count = Type.Integer()
const Status = Type.Object({
  connectedWorkers: Count,
  registeredAssets: Count,
  cachedAssetVersions: Type.Integer({ description: 'assets whose newest version is here' }),
  troubledAssets: Count,
  pipelines: Count,
  runs: Type.Object({
    total: Count,
    pending: Count,
    running: Count,
    retrying: Count,
    waitingExternal: Type.Integer({ description: 'for answers of people or other systems' }),
    completed: Count,
    failed: Count,
    deadLettered: Count,
    cancelled: Count,
    superseded: Count,
  }),
  openQuestions: Type.Integer({ description: 'that runs wait for' }),
  pausedPipelines: Count,
  refusedCommands: Type.Integer({ description: 'that nobody could carry out' }),
  unreadable: Type.Integer({ description: 'messages of the log that could not be read' }),
  projectedSeq: Seq,
  tenant: Type.String(),
  version: Type.String(),
  uptimeMs: Count,
  at: Type.String(),
})

type Counted =
  | 'assets'
  | 'workers'
  | 'pipelines'
  | 'unreadable'
  | 'runs'
  | 'interactions'
  | 'refused_commands'

/** One statement; every count of it walks an index or a table that configuration bounds. */
const statement = ({ db, tenant }: Api) =>
  db.selectNoFrom((eb) => {
    const count = (table: Counted) =>
      eb
        .selectFrom(table)
        .select((e) => e.fn.countAll<number>().as('n'))
        .where(`${table}.tenant`, '=', tenant)
    const runs = (status: string) => count('runs').where('runs.status', '=', status)
    const assets = count('assets').where('assets.removed', '=', false)
    return [
      count('workers').where('workers.status', 'in', ['healthy', 'draining']).as('workers'),
      assets.as('assets'),
      assets.where('assets.version', 'is not', null).as('cached'),
      assets.where('assets.trouble', 'is not', null).as('troubled'),
      count('pipelines').where('pipelines.removed', '=', false).as('pipelines'),
      count('pipelines').where('pipelines.paused', '=', true).as('paused'),
      count('unreadable').as('unreadable'),
      count('refused_commands').as('refused'),
      count('interactions').where('interactions.status', '=', 'waiting').as('questions'),
      runs('pending').as('pending'),
      runs('running').as('running'),
      runs('retrying').as('retrying'),
      runs('waiting_external').as('waiting_external'),
      runs('cancelled').as('cancelled'),
      runs('superseded').as('superseded'),
      runs('failed').as('failed'),
      runs('dead_lettered').as('dead_lettered'),
      eb
        .selectFrom('pipelines')
        .select((e) => e.fn.coalesce(e.fn.sum<number>('runs'), e.lit(0)).as('n'))
        .where('tenant', '=', tenant)
        .as('total'),
      eb.selectFrom('position').select('seq').as('seq'),
    ]
  })

type Counts = Awaited<ReturnType<ReturnType<typeof statement>['executeTakeFirstOrThrow']>>

/** Most runs completed, so they are what is left: counting them would read the whole index. */
const present = (api: Api, row: Counts): Static<typeof Status> => {
  const n = (count: number | null) => Number(count ?? 0)
  const open = n(row.pending) + n(row.running) + n(row.retrying) + n(row.waiting_external)
  const bad = n(row.failed) + n(row.dead_lettered) + n(row.cancelled) + n(row.superseded)
  const others = open + bad
  const total = Math.max(n(row.total), others)
  const now = api.clock.now()
  return {
    connectedWorkers: n(row.workers),
    registeredAssets: n(row.assets),
    cachedAssetVersions: n(row.cached),
    troubledAssets: n(row.troubled),
    pipelines: n(row.pipelines),
    runs: {
      total,
      pending: n(row.pending),
      running: n(row.running),
      retrying: n(row.retrying),
      waitingExternal: n(row.waiting_external),
      completed: total - others,
      failed: n(row.failed),
      deadLettered: n(row.dead_lettered),
      cancelled: n(row.cancelled),
      superseded: n(row.superseded),
    },
    openQuestions: n(row.questions),
    pausedPipelines: n(row.paused),
    refusedCommands: n(row.refused),
    unreadable: n(row.unreadable),
    projectedSeq: n(row.seq),
    tenant: api.tenant,
    version,
    uptimeMs: Math.round(performance.now() - api.startedAt),
    at: new Date(now).toISOString(),
  }
}

export const statusRoutes: Routes = (app, api) => {
  // It never changes, and writing it costs as much as asking it.
  const compiled = statement(api).compile()
  app.get(
    `${base}/status`,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Counts of workers, assets, pipelines and runs',
        tags: ['status'],
        querystring: Type.Object({}),
        response: { 200: Status },
      },
    },
    async () => present(api, (await api.db.executeQuery(compiled)).rows[0]!),
  )
}
