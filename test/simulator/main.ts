/**
 * `npm run simulate -- --seeds N [--from S] [--trace]`: histories until one breaks an invariant, or N
 * of them. A broken one is told with as few faults as it takes, and with the command that repeats it.
 * `--trace` tells everything that happens in the first one. `--mutants` plants the known bugs
 * instead and tells which history catches each.
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { tellFault } from './faults.ts'
import type { Result } from './history.ts'
import { bundleOf, runSeeds, runShare } from './pool.ts'
import { catchAll } from './teeth.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    trace: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const from = Number(values.from)
const to = from + Number(values.seeds)
const print = (text: string) => process.stdout.write(`${text}\n`)

const tell = ({ seed, problem, faults, story }: Result): void => {
  print(story.join('\n'))
  print(`\n${problem}`)
  print(`\nseed ${seed}, ${faults.length} faults:`)
  for (const fault of faults) print(`  ${tellFault(fault)}`)
  print(`\nagain: npm run simulate -- --seeds 1 --from ${seed} --trace`)
}

const hunt = async (): Promise<void> => {
  const options = { seedsMax: Number(values.seeds), threads: Number(values.threads) }
  const caught = await catchAll({ ...options, only: values.only }, ({ mutant, seed, problem }) =>
    print(
      `${seed === null ? 'SURVIVES' : `seed ${seed}`}  ${mutant.name}: ${problem?.slice(0, 100)}`,
    ),
  )
  const survivors = caught.filter(({ seed }) => seed === null)
  print(`${caught.length} planted, ${survivors.length} survive`)
  process.exitCode = survivors.length > 0 ? 1 : 0
}

const file = values.mutants ? '' : await bundleOf('as-it-is')
if (values.mutants) await hunt()
else if (values.trace) {
  const share = { from, to: from + 1, stride: 1, told: 'effects' } as const
  const { told } = await runShare(file, share).done
  if (told) {
    print(told.story.join('\n'))
    print(`\n${told.problem ?? 'every invariant holds'}\n`)
    for (const fault of told.faults) print(`  ${tellFault(fault)}`)
  }
  process.exitCode = told?.problem ? 1 : 0
} else {
  const startedAt = performance.now()
  let [histories, steps, faults, shown] = [0, 0, 0, 0]
  const rate = () => Math.round(histories / ((performance.now() - startedAt) / 1_000))
  const problem = await runSeeds(
    file,
    { from, to, threads: Number(values.threads), shrinks: true },
    (progress) => {
      histories += progress.histories
      steps += progress.steps
      faults += Object.values(progress.struck).reduce((sum, count) => sum + count, 0)
      if (performance.now() - shown < 2_000) return
      shown = performance.now()
      process.stderr.write(`${histories} of ${to - from} histories, ${rate()}/s\n`)
    },
  )
  if (problem) tell(problem)
  print(
    `${histories} histories, ${faults} faults, ${steps} steps, ${rate()} histories/s: ` +
      (problem ? 'broken' : 'every invariant holds'),
  )
  process.exitCode = problem ? 1 : 0
}
