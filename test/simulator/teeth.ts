/** Each planted bug in a bundle of its own, and the first history that shows it. */
import { bundleOf, runShare } from './pool.ts'
import { mutants, type Mutant } from './mutants.ts'

export type Caught = {
  readonly mutant: Mutant
  /** Null when it survived. */
  readonly seed: number | null
  readonly problem: string | null
}

export const catchAll = async (
  options: { readonly seedsMax: number; readonly threads: number; readonly only?: string },
  onCaught: (caught: Caught) => void = () => {},
): Promise<readonly Caught[]> => {
  const queue = mutants.filter(({ name }) => name.includes(options.only ?? ''))
  const caught: Caught[] = []
  const hunt = async (thread: number) => {
    for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
      const file = await bundleOf(`planted-${thread}`, mutant)
      const { seed } = mutant
      const known = await runShare(file, { from: seed, to: seed + 1, stride: 1 }).done
      const all = { from: 1, to: 1 + options.seedsMax, stride: 1 }
      const { problem } = known.problem ? known : await runShare(file, all).done
      const one = { mutant, seed: problem?.seed ?? null, problem: problem?.problem ?? null }
      caught.push(one)
      onCaught(one)
    }
  }
  await Promise.all(Array.from({ length: options.threads }, (_, thread) => hunt(thread)))
  return caught
}
