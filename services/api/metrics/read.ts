/** What is, read when somebody asks: a few statements over indexes, and the live store. */
import type { AssetDefinition } from '@headway/schemas/definitions.ts'
import { version, type Api } from '../api.ts'
import type { LiveChecks } from '../live-checks.ts'
import type { Meters } from './meters.ts'

const open = ['pending', 'running', 'retrying', 'waiting_external'] as const

const readAssets = async ({ db, tenant, clock }: Api, checks: LiveChecks, meters: Meters) => {
  const rows = await db
    .selectFrom('assets')
    .select(['asset', 'definition', 'good_at', 'versioned_at', 'trouble'])
    .where('tenant', '=', tenant)
    .where('removed', '=', false)
    .execute()
  const fetched = rows.filter(({ definition }) => (definition as AssetDefinition | null)?.url)
  const looked = await checks.of(fetched.map(({ asset }) => asset))
  meters.fetchAge.reset()
  meters.fetchTrouble.reset()
  meters.freshness.reset()
  for (const { asset, definition, good_at: goodAt, trouble } of fetched) {
    const check = trouble === null ? looked.get(asset)?.at : undefined
    const at = Math.max(check ?? 0, goodAt === null ? 0 : Date.parse(goodAt))
    if (at > 0) meters.fetchAge.set({ asset }, Math.max(0, clock.now() - at) / 1_000)
    if (trouble !== null) meters.fetchTrouble.set({ asset, code: trouble }, 1)
    const { freshnessMs } = definition as AssetDefinition
    if (freshnessMs !== undefined) meters.freshness.set({ asset }, freshnessMs / 1_000)
  }
}

const readRuns = async ({ db, tenant, clock }: Api, meters: Meters) => {
  const rows = await db
    .selectFrom('runs')
    .select(({ fn }) => [
      'status',
      'pipeline',
      'pipeline_version',
      fn.countAll<number>().as('n'),
      fn.min('since').as('since'),
    ])
    .where('tenant', '=', tenant)
    .where('status', 'in', [...open, 'dead_lettered', 'failed'])
    .groupBy(['status', 'pipeline', 'pipeline_version'])
    .execute()
  meters.queueAge.reset()
  const counts = new Map<string, number>(open.map((status) => [status, 0]))
  for (const { status, pipeline, pipeline_version: release, n, since } of rows) {
    counts.set(status, (counts.get(status) ?? 0) + Number(n))
    if (status !== 'pending' || since === null) continue
    const age = Math.max(0, clock.now() - Date.parse(since)) / 1_000
    meters.queueAge.set({ pipeline, version: release }, age)
  }
  for (const status of open) meters.runs.set({ status }, counts.get(status)!)
  const dead = (counts.get('dead_lettered') ?? 0) + (counts.get('failed') ?? 0)
  meters.deadLetters.set({ kind: 'run' }, dead)
}

const readCounts = async ({ db, tenant }: Api, meters: Meters) => {
  const row = await db
    .selectNoFrom((eb) => {
      const count = (table: 'refused_commands' | 'unreadable' | 'interactions' | 'pipelines') =>
        eb
          .selectFrom(table)
          .select((e) => e.fn.countAll<number>().as('n'))
          .where(`${table}.tenant`, '=', tenant)
      return [
        count('refused_commands').as('commands'),
        count('unreadable').as('messages'),
        count('interactions').where('interactions.status', '=', 'waiting').as('questions'),
        count('pipelines').where('pipelines.paused', '=', true).as('paused'),
      ]
    })
    .executeTakeFirstOrThrow()
  meters.deadLetters.set({ kind: 'command' }, Number(row.commands ?? 0))
  meters.deadLetters.set({ kind: 'message' }, Number(row.messages ?? 0))
  meters.questions.set(Number(row.questions ?? 0))
  meters.paused.set(Number(row.paused ?? 0))
}

const readWorkers = async ({ db, tenant }: Api, meters: Meters) => {
  const rows = await db
    .selectFrom('workers')
    .select(({ fn }) => ['status', fn.countAll<number>().as('n')])
    .where('tenant', '=', tenant)
    .groupBy('status')
    .execute()
  meters.workers.reset()
  for (const { status, n } of rows) meters.workers.set({ status }, Number(n))
}

const readLag = async ({ log, position }: Api, meters: Meters) => {
  const projected = await position.read()
  const { seq } = await log.head()
  meters.position.set(projected)
  meters.head.set(seq)
  meters.lag.set(Math.max(0, seq - projected))
}

/** What cannot be read now keeps its last value, except that a scrape without Postgres fails. */
export const readAll = async (api: Api, checks: LiveChecks, meters: Meters): Promise<void> => {
  meters.build.set({ version }, 1)
  const content = async () => {
    const bytes = await api.content.sizeBytes?.()
    if (bytes !== undefined) meters.contentBytes.set(bytes)
  }
  await Promise.all([
    readAssets(api, checks, meters),
    readRuns(api, meters),
    readCounts(api, meters),
    readWorkers(api, meters),
    readLag(api, meters),
    content(),
  ])
}
