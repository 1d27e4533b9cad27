/**
 * What one history is about: who is there, what is configured, what people and sources do, what goes
 * wrong.
 */
import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import { chaosMs, drawFaults, type Fault } from './faults.ts'
import { Random } from './random.ts'

export type Wish =
  | 'trigger'
  | 'trigger pinned'
  | 'flush'
  | 'cancel window'
  | 'cancel run'
  | 'pause'
  | 'resume'
  | 'redrive'
  | 'answer'
  | 'push'
  | 'activate'
  | 'canary'
  | 'fetch'
  | 'poison log'
  | 'poison command'
export type Action = { readonly at: number; readonly wish: Wish; readonly target: number }

export type FeedPart = { readonly at: number; readonly content: string }
export type ScenarioAsset = {
  readonly tenant: string
  readonly key: string
  /** What its source says, by time; null when it is pushed. */
  readonly feed: readonly FeedPart[] | null
  readonly cadenceMs: number
}
export type ScenarioPipeline = {
  readonly tenant: string
  readonly id: string
  readonly definition: PipelineDefinition
  /** Its second step asks somebody outside. */
  readonly asks: boolean
  /** Inputs of this content kill the worker that reads them. */
  readonly poison: string | null
}
export type Scenario = {
  readonly seed: number
  readonly processes: readonly string[]
  readonly dedupeMs: number
  readonly assets: readonly ScenarioAsset[]
  readonly pipelines: readonly ScenarioPipeline[]
  readonly actions: readonly Action[]
  /** When the folders of all pipelines hold other code. */
  readonly releases: readonly number[]
  readonly faults: readonly Fault[]
}

const wishes: readonly Wish[] = [
  'trigger',
  'trigger pinned',
  'flush',
  'cancel window',
  'cancel run',
  'pause',
  'resume',
  'redrive',
  'answer',
  'push',
  'activate',
  'canary',
  'fetch',
  'poison log',
  'poison command',
]

const feedOf = (random: Random, key: string): FeedPart[] => {
  const parts: FeedPart[] = []
  let at = random.between(0, 500)
  let letter = 0
  while (at < chaosMs && parts.length < 3) {
    // A → B → A happens.
    letter = parts.length > 1 && random.chance(0.25) ? letter - 1 : letter + 1
    parts.push({ at, content: `${key} ${letter}` })
    at += random.chance(0.5) ? random.between(100, 1_500) : random.between(2_000, 7_000)
  }
  return parts
}

const definitionOf = (
  random: Random,
  id: string,
  slots: Readonly<Record<string, string>>,
): PipelineDefinition => {
  const quietMs = random.chance(0.1) ? 0 : random.between(100, 1_500)
  return {
    folder: id,
    pool: 'default',
    slots,
    debounce: { quietMs, maxWaitMs: quietMs + random.between(0, 2_500) },
    concurrency: random.chance(0.7) ? 1 : 2,
    retry: { attempts: random.between(2, 4), backoffMs: 100, backoffMsMax: 2_000 },
    stepTimeoutMs: 30_000,
    runTimeoutMs: 60_000,
    ...(random.chance(0.3) ? { newestWins: true } : {}),
  }
}

/** One process of a room, or two. */
const some = (random: Random, room: string, twoOf: number): string[] =>
  random.chance(twoOf) ? [`${room}-1`, `${room}-2`] : [`${room}-1`]

export const drawScenario = (seed: number): Scenario => {
  const random = new Random(seed, 2)
  const tenant = 'default'
  const isFetched = random.chance(0.6)
  const assets: ScenarioAsset[] = [
    {
      tenant,
      key: 'feed/a',
      feed: isFetched ? feedOf(random, 'a') : null,
      cadenceMs: random.between(1, 4) * 1_000,
    },
    { tenant, key: 'feed/b', feed: null, cadenceMs: 0 },
  ]
  const slots: Record<string, string> = { a: 'feed/a' }
  if (random.chance(0.6)) slots.b = 'feed/b'
  if (random.chance(0.2)) slots.own = 'output/alpha/out'
  const asks = random.chance(0.15)
  const poison = random.chance(0.15) ? 'b 2' : null
  const pipelines: ScenarioPipeline[] = [
    { tenant, id: 'alpha', definition: definitionOf(random, 'alpha', slots), asks, poison },
  ]
  const second = random.next()
  if (second < 0.25) {
    const definition = definitionOf(random, 'beta', { x: 'output/alpha/out' })
    pipelines.push({ tenant, id: 'beta', definition, asks: false, poison: null })
  } else if (second < 0.35) {
    // The same names at another tenant's.
    assets.push({ tenant: 'other', key: 'feed/a', feed: null, cadenceMs: 0 })
    const definition = definitionOf(random, 'alpha', { a: 'feed/a' })
    pipelines.push({ tenant: 'other', id: 'alpha', definition, asks: false, poison: null })
  }
  const processes = [
    ...some(random, 'fetcher', 0.2),
    ...some(random, 'debounce', 0.35),
    ...some(random, 'worker', 0.35),
    ...some(random, 'projector', 0.12),
  ]
  const on = wishes.filter(() => random.chance(0.27))
  const pushes = random.between(isFetched ? 0 : 1, 3)
  const actions: Action[] = [...Array.from({ length: pushes }, () => 'push' as const), ...on].map(
    (wish) => ({ wish, at: random.between(50, chaosMs), target: random.between(0, 999) }),
  )
  const releases = random.chance(0.3) ? [random.between(1_000, chaosMs)] : []
  const faults = drawFaults(new Random(seed, 3), processes)
  const dedupeMs = random.pick([120_000, 120_000, 20_000, 6_000])
  return { seed, processes, dedupeMs, assets, pipelines, actions, releases, faults }
}
