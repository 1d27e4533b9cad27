/**
 * All read models, one line each. Runs stand first: their rows are the fence for the others, which may
 * look at them.
 */
import type { EventType } from '@headway/schemas/events.ts'
import { tables, type TableName } from '@headway/schemas/tables.ts'
import { artifacts } from './artifacts.ts'
import { assetVersions } from './asset-versions.ts'
import { assets } from './assets.ts'
import { audit } from './audit.ts'
import { canaries, comparisons } from './canaries.ts'
import { rules, sinks, sources } from './config-definitions.ts'
import { drifts } from './drifts.ts'
import { fetchTroubles } from './fetch-troubles.ts'
import { interactions } from './interactions.ts'
import { pipelines } from './pipelines.ts'
import type { Fact, Fold, Group } from './read-model.ts'
import { redrives } from './redrives.ts'
import { refusedCommands } from './refused-commands.ts'
import { activations, releases } from './releases.ts'
import { runErrors } from './run-errors.ts'
import { runWishes } from './run-wishes.ts'
import { runs } from './runs.ts'
import { sinkValues } from './sink-values.ts'
import { stepOutputs, steps } from './steps.ts'
import { syncs } from './syncs.ts'
import { tasks } from './tasks.ts'
import { unreadable } from './unreadable.ts'
import { workers } from './workers.ts'

/** One for all: which rows belong to which table is their own business. */
export type AnyModel = Fact<'steps'> | Fold<'runs'> | Group<'interactions'>

const all: readonly { readonly version: number }[] = [
  runs,
  runWishes,
  runErrors,
  steps,
  stepOutputs,
  artifacts,
  redrives,
  interactions,
  canaries,
  comparisons,
  assets,
  assetVersions,
  fetchTroubles,
  pipelines,
  releases,
  activations,
  workers,
  refusedCommands,
  audit,
  sources,
  rules,
  sinks,
  tasks,
  syncs,
  sinkValues,
  drifts,
]
export const readModels = all as readonly AnyModel[]

const byEvent = (
  typesOf: (model: AnyModel) => readonly string[],
): ReadonlyMap<EventType, readonly AnyModel[]> => {
  const models = new Map<EventType, AnyModel[]>()
  for (const model of readModels)
    for (const type of typesOf(model) as readonly EventType[])
      models.set(type, [...(models.get(type) ?? []), model])
  return models
}

/** Event type → the models it concerns. */
export const modelsOf = byEvent((model) =>
  Object.keys(model.kind === 'fact' ? model.rows : model.evolve),
)

/** Event type → the models with rows that it finds though they were forgotten. */
export const wakenBy = byEvent((model) => (model.kind === 'fact' ? [] : (model.wakes ?? [])))

export const tablesOf = (model: AnyModel): readonly TableName[] =>
  model.kind === 'group' ? model.tables : [model.table]

/** What rows mean and look like, as one comparable text: another one calls for a rebuild. */
export const modelsText = (): string =>
  JSON.stringify([
    [
      ...readModels.map((model) => `${tablesOf(model).join(' ')} ${model.version}`),
      `${unreadable.table} ${unreadable.version}`,
    ].sort(),
    tables,
  ])
