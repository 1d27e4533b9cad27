/** Histories on several threads, with the product as it is or with one of its lines changed. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Result } from './history.ts'
import type { Progress, Share, Word } from './thread.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const outdir = join(root, 'node_modules/.headway/simulator')
const entry = fileURLToPath(new URL('./thread.ts', import.meta.url))
const bundler = new URL('../../streams/bundle.mjs', import.meta.url).href
const youngMb = 64

/** As much of the bundler as is used here. */
type Loaded = { readonly contents: string; readonly loader: 'ts' } | undefined
type Build = {
  readonly onLoad: (
    what: { readonly filter: RegExp },
    load: (args: { readonly path: string }) => Loaded,
  ) => void
}
type Plugin = { readonly name: string; readonly setup: (build: Build) => void }

/** One line of the product as somebody might have written it. */
export type Patch = {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export class PatchError extends Error {
  override readonly name = 'PatchError'
}

const patched = ({ file, find, replace }: Patch): string => {
  const text = readFileSync(join(root, file), 'utf8')
  const parts = text.split(find)
  if (parts.length !== 2)
    throw new PatchError(`${file} holds this ${parts.length - 1} times, not once: ${find}`)
  return parts.join(replace)
}

const plugin = (patches: readonly Patch[]): Plugin => ({
  name: 'planted',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const mine = patches.filter(({ file }) => file === relative(root, path))
      const [patch] = mine
      if (!patch) return undefined
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: patched(patch).replaceAll('import.meta.url', url), loader: 'ts' }
    })
  },
})

/** The simulator as one file that threads can run. */
export const bundleOf = async (name: string, patch?: Patch): Promise<string> => {
  if (patch) patched(patch)
  const { bundle } = (await import(bundler)) as {
    bundle: (from: string, to: string, plugins: readonly Plugin[]) => Promise<void>
  }
  const outfile = join(outdir, `${name}.mjs`)
  await bundle(entry, outfile, patch ? [plugin([patch])] : [])
  return outfile
}

export type Outcome = { readonly problem: Result | null; readonly told: Result | null }

/** One share on one thread. */
export const runShare = (
  file: string,
  share: Share,
  onProgress: (progress: Progress) => void = () => {},
): { readonly done: Promise<Outcome>; readonly stop: () => void } => {
  const worker = new Worker(file, {
    workerData: share,
    resourceLimits: { maxYoungGenerationSizeMb: youngMb },
    execArgv: [],
  })
  const done = new Promise<Outcome>((resolve, reject) => {
    let problem: Result | null = null
    let told: Result | null = null
    worker.on('message', (word: Word) => {
      if (word.type === 'progress') onProgress(word.progress)
      else if (word.type === 'problem') problem = word.result
      else if (word.type === 'told') told = word.result
      else void worker.terminate()
    })
    worker.once('error', reject)
    worker.once('exit', () => resolve({ problem, told }))
  })
  return { done, stop: () => void worker.terminate() }
}

/** Seeds from `from` up to `to`, on some threads; ends with the first problem of any of them. */
export const runSeeds = async (
  file: string,
  { threads, ...range }: { readonly threads: number } & Omit<Share, 'stride'>,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Result | null> => {
  const shares = Array.from({ length: threads }, (_, i) =>
    runShare(file, { ...range, from: range.from + i, stride: threads }, onProgress),
  )
  const problems = await Promise.all(
    shares.map(async ({ done }, mine) => {
      const { problem } = await done
      if (problem) for (const [i, { stop }] of shares.entries()) if (i !== mine) stop()
      return problem
    }),
  )
  return problems.find((problem) => problem !== null) ?? null
}
