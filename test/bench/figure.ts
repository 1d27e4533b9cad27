import { execFileSync } from 'node:child_process'

/**
 * One measured number. `ceiling` is the raw limit or the peer, measured in the same run, so that the
 * ratio holds on any machine.
 */
export type Figure = {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly ceiling?: number
  readonly ratio?: number
  /** Where a bench has conditions of its own. */
  readonly durability?: string
  readonly node?: string
  readonly versions?: Readonly<Record<string, string>>
  /** Of each repetition, when the value is their median. */
  readonly samples?: readonly number[]
}

export const round = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))

/** The figure with its ratio to a ceiling. */
export const figure = (name: string, value: number, unit: string, ceiling?: number): Figure => ({
  name,
  value: round(value),
  unit,
  ...(ceiling === undefined ? {} : { ceiling: round(ceiling), ratio: round(value / ceiling) }),
})

/** The value below which `share` (0 to 1) of the samples lie. */
export const percentile = (samples: readonly number[], share: number): number => {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** What a figure is worth only together with: code, versions, durability. */
export const conditions = (nats: string, postgres: string) => ({
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  node: process.versions.node,
  nats,
  postgres,
  durability: 'sync_interval: always',
})
