/** All read models, one line each. Runs stand first: their rows are the fence for the others. */
import type { EventType } from '@headway/schemas/events.ts'
import { tables } from '@headway/schemas/tables.ts'
import { artifacts } from './artifacts.ts'
import { assetVersions } from './asset-versions.ts'
import { assets } from './assets.ts'
import { fetchTroubles } from './fetch-troubles.ts'
import { pipelines } from './pipelines.ts'
import type { ReadModel } from './read-model.ts'
import { releases } from './releases.ts'
import { runs } from './runs.ts'
import { steps } from './steps.ts'
import { unreadable } from './unreadable.ts'
import { workers } from './workers.ts'

export const readModels: readonly ReadModel[] = [
  runs,
  steps,
  artifacts,
  assets,
  assetVersions,
  fetchTroubles,
  pipelines,
  releases,
  workers,
]

/** Event type → the models it concerns. */
export const modelsOf: ReadonlyMap<EventType, readonly ReadModel[]> = (() => {
  const byType = new Map<EventType, ReadModel[]>()
  for (const model of readModels)
    for (const type of Object.keys(model.kind === 'fact' ? model.rows : model.evolve)) {
      const models = byType.get(type as EventType)
      if (models) models.push(model)
      else byType.set(type as EventType, [model])
    }
  return byType
})()

/** What rows mean and look like, as one comparable text: another one calls for a rebuild. */
export const modelsText = (): string =>
  JSON.stringify([
    [...readModels, unreadable].map(({ table, version }) => `${table} ${version}`).sort(),
    tables,
  ])
