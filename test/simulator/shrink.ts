/** Leaves out faults for as long as the same invariant breaks (ddmin), then tells what is left. */
import type { Fault } from './faults.ts'
import { runHistory, type Result } from './history.ts'

const runsMax = 400
const invariantOf = ({ problem }: Result): string | null =>
  problem?.match(/^\[\w+\]/)?.[0] ?? problem

export const shrink = (found: Result): Result => {
  const invariant = invariantOf(found)
  const { seed } = found
  let faults = found.faults
  let runs = 0
  const breaks = (some: readonly Fault[]): boolean =>
    runs++ < runsMax && invariantOf(runHistory(seed, { faults: some })) === invariant
  for (let pieces = 2; faults.length > 0 && pieces <= 2 * faults.length;) {
    const size = Math.ceil(faults.length / pieces)
    let isLess = false
    for (let at = 0; at < faults.length; at += size) {
      const rest = [...faults.slice(0, at), ...faults.slice(at + size)]
      if (!breaks(rest)) continue
      faults = rest
      isLess = true
      break
    }
    if (!isLess && size === 1) break
    pieces = isLess ? Math.max(2, pieces - 1) : pieces * 2
  }
  const told = runHistory(seed, { faults, told: 'events' })
  return invariantOf(told) === invariant ? told : found
}
