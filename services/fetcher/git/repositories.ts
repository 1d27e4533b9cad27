/**
 * Bare repositories kept on disk, so that a push costs what it changed. They are a cache and nothing
 * more: bounded in number and size, the ones used longest ago go first, and one that is broken is made
 * anew. A repository appears complete, by a rename; what a dead fetcher left half made is swept later.
 *
 * In one process a repository has one user at a time. Another process may use the same folder: git
 * itself keeps them apart, and what goes wrong then goes well when it is done again.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Turns } from '../turns.ts'
import { runGit, type Config } from './process.ts'

export type RepositoriesOptions = {
  readonly directory: string
  readonly countMax?: number
  readonly bytesMax?: number
}

export type Bare = {
  readonly directory: string
  /** It was made for this use. */
  readonly isNew: boolean
}

const countMaxDefault = 64
const bytesMaxDefault = 8 * 1024 * 1024 * 1024
const initMsMax = 10_000
/** What is half made or half gone belongs to nobody after this. */
const leftoverMs = 3_600_000
/** Another process may be using what was used so lately. */
const inUseMs = 60_000
const mark = 'headway-used'
const leftover = /\.(new|gone)-/

const configOf = (url: string): Config => ({
  'remote.origin.url': url,
  'remote.origin.promisor': 'true',
  'remote.origin.partialclonefilter': 'blob:none',
})

export const nameOf = (key: string): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 32)

const sizeOf = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => [])
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

export class Repositories {
  readonly #options: RepositoriesOptions
  readonly #uses = new Turns()
  readonly #sizes = new Map<string, number>()

  constructor(options: RepositoriesOptions) {
    this.#options = options
  }

  /** Lends a repository, alone. `config` says where it comes from, for every command in it. */
  async use<T>(
    key: string,
    url: string,
    signal: AbortSignal,
    work: (bare: Bare, config: Config) => Promise<T>,
  ): Promise<T> {
    const name = nameOf(key)
    try {
      return await this.#uses.take(name, () => this.#lend(name, url, signal, work))
    } finally {
      await this.#makeRoom()
    }
  }

  async discard({ directory }: Pick<Bare, 'directory'>): Promise<void> {
    const gone = `${directory}.gone-${randomUUID()}`
    await rename(directory, gone).catch(() => {})
    await rm(gone, { recursive: true, force: true })
  }

  async #lend<T>(
    name: string,
    url: string,
    signal: AbortSignal,
    work: (bare: Bare, config: Config) => Promise<T>,
  ): Promise<T> {
    const directory = join(this.#options.directory, name)
    const now = new Date()
    const isThere = await utimes(join(directory, mark), now, now).then(
      () => true,
      () => false,
    )
    if (!isThere) await this.#make(directory, signal)
    try {
      return await work({ directory, isNew: !isThere }, configOf(url))
    } finally {
      this.#sizes.set(name, await sizeOf(directory))
    }
  }

  async #make(directory: string, signal: AbortSignal): Promise<void> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 })
    const made = `${directory}.new-${randomUUID()}`
    const args = ['init', '--quiet', '--bare', '--template=', made]
    await runGit({ args, timeoutMs: initMsMax, signal })
    const settings = { 'core.repositoryformatversion': '1', 'extensions.partialClone': 'origin' }
    for (const [name, value] of Object.entries(settings))
      await runGit({
        args: ['config', name, value],
        directory: made,
        timeoutMs: initMsMax,
        signal,
      })
    await writeFile(join(made, mark), '')
    // Somebody was faster, or it lies there broken.
    await rename(made, directory).catch(async () => {
      const isGood = await stat(join(directory, mark)).then(
        () => true,
        () => false,
      )
      if (isGood) return rm(made, { recursive: true, force: true })
      await this.discard({ directory })
      await rename(made, directory)
    })
  }

  /** Lets go of those used longest ago until the rest is within its bounds. */
  async #makeRoom(): Promise<void> {
    const { directory, countMax = countMaxDefault, bytesMax = bytesMaxDefault } = this.#options
    const now = Date.now()
    const kept: { name: string; usedAt: number; size: number }[] = []
    for (const name of await readdir(directory).catch(() => [])) {
      const path = join(directory, name)
      if (leftover.test(name)) {
        const made = await stat(path).catch(() => null)
        if (made && now - made.mtimeMs > leftoverMs)
          await rm(path, { recursive: true, force: true })
        continue
      }
      const used = await stat(join(path, mark)).catch(() => null)
      const size = this.#sizes.get(name) ?? (await sizeOf(path))
      this.#sizes.set(name, size)
      kept.push({ name, usedAt: used?.mtimeMs ?? 0, size })
    }
    kept.sort((one, other) => other.usedAt - one.usedAt)
    let bytes = 0
    for (const [index, { name, usedAt, size }] of kept.entries()) {
      bytes += size
      const fits = index < countMax && bytes <= bytesMax
      if (fits || this.#uses.isTaken(name)) continue
      if (index > 0 && now - usedAt < inUseMs && index < 2 * countMax && bytes <= 2 * bytesMax)
        continue
      bytes -= size
      this.#sizes.delete(name)
      await this.discard({ directory: join(directory, name) })
    }
  }
}
