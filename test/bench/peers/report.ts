/**
 * What was measured, as figures and as a table. The ceiling of a figure is the best peer of all. Where that
 * one leaves something out of the job, ours has another figure beside the best that does the whole of it:
 * history kept, every run for itself.
 */
import { figure, percentile, round, type Figure } from '../figure.ts'
import { contestants, ours } from './contestants.ts'
import { durabilities, type Durability } from './peer.ts'

export type Result = {
  readonly contestant: string
  readonly durability: Durability
  readonly quantity: Quantity
  /** One per repetition. */
  readonly values: readonly number[]
  readonly versions: Readonly<Record<string, string>>
}
export type Quantity = keyof typeof quantities

const quantities = {
  p50: { title: 'one at a time, p50', unit: 'ms', isLowBest: true },
  p99: { title: 'one at a time, p99', unit: 'ms', isLowBest: true },
  loop: { title: '256 in flight', unit: 'runs/s', isLowBest: false },
  backlog: { title: 'backlog drained', unit: 'runs/s', isLowBest: false },
} as const
const names = Object.keys(quantities) as Quantity[]

const words: Readonly<Record<Durability, string>> = {
  second: 'losing at most a second',
  nothing: 'losing nothing',
}

const median = (values: readonly number[]): number => percentile(values, 0.5)

type Best = { readonly contestant: string; readonly value: number }

const bestOf = (
  results: readonly Result[],
  like: Pick<Result, 'durability' | 'quantity'>,
  isIn: (contestant: string) => boolean,
): Best | undefined => {
  const direction = quantities[like.quantity].isLowBest ? 1 : -1
  return results
    .filter(({ durability, quantity, contestant }) => {
      const isLike = durability === like.durability && quantity === like.quantity
      return isLike && isIn(contestant)
    })
    .map(({ contestant, values }) => ({ contestant, value: median(values) }))
    .sort((a, b) => direction * (a.value - b.value))[0]
}

const isPeer = (name: string): boolean => name !== ours && !contestants[name]!.isCeiling
const isWhole = (name: string): boolean => isPeer(name) && contestants[name]!.lacks === undefined

export const figuresOf = (results: readonly Result[]): Figure[] =>
  results.flatMap((result) => {
    const best = bestOf(results, result, isPeer)
    const whole = bestOf(results, result, isWhole)
    const figures = [figureOf(result, '', best)]
    if (result.contestant === ours && whole && whole.contestant !== best?.contestant)
      figures.push(figureOf(result, ', beside those who do the whole job', whole))
    return figures
  })

const figureOf = (result: Result, beside: string, best: Best | undefined): Figure => {
  const { title, unit } = quantities[result.quantity]
  const name = `${result.contestant}: ${title}${beside}`
  return {
    ...figure(name, median(result.values), unit, best?.value),
    durability: words[result.durability],
    ...(result.versions.node === undefined ? {} : { node: result.versions.node }),
    versions: result.versions,
    samples: result.values.map(round),
  }
}

export const tableOf = (results: readonly Result[]): string => {
  const heads = names.map((name) => `${quantities[name].title} (${quantities[name].unit})`)
  const lines = durabilities.flatMap((durability) => {
    const rows = Object.keys(contestants).flatMap((contestant) => {
      const cells = names.map((quantity) => {
        const found = results.find(
          (one) =>
            one.contestant === contestant &&
            one.durability === durability &&
            one.quantity === quantity,
        )
        return found ? String(round(median(found.values))) : '–'
      })
      const isMeasured = cells.some((cell) => cell !== '–')
      return isMeasured ? [row([contestant, ...cells, contestants[contestant]!.lacks ?? ''])] : []
    })
    if (rows.length === 0) return []
    const head = row([words[durability], ...heads, 'lacks'])
    const rule = row(['---', ...names.map(() => '--:'), '---'])
    return ['', head, rule, ...rows]
  })
  return [...lines, '', ...verdictsOf(results), ''].join('\n')
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

/** Who is how far ahead of whom, a line per quantity; another one when only something less is ahead. */
const verdictsOf = (results: readonly Result[]): string[] =>
  results
    .filter(({ contestant }) => contestant === ours)
    .flatMap((own) => {
      const whole = bestOf(results, own, isWhole)
      const any = bestOf(results, own, isPeer)
      const lines = whole ? [verdict(own, whole)] : []
      if (any && any.contestant !== whole?.contestant)
        lines.push(`${verdict(own, any)} (lacks ${contestants[any.contestant]!.lacks})`)
      return lines
    })

const verdict = (own: Result, peer: Best): string => {
  const { title, isLowBest } = quantities[own.quantity]
  const value = median(own.values)
  const lead = isLowBest ? peer.value / value : value / peer.value
  const said =
    lead >= 1
      ? `${ours} is ${round(lead)} × as good as ${peer.contestant}`
      : `${peer.contestant} wins, ${round(1 / lead)} × as good as ${ours}`
  return `- ${words[own.durability]}, ${title}: ${said}`
}
