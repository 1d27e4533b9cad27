/**
 * What goes wrong in a history, as a list that can be cut down to what matters. Faults of an effect hit
 * the n-th thing that a process does; the others come at their moment.
 */
import { Random } from './random.ts'

export type EffectFault = {
  readonly on: 'effect'
  readonly kind:
    | 'crash before'
    | 'crash after'
    | 'pause before'
    | 'pause after'
    | 'request lost'
    | 'reply lost'
    | 'request late'
    | 'reply late'
  readonly process: string
  readonly effect: number
  readonly ms: number
}
export type TimedFault = {
  readonly on: 'moment'
  readonly kind:
    | 'broker restart'
    | 'broker power cut'
    | 'postgres restart'
    | 'clock jump'
    | 'silent tail'
    | 'redelivery'
    | 'lease cut'
    | 'stop'
    | 'source fails'
    | 'step fails'
    | 'step kills'
  readonly process: string
  readonly at: number
  readonly ms: number
}
export type Fault = EffectFault | TimedFault

export const chaosMs = 10_000
const faultsCount = 24
const offProbability = 0.3

const effectKinds: readonly EffectFault['kind'][] = [
  'crash before',
  'crash after',
  'pause before',
  'pause after',
  'request lost',
  'reply lost',
  'request late',
  'reply late',
]
const momentKinds: readonly TimedFault['kind'][] = [
  'broker restart',
  'broker power cut',
  'postgres restart',
  'clock jump',
  'silent tail',
  'redelivery',
  'lease cut',
  'stop',
  'source fails',
  'step fails',
  'step kills',
]
/** How often a kind is drawn beside the others; those of effects come most often. */
const weights: { readonly [K in Fault['kind']]?: number } = {
  'crash before': 4,
  'crash after': 4,
  'pause before': 2,
  'pause after': 2,
  'request lost': 3,
  'reply lost': 4,
  'request late': 2,
  'reply late': 2,
  redelivery: 2,
  'lease cut': 2,
  'step fails': 2,
}

/** How far the effects of a process go in a history: most of its faults should hit. */
const effectsOf = (process: string): number =>
  process.startsWith('worker') ? 55 : process.startsWith('projector') ? 25 : 45

/** Each class is off in three of ten histories, and the others have rates of their own (swarm). */
export const drawFaults = (random: Random, processes: readonly string[]): Fault[] => {
  const bag = [...effectKinds, ...momentKinds].flatMap((kind) => {
    if (random.chance(offProbability)) return []
    const weight = Math.ceil((weights[kind] ?? 1) * (0.5 + 2 * random.next()))
    return Array.from({ length: weight }, () => kind)
  })
  const count = random.chance(0.1) ? 0 : random.between(faultsCount - 8, faultsCount + 8)
  if (bag.length === 0) return []
  return Array.from({ length: count }, (): Fault => {
    const kind = random.pick(bag)
    const process = random.pick(processes)
    const ms = msOf(kind, random)
    if (!effectKinds.includes(kind as EffectFault['kind']))
      return {
        on: 'moment',
        kind: kind as TimedFault['kind'],
        process,
        at: random.between(0, chaosMs),
        ms,
      }
    const effect = random.between(1, effectsOf(process))
    return { on: 'effect', kind: kind as EffectFault['kind'], process, effect, ms }
  })
}

const msOf = (kind: Fault['kind'], random: Random): number => {
  switch (kind) {
    case 'crash before':
    case 'crash after':
      return random.between(50, 4_000)
    case 'pause before':
    case 'pause after':
      return random.chance(0.3) ? random.between(12_000, 20_000) : random.between(200, 9_000)
    case 'request late':
      return random.between(100, 20_000)
    case 'reply late':
      return random.between(100, 4_900)
    case 'clock jump':
      return random.between(-15_000, 15_000)
    case 'silent tail':
      return random.between(200, 6_000)
    default:
      return random.between(50, 3_000)
  }
}

export const tellFault = (fault: Fault): string =>
  fault.on === 'effect'
    ? `${fault.process} #${fault.effect}: ${fault.kind} (${fault.ms} ms)`
    : `at ${fault.at} ms: ${fault.kind}, ${fault.process} (${fault.ms} ms)`
