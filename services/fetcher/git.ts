/**
 * Git, as the fetcher needs it: what the refs of a repository say now, and the files of one exact
 * commit. Nothing is ever checked out. A repository is fetched without its files' bytes where the
 * server knows how, and then only the bytes of the files that were asked for.
 */
import { createHash } from 'node:crypto'
import { SecretError } from '@headway/streams/secrets.ts'
import {
  addressOf,
  checkTarget,
  lookupAll,
  type Address,
  type Lookup,
  type Place,
} from './git/address.ts'
import { GitError } from './git/error.ts'
import { runGit, type Config, type Run } from './git/process.ts'
import { fetchFlags, keepFew, readFiles, type Command, type File } from './git/read.ts'
import { Repositories, type Bare, type RepositoriesOptions } from './git/repositories.ts'
import * as tree from './git/tree.ts'
import { SecretsInUse } from './secrets.ts'

export type { Place } from './git/address.ts'
export { GitError } from './git/error.ts'
export type { File } from './git/read.ts'
export type { Details, Listed } from './git/tree.ts'

/** One look into a repository, as it is while the look lasts. */
export type Visit = {
  /** The exact commit that was asked for, a tag led to its commit; null when it is nowhere. */
  readonly commit: string | null
  /** The commit that the ref names now; null when there is no such ref any more. */
  readonly tip: string | null
  /** False also when one of them is not known here. */
  readonly isAncestor: (ancestor: string, descendant: string) => Promise<boolean>
  details(): Promise<tree.Details>
  list(): Promise<readonly tree.Listed[]>
  /** The bytes of listed files, in their order. Throws `GitError` for what is too much. */
  read(files: readonly tree.Listed[]): Promise<readonly File[]>
}

/** Without a commit the one that the ref names now is meant. */
export type Asked = { readonly ref: string; readonly commit?: string | undefined }

export type Git = {
  /** Ref → the commit it names, for heads, tags and pull requests. */
  refs(place: Place, signal: AbortSignal): Promise<ReadonlyMap<string, string>>
  visit<T>(
    place: Place,
    target: Asked,
    signal: AbortSignal,
    look: (visit: Visit) => Promise<T>,
  ): Promise<T>
}

export type GitOptions = RepositoriesOptions & {
  readonly secret: (ref: string) => Promise<string>
  readonly lookup?: Lookup
  readonly fetchMsMax?: number
  /** No pack that is fetched grows beyond this. */
  readonly packBytesMax?: number
}

const fetchMsMaxDefault = 120_000

/** Whom a token belongs to, where a platform wants to be told. */
const usernames: Readonly<Record<string, string>> = {
  github: 'x-access-token',
  gitlab: 'oauth2',
  gitea: 'oauth2',
  bitbucket: 'x-token-auth',
}

const localRef = (ref: string): string =>
  `refs/headway/${createHash('sha256').update(ref).digest('hex').slice(0, 32)}`

type Door = {
  readonly address: Address
  readonly config: Config
  readonly hide: (text: string) => string
}

export const openGit = (options: GitOptions): Git => {
  const { secret, lookup = lookupAll, fetchMsMax = fetchMsMaxDefault } = options
  const repositories = new Repositories(options)

  /** Credentials and pins, as configuration that exists while a command runs. */
  const doorTo = async (place: Place): Promise<Door> => {
    const address = await addressOf(place, lookup)
    const pin: Config = address.pin ? { 'http.curloptResolve': address.pin } : {}
    if (!place.token) return { address, config: pin, hide: (text) => text }
    const username = usernames[place.platform] ?? 'git'
    const secrets = new SecretsInUse({ type: 'basic', username, password: place.token }, secret)
    const token = await secrets.resolve(place.token).catch((error: unknown) => {
      if (error instanceof SecretError)
        throw new GitError('secret_missing', error.message, error.retryable)
      throw error
    })
    const basic = Buffer.from(`${username}:${token}`).toString('base64')
    const header = {
      [`http.${new URL(address.url).origin}/.extraHeader`]: `Authorization: Basic ${basic}`,
    }
    const given = address.protocol === 'file' ? {} : header
    return { address, config: { ...pin, ...given }, hide: secrets.hide }
  }

  return {
    refs: async (place, signal) => {
      const { address, config, hide } = await doorTo(place)
      const { protocol } = address
      const patterns = ['refs/heads/*', 'refs/tags/*', 'refs/pull/*/head']
      const others = ['refs/merge-requests/*/head', 'refs/pull-requests/*/from']
      const printed = await runGit({
        args: ['ls-remote', '--quiet', '--', address.url, ...patterns, ...others],
        protocol,
        config,
        hide,
        signal,
        timeoutMs: fetchMsMax,
      })
      return refsOf(printed)
    },

    visit: async (place, target, signal, look) => {
      checkTarget(target.ref, target.commit)
      const door = await doorTo(place)
      const { url } = door.address
      const key = [place.tenant, place.source, url].join('\n')
      const visitOnce = () =>
        repositories.use(key, url, signal, async (bare, origin) => {
          const base = {
            directory: bare.directory,
            protocol: door.address.protocol,
            config: { ...origin, ...door.config },
            hide: door.hide,
            signal,
            timeoutMs: fetchMsMax,
            ...(options.packBytesMax ? { fileBytesMax: options.packBytesMax } : {}),
          }
          return within(base, bare, target, repositories, look)
        })
      try {
        return await visitOnce()
      } catch (error) {
        // It was broken, and is gone: a new one tells whether it was that.
        if (error instanceof Broken) return visitOnce()
        throw error
      }
    },
  }
}

class Broken extends Error {
  override readonly name = 'Broken'
}

/** Reads what `ls-remote` prints. An annotated tag names its commit in a line of its own. */
const refsOf = (printed: Buffer): ReadonlyMap<string, string> => {
  const refs = new Map<string, string>()
  for (const line of printed.toString('utf8').split('\n')) {
    const [hash, ref] = line.split('\t')
    if (hash && ref) refs.set(ref.replace(/\^\{\}$/, ''), hash)
  }
  return refs
}

type Base = Omit<Run, 'args'>

const within = async <T>(
  base: Base,
  bare: Bare,
  target: Asked,
  repositories: Repositories,
  look: (visit: Visit) => Promise<T>,
): Promise<T> => {
  const git = (args: readonly string[], more: Partial<Run> = {}) =>
    runGit({ ...base, args, ...more })
  let visit: Visit
  try {
    visit = await visitOf(git, bare, target)
  } catch (error) {
    const isOurs = error instanceof GitError && error.type === 'git_failed'
    if (!isOurs) throw error
    await repositories.discard(bare)
    throw bare.isNew ? error : new Broken()
  }
  return look(visit)
}

/** Fetches the ref and the commit; says whether the ref is still there. */
const fetchBoth = async (git: Command, { ref, commit }: Asked): Promise<boolean> => {
  const asRef = `+${ref}:${localRef(ref)}`
  const exactly = commit === undefined ? [] : [commit]
  const unless = async (type: string, args: readonly string[]): Promise<boolean> => {
    try {
      await git([...fetchFlags, ...args])
      return true
    } catch (error) {
      if (error instanceof GitError && error.type === type) return false
      throw error
    }
  }
  try {
    await git([...fetchFlags, asRef, ...exactly])
    return true
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    if (error.type === 'ref_missing') {
      if (commit !== undefined) await unless('commit_missing', exactly)
      return false
    }
    if (error.type !== 'commit_missing') throw error
    // The server gives no commit by its hash, or has not got it: the ref may lead there.
    return unless('ref_missing', [asRef])
  }
}

const visitOf = async (git: Command, bare: Bare, { ref, commit }: Asked): Promise<Visit> => {
  await keepFew(git, bare)
  const hasRef = await fetchBoth(git, { ref, commit })
  const list = (name: string) => git(['ls-tree', '-r', '-z', '--full-tree', name])
  const tell = (name: string) =>
    git(['log', '-1', '--no-show-signature', '--format=%an <%ae>%x00%aI%x00%s', name])
  // Most of the time the commit is there and is one: what will be asked about it is asked at once.
  const ahead = commit === undefined ? null : { listed: list(commit), told: tell(commit) }
  ahead?.listed.catch(() => {})
  ahead?.told.catch(() => {})
  const peel = (name: string): Promise<string | null> =>
    git(['rev-parse', '--quiet', '--verify', '--end-of-options', `${name}^{commit}`]).then(
      (printed) => printed.toString('utf8').trim(),
      (error: unknown) => {
        if (error instanceof GitError && error.type !== 'stopped') return null
        throw error
      },
    )
  const [tip, named] = await Promise.all([
    hasRef ? peel(localRef(ref)) : null,
    commit === undefined ? null : peel(commit),
  ])
  const exact = commit === undefined ? tip : named
  const isAhead = ahead !== null && exact === commit
  return {
    tip,
    commit: exact,
    isAncestor: (ancestor, descendant) =>
      git(['merge-base', '--is-ancestor', ancestor, descendant]).then(
        () => true,
        (error: unknown) => {
          if (error instanceof GitError && error.type !== 'stopped') return false
          throw error
        },
      ),
    details: async () => tree.detailsOf(await (isAhead ? ahead.told : tell(exact!))),
    list: async () => tree.listOf(await (isAhead ? ahead.listed : list(exact!))),
    read: (files) => readFiles(git, bare, exact!, files),
  }
}
