/**
 * A pipeline folder and its version: the first 12 hex digits of the SHA-256 over every file's path and
 * bytes, in path order. Hidden files and `node_modules` do not count.
 *
 * What a worker runs is a copy of the folder taken when the version was first seen, kept beside the
 * pipelines in `.releases/<pipeline folder>/<version>`. So an edit in the middle of a run changes nothing
 * for that run, and a version whose folder has moved on can still finish what waits for it.
 */
import { createHash, randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import type { PipelineVersion } from '@headway/schemas/ids.ts'

/** A pipeline folder that cannot be loaded: the author's own words, and where it went wrong. */
export class LoadError extends Error {
  override readonly name = 'LoadError'
}

const versionDigits = 12
const snapshotTriesMax = 20

const counts = (name: string): boolean => !name.startsWith('.') && name !== 'node_modules'

const filesOf = async (directory: string): Promise<string[]> => {
  const entries = await readdir(directory, { withFileTypes: true })
  const nested = await Promise.all(
    entries
      .filter((entry) => counts(entry.name))
      .map((entry) => {
        const path = join(directory, entry.name)
        if (entry.isSymbolicLink())
          throw new LoadError(
            `${path} is a link: a pipeline folder holds files, its bytes are its version`,
          )
        return entry.isDirectory() ? filesOf(path) : Promise.resolve([path])
      }),
  )
  return nested.flat()
}

export type Artifact = {
  readonly path: string
  readonly digest: string
  readonly sizeBytes: number
}

/** The files of a folder in path order, each with its digest, and the version they make together. */
export const describeFolder = async (
  directory: string,
): Promise<{ readonly version: PipelineVersion; readonly artifacts: readonly Artifact[] }> => {
  const hash = createHash('sha256')
  const files = (await filesOf(directory))
    .map((path) => ({ path, name: relative(directory, path).split(sep).join('/') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const artifacts: Artifact[] = []
  for (const { path, name } of files) {
    const bytes = await readFile(path)
    hash.update(`${name}\0${bytes.length}\0`).update(bytes)
    const digest = createHash('sha256').update(bytes).digest('hex')
    artifacts.push({ path: name, digest, sizeBytes: bytes.length })
  }
  return { version: hash.digest('hex').slice(0, versionDigits), artifacts }
}

export const versionOf = async (directory: string): Promise<PipelineVersion> =>
  (await describeFolder(directory)).version

/** One version over several: what a worker as a whole runs. */
export const versionOfAll = (versions: readonly PipelineVersion[]): PipelineVersion =>
  createHash('sha256')
    .update([...versions].sort().join('\n'))
    .digest('hex')
    .slice(0, versionDigits)

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const snapshotPath = (root: string, folder: string, version: PipelineVersion): string =>
  join(root, '.releases', folder, version)

/** The kept copy of a version, or null when this machine never saw it. */
export const findSnapshot = async (
  root: string,
  folder: string,
  version: PipelineVersion,
): Promise<string | null> => {
  const path = snapshotPath(root, folder, version)
  return (await exists(path)) ? path : null
}

/**
 * The folder's version and the copy to run. Several workers may take the same copy at once: each makes
 * its own and the first one's stays. A folder that is written to meanwhile is looked at again.
 */
export const takeSnapshot = async (
  root: string,
  folder: string,
): Promise<{ version: PipelineVersion; path: string }> => {
  const source = join(root, folder)
  if (!(await exists(source))) throw new LoadError(`there is no folder ${source}`)
  for (let tries = 0; tries < snapshotTriesMax; tries++) {
    const version = await versionOf(source)
    const path = snapshotPath(root, folder, version)
    if (await exists(path)) return { version, path }
    const draft = `${path}.${randomUUID()}`
    try {
      await mkdir(join(path, '..'), { recursive: true })
      const filter = (from: string) => from === source || counts(basename(from))
      await cp(source, draft, { recursive: true, filter })
      if ((await versionOf(draft)) !== version) continue
      await rename(draft, path).catch(async (error: unknown) => {
        if (!(await exists(path))) throw error
      })
      return { version, path }
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }
  throw new Error(`${source} keeps changing: no copy of it could be taken`)
}
