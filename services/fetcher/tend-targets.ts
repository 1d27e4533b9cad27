/**
 * What targets are owed by their rule: they go with it, and are looked at for drift when it says so, by a
 * schedule in the server. Schedules are only ever armed here; whoever takes the command and finds that
 * nobody wants it any more disarms it.
 */
import type { CommandOf } from '@headway/schemas/commands.ts'
import type { EventOf } from '@headway/schemas/events.ts'
import type { RuleDefinition } from '@headway/schemas/rules/definition.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Asset, Assets } from './assets.ts'
import type { Tenant } from './board.ts'
import { leftBehind, namedOf, removeTarget } from './targets.ts'

export type Tended = {
  readonly tenant: string
  readonly rules: Tenant['rules']
  /** Only these; all of the tenant when left out. */
  readonly assets?: readonly string[]
  /** Whatever was armed before may have been lost. */
  readonly isLost?: boolean
}

/** What was armed from here. */
const armed = new WeakMap<Asset, string>()

/** How often to compare, and what to ask for; null where nobody wants that. A dry run fills no sink. */
const watchOf = (asset: Asset, rule: RuleDefinition) => {
  const { target } = asset.state.definition!
  const { drift, dryRun } = rule
  if (!target || !drift || dryRun) return null
  if (namedOf(rule, { ...target, dryRun: false }).asset !== asset.key) return null
  const command: CommandOf<'CheckDrift'> = { type: 'CheckDrift', ...target }
  return { everyMs: Math.max(1_000, drift.everyMs), command }
}

const tendTarget = async (
  doors: Pick<Doors, 'log' | 'clock' | 'control'>,
  assets: Assets,
  asset: Asset,
  { rules, isLost = false }: Tended,
): Promise<void> => {
  const { target } = asset.state.definition ?? {}
  if (!target) return
  const rule = rules.get(target.rule)
  if (!rule) return removeTarget(doors, assets, asset, 'its rule was removed')
  const why = leftBehind(rule.definition, target)
  if (why) return removeTarget(doors, assets, asset, why)
  const watch = watchOf(asset, rule.definition)
  const told = JSON.stringify(watch)
  if (!watch || (armed.get(asset) === told && !isLost)) return
  const timer = { kind: 'drift' as const, tenant: asset.tenant, pipeline: target.pipeline }
  await doors.control.repeat(timer, watch.everyMs, watch.command)
  armed.set(asset, told)
}

export const assetsIn = ({ targets }: EventOf<'PushResolved'>): readonly string[] =>
  targets.flatMap(({ asset }) => asset ?? [])

export const tendTargets = async (
  doors: Pick<Doors, 'log' | 'clock' | 'control'>,
  assets: Assets,
  tended: Tended,
): Promise<void> => {
  const named = tended.assets?.map((key) => assets.of(tended.tenant, key))
  for (const asset of named ?? []) await assets.catchUp(asset)
  for (const asset of named ?? assets.all())
    if (asset.tenant === tended.tenant) await tendTarget(doors, assets, asset, tended)
}
