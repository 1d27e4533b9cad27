import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { tellFault } from './simulator/faults.ts'
import { bundleOf, runSeeds } from './simulator/pool.ts'
import { mutants } from './simulator/mutants.ts'
import { catchAll } from './simulator/teeth.ts'

/**
 * The production rooms in a world as weak as the real one, in many histories that follow from a seed
 * each. A history that breaks an invariant is told with as few faults as it takes.
 */
const seeds = Number(process.env.HEADWAY_SEEDS ?? 20_000)
const seedsPerMutant = 5_000
const threads = Math.max(1, Math.min(2, availableParallelism()))
/** Of the faults that are drawn, a history must meet so many on average, or it proves little. */
const faultsMin = 12
const timeout = 600_000

const told = (result: Awaited<ReturnType<typeof runSeeds>>): string =>
  result === null
    ? 'every invariant holds'
    : [
        ...result.story.slice(-60),
        ...result.faults.map(tellFault),
        `seed ${result.seed}: ${result.problem}`,
        `again: npm run simulate -- --seeds 1 --from ${result.seed} --trace`,
      ].join('\n')

describe('the simulator', () => {
  test('tells the same history for the same seed', { timeout }, async () => {
    const file = await bundleOf('twice')
    const problem = await runSeeds(file, { from: 1, to: 301, threads: 1, twice: true })
    expect(told(problem)).toBe('every invariant holds')
  })

  test(
    `${seeds} histories keep [I1] [I2] [I4] [I5] [I6] [I7] [I8] [I9] [I10] [I11] [I12] [I14] ` +
      '[I15] [I16] [I17] [I18]',
    { timeout },
    async () => {
      const file = await bundleOf('as-it-is')
      const struck = new Map<string, number>()
      let histories = 0
      const range = { from: 1, to: 1 + seeds, threads, shrinks: true }
      const problem = await runSeeds(file, range, (progress) => {
        histories += progress.histories
        for (const [kind, count] of Object.entries(progress.struck))
          struck.set(kind, (struck.get(kind) ?? 0) + count)
      })
      expect(told(problem)).toBe('every invariant holds')
      expect(histories).toBe(seeds)
      const faults = [...struck.values()].reduce((sum, count) => sum + count, 0)
      expect(faults / histories).toBeGreaterThan(faultsMin)
      expect(struck.size).toBe(19)
    },
  )

  test('catches every planted bug', { timeout }, async () => {
    expect(mutants.length).toBeGreaterThanOrEqual(30)
    const caught = await catchAll({ seedsMax: seedsPerMutant, threads })
    const survivors = caught.filter(({ seed }) => seed === null).map(({ mutant }) => mutant.name)
    expect(survivors).toEqual([])
    expect(caught).toHaveLength(mutants.length)
  })
})
