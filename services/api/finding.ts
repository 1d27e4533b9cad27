/** The things that wishes are about, or the problem that says there is no such thing. */
import { isEnded, runStatuses } from '@headway/schemas/run.ts'
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Row } from '@headway/schemas/tables.ts'
import type { Api } from './api.ts'
import { Problem, unknown } from './problem.ts'

export const openStatuses = runStatuses.filter((status) => !isEnded(status))

export type DefinedPipeline = Row<'pipelines'> & { readonly definition: PipelineDefinition }

/** A pipeline that is defined. */
export const requirePipeline = async (
  { db, tenant }: Api,
  pipeline: string,
): Promise<DefinedPipeline> => {
  const row = await db
    .selectFrom('pipelines')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('pipeline', '=', pipeline)
    .where('removed', '=', false)
    .where('definition', 'is not', null)
    .executeTakeFirst()
  if (!row) throw unknown('pipeline', pipeline, 'pipelines')
  return row as DefinedPipeline
}

export const requireRun = async ({ db, tenant }: Api, run: string): Promise<Row<'runs'>> => {
  const row = await db
    .selectFrom('runs')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('run', '=', run)
    .executeTakeFirst()
  if (!row) throw unknown('run', run, 'runs')
  return row
}

export const requireRelease = async (
  { db, tenant }: Api,
  pipeline: string,
  version: string,
): Promise<Row<'releases'>> => {
  const row = await db
    .selectFrom('releases')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('pipeline', '=', pipeline)
    .where('pipeline_version', '=', version)
    .executeTakeFirst()
  if (row) return row
  throw unknown('release', `${pipeline}/${version}`, `releases?pipeline=${pipeline}`)
}

/** A release that new and redriven runs may be pinned to. */
export const requireUsable = async (
  api: Api,
  pipeline: string,
  version: string,
  advice: string,
): Promise<Row<'releases'>> => {
  const release = await requireRelease(api, pipeline, version)
  if (release.retired_at === null) return release
  throw new Problem(409, 'release_retired', `version ${version} is retired: ${advice}`)
}
