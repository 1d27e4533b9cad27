/**
 * Who listens to whom in the storm: mostly one pipeline on one asset, some on two, one that supersedes
 * what has not started, one that runs several at a time.
 */
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Doors } from '@headway/streams/room.ts'
import { defineAsset, definePipeline, until } from '../harness.ts'

export type Planned = {
  readonly pipeline: string
  readonly folder: 'pass' | 'pair'
  /** Slot → asset. */
  readonly slots: Readonly<Record<string, string>>
  readonly concurrency: number
  readonly newestWins: boolean
}
export type Plan = { readonly assets: readonly string[]; readonly pipelines: readonly Planned[] }

const nameOf = (i: number): string => String(i).padStart(2, '0')

export const planOf = (assetCount: number): Plan => {
  const assets = Array.from({ length: assetCount }, (_, i) => `storm/${nameOf(i)}`)
  const passes = assets.map((asset, i): Planned => {
    const [concurrency, newestWins] = [i % 8 === 1 ? 4 : 1, i % 8 === 2]
    const pipeline = `pass-${nameOf(i)}`
    return { pipeline, folder: 'pass', slots: { value: asset }, concurrency, newestWins }
  })
  const pairs = assets
    .filter((_, i) => i % 8 === 3)
    .map((asset, i): Planned => {
      const slots = { value: asset, other: assets[(i * 8 + 4) % assetCount]! }
      const pipeline = `pair-${nameOf(i)}`
      return { pipeline, folder: 'pair', slots, concurrency: 1, newestWins: false }
    })
  return { assets, pipelines: [...passes, ...pairs] }
}

/** An attempt is used up by every crash of its worker; the storm has many. */
const retry = { attempts: 200, backoffMs: 50, backoffMsMax: 200 }

export const definitionOf = (planned: Planned): Partial<PipelineDefinition> => ({
  folder: planned.folder,
  slots: planned.slots,
  debounce: { quietMs: 200, maxWaitMs: 2_000 },
  concurrency: planned.concurrency,
  ...(planned.newestWins ? { newestWins: true } : {}),
  retry,
})

/** Defines everything and waits until workers have registered the code. */
export const prepare = async (doors: Doors, { assets, pipelines }: Plan): Promise<void> => {
  for (const asset of assets) await defineAsset(doors, asset, {})
  for (const planned of pipelines)
    await definePipeline(doors, planned.pipeline, definitionOf(planned))
  for (const { pipeline } of pipelines)
    await until(
      `the code of ${pipeline} is registered`,
      () => doors.log.last('default', { kind: 'release', name: pipeline }),
      60_000,
    )
}
