/**
 * Reading in a repository that was fetched: the bytes of the wanted files come at once, whether they are
 * here already or not, and are looked at only when they are neither too big nor too many.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GitError } from './error.ts'
import type { Run } from './process.ts'
import type { Bare } from './repositories.ts'
import * as tree from './tree.ts'

export type File = { readonly path: string; readonly bytes: Buffer }

export type Command = (args: readonly string[], more?: Partial<Run>) => Promise<Buffer>

const packsMax = 64
const readMsMax = 60_000

export const fetchFlags = [
  'fetch',
  '--quiet',
  '--force',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
  '--filter=blob:none',
  'origin',
]

/** Many small packs are slow to search. */
export const keepFew = async (git: Command, { directory }: Bare): Promise<void> => {
  const names = await readdir(join(directory, 'objects', 'pack')).catch(() => [])
  if (names.filter((name) => name.endsWith('.pack')).length <= packsMax) return
  await git(['repack', '-a', '-d', '-q']).catch(() => {})
}

export const readFiles = async (
  git: Command,
  bare: Bare,
  commit: string,
  files: readonly tree.Listed[],
): Promise<readonly File[]> => {
  if (files.length === 0) return []
  tree.checkSizes(
    files,
    files.map(() => 0),
  )
  const input = `${files.map(({ hash }) => hash).join('\n')}\n`
  await bring(git, bare, commit, files)
  const sizes = tree.sizesOf(await git(['cat-file', '--batch-check'], { input }))
  const missing = files.find((_, index) => sizes[index] === null)
  if (missing) throw new GitError('git_failed', `the bytes of ${missing.path} did not come`, true)
  tree.checkSizes(files, sizes as readonly number[])
  const printed = await git(['cat-file', '--batch', '--buffer'], { input, timeoutMs: readMsMax })
  return tree.blobsOf(printed, files.length).map((bytes, index) => {
    tree.checkPointer(files[index]!, bytes)
    return { path: files[index]!.path, bytes }
  })
}

/** Fetches all bytes that are not there yet at once; one by one is what git would do by itself. */
const bring = async (
  git: Command,
  { directory }: Bare,
  commit: string,
  files: readonly tree.Listed[],
): Promise<void> => {
  const names = await readdir(join(directory, 'objects', 'pack')).catch(() => [])
  if (!names.some((name) => name.endsWith('.promisor'))) return
  const walked = await git(['rev-list', '--objects', '--missing=print', '--no-walk', commit])
  const missing = new Set(walked.toString('utf8').match(/(?<=^\?)[0-9a-f]+$/gm) ?? [])
  const wanted = [...new Set(files.map(({ hash }) => hash).filter((hash) => missing.has(hash)))]
  if (wanted.length === 0) return
  await git([...fetchFlags, '--stdin'], {
    input: `${wanted.join('\n')}\n`,
  })
}
