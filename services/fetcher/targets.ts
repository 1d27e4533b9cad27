/**
 * Targets are assets and pipelines that follow from rules: made when a push first needs them, changed and
 * removed with their rule. The pipeline is written before the asset that tells of it, so that a fetcher
 * that dies between the two finds it missing and writes it again.
 */
import type { AssetDefinition, PipelineDefinition } from '@headway/schemas/definitions.ts'
import { sha256, toTimestamp } from '@headway/schemas/ids.ts'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import { isAbout } from '@headway/schemas/rules/environment.ts'
import { targetOf, type Place } from '@headway/schemas/rules/target.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Asset, Assets } from './assets.ts'

const source = 'fetcher'
const folder = 'config-sync'
const poolDefault = 'default'

type Target = NonNullable<AssetDefinition['target']>
export type Named = { readonly asset: string; readonly target: Target }

export const namedOf = (rule: RuleDefinition, place: Place): Named => {
  const { asset, pipeline } = targetOf(rule, place)
  const { repository, environment } = place
  const pool = rule.pool ?? poolDefault
  return { asset, target: { rule: place.rule, repository, environment, pipeline, pool } }
}

export const assetDefinition = (target: Target): AssetDefinition => ({
  kind: 'config_tree',
  strategy: 'content_hash',
  target,
})

/** A plan is made for each commit that was asked for; a sync only for the newest. */
export const pipelineDefinition = (
  { asset, target }: Named,
  { dryRun }: Pick<Place, 'dryRun'>,
): PipelineDefinition => ({
  folder,
  pool: target.pool,
  slots: { tree: asset },
  debounce: { quietMs: 0, maxWaitMs: 0 },
  concurrency: 1,
  retry: { attempts: 5, backoffMs: 1_000, backoffMsMax: 60_000 },
  stepTimeoutMs: 120_000,
  runTimeoutMs: 600_000,
  newestWins: !dryRun,
  rule: target.rule,
})

/** Makes sure that a target is there. False when somebody else wrote about it first. */
export const ensureTarget = async (
  { log, clock }: Pick<Doors, 'log' | 'clock'>,
  assets: Assets,
  asset: Asset,
  named: Named,
  place: Place,
): Promise<boolean> => {
  const { definition, topicSeq } = asset.state
  const wanted = assetDefinition(named.target)
  if (JSON.stringify(definition?.target) === JSON.stringify(wanted.target)) return true
  const { tenant, key } = asset
  const { pipeline } = named.target
  const at = toTimestamp(clock.now())
  const pipelineIs = pipelineDefinition(named, place)
  const hash = sha256(JSON.stringify([wanted, pipelineIs])).slice(0, 16)
  await log.append({
    tenant,
    topic: { kind: 'pipeline', name: pipeline },
    id: `target-${pipeline}-${topicSeq}-${hash}`,
    events: [{ type: 'PipelineDefined', v: 1, at, pipeline, definition: pipelineIs }],
    source,
  })
  const appended = await log.append({
    tenant,
    topic: { kind: 'asset', name: key },
    id: `target-${key}-${topicSeq}-${hash}`,
    events: [{ type: 'AssetDefined', v: 1, at, asset: key, definition: wanted }],
    expect: topicSeq,
    source,
  })
  await assets.catchUp(asset)
  return appended.outcome !== 'conflict'
}

/** Why a rule has nothing to do with a target any more; null while it has. What was written stays. */
export const leftBehind = (rule: RuleDefinition, { repository }: Target): string | null =>
  isAbout(rule, { source: rule.source, repository })
    ? null
    : `its rule is not about ${repository} now`

/** What a removed target wrote is nobody's to prune: it stays, and that is told. */
const stays = 'what it wrote stays where it is'

/** Removes a target whose rule is no more, or has nothing to do with it any more. */
export const removeTarget = async (
  { log, clock }: Pick<Doors, 'log' | 'clock'>,
  assets: Assets,
  asset: Asset,
  why: string,
): Promise<void> => {
  await assets.catchUp(asset)
  const { definition, topicSeq, definedSeq } = asset.state
  const target = definition?.target
  if (!target) return
  const { tenant, key } = asset
  const { pipeline } = target
  const at = toTimestamp(clock.now())
  const reason = `${why}; ${stays}`
  await log.append({
    tenant,
    topic: { kind: 'pipeline', name: pipeline },
    id: `target-${pipeline}-removed-${definedSeq}`,
    events: [{ type: 'PipelineRemoved', v: 1, at, pipeline, reason }],
    source,
  })
  const appended = await log.append({
    tenant,
    topic: { kind: 'asset', name: key },
    id: `target-${key}-removed-${definedSeq}`,
    events: [{ type: 'AssetRemoved', v: 1, at, asset: key, reason }],
    expect: topicSeq,
    source,
  })
  if (appended.outcome === 'conflict') throw new Error(`others write about ${key}`)
}
