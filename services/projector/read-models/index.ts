/** All read models, one line each. */
import type { TableName } from '@headway/schemas/tables.ts'
import { artifacts } from './artifacts.ts'
import { assetVersions } from './asset-versions.ts'
import { assets } from './assets.ts'
import { fetchTroubles } from './fetch-troubles.ts'
import { pipelines } from './pipelines.ts'
import type { ReadModel } from './read-model.ts'
import { releases } from './releases.ts'
import { runs } from './runs.ts'
import { steps } from './steps.ts'
import { workers } from './workers.ts'

export const readModels: readonly ReadModel<TableName>[] = [
  assets,
  assetVersions,
  fetchTroubles,
  pipelines,
  releases,
  runs,
  steps,
  artifacts,
  workers,
]
